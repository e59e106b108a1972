"""Sizes that have their values for good, so that no other value can be asked for in vain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from flopscope.domain.checks import bindings
from flopscope.domain.truths import anywhere
from flopscope.errors import BadInput
from flopscope.sizes import is_array, is_symbolic

Given: TypeAlias = tuple[tuple[str, Any], ...]
"""Names of sizes that were replaced, each with what it was replaced by."""


def check_given(given: Given, sizes: Mapping[str, Any], thing: str) -> None:
    """Raises BadInput for a size that `thing` has at another value already.

    >>> check_given((("width", 1),), {"width": 1.0, "H": 32}, "this formula")
    >>> check_given((("width", 1),), {"width": 2}, "this formula")
    Traceback (most recent call last):
        ...
    flopscope.errors.BadInput: this formula has width=1 already, and width=2 would change nothing; \
give it to the one in which width is free
    """
    for name, value in given:
        if name in sizes and not _same(value, sizes[name]):
            raise BadInput(
                f"{thing} has {bindings({name: value})} already, and "
                f"{bindings({name: sizes[name]})} would change nothing; give it to the one in "
                f"which {name} is free"
            )


def with_more(given: Given, sizes: Mapping[str, Any]) -> Given:
    """What was given, and these sizes; without those that are free, as H is where 2·H replaces it.

    >>> with_more((("H", 32),), {"W": 32, "B": 1})
    (('H', 32), ('W', 32), ('B', 1))
    """
    free = {s.name for value in sizes.values() if is_symbolic(value) for s in value.symbols()}
    return tuple((n, value) for n, value in {**dict(given), **sizes}.items() if n not in free)


def in_both(one: Given, other: Given) -> Given:
    """The sizes that both have at one value."""
    values = dict(other)
    return tuple((n, value) for n, value in one if n in values and _same(value, values[n]))


def _same(one: Any, other: Any) -> bool:
    if is_array(one) and is_array(other) and one.shape != other.shape:
        return False
    return not anywhere(one != other)
