"""Caches of results by arguments, while a network is traced.

A cached function runs as if it were not: shapes must not stay in its cache, and what is there may
be of another run. Sizes are the keys of dictionaries, which torch's symbolic ones refuse to be.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from flopscope.snapshot import CACHED, theirs
from flopscope.tracing.node import SizeNode


@contextmanager
def uncached(spaces: Iterable[dict[str, Any]]) -> Iterator[None]:
    """While active, functions and methods cached by functools run without, where files name
    them."""
    before: list[tuple[Any, str, Any]] = []
    for names in spaces:
        own = [v for v in names.values() if isinstance(v, type) and theirs(v)]
        for place, held in [(names, names), *((kind, vars(kind)) for kind in own)]:
            before += [(place, n, v) for n, v in held.items() if isinstance(v, CACHED)]
    try:
        for place, name, function in before:
            _put(place, name, _plain(function))
        yield
    finally:
        for place, name, function in before:
            _put(place, name, function)


def _put(place: Any, name: str, value: Any) -> None:
    if isinstance(place, dict):
        place[name] = value
    else:
        setattr(place, name, value)


def _plain(cached: Any) -> Any:
    """The function itself; who asks for its cache sees that of the cached one, and clears none."""

    @functools.wraps(cached.__wrapped__)
    def function(*args: Any, **kwargs: Any) -> Any:
        return cached.__wrapped__(*args, **kwargs)

    own: Mapping[str, Any] = {
        "cache_info": cached.cache_info,
        "cache_parameters": cached.cache_parameters,
        "cache_clear": lambda: None,
    }
    vars(function).update(own)
    return function


@contextmanager
def hashable_sizes() -> Iterator[None]:
    """While active, symbolic sizes of a trace are keys: equal ones are the same key."""
    before = torch.SymInt.__hash__

    def of(size: torch.SymInt) -> int:
        node = size.node
        return hash((id(node.trail), node.value)) if isinstance(node, SizeNode) else before(size)

    torch.SymInt.__hash__ = of  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        torch.SymInt.__hash__ = before  # type: ignore[method-assign]
