"""Budgets solved for networks without a closed form: every design of a range is counted."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flopscope.answers.counting import Counted, Tell, columns_of, count
from flopscope.answers.ranges import Range
from flopscope.answers.spaces.choosing import with_values
from flopscope.answers.spaces.space import Space
from flopscope.choosing.axes import RESOLUTION, Axis
from flopscope.choosing.budgets import Budget
from flopscope.choosing.designs import Design, counted
from flopscope.choosing.solution import Solution, Tried
from flopscope.errors import BadInput

Flags = NDArray[np.bool_]


def tried(
    space: Space, budgets: Sequence[Budget], asked: Sequence[Range], step: int | None, tell: Tell
) -> Solution:
    """For each combination of the outer sizes the last value of the innermost one that keeps the
    budgets, each of them counted.

    Raises BadInput where the budgets do not depend on a size, where an operator's cost is unknown,
    and where the budgets are kept at the end of a range that nobody gave.
    """
    between = step or (int(RESOLUTION.step) if len(asked) > 1 else None)
    ranges = with_values(space, asked, between)
    quantities = counted([budget.of for budget in budgets])
    found = count(space, columns_of(ranges), quantities, tell)
    _require_known(space, found)
    _require_binding(space, found, budgets, ranges)
    rows = _Rows(found, budgets, ranges)
    if not asked[-1].values:
        _require_an_end(space, rows, budgets)
    axes = tuple(
        Axis(each.name, ceil(each.values[-1]), Fraction(1), each.values) for each in ranges
    )
    usual = {each.name: space.usual(each.name) for each in ranges}
    resolution = None if RESOLUTION.name in usual else space.shape
    beyond = rows.beyond() if len(ranges) == 1 else None
    return Solution(
        space.target, axes, resolution, space.batch, space.words(usual), tuple(budgets),
        rows.designs(), usual, beyond, rows.least(), rows.told(space),
    )  # fmt: skip


class _Rows:
    """The designs as a table: a row for each combination of the outer sizes, a column for each
    value of the innermost one."""

    def __init__(self, found: Counted, budgets: Sequence[Budget], ranges: Sequence[Range]) -> None:
        self.found, self.budgets, self.inner = found, budgets, ranges[-1]
        shape = (-1, len(self.inner.values))
        kept = found.there.copy()
        for budget in budgets:
            kept &= np.asarray(found.counts[budget.of] <= budget.limit, dtype=bool)
        self.there, self.kept = found.there.reshape(shape), kept.reshape(shape)
        self.rows = np.flatnonzero(self.kept.any(axis=1))
        reverse = self.kept[self.rows, ::-1]
        self.last = shape[1] - 1 - reverse.argmax(axis=1)

    def designs(self) -> tuple[Design, ...]:
        """The last design of each row that keeps the budgets."""
        return tuple(
            self._design(int(row), int(last))
            for row, last in zip(self.rows, self.last, strict=True)
        )

    def beyond(self) -> Design | None:
        """The next design of a single row; None if there is none."""
        if not self.rows.size:
            return None
        further = np.flatnonzero(self.there[0, self.last[0] + 1 :])
        return self._design(0, int(self.last[0] + 1 + further[0])) if further.size else None

    def least(self) -> Design | None:
        """The design that comes nearest to the budgets, if none keeps them."""
        if self.rows.size:
            return None
        indices = np.flatnonzero(self.found.there)
        nearest = min(indices, key=lambda index: max(self._shares(int(index))))
        return self._design(*divmod(int(nearest), self.there.shape[1]))

    def told(self, space: Space) -> Tried:
        """How the designs were counted."""
        before = np.arange(self.there.shape[1]) < self.last[:, None]
        broken = self.there[self.rows] & ~self.kept[self.rows] & before
        there = self.found.there
        return Tried(
            int(there.sum()), int((~there).sum()), self.found.parts, space.means(self.found.parts),
            self.found.refused, int(broken.sum()), int(self.ends.sum()), self.found.expected,
        )  # fmt: skip

    @property
    def ends(self) -> Flags:
        """Is the last design that keeps the budgets the last one that there is in its row?"""
        further = np.arange(self.there.shape[1]) > self.last[:, None]
        return np.asarray(~(self.there[self.rows] & further).any(axis=1))

    def _shares(self, index: int) -> list[Fraction]:
        return [Fraction(self.found.counts[b.of][index], b.limit) for b in self.budgets]

    def _design(self, row: int, place: int) -> Design:
        index = row * self.there.shape[1] + place
        counts = {row.name: int(column[index]) for row, column in self.found.counts.items()}
        first = place
        while first and self._same(row, first - 1, counts):
            first -= 1
        span = (self.inner.values[first], self.inner.values[place])
        return Design(self.found.design(index), counts, span)

    def _same(self, row: int, place: int, counts: dict[str, int]) -> bool:
        index = row * self.there.shape[1] + place
        return bool(self.found.there[index]) and all(
            column[index] == counts[row.name] for row, column in self.found.counts.items()
        )


def _require_known(space: Space, found: Counted) -> None:
    if found.bounds.any():
        raise BadInput(
            f"{space.name} has operators whose cost is unknown, so that no design is certain to "
            "keep a budget; `flopscope profile` names them"
        )


def _require_binding(
    space: Space, found: Counted, budgets: Sequence[Budget], ranges: Sequence[Range]
) -> None:
    """Raises BadInput for a size on which nothing that is bounded depends."""
    shape = tuple(len(each.values) for each in ranges)
    there = found.there.reshape(shape)
    for place, each in enumerate(ranges):
        tables = (found.counts[b.of].reshape(shape) for b in budgets)
        if there.sum() > 1 and not any(_varies(table, there, place) for table in tables):
            bounded = " and ".join(b.of.noun for b in budgets)
            if len(each.values) > 1:
                raise BadInput(
                    f"{bounded} of {space.name} do not depend on {each.name}, so that no budget "
                    "bounds it; bound another quantity, or leave it out"
                )


def _varies(table: NDArray[Any], there: Flags, place: int) -> bool:
    """Does a count change along one axis, between designs that exist?"""
    rows = np.moveaxis(table, place, -1).reshape(-1, table.shape[place])
    exist = np.moveaxis(there, place, -1).reshape(rows.shape)
    return any(len(set(row[here].tolist())) > 1 for row, here in zip(rows, exist, strict=True))


def _require_an_end(space: Space, rows: _Rows, budgets: Sequence[Budget]) -> None:
    """Raises BadInput where no design of a range that nobody gave breaks the budgets."""
    if rows.rows.size and rows.ends.all():
        name, most = rows.inner.name, rows.inner.values[-1]
        raise BadInput(
            f"{space.name} keeps {' and '.join(map(str, budgets))} even at {name} {most:g}, the "
            f"largest that is looked at; give a range, such as --free {name}={most:g}:"
            f"{8 * most:g}:{max(1, most // 8) if isinstance(most, int) else most / 8:g}, or a "
            "smaller budget"
        )
