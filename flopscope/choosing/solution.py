"""What a search for the largest designs within budgets finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import log

from flopscope.answers.ranges import Value
from flopscope.answers.target import Target
from flopscope.brief import short
from flopscope.catalog.variant import Resolution, Variant
from flopscope.choosing.axes import Axis
from flopscope.choosing.budgets import Budget
from flopscope.choosing.designs import Design, counted
from flopscope.quantities import Quantity


@dataclass(frozen=True)
class Tried:
    """How the designs of a network were counted, where no closed form tells the largest one.

    designs: how many were counted. missing: how many of the range do not exist; `refused` says of
    one why. parts: the traces that this took, and `means` says so. broken: how many designs break a
    budget although a larger value of the last axis keeps it. ends: how many of the answers are at
    the largest value of the last axis.
    """

    designs: int
    missing: int
    parts: int
    means: str
    refused: str = ""
    broken: int = 0
    ends: int = 0
    expected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Solution:
    """`designs` are those that keep `budgets`, in the order of the outer axes.

    `words` are the sizes that are not free. `usual` are the values that the network has unasked;
    None where it has none. `beyond` is the next design along a single free axis, the first that
    breaks a budget; None if there is no larger design. `least` is the smallest design, if none
    keeps the budgets: of designs that were `tried`, the one nearest to keeping them.
    """

    target: Target
    axes: tuple[Axis, ...]
    resolution: Resolution | None
    batch: int | None
    words: str
    budgets: tuple[Budget, ...]
    designs: tuple[Design, ...]
    usual: Mapping[str, Value | None]
    beyond: Design | None = None
    least: Design | None = None
    tried: Tried | None = None

    def __repr__(self) -> str:
        budgets = " and ".join(map(str, self.budgets))
        return short(self, f"{self.target.name}: {len(self.designs)} within {budgets}")

    @property
    def variant(self) -> Variant | None:
        """The network, if it is one of the catalogue."""
        return self.target.variant

    @property
    def quantities(self) -> list[Quantity]:
        """The quantities in which the designs are counted."""
        return counted([budget.of for budget in self.budgets])

    def share(self, design: Design) -> Fraction:
        """The share that it uses of the budget that it comes nearest to using up."""
        return max(Fraction(design.counts[b.quantity], b.limit) for b in self.budgets)

    def nearest(self, number: int) -> tuple[Design, ...]:
        """The designs nearest to the published network, by the logarithms of their sizes.

        Most designs of a frontier are one-sided: very wide on tiny inputs, or the reverse.
        """

        def distance(design: Design) -> float:
            usual = ((value, self.usual[name]) for name, value in design.sizes.items())
            return sum(log(value / own) ** 2 for value, own in usual if own)

        # Layers are rounded too, so neighbouring depths may give the same network, which is shown
        # once.
        different = {tuple(d.counts.values()): d for d in sorted(self.designs, key=distance)[::-1]}
        near = sorted(different.values(), key=distance)[:number]
        return tuple(design for design in self.designs if design in near)
