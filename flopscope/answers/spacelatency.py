"""How many designs of a space keep a latency: counted by the same programme as any other cost.

Times are whole attoseconds, too fine for a distribution. So they are counted in larger units, once
with what each choice takes rounded up, and once rounded down: the designs that keep the bound are
at least the first and at most the second. Where both are one number, it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import NamedTuple

from flopscope.answers.spacebounds import Bound
from flopscope.answers.spacequestions import AnyDistribution, distribution_of, sampler_of
from flopscope.designspaces.distribution import Tell
from flopscope.designspaces.listed import ListedSampler, ListedTable
from flopscope.designspaces.sampling import Sampler
from flopscope.designspaces.slots import Design
from flopscope.designspaces.tables import Table

POSITIONS = 1 << 25
"""About so many units lie between the shortest and the longest time of a space."""


class Count(NamedTuple):
    """The designs that keep a bound are at least and at most so many."""

    least: int
    most: int

    @property
    def exact(self) -> bool:
        """Are both one number?"""
        return self.least == self.most


@dataclass(frozen=True)
class Within:
    """The designs of a space within a bound on latency; with `encodings`, the ways in which they
    are written down."""

    bound: Bound
    encodings: bool = False
    tell: Tell = lambda done, of: None

    @cached_property
    def unit(self) -> int:
        """The unit in which times are counted: a power of ten of those of the table, and 1 for a
        list, each of whose networks is timed."""
        if isinstance(self.bound.table, ListedTable):
            return 1
        slots = self.bound.summed.slots
        span = sum(max(prices.values()) - min(prices.values()) for prices in slots)
        unit = 1
        while span // unit > POSITIONS:
            unit *= 10
        return unit

    @cached_property
    def count(self) -> Count:
        """How many designs keep the bound."""
        limit = self.bound.most // self.unit
        most = self._longer.counted.most(limit)
        if self.unit == 1:
            return Count(most, most)
        return Count(self._shorter.counted.most(limit), most)

    @property
    def written(self) -> int:
        """The bytes that were written to the folder for caches."""
        return self._longer.written + (self._shorter.written if self.unit > 1 else 0)

    @cached_property
    def _shorter(self) -> AnyDistribution:
        """The distribution in which no time is too short."""
        up = rounded(self.bound.summed, self.unit, up=True)
        return distribution_of(up, self.encodings, self.tell)

    @cached_property
    def _longer(self) -> AnyDistribution:
        """The distribution in which no time is too long."""
        if isinstance(self.bound.table, ListedTable):
            return distribution_of(self.bound.table, self.encodings, self.tell)
        down = rounded(self.bound.summed, self.unit, up=False)
        return distribution_of(down, self.encodings, self.tell)

    @property
    def holds(self) -> bool:
        """Does any design keep the bound?"""
        return self.bound.least <= self.bound.most

    def keeps(self, design: Design) -> bool:
        """Does a design keep the bound, in exact attoseconds or units of a file?"""
        return self.bound.table.cost(design) <= self.bound.most

    @cached_property
    def _sampler(self) -> Sampler | ListedSampler:
        return sampler_of(distribution_of(self._longer.table, False, self.tell))

    def draw(self, rng: Random) -> Design:
        """A network, uniformly from those that may keep the bound."""
        design, _ = self._sampler.draw(rng, self.bound.most // self.unit)
        return design


def rounded(table: Table, unit: int, *, up: bool) -> Table:
    """A table in larger units, with each price rounded up, or down."""

    def in_units(price: int) -> int:
        return -(-price // unit) if up else price // unit

    slots = tuple({move: in_units(n) for move, n in prices.items()} for prices in table.slots)
    return Table(table.space, in_units(table.fixed), slots)
