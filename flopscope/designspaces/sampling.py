"""Designs drawn uniformly from all that keep a budget. None is drawn and thrown away."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flopscope.designspaces.distribution import Distribution, Level
from flopscope.designspaces.lattice import values
from flopscope.designspaces.slots import Design, State
from flopscope.errors import BadInput

Sums = dict[State, dict[int, int]]
"""The designs of some slots of a stage, by the state after them and their position."""


class Ways(NamedTuple):
    """The ways through a stage from a state before to a state after it: a number at each
    position."""

    before: State
    positions: NDArray[np.int64]
    numbers: list[int]


class Sampler:
    """Draws designs from a distribution of networks.

    The cost is drawn first, in proportion to the networks that have it. Then stages are split off
    from the last one on, in proportion to the networks that have the rest.
    """

    def __init__(self, distribution: Distribution) -> None:
        self.distribution, self.space = distribution, distribution.table.space
        self._ends = list(accumulate(len(slots) for _, slots in self.space.stages))
        self._through: dict[tuple[int, State], list[Sums]] = {}
        self._into: dict[tuple[int, State], list[Ways]] = {}

    def draw(self, rng: Random, most: int | None = None) -> tuple[Design, int]:
        """A design of at most this cost, and its cost. Raises BadInput where there is none."""
        counted = self.distribution.counted
        number = counted.total if most is None else counted.most(most)
        if not number:
            raise BadInput(
                f"no design of {self.space.name} costs at most {most:,}; the cheapest costs "
                f"{counted.ends[0]:,}"
            )
        position = counted.kth(rng.randrange(number) + 1)
        return self._at(rng, position), counted.cost(position)

    @cached_property
    def _levels(self) -> dict[int, Level]:
        return self.distribution.levels(self._ends[:-1])

    def _at(self, rng: Random, position: int) -> Design:
        """A design at a position, uniformly."""
        design: list[str] = []
        after: State | None = None
        for stage in reversed(range(len(self._ends))):
            ways, weights = self._weighed(stage, after, position)
            number = rng.randrange(sum(map(sum, weights)))
            chosen = _picked([sum(own) for own in weights], number)
            number -= sum(sum(own) for own in weights[:chosen])
            end, each = ways[chosen]
            spent = int(each.positions[_picked(weights[chosen], number)])
            design = [*self._inside(rng, stage, each.before, end, spent), *design]
            position, after = position - spent, each.before
        return tuple(design)

    def _weighed(
        self, stage: int, after: State | None, position: int
    ) -> tuple[list[tuple[State, Ways]], list[list[int]]]:
        """The ways through a stage with the state after each, and how many designs of the stages
        up to it take each of them. No state is asked for after the last stage."""
        begin = self._ends[stage - 1] if stage else 0
        level = self._levels[begin]
        ends = self._all_ends() if after is None else [after]
        ways = [(end, each) for end in ends for each in self._ways(stage, end)]
        weights = []
        for _, each in ways:
            rest = values(level[each.before], position - each.positions)
            weights.append([n * r for n, r in zip(each.numbers, rest, strict=True)])
        return ways, weights

    def _all_ends(self) -> list[State]:
        return list(dict.fromkeys(move.after for move in self.space.slots[-1].moves))

    def _ways(self, stage: int, after: State) -> list[Ways]:
        """The ways through a stage that end in a state."""
        if (stage, after) not in self._into:
            begin = self._ends[stage - 1] if stage else 0
            found = []
            for before in self._levels[begin]:
                sums = self._sums(stage, before)[-1].get(after, {})
                if sums:
                    found.append(Ways(before, np.array(list(sums)), list(sums.values())))
            self._into[stage, after] = found
        return self._into[stage, after]

    def _sums(self, stage: int, before: State) -> list[Sums]:
        """After each slot of a stage: the designs of its slots so far that began in a state."""
        if (stage, before) not in self._through:
            found: list[Sums] = [{before: {0: 1}}]
            for slot in self._slots(stage):
                here: Sums = {}
                for move, price in self.distribution.table.slots[slot].items():
                    shift = self.distribution.shift(slot, price)
                    reached = here.setdefault(move.after, {})
                    for position, number in found[-1].get(move.before, {}).items():
                        reached[position + shift] = reached.get(position + shift, 0) + number
                found.append(here)
            self._through[stage, before] = found
        return self._through[stage, before]

    def _slots(self, stage: int) -> range:
        return range(self._ends[stage - 1] if stage else 0, self._ends[stage])

    def _inside(
        self, rng: Random, stage: int, before: State, after: State, position: int
    ) -> Iterator[str]:
        """The options of a stage, which begins and ends in these states at this position."""
        sums, options = self._sums(stage, before), []
        for slot, here in reversed(list(zip(self._slots(stage), sums, strict=False))):
            moves = []
            for move, price in self.distribution.table.slots[slot].items():
                if move.after == after:
                    rest = position - self.distribution.shift(slot, price)
                    moves.append((move, rest, here.get(move.before, {}).get(rest, 0)))
            weights = [number for *_, number in moves]
            move, position, _ = moves[_picked(weights, rng.randrange(sum(weights)))]
            after = move.before
            options.append(move.option)
        return reversed(options)


def _picked(weights: list[int], number: int) -> int:
    """The place at which the sum of weights first exceeds a number. Domain: 0 ≤ number < Σ."""
    return bisect_right(list(accumulate(weights)), number)
