"""Exact numbers of designs, one for each cost that a sum can have.

Costs stand on a lattice, base + step · i, and a number stands at each i. Numbers of designs may
exceed 64 bits, so they are kept in one array of 64 bits while they are proved to fit, and in
several of 32 bits each otherwise.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BITS = 32
"""The bits of a limb where numbers have several."""
MOST = 2**63
"""A sum of numbers below this stays exact in 64 bits."""
BLOCK = 1 << 15
"""So many numbers are added at a time: they stay in the processor's cache."""

Numbers = NDArray[np.int64]
"""(limbs, n): the numbers at 0 … n − 1, as Σ limb · 2^(BITS · index)."""


class Step(NamedTuple):
    """Some of the designs so far go on: `times` ways each, `shift` positions dearer."""

    numbers: Numbers
    shift: int
    times: int


class Pool:
    """Memory that is used again: the system takes longer to give out a large array than it takes to
    fill one. Domain: at most `size` numbers of one limb are asked for at a time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._free: list[Numbers] = []

    def take(self, size: int) -> Numbers:
        """Zeros, which nobody else uses until they are given back."""
        memory = self._free.pop() if self._free else np.empty((1, self._size), np.int64)
        found = memory[:, :size]
        found[:] = 0
        return found

    def give(self, numbers: Numbers) -> None:
        """Give back what `take` gave."""
        if numbers.base is not None and numbers.base.shape == (1, self._size):
            self._free.append(numbers.base)


def one() -> Numbers:
    """The number 1 at position 0."""
    return np.ones((1, 1), np.int64)


def merged(steps: Sequence[Step], size: int, pool: Pool | None = None) -> Numbers:
    """The sum of all steps, at the positions 0 … size − 1, in the memory of the pool if it fits.

    Domain: every position that a step reaches is below `size`; Σ times < 2^31.
    """
    limbs = max(len(step.numbers) for step in steps)
    if limbs == 1:
        bound = sum(step.times * int(step.numbers.max()) for step in steps)
        if bound < MOST:
            return _add(steps, np.zeros((1, size), np.int64) if pool is None else pool.take(size))
        steps = [step._replace(numbers=_split(step.numbers)) for step in steps]
        limbs = 2
    top = sum(step.times * (int(step.numbers[-1].max()) + 1) for step in steps)
    if top >= 2**BITS:
        limbs += 1
    return _carried(_add(steps, np.zeros((limbs, size), np.int64)))


def _add(steps: Sequence[Step], total: Numbers) -> Numbers:
    """Add the steps limb by limb, in blocks. Nothing is carried."""
    size = total.shape[1]
    for begin in range(0, size, BLOCK):
        end = min(size, begin + BLOCK)
        for numbers, shift, times in steps:
            first, last = max(begin, shift), min(end, shift + numbers.shape[1])
            if first >= last:
                continue
            part = numbers[:, first - shift : last - shift]
            total[: len(numbers), first:last] += part if times == 1 else times * part
    return total


def _split(numbers: Numbers) -> Numbers:
    """Numbers of one limb as two of BITS bits."""
    return np.concatenate([numbers & (2**BITS - 1), numbers >> BITS])


def _carried(numbers: Numbers) -> Numbers:
    for low, high in pairwise(numbers):
        high += low >> BITS
        low &= 2**BITS - 1
    return numbers


Source = Callable[[int], Numbers]
"""Gives the numbers of a block."""


def block_sums(numbers: Numbers) -> tuple[int, ...]:
    """The sum of each BLOCK numbers, exact."""
    starts = np.arange(0, numbers.shape[1], BLOCK)
    sums = [0] * len(starts)
    for index, limb in enumerate(numbers):
        low = np.add.reduceat(limb & (2**BITS - 1), starts).tolist()
        high = np.add.reduceat(limb >> BITS, starts).tolist()
        for n, (small, large) in enumerate(zip(low, high, strict=True)):
            sums[n] += (small + (large << BITS)) << (BITS * index)
    return tuple(sums)


@dataclass(frozen=True)
class Counted:
    """Numbers of designs at base + step · i, for i below `size`. `blocks` are the sums of BLOCK
    numbers each, and `source` gives the numbers of a block."""

    base: int
    step: int
    size: int
    blocks: tuple[int, ...]
    source: Source

    @classmethod
    def of(cls, base: int, step: int, numbers: Numbers) -> Counted:
        """These numbers."""

        def source(block: int) -> Numbers:
            return numbers[:, block * BLOCK : (block + 1) * BLOCK]

        return cls(base, step, numbers.shape[1], block_sums(numbers), source)

    @cached_property
    def _before(self) -> list[int]:
        """The designs before each block, and all of them."""
        return [0, *accumulate(self.blocks)]

    @property
    def total(self) -> int:
        """All designs."""
        return self._before[-1]

    def position(self, cost: int) -> int:
        """The last position whose cost is at most this; −1 where there is none."""
        return min(max(-1, (cost - self.base) // self.step), self.size - 1)

    def cost(self, position: int) -> int:
        """The cost at a position."""
        return self.base + self.step * position

    def most(self, cost: int) -> int:
        """The number of designs of at most this cost."""
        block, rest = divmod(self.position(cost) + 1, BLOCK)
        return self._before[block] + (total(self.source(block)[:, :rest]) if rest else 0)

    def kth(self, k: int) -> int:
        """The position of the k-th cheapest design. Domain: 1 ≤ k ≤ total."""
        block = bisect_left(self._before, k) - 1
        numbers, begin = self.source(block), 0
        k, end = k - self._before[block], numbers.shape[1]
        while end - begin > 1:
            middle = (begin + end) // 2
            left = total(numbers[:, begin:middle])
            if k <= left:
                end = middle
            else:
                begin, k = middle, k - left
        return block * BLOCK + begin

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the largest cost of a design."""
        return self.cost(self.kth(1)), self.cost(self.kth(self.total))


def total(numbers: Numbers) -> int:
    """The sum of some numbers, exact."""
    found = 0
    for index, limb in enumerate(numbers):
        halves = int((limb >> BITS).sum()) << BITS, int((limb & (2**BITS - 1)).sum())
        found += sum(halves) << (BITS * index)
    return found


def values(numbers: Numbers, positions: NDArray[np.int64]) -> list[int]:
    """The numbers at these positions, as Python integers; 0 beside the lattice."""
    inside = (positions >= 0) & (positions < numbers.shape[1])
    columns = numbers[:, np.where(inside, positions, 0)]
    found = [0] * len(positions)
    for index, limb in enumerate(columns):
        for n, value in enumerate(limb.tolist()):
            found[n] += value << (BITS * index)
    return [value if there else 0 for value, there in zip(found, inside.tolist(), strict=True)]
