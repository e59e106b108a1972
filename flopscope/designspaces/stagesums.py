"""What the stages of a space can cost, each on its own: few sums in numbers of designs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

from flopscope.designspaces.slots import State

if TYPE_CHECKING:
    from flopscope.designspaces.distribution import Distribution

Sums = dict[State, dict[int, int]]
"""The designs of some slots of a stage, by the state after them and their position."""


class StageSums:
    """The sums of each stage, by the state before it; in encodings where the distribution counts
    these."""

    def __init__(self, distribution: Distribution) -> None:
        self._distribution = distribution
        self.slots = distribution.table.slots
        stages = distribution.table.space.stages
        self.ends = list(accumulate(len(slots) for _, slots in stages))
        self._found: dict[tuple[int, State], list[Sums]] = {}

    def range(self, stage: int) -> range:
        """The slots of a stage."""
        return range(self.ends[stage - 1] if stage else 0, self.ends[stage])

    def whole(self, stage: int, before: State) -> Mapping[State, Mapping[int, int]]:
        """The designs of a stage that begins in a state, by the state after it and position."""
        return self.sums(stage, before)[-1]

    def sums(self, stage: int, before: State) -> list[Sums]:
        """After each slot of a stage: the designs of its slots so far that began in a state."""
        if (stage, before) not in self._found:
            found: list[Sums] = [{before: {0: 1}}]
            for slot in self.range(stage):
                here: Sums = {}
                for move, price in self.slots[slot].items():
                    shift = self._distribution.shift(slot, price)
                    times = move.ways if self._distribution.encodings else 1
                    reached = here.setdefault(move.after, {})
                    for position, number in found[-1].get(move.before, {}).items():
                        there = position + shift
                        reached[there] = reached.get(there, 0) + times * number
                found.append(here)
            self._found[stage, before] = found
        return self._found[stage, before]

    def inside(
        self, rng: Random, stage: int, before: State, after: State, position: int
    ) -> Iterator[str]:
        """The options of a stage, which begins and ends in these states at this position, drawn
        uniformly. Domain: distributions of networks."""
        sums, options = self.sums(stage, before), []
        for slot, here in reversed(list(zip(self.range(stage), sums, strict=False))):
            moves = []
            for move, price in self.slots[slot].items():
                if move.after == after:
                    rest = position - self._distribution.shift(slot, price)
                    moves.append((move, rest, here.get(move.before, {}).get(rest, 0)))
            weights = [number for *_, number in moves]
            move, position, _ = moves[picked(weights, rng.randrange(sum(weights)))]
            after = move.before
            options.append(move.option)
        return reversed(options)


def picked(weights: list[int], number: int) -> int:
    """The place at which the sum of weights first exceeds a number. Domain: 0 ≤ number < Σ."""
    return bisect_right(list(accumulate(weights)), number)
