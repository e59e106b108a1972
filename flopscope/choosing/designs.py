"""The designs of a network along free axes: which of them exist, and what they cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from flopscope.answers.counting import at, tabulated
from flopscope.brief import short
from flopscope.catalog.variant import Resolution, Variant
from flopscope.choosing.axes import Axis
from flopscope.choosing.budgets import Budget
from flopscope.closedform import Formula
from flopscope.ledger import Ledger
from flopscope.quantities import Place, Quantity, bounded, standing
from flopscope.sizes import Size

Sizes: TypeAlias = Mapping[str, Any]
"""The values of the free axes by name: numbers, of which one may be an array."""


@dataclass(frozen=True)
class Design:
    """One design: its free sizes and its counts.

    `span` are the first and the last value of the last axis that give the same network. `ideal` is
    the idealised law's solution for this axis, None where the law does not hold.
    """

    sizes: Sizes
    counts: Mapping[str, int]
    span: tuple[Any, Any]
    ideal: float | None = None

    def __repr__(self) -> str:
        facts = {**self.sizes, **{name: f"{n:,}" for name, n in self.counts.items()}}
        return short(self, ", ".join(f"{name} {value}" for name, value in facts.items()))


class Designs:
    """Every design of `variant` along `axes`, with other sizes fixed. It is counted in the
    quantities that tables show for designs, and in those that are `asked`.

    >>> from flopscope.catalog.variant import parse
    >>> from flopscope.answers.ranges import Range
    >>> from flopscope.choosing.axes import axis_of
    >>> variant = parse("mobilenetv2")
    >>> designs = Designs(variant, [axis_of(Range("width"))], (224, 224), 1)
    >>> designs.counts({"width": 1.0})["macs"]
    300774272
    """

    def __init__(
        self,
        variant: Variant,
        axes: Sequence[Axis],
        resolution: Resolution | None,
        batch: int,
        asked: Collection[Quantity] = (),
    ) -> None:
        self.variant, self.axes, self.resolution, self.batch = variant, axes, resolution, batch
        self.quantities = counted(asked)

    @cached_property
    def ledger(self) -> Ledger:
        """Its ledger, with symbols for the axes."""
        free: dict[str, Size] = {axis.name: axis.symbol for axis in self.axes}
        side = free.pop("res", None)
        resolution = self.resolution if side is None else (side, side)
        return self.variant.ledger(resolution, free.pop("batch", self.batch), **free)

    @cached_property
    def formulas(self) -> Mapping[str, Formula]:
        """Each quantity as a formula of the axes."""
        return {row.name: row.formula(self.ledger) for row in self.quantities}

    @cached_property
    def laws(self) -> Mapping[str, Formula]:
        """The formulas without any rounding."""
        return {quantity: formula.idealised() for quantity, formula in self.formulas.items()}

    def counts(self, sizes: Sizes) -> dict[str, Any]:
        """Every quantity at these sizes, which must be in the domain."""
        return {quantity: at(formula, sizes) for quantity, formula in self.formulas.items()}

    def exists(self, sizes: Sizes) -> Any:
        """Is there a design at these sizes? Elementwise where they are arrays. Conditions on other
        sizes are not asked."""
        there: Any = np.True_
        for condition in self.ledger.conditions:
            if not {symbol.name for symbol in condition.symbols()} <= sizes.keys():
                continue
            there = there & np.logical_not(condition.at(sizes).breaks())
        return there

    def keeps(self, budgets: Sequence[Budget], sizes: Sizes) -> Any:
        """Do designs that exist keep every budget? The answer is elementwise."""
        kept: Any = np.True_
        for budget in budgets:
            count = tabulated(self.formulas[budget.quantity], sizes)
            kept = kept & np.asarray(count <= budget.limit, dtype=bool)
        return kept


def counted(asked: Collection[Quantity]) -> list[Quantity]:
    """The quantities in which designs are counted: those that tables show for designs and those
    that are asked, the work first and times last."""
    usual, listed = standing(Place.PARTS), bounded()
    rows = [row for row in listed if row in usual or row in asked]
    return [*rows, *dict.fromkeys(row for row in asked if row not in listed)]


def depends(formula: Formula, axis: Axis) -> bool:
    """Does the formula have the axis among its symbols?"""
    return any(symbol.name == axis.name for symbol in formula.symbols)
