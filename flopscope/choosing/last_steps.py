"""The last step of an axis that keeps the budgets, for many values of the other axes at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flopscope.choosing.axes import Axis
from flopscope.choosing.budgets import Budget
from flopscope.choosing.designs import Designs, Sizes
from flopscope.choosing.rising import Factored
from flopscope.choosing.steps import Stairs, Steps
from flopscope.sizes import Size, maximum
from flopscope.symbolic import Polynomial

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

SCANNED = 64
"""Steps that are tried at once where a cost may fall."""


class Found(NamedTuple):
    """For each row the number of its last step, −1 for none; and whether the axis ends there."""

    step: Ints
    ends: Flags


class LastSteps:
    """Searches along `axis`, whose steps are `stairs`, for the last one that keeps `budgets`."""

    def __init__(
        self, designs: Designs, budgets: Sequence[Budget], axis: Axis, stairs: Stairs
    ) -> None:
        self.designs, self.budgets, self.axis, self.stairs = designs, budgets, axis, stairs
        expressions = [designs.formulas[budget.quantity].expression for budget in budgets]
        self._factored = [
            Factored(part, axis.name) for whole in expressions for part in _parts(whole)
        ]
        self._look_up_to(1)

    def find(self, fixed: Sizes, number: int) -> Found:
        """The last step for each of `number` rows of the other axes."""
        found = Found(np.full(number, -1), np.zeros(number, dtype=bool))
        rows = np.flatnonzero(np.broadcast_to(self.designs.exists(fixed), number))
        tops = self._tops(fixed, rows)
        self._look_up_to(int(tops.max(initial=1)))
        ends = np.searchsorted(self.steps.firsts, tops, side="right")
        rises = self._rises(taken(fixed, rows), len(rows))
        for search, chosen in ((self._bisected, rises), (self._scanned, ~rises)):
            found.step[rows[chosen]] = search(taken(fixed, rows[chosen]), ends[chosen])
        last = self.steps.lasts[found.step] if self.steps.lasts.size else np.zeros(number)
        found.ends[:] = (found.step >= 0) & (last == self.axis.limit)
        return found

    def _look_up_to(self, top: int) -> None:
        """The steps that there are up to `top`, if they are not known yet, and which costs climb
        them."""
        if top <= getattr(self, "_top", 0):
            return
        self._top, steps = top, self.stairs.up_to(top)
        there = np.broadcast_to(
            self.designs.exists({self.axis.name: steps.lasts}), steps.lasts.shape
        )
        self.steps = Steps(steps.firsts[there], steps.lasts[there])
        sizes = {self.axis.name: self.steps.lasts}
        self._climbs = bool(there.any()) and all(f.climbs(sizes) for f in self._factored)

    def _tops(self, fixed: Sizes, rows: Ints) -> Ints:
        """For each row the first power of two at which the budgets are broken, or the axis ends."""
        tops, top, going = np.ones(len(rows), dtype=np.int64), 1, np.arange(len(rows))
        while going.size and top < self.axis.limit:
            if self.designs.exists({self.axis.name: top}):
                here = taken(fixed, rows[going])
                going = going[self._keeps(here, np.full(going.size, self._value(top)))]
            top *= 2
            tops[going] = top
        return tops

    def _rises(self, fixed: Sizes, number: int) -> Flags:
        if not self._climbs:
            return np.zeros(number, dtype=bool)
        weighs = [factored.weighs(fixed, number) for factored in self._factored]
        return np.asarray(np.all(weighs, axis=0))

    def _bisected(self, fixed: Sizes, ends: Ints) -> Ints:
        """Where no cost falls: between a step that keeps the budgets and one that does not."""
        low, high = np.full(len(ends), -1), ends.copy()
        middle = np.zeros(len(ends), dtype=np.int64)  # most rows without any design break them here
        while (going := np.flatnonzero(high - low > 1)).size:
            tried = middle[going]
            kept = self._keeps(taken(fixed, going), self.steps.lasts[tried])
            low[going] = np.where(kept, tried, low[going])
            high[going] = np.where(kept, high[going], tried)
            middle = (low + high) // 2
        return low

    def _scanned(self, fixed: Sizes, ends: Ints) -> Ints:
        """Where a cost may fall: every step is tried, from the last one down."""
        found, going, top = np.full(len(ends), -1), np.arange(len(ends)), ends.copy()
        while (going := going[top[going] > 0]).size:
            tried = top[going, None] - 1 - np.arange(SCANNED)
            rows, columns = np.nonzero(tried >= 0)
            kept = np.zeros(tried.shape, dtype=bool)
            values = self.steps.lasts[tried[rows, columns]]
            kept[rows, columns] = self._keeps(taken(fixed, going[rows]), values)
            some = kept.any(axis=1)
            found[going[some]] = tried[some, kept[some].argmax(axis=1)]
            top[going] -= SCANNED
            going = going[~some]
        return found

    def _keeps(self, fixed: Sizes, values: NDArray[Any]) -> Flags:
        kept = self.designs.keeps(self.budgets, {**fixed, self.axis.name: values})
        return np.broadcast_to(kept, values.shape)

    def _value(self, top: int) -> float | int:
        return top if self.axis.whole else float(top)


def _parts(expression: Size) -> Sequence[Size]:
    """The sums of which a peak is the largest; a sum itself."""
    call = expression.sole_call(maximum) if isinstance(expression, Polynomial) else None
    return (expression,) if call is None else call.arguments


def taken(columns: Sizes, rows: NDArray[Any]) -> dict[str, Any]:
    """These rows of every column."""
    return {name: column[rows] for name, column in columns.items()}
