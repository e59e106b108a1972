"""The exact distribution of a large space, met in the middle.

The first stages of a space have few different sums, and the last ones a number of designs at every
position of a much shorter lattice than that of the whole space. How many designs cost at most so
much is then one sum over the heads: Σ number of a head · designs of the tails that have the rest.
E. Horowitz and S. Sahni, J. ACM 21 (1974), 277.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flopscope.designspaces.slots import FREE, State
from flopscope.designspaces.sparse import Dense, Shifted, Sparse, added, sums
from flopscope.designspaces.stagesums import StageSums

if TYPE_CHECKING:
    from flopscope.designspaces.distribution import Distribution

PAIRS = 1 << 22
"""So many sums of two stages are sorted at most."""
MOST_HEADS, MOST_TAILS = 2**31, 2**62
"""The designs of the heads and of the tails must be fewer, so that sums of products of a number of
heads and 31 bits of a number of tails are exact in 64 bits."""
HALF = 31

SparseLevel = Mapping[State, Sparse]
AnyLevel = Mapping[State, Sparse | Dense]


def heads(sums_of: StageSums) -> list[SparseLevel]:
    """The designs of the first stages before and after each of them, by the state there, as long as
    their sums are few, and without the last stage."""
    level: SparseLevel = {FREE: Sparse.of({0: 1})}
    found = [level]
    for stage in range(len(sums_of.ends) - 1):
        pairs: dict[State, list[tuple[Sparse, Sparse]]] = {}
        for before, numbers in level.items():
            for after, own in sums_of.whole(stage, before).items():
                if own:
                    pairs.setdefault(after, []).append((numbers, Sparse.of(own)))
        if _many(pairs) or _designs(pairs) >= MOST_HEADS:
            break
        level = {state: sums(each) for state, each in pairs.items()}
        found.append(level)
    return found


def _many(pairs: Mapping[State, list[tuple[Sparse, Sparse]]]) -> bool:
    each = (len(a.positions) * len(b.positions) for own in pairs.values() for a, b in own)
    return sum(each) > PAIRS


def _designs(pairs: Mapping[State, list[tuple[Sparse, Sparse]]]) -> int:
    return sum(
        int(a.numbers.sum()) * int(b.numbers.sum()) for own in pairs.values() for a, b in own
    )


class Tails:
    """The designs of the last stages, by the state before them."""

    def __init__(self, distribution: Distribution, sums_of: StageSums) -> None:
        self._distribution, self._sums = distribution, sums_of
        last = len(sums_of.ends)
        ends = {move.after for move in sums_of.slots[-1]}
        self._found: dict[int, AnyLevel] = {last: {state: Sparse.of({0: 1}) for state in ends}}

    def after(self, stage: int) -> AnyLevel:
        """The designs of the stages after so many, by the state before these."""
        for each in range(len(self._sums.ends), stage, -1):
            if each - 1 not in self._found:
                self._found[each - 1] = self._with(each - 1, self._found[each])
        return self._found[stage]

    def dense(self, stage: int) -> Mapping[State, Dense]:
        """The same at each position of their lattice."""
        size = self._size(self._sums.ends[stage - 1])
        return {
            state: each.dense(size) if isinstance(each, Sparse) else each
            for state, each in self.after(stage).items()
        }

    def _size(self, slot: int) -> int:
        """The positions of the lattice of the slots from one on."""
        sizes = self._distribution.sizes
        return sizes[-1] - sizes[slot] + 1

    def _with(self, stage: int, rest: AnyLevel) -> AnyLevel:
        """The designs with one more stage before them."""
        sparse = {state: each for state, each in rest.items() if isinstance(each, Sparse)}
        if len(sparse) == len(rest):
            earlier = {move.before for move in self._sums.slots[self._sums.range(stage)[0]]}
            pairs: dict[State, list[tuple[Sparse, Sparse]]] = {}
            for before in earlier:
                for after, own in self._sums.whole(stage, before).items():
                    if own and after in sparse:
                        pairs.setdefault(before, []).append((Sparse.of(own), sparse[after]))
            if not _many(pairs):
                return {state: sums(each) for state, each in pairs.items()}
        return self._slot_by_slot(stage, rest)

    def _slot_by_slot(self, stage: int, rest: AnyLevel) -> Mapping[State, Dense]:
        slots = self._sums.range(stage)
        size = self._size(slots[-1] + 1)
        level = {s: e.dense(size) if isinstance(e, Sparse) else e for s, e in rest.items()}
        for slot in reversed(slots):
            steps: dict[State, list[Shifted]] = {}
            for move, price in self._sums.slots[slot].items():
                if move.after in level:
                    times = move.ways if self._distribution.encodings else 1
                    shift = self._distribution.shift(slot, price)
                    step = Shifted(level[move.after], shift, times)
                    steps.setdefault(move.before, []).append(step)
            level = {state: added(each, self._size(slot)) for state, each in steps.items()}
            self._distribution.tell(len(self._sums.slots) - slot, len(self._sums.slots))
        return level


class Halves:
    """The designs of a space by heads and tails, with the same questions as `Counted` answers."""

    def __init__(
        self, base: int, step: int, size: int, heads: SparseLevel, tails: Mapping[State, Dense]
    ) -> None:
        self.base, self.step, self.size = base, step, size
        self.heads = {state: own for state, own in heads.items() if state in tails}
        self.tails = tails

    @cached_property
    def upto(self) -> dict[State, NDArray[np.int64]]:
        """The designs of the tails up to each position."""
        return {state: np.cumsum(self.tails[state], dtype=np.int64) for state in self.heads}

    @cached_property
    def total(self) -> int:
        """All designs."""
        return self._upto(self.size - 1)

    def position(self, cost: int) -> int:
        """The last position whose cost is at most this; −1 where there is none."""
        return min(max(-1, (cost - self.base) // self.step), self.size - 1)

    def cost(self, position: int) -> int:
        """The cost at a position."""
        return self.base + self.step * position

    def most(self, cost: int) -> int:
        """The number of designs of at most this cost."""
        return self._upto(self.position(cost))

    def rests(self, state: State, position: int) -> NDArray[np.int64]:
        """For each head in a state that is at most at this position: the designs of the tails that
        stay within it."""
        positions, tails = self.heads[state].positions, self.upto[state]
        within = int(np.searchsorted(positions, position, "right"))
        found: NDArray[np.int64] = tails[np.minimum(position - positions[:within], len(tails) - 1)]
        return found

    def _upto(self, position: int) -> int:
        low = high = 0
        for state, own in self.heads.items():
            rests = self.rests(state, position)
            numbers = own.numbers[: len(rests)]
            low += int(numbers @ (rests & (2**HALF - 1)))
            high += int(numbers @ (rests >> HALF))
        return low + (high << HALF)

    def kth(self, k: int) -> int:
        """The position of the k-th cheapest design, between bisected and interpolated ends. Domain:
        1 ≤ k ≤ total."""
        low, high = -1, self.size - 1
        below, above = 0, self.total
        bisects = False
        while high - low > 1:
            guess = (low + high) // 2
            if not bisects:
                along = (high - low) * (k - below) // (above - below)
                guess = min(max(low + along, low + 1), high - 1)
            bisects = not bisects
            number = self._upto(guess)
            if number >= k:
                high, above = guess, number
            else:
                low, below = guess, number
        return high

    @cached_property
    def ends(self) -> tuple[int, int]:
        """The least and the largest cost of a design."""
        there = {state: np.flatnonzero(self.tails[state])[[0, -1]] for state in self.heads}
        least = min(int(own.positions[0] + there[s][0]) for s, own in self.heads.items())
        most = max(int(own.positions[-1] + there[s][1]) for s, own in self.heads.items())
        return self.cost(least), self.cost(most)
