"""Designs drawn uniformly from a space that is counted by heads and tails."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flopscope.designspaces.halves import HALF, AnyLevel, Halves, SparseLevel, Tails
from flopscope.designspaces.slots import Design, State
from flopscope.designspaces.sparse import at
from flopscope.designspaces.stagesums import StageSums, picked

Integers = NDArray[np.int64]


class Weights(NamedTuple):
    """The designs up to each head of a state within a bound, in two parts of a number, and the
    designs of the tails that each head may have."""

    state: State
    low: Integers
    high: Integers
    rests: Integers

    def upto(self, head: int) -> int:
        """The designs of the heads from the first one to this."""
        return int(self.low[head]) + (int(self.high[head]) << HALF) if head >= 0 else 0


class HalfSampler:
    """Draws a head in proportion to the tails that it may have, then a tail, then the stages of
    both, in proportion to the designs that the rest has."""

    def __init__(
        self, halves: Halves, stage: int, sums: StageSums, heads: list[SparseLevel], tails: Tails
    ) -> None:
        self._halves, self._stage, self._sums, self._tails = halves, stage, sums, tails
        self._heads = heads
        self._within: tuple[int, list[Weights]] = (-1, [])

    def draw(self, rng: Random, bound: int, number: int) -> tuple[Design, int]:
        """A design at most at a position, of which there are so many, and its position."""
        number = rng.randrange(number)
        for weights in self._weights(bound):
            there = weights.upto(len(weights.rests) - 1)
            if number < there:
                break
            number -= there
        head = bisect_right(range(len(weights.rests)), number, key=weights.upto)
        number = (number - weights.upto(head - 1)) % int(weights.rests[head])
        state = weights.state
        position = int(self._halves.heads[state].positions[head])
        tail = int(np.searchsorted(self._halves.upto[state], number, "right"))
        first = self._head(rng, state, position)
        return (*first, *self._tail(rng, state, tail)), position + tail

    def _weights(self, bound: int) -> list[Weights]:
        if self._within[0] != bound:
            found = []
            for state, own in self._halves.heads.items():
                rests = self._halves.rests(state, bound)
                if len(rests):
                    numbers = own.numbers[: len(rests)]
                    low = np.cumsum(numbers * (rests & (2**HALF - 1)))
                    high = np.cumsum(numbers * (rests >> HALF))
                    found.append(Weights(state, low, high, rests))
            self._within = bound, found
        return self._within[1]

    def _head(self, rng: Random, after: State, position: int) -> list[str]:
        """The first stages of a design that are at a position in a state."""
        options: list[str] = []
        for stage in reversed(range(self._stage)):
            level = self._heads[stage]
            earlier = [state for state in level if self._sums.whole(stage, state).get(after)]
            ways = [self._sums.whole(stage, state)[after] for state in earlier]
            before, spent = self._step(rng, earlier, ways, level, position)
            options = [*self._sums.inside(rng, stage, before, after, spent), *options]
            position, after = position - spent, before
        return options

    def _tail(self, rng: Random, before: State, position: int) -> list[str]:
        """The last stages of a design that begin in a state and are at a position."""
        options: list[str] = []
        for stage in range(self._stage, len(self._sums.ends)):
            level = self._tails.after(stage + 1)
            whole = self._sums.whole(stage, before)
            afters = [state for state in whole if whole[state] and state in level]
            ways = [whole[state] for state in afters]
            after, spent = self._step(rng, afters, ways, level, position)
            options += self._sums.inside(rng, stage, before, after, spent)
            position, before = position - spent, after
        return options

    @staticmethod
    def _step(
        rng: Random,
        states: list[State],
        ways: list[Mapping[int, int]],
        level: AnyLevel,
        position: int,
    ) -> tuple[State, int]:
        """The state at the other end of a stage, and what the stage takes."""
        weights = []
        for state, own in zip(states, ways, strict=True):
            rest = at(level[state], position - np.array(list(own), np.int64))
            weights.append([n * r for n, r in zip(own.values(), rest, strict=True)])
        number = rng.randrange(sum(map(sum, weights)))
        place = picked([sum(own) for own in weights], number)
        number -= sum(sum(own) for own in weights[:place])
        return states[place], list(ways[place])[picked(weights[place], number)]
