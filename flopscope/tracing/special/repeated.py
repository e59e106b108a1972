"""A list that is repeated a free number of times: `[steps] * batch`.

Python asks the size for its number before it repeats a list. Here the list stays open until code
asks for its length or entries, which fixes the size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch


class Repeated(Sequence[Any]):
    """These items, repeated so many times."""

    def __init__(self, items: list[Any], times: torch.SymInt) -> None:
        self.items, self.times = items, times

    def __len__(self) -> int:
        return len(self.items) * int(self.times)

    def __getitem__(self, index: Any) -> Any:
        return self.fixed()[index]

    def __add__(self, other: Any) -> list[Any]:
        return self.fixed() + list(other)

    def __radd__(self, other: Any) -> list[Any]:
        return list(other) + self.fixed()

    def __eq__(self, other: object) -> bool:
        return self.fixed() == other

    __hash__ = None  # type: ignore[assignment]  # as a list has none

    def __repr__(self) -> str:
        return repr(self.fixed())

    def fixed(self) -> list[Any]:
        """The list, for which the size becomes a number."""
        return self.items * int(self.times)


def as_lists(values: Any) -> Any:
    """Positional or keyword arguments with lists of fixed length in place of repeated ones."""
    if isinstance(values, dict):
        return {name: as_lists(value) for name, value in values.items()}
    if isinstance(values, tuple):
        return tuple(v.fixed() if isinstance(v, Repeated) else v for v in values)
    return values.fixed() if isinstance(values, Repeated) else values


@contextmanager
def lists_stay_open() -> Iterator[None]:
    """While active, a list times a free size is `Repeated`."""
    names = ("__mul__", "__rmul__")
    before = {name: getattr(torch.SymInt, name) for name in names}
    try:
        for name, product in before.items():
            setattr(torch.SymInt, name, _repeating(product))
        yield
    finally:
        for name, product in before.items():
            setattr(torch.SymInt, name, product)


def _repeating(product: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def times(self: torch.SymInt, other: Any) -> Any:
        return Repeated(other, self) if type(other) is list else product(self, other)

    return times
