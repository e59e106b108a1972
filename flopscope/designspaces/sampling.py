"""Designs drawn uniformly from all that keep a budget. None is drawn and thrown away."""

from __future__ import annotations

from functools import cached_property
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flopscope.designspaces.distribution import Distribution, Level
from flopscope.designspaces.halfsampling import HalfSampler
from flopscope.designspaces.halves import Halves
from flopscope.designspaces.lattice import values
from flopscope.designspaces.slots import Design, State
from flopscope.designspaces.stagesums import picked
from flopscope.errors import BadInput


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
        self._sums = distribution.sums
        self._ends = self._sums.ends
        self._asked: tuple[int | None, int] | None = None
        self._into: dict[tuple[int, State], list[Ways]] = {}

    def draw(self, rng: Random, most: int | None = None) -> tuple[Design, int]:
        """A design of at most this cost, and its cost. Raises BadInput where there is none."""
        counted = self.distribution.counted
        number = self._number(most)
        if not number:
            raise BadInput(
                f"no design of {self.space.name} costs at most {most:,}; the cheapest costs "
                f"{counted.ends[0]:,}"
            )
        if isinstance(counted, Halves):
            bound = counted.size - 1 if most is None else counted.position(most)
            design, position = self._halved.draw(rng, bound, number)
            return design, counted.cost(position)
        position = counted.kth(rng.randrange(number) + 1)
        return self._at(rng, position), counted.cost(position)

    def _number(self, most: int | None) -> int:
        """The designs of at most this cost; that of the last draw is known."""
        if self._asked is None or self._asked[0] != most:
            counted = self.distribution.counted
            self._asked = most, counted.total if most is None else counted.most(most)
        return self._asked[1]

    @cached_property
    def _halved(self) -> HalfSampler:
        own = self.distribution
        assert own.halves is not None
        return HalfSampler(own.halves, len(own.heads) - 1, own.sums, own.heads, own.tails)

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
            chosen = picked([sum(own) for own in weights], number)
            number -= sum(sum(own) for own in weights[:chosen])
            end, each = ways[chosen]
            spent = int(each.positions[picked(weights[chosen], number)])
            design = [*self._sums.inside(rng, stage, each.before, end, spent), *design]
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
                sums = self._sums.whole(stage, before).get(after, {})
                if sums:
                    found.append(Ways(before, np.array(list(sums)), list(sums.values())))
            self._into[stage, after] = found
        return self._into[stage, after]
