"""The largest designs along the last of several free axes, for all values of the others at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flopscope.answers.counting import tabulated
from flopscope.choosing.axes import Axis, shortest_decimal
from flopscope.choosing.budgets import Budget
from flopscope.choosing.designs import Design, Designs, Sizes
from flopscope.choosing.ideals import Ideals
from flopscope.choosing.last_steps import LastSteps, taken
from flopscope.choosing.steps import Stairs, stairs
from flopscope.errors import BadInput

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

PATIENCE = 64
"""Tidy values of an axis that are tried before it is given up for want of any design."""
BLOCK = 8
"""Tidy values of an axis that are tried at once at first; later twice as many each time."""
ROWS = 2**16
"""Rows that are tried at once."""
MOST = 2**20
"""Designs that are listed."""


class Leaves(NamedTuple):
    """Designs in order: the row of the outer axes that each goes on from, its values of the axes
    but the last, the number of its step along the last one, and whether that is the axis's end."""

    origin: Ints
    sizes: Sizes
    step: Ints
    ends: Flags

    def rows(self, chosen: NDArray[Any]) -> Leaves:
        """Some of them."""
        return Leaves(
            self.origin[chosen], taken(self.sizes, chosen), self.step[chosen], self.ends[chosen]
        )


class Frontier:
    """The designs of several axes, of which the last changes at `stairs` alone."""

    def __init__(self, designs: Designs, budgets: Sequence[Budget], steps: Stairs) -> None:
        *self.outer, self.inner = designs.axes
        self.designs, self.budgets = designs, budgets
        self.last = LastSteps(designs, budgets, self.inner, steps)
        self._listed = 0

    def found(self) -> list[Design]:
        """For each tidy values of the outer axes the largest design along the last.

        Raises BadInput where the budgets are kept as far as designs are looked for, and where more
        than MOST designs keep them.
        """
        leaves = self._leaves({}, 1, self.outer)
        if leaves.ends.any():
            raise BadInput(
                f"{self.designs.variant} keeps {' and '.join(map(str, self.budgets))} even at "
                f"{self.inner.name} {self.inner.limit:g}, the largest that is looked at; give a "
                "smaller budget"
            )
        return self._designs(leaves) if leaves.step.size else []

    def _leaves(self, fixed: Sizes, number: int, axes: Sequence[Axis]) -> Leaves:
        """The designs that go on from `number` rows of axes that are `fixed`."""
        if not axes:
            found = self.last.find(fixed, number)
            there = np.flatnonzero(found.step >= 0)
            self._count(there.size)
            return Leaves(there, taken(fixed, there), found.step[there], found.ends[there])
        first, *inner = axes
        scan = Scan(number)
        parts = []
        values = first.tidy()
        while block := list(islice(values, scan.width)):
            row = np.repeat(scan.going, len(block))
            here = {**taken(fixed, row), first.name: np.tile(block, len(scan.going))}
            leaves = self._leaves(here, len(row), inner)
            leaves = leaves.rows(scan.kept(leaves.origin, len(block)))
            parts.append(leaves._replace(origin=row[leaves.origin]))
        return _joined(parts)

    def _count(self, number: int) -> None:
        self._listed += number
        if self._listed > MOST:
            free = ", ".join(axis.name for axis in self.designs.axes)
            raise BadInput(
                f"more than {MOST:,} designs of {self.designs.variant} keep "
                f"{' and '.join(map(str, self.budgets))} along {free}; leave one of them out, or "
                "give a smaller budget"
            )

    def _designs(self, leaves: Leaves) -> list[Design]:
        steps = self.last.steps
        last = steps.lasts[leaves.step]
        counts = self._counts(leaves.sizes, last)
        first = steps.firsts[self._first(leaves, counts)]
        ideals = Ideals(self.designs, self.budgets, self.inner).of(leaves.sizes, len(last))
        outer = zip(*(column.tolist() for column in leaves.sizes.values()), strict=True)
        rows = zip(*(column.tolist() for column in counts.values()), strict=True)
        spans = zip(first.tolist(), last.tolist(), strict=True)
        tidy = cache(shortest_decimal)
        return [
            Design(
                {
                    **dict(zip(leaves.sizes, sizes, strict=True)),
                    self.inner.name: self._shown(tidy, span),
                },
                dict(zip(counts, row, strict=True)),
                span,
                ideal,
            )
            for sizes, row, span, ideal in zip(outer, rows, spans, ideals, strict=True)
        ]

    def _shown(self, tidy: Any, span: tuple[Any, Any]) -> Any:
        return span[1] if self.inner.whole else tidy(*span)

    def _counts(self, fixed: Sizes, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
        sizes = {**fixed, self.inner.name: values}
        return {
            name: np.broadcast_to(tabulated(formula, sizes), values.shape)
            for name, formula in self.designs.formulas.items()
        }

    def _first(self, leaves: Leaves, counts: dict[str, NDArray[Any]]) -> Ints:
        """The first of the steps up to each design's own that all have its counts."""
        first, going = leaves.step.copy(), np.arange(len(leaves.step))
        while (going := going[first[going] > 0]).size:
            before = self.last.steps.lasts[first[going] - 1]
            found = self._counts(taken(leaves.sizes, going), before)
            same = np.all([found[name] == counts[name][going] for name in counts], axis=0)
            going = going[same]
            first[going] -= 1
        return first


class Scan:
    """Many rows, each of which goes through the tidy values of an axis until no design is left.

    Costs grow along every axis: after the last design that keeps the budgets comes no other.
    """

    def __init__(self, number: int) -> None:
        self.going: Ints = np.arange(number)
        self._seen = np.zeros(number, dtype=bool)
        self._tried = 0
        self._block = BLOCK

    @property
    def width(self) -> int:
        """How many values come next; none where no row goes on."""
        if not self.going.size:
            return 0
        return min(self._block, max(BLOCK, ROWS // self.going.size))

    def kept(self, origin: Ints, width: int) -> Flags:
        """Of designs in these places of rows times `width` values: which come before the row's end?

        The rows that have not ended go on.
        """
        there = np.zeros((self.going.size, width), dtype=bool)
        there.ravel()[origin] = True
        seen = np.logical_or.accumulate(there, axis=1) | self._seen[:, None]
        tried = self._tried + 1 + np.arange(width)
        over = np.logical_or.accumulate(~there & (seen | (tried == PATIENCE)), axis=1)
        on = ~over[:, -1]
        self.going, self._seen = self.going[on], seen[on, -1]
        self._tried, self._block = self._tried + width, 2 * self._block
        return ~over.ravel()[origin]


def _joined(parts: Sequence[Leaves]) -> Leaves:
    """The parts in one, in the order of their rows and then of the values."""
    columns = {name: np.concatenate([p.sizes[name] for p in parts]) for name in parts[0].sizes}
    joined = Leaves(
        np.concatenate([part.origin for part in parts]),
        columns,
        np.concatenate([part.step for part in parts]),
        np.concatenate([part.ends for part in parts]),
    )
    return joined.rows(np.argsort(joined.origin, kind="stable"))


def frontier(designs: Designs, budgets: Sequence[Budget]) -> Frontier | None:
    """The search in several axes; None where the last one has no stairs of its own: where something
    is not rounded, or a condition ties it to another axis."""
    *_, inner = designs.axes
    tied = [
        condition
        for condition in designs.ledger.conditions
        if inner.name in (names := {symbol.name for symbol in condition.symbols()})
        and (len(names) > 1 or not inner.whole)
    ]
    found = stairs(inner, [formula.expression for formula in designs.formulas.values()])
    return None if tied or found is None else Frontier(designs, budgets, found)
