"""Where idealised laws meet their budgets along an axis, for many values of the others at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from flopscope.answers.counting import at
from flopscope.choosing.axes import Axis
from flopscope.choosing.budgets import Budget
from flopscope.choosing.designs import Designs, Sizes, depends
from flopscope.choosing.last_steps import taken
from flopscope.closedform import Formula

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BEYOND = 4
"""Times the largest value that is looked at: a law that meets its budget beyond it has no use."""


class Ideals:
    """The idealised solutions of `budgets` along `axis`."""

    def __init__(self, designs: Designs, budgets: Sequence[Budget], axis: Axis) -> None:
        self.designs, self.budgets, self.axis = designs, budgets, axis

    def of(self, fixed: Sizes, number: int) -> list[float | None]:
        """The least value at which a law meets its budget; None outside its domain."""
        least = np.full(number, np.nan)
        for budget in self.budgets:
            if depends(self.designs.laws[budget.quantity], self.axis):
                least = np.fmin(least, self._bounds(budget, fixed, number))
        return [None if bound != bound else bound for bound in least.tolist()]

    def _bounds(self, budget: Budget, fixed: Sizes, number: int) -> Floats:
        """Where the law of one budget meets it; NaN outside its domain."""
        law, limit = self.designs.laws[budget.quantity], _float_below(budget.limit)

        def kept(rows: NDArray[np.int64], values: Floats) -> Flags:
            sizes = {**taken(fixed, rows), self.axis.name: values}
            return np.asarray(at(law, sizes) <= limit)

        bounds = boundaries(kept, number, BEYOND * self.axis.limit)
        holds = self._own_conditions_hold(budget, law, {**fixed, self.axis.name: bounds})
        there = holds & (bounds > 0) & (np.floor(bounds) <= self._largest)
        return np.where(there, bounds, np.nan)

    def _own_conditions_hold(self, budget: Budget, law: Formula, sizes: Sizes) -> Flags:
        """Do the conditions of the law hold that its formula does not have?"""
        shared = len(self.designs.formulas[budget.quantity].conditions)
        broken = [condition.at(sizes).breaks() for condition in law.conditions[shared:]]
        holds = np.ones(len(sizes[self.axis.name]), dtype=bool)
        for each in broken:
            holds &= False if each is None else np.logical_not(each)
        return holds

    @cached_property
    def _largest(self) -> float:
        """The largest value at which there is a design. Of whole sizes a network may take few."""
        if not self.axis.whole:
            return np.inf
        values = np.arange(1, self.axis.limit + 1)
        there = np.broadcast_to(self.designs.exists({self.axis.name: values}), values.shape)
        return float(values[there].max(initial=0))


def boundaries(
    kept: Callable[[NDArray[np.int64], Floats], Flags], number: int, limit: float
) -> Floats:
    """For each row the last float that is kept before its neighbour, which is not; NaN where every
    power of two up to `limit` is kept.

    Domain: every row keeps 0.

    >>> boundaries(lambda rows, values: values < 0.5, 1, 8).tolist()
    [0.49999999999999994]
    """
    low, high, going = np.zeros(number), np.ones(number), np.arange(number)
    while (going := going[kept(going, high[going])]).size:
        endless = high[going] >= limit
        low[going[endless]] = high[going[endless]] = np.nan
        going = going[~endless]
        high[going] *= 2
    going = np.flatnonzero(low == 0)
    while going.size:
        middle = (low[going] + high[going]) / 2
        between = (low[going] < middle) & (middle < high[going])
        going, middle = going[between], middle[between]
        below = kept(going, middle)
        low[going] = np.where(below, middle, low[going])
        high[going] = np.where(below, high[going], middle)
    return low


def _float_below(limit: int) -> float:
    """The largest float that is not above the limit."""
    near = float(limit)
    return near if near <= limit else float(np.nextafter(near, 0.0))
