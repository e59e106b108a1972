"""A formula on the two sides of a grid: as products of tables where it separates, else design by
design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flopscope.answers.counting import tabulated
from flopscope.closedform import Formula
from flopscope.closedform.factored import factored
from flopscope.closedform.separated import separated, separates
from flopscope.errors import OutsideDomain
from flopscope.sizes import is_symbolic
from flopscope.sweeping.grid import Indices, Side

Values = NDArray[Any]


class Evaluator(Protocol):
    """What gives a formula's values. Rows and columns are places among those that it was made
    for."""

    def grid(self, rows: Indices, columns: Indices) -> Values:
        """The values at each row with each column."""

    def pairs(self, rows: Indices, columns: Indices) -> Values:
        """The values at pairs of a row and a column."""

    def keys(self, side: int) -> list[Values]:
        """What rows, or columns for side 1, have in common that count alike."""


@dataclass(frozen=True)
class Constant:
    """A number at all sizes."""

    value: int

    def grid(self, rows: Indices, columns: Indices) -> Values:
        """It everywhere."""
        return np.full((len(rows), len(columns)), self.value, dtype=self._dtype)

    def pairs(self, rows: Indices, columns: Indices) -> Values:
        """It everywhere."""
        return np.full(len(rows), self.value, dtype=self._dtype)

    def keys(self, side: int) -> list[Values]:
        """Nothing distinguishes them."""
        return []

    @property
    def _dtype(self) -> type:
        return np.int64 if abs(self.value) < 2**63 else object


@dataclass(frozen=True)
class Direct:
    """A formula that does not separate, with the sizes at each row and column."""

    formula: Formula
    rows: dict[str, Values]
    columns: dict[str, Values]

    def grid(self, rows: Indices, columns: Indices) -> Values:
        """The values at each row with each column."""
        shape = len(rows), len(columns)
        mesh = np.repeat(rows, shape[1]), np.tile(columns, shape[0])
        return self.pairs(*mesh).reshape(shape)

    def pairs(self, rows: Indices, columns: Indices) -> Values:
        """The values at pairs of a row and a column."""
        sizes = {name: values[rows] for name, values in self.rows.items()}
        sizes |= {name: values[columns] for name, values in self.columns.items()}
        return np.asarray(tabulated(self.formula, sizes))

    def keys(self, side: int) -> list[Values]:
        """The sizes that the formula has."""
        own = {s.name for s in self.formula.symbols}
        sizes = self.columns if side else self.rows
        return [values for name, values in sizes.items() if name in own]


def is_product(formula: Formula, rows: Side) -> bool:
    """Is it a sum of products of these sizes and the others?"""
    if not is_symbolic(formula.expression):
        return True
    return formula.counts and separates(formula.expression, rows.names)


def evaluator(formula: Formula, sides: Sequence[Side], at: Sequence[Indices]) -> Evaluator:
    """The formula at these choices of each side, all of which are in its domain with some choice of
    the other side."""
    value = formula.expression
    if not is_symbolic(value):
        return Constant(int(value))
    own = {s.name for s in formula.symbols}
    rows, columns = (
        {n: v for n, v in side.sizes(places).items() if n in own}
        for side, places in zip(sides, at, strict=True)
    )
    found = separated(value, sides[0].names) if formula.counts else None
    if found is not None:
        try:
            return factored(found, rows, columns, (len(at[0]), len(at[1])))
        except (OutsideDomain, ArithmeticError):  # only some pairs of a row and a column exist
            pass
    return Direct(formula, rows, columns)
