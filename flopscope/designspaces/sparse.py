"""Numbers of designs at few positions of a lattice, and at all of them, of 64 bits at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 15
"""So many numbers are added at a time: they stay in the processor's cache."""
SMALL = 2**31
"""Numbers below this are kept in 32 bits."""

Positions: TypeAlias = NDArray[np.int64]
Dense: TypeAlias = NDArray[Any]
"""A number at each position from 0 on, in 32 or in 64 bits."""


class Sparse(NamedTuple):
    """Numbers at positions, which rise."""

    positions: Positions
    numbers: NDArray[np.int64]

    @classmethod
    def of(cls, numbers: Mapping[int, int]) -> Sparse:
        """The numbers at these positions."""
        positions = sorted(numbers)
        return cls(
            np.array(positions, np.int64), np.array([numbers[n] for n in positions], np.int64)
        )

    @property
    def total(self) -> int:
        """All of them."""
        return int(self.numbers.sum())

    def at(self, positions: Positions) -> list[int]:
        """The numbers at any positions, as Python integers; 0 beside them."""
        places = np.minimum(np.searchsorted(self.positions, positions), len(self.positions) - 1)
        there = self.positions[places] == positions
        found: list[int] = np.where(there, self.numbers[places], 0).tolist()
        return found

    def dense(self, size: int) -> Dense:
        """The same at each position below `size`."""
        found = np.zeros(size, _type(int(self.numbers.max(initial=0))))
        found[self.positions] = self.numbers
        return found


class Shifted(NamedTuple):
    """Numbers that go on, `times` ways each, `shift` positions further."""

    numbers: Dense
    shift: int
    times: int


def sums(pairs: Sequence[tuple[Sparse, Sparse]]) -> Sparse:
    """The numbers of all pairs at the sums of their positions. Domain: Σ numbers < 2^63."""
    positions = [np.add.outer(a.positions, b.positions).ravel() for a, b in pairs]
    numbers = [np.multiply.outer(a.numbers, b.numbers).ravel() for a, b in pairs]
    where, what = np.concatenate(positions), np.concatenate(numbers)
    order = np.argsort(where, kind="stable")
    where, what = where[order], what[order]
    first = np.flatnonzero(np.diff(where, prepend=-1))
    return Sparse(where[first], np.add.reduceat(what, first))


def added(steps: Sequence[Shifted], size: int) -> Dense:
    """The sum of all steps at the positions below `size`. Domain: every sum is below 2^63."""
    bound = sum(step.times * int(step.numbers.max(initial=0)) for step in steps)
    total = np.zeros(size, _type(bound))
    for begin in range(0, size, BLOCK):
        end = min(size, begin + BLOCK)
        for numbers, shift, times in steps:
            first, last = max(begin, shift), min(end, shift + len(numbers))
            if first < last:
                part = numbers[first - shift : last - shift]
                total[first:last] += part if times == 1 else total.dtype.type(times) * part
    return total


def at(numbers: Sparse | Dense, positions: Positions) -> list[int]:
    """The numbers at any positions, as Python integers; 0 beside them."""
    if isinstance(numbers, Sparse):
        return numbers.at(positions)
    inside = (positions >= 0) & (positions < len(numbers))
    found: list[int] = np.where(inside, numbers[np.where(inside, positions, 0)], 0).tolist()
    return found


def _type(most: int) -> type[np.int32 | np.int64]:
    return np.int32 if most < SMALL else np.int64
