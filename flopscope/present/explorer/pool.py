"""The amounts that rows of a network share, each of which the page computes once."""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd
from typing import Any

from flopscope.sizes import Size
from flopscope.symbolic import Polynomial

Place = tuple[int, int]
"""How many times which amount of the pool."""


class Pool:
    """Different amounts in the order in which they are met; the first is 1."""

    def __init__(self) -> None:
        self._places: dict[Size, int] = {1: 0}

    def place(self, value: Size) -> Place:
        """Where the amount is, and how many times it is taken."""
        if not isinstance(value, Polynomial):
            return int(value), 0
        times, value = apart(value)
        return times, self._places.setdefault(value, len(self._places))

    def values(self) -> list[Size]:
        """The amounts."""
        return list(self._places)


def apart(value: Polynomial) -> tuple[int, Polynomial]:
    """The largest number that divides an amount, and the rest; 1 and itself for a quotient."""
    whole = all(isinstance(c, int) for c in value.terms.values()) and value.denominator() == 1
    times = gcd(*value.terms.values()) if whole else 1  # type: ignore[arg-type]  # ints
    return (times, value / times) if times > 1 else (1, value)


def flat(places: Iterable[Place]) -> list[int]:
    """The numbers of places, one after the other.

    >>> flat([(3, 1), (1, 0)])
    [3, 1, 1, 0]
    """
    return [number for place in places for number in place]


def short_row(row: list[Any]) -> list[Any]:
    """The row without what is usual at its end: zeros and empty lists.

    >>> short_row(["stem", 2, 0, []])
    ['stem', 2]
    """
    while row[-1] in (0, []):
        row.pop()
    return row
