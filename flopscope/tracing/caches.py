"""Caches of results by arguments, while a network is traced.

A cached function keeps the results of one run in a cache of that run, since shapes must not stay in
its own cache, and its own cache may have results of other runs. Symbolic sizes can be keys of
dictionaries, which torch's own sizes refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from flopscope.snapshot import CACHED, theirs
from flopscope.tracing.node import SizeNode

METHODS = (CACHED, staticmethod, classmethod)
"""The types that a cached function may have in a class."""


class OfOneRun:
    """A cached function with a cache of its own run, in which equal sizes are the same argument."""

    def __init__(self, cached: Any) -> None:
        self.__wrapped__ = cached.__wrapped__
        self._cached = cached
        self._results: dict[Any, Any] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        key = _key(args, kwargs)
        if key not in self._results:
            self._results[key] = self.__wrapped__(*args, **kwargs)
        return self._results[key]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else partial(self, instance)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cached, name)

    def cache_clear(self) -> None:
        """Clear the cache of this run."""
        self._results.clear()


def _key(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    named = tuple((name, _hashable(value)) for name, value in sorted(kwargs.items()))
    return (tuple(map(_hashable, args)), named)


def _hashable(value: Any) -> Any:
    """A size as its value and type, since 1 and 1.0 are not the same argument."""
    if isinstance(value, torch.SymInt | torch.SymFloat) and isinstance(value.node, SizeNode):
        return (type(value), value.node.value)
    if isinstance(value, tuple):
        return (type(value), tuple(map(_hashable, value)))
    return (type(value), value)


@contextmanager
def uncached(places: Iterable[dict[str, Any]]) -> Iterator[None]:
    """While active, the cached functions and methods of these modules have caches of this run."""
    before: list[tuple[Callable[[str, Any], None], str, Any]] = []
    own: dict[int, OfOneRun] = {}
    try:
        for put, name, cached in list(_cached_in(places)):
            before.append((put, name, cached))
            inner = getattr(cached, "__func__", cached)
            of_this_run = own.setdefault(id(inner), OfOneRun(inner))
            put(name, of_this_run if inner is cached else type(cached)(of_this_run))
        yield
    finally:
        for put, name, cached in reversed(before):
            put(name, cached)


def _cached_in(
    places: Iterable[dict[str, Any]],
) -> Iterator[tuple[Callable[[str, Any], None], str, Any]]:
    """The places of cached functions: how each is replaced, its name, and the function itself."""
    classes: dict[int, type] = {}
    for namespace in places:
        classes |= {id(v): v for v in namespace.values() if issubclass(type(v), type)}
        for name, value in _of_types(namespace, CACHED):
            yield namespace.__setitem__, name, value
    for kind in filter(theirs, classes.values()):
        for name, value in _of_types(vars(kind), METHODS):
            if type(getattr(value, "__func__", value)) is CACHED:
                yield partial(type.__setattr__, kind), name, value


def _of_types(names: Mapping[str, Any], kinds: Any) -> list[tuple[str, Any]]:
    """The values of these types. To ask a value itself may run code, as that of a proxy does."""
    return [(name, value) for name, value in names.items() if issubclass(type(value), kinds)]


@contextmanager
def hashable_sizes() -> Iterator[None]:
    """While active, symbolic sizes of a trace can be keys. They are found under their numbers at
    the example, and whether they equal a number or another size is a question that goes on the
    trail."""
    before = torch.SymInt.__hash__

    def of(size: torch.SymInt) -> int:
        node = size.node
        return hash(node.example()) if isinstance(node, SizeNode) else before(size)

    torch.SymInt.__hash__ = of  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        torch.SymInt.__hash__ = before  # type: ignore[method-assign]
