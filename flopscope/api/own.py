"""What functions read that take networks of one's own along free sizes, or with accuracies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flopscope.api.given import is_number, mapping, network, texts
from flopscope.brief import shown
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.answers.ranges import Range


def network_or_maker(name: str, value: Any) -> Any:
    """A target as text, a module, or a class or function that makes one."""
    from flopscope.answers.making import target_of

    return target_of(value) if callable(value) else network(name, value)


def ranges(name: str, value: Any) -> tuple[Range, ...]:
    """Free sizes as text, as a list of texts, or as a mapping from names to their values; None
    stands for no values of one's own."""
    from flopscope.answers.ranges import read_ranges

    return read_ranges(mapping(name, value) if isinstance(value, Mapping) else texts(name, value))


def percentages(name: str, value: Any) -> tuple[Any, ...]:
    """A percentage, or several: numbers or texts such as '71.3'."""
    given = value if isinstance(value, list | tuple) else [value]
    for one in given:
        if not (is_number(one) or isinstance(one, str)):
            raise BadInput(f"{name} {shown(one)} is not a percentage; give one such as 71.3")
    return tuple(one if isinstance(one, str) else f"{float(one):.15g}" for one in given)
