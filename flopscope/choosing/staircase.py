"""One free axis, along which a network's cost is a staircase that a budget cuts at one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from flopscope.answers.counting import at
from flopscope.choosing.axes import Axis, shortest_decimal
from flopscope.choosing.budgets import Budget
from flopscope.choosing.designs import Design, Designs, Sizes, depends
from flopscope.errors import BadInput, OutsideDomain

POINTS = 512
"""The number of multipliers at which steps are sought, before a step is located between two of
them."""


class Staircase:
    """The designs along `axis`, the other axes `fixed`, under `budgets`."""

    def __init__(
        self, designs: Designs, budgets: Sequence[Budget], axis: Axis, fixed: Sizes
    ) -> None:
        self.designs, self.budgets, self.axis, self.fixed = designs, budgets, axis, fixed

    def largest(self) -> Design | None:
        """The last design that keeps the budgets; None if no design does.

        Raises BadInput if all designs that are tried keep the budgets.
        """
        grid = self._grid(self._top())
        kept = np.flatnonzero(self._keeps(grid))
        if not kept.size:
            return None
        last = self._number(grid[kept[-1]])
        if last == self.axis.limit:
            raise BadInput(
                f"{self.designs.variant} keeps {' and '.join(map(str, self.budgets))} even at "
                f"{self.axis.name} {last:g}, the largest that is looked at; give a smaller budget"
            )
        if not self.axis.whole:
            last, _ = boundary(self._keeps_one, last, self._number(grid[kept[-1] + 1]))
        return self._design(last, grid[: kept[-1] + 1])

    def after(self, design: Design) -> Design | None:
        """The next design; None after the last one."""
        last = design.span[1]
        if not self.axis.whole:
            return self._plain(float(np.nextafter(last, np.inf)))
        further = np.arange(last + 1, self.axis.limit + 1)
        there = np.flatnonzero(self._exists(further))
        return self._plain(int(further[there[0]])) if there.size else None

    def first(self) -> Design:
        """The least design. Raises BadInput if no design exists."""
        grid = self._grid(1 if not self.axis.whole else self.axis.limit)
        there = np.flatnonzero(self._exists(grid))
        if not there.size:
            raise BadInput(f"{self.designs.variant} has no design at any {self.axis.name}")
        return self._plain(self._number(grid[there[0]]))

    def _top(self) -> int:
        """The first power of two at which the budgets are broken or the axis ends."""
        top = 1
        while top < self.axis.limit and self._affordable(top):
            top *= 2
        return top

    def _affordable(self, value: int) -> bool:
        """Are the budgets kept at a value, whether or not there is a design?"""
        try:
            return bool(self.designs.keeps(self.budgets, self._at(value)))
        except OutsideDomain:
            return True

    def _grid(self, top: int) -> Any:
        """Every integer up to `top`, or POINTS multipliers at equal distances up to it."""
        if self.axis.whole:
            return np.arange(1, top + 1)
        return np.arange(1, POINTS + 1) * (top / POINTS)

    def _exists(self, grid: Any) -> Any:
        return np.broadcast_to(self.designs.exists(self._at(grid)), grid.shape)

    def _keeps(self, grid: Any) -> Any:
        there = np.array(self._exists(grid))
        there[there] = self.designs.keeps(self.budgets, self._at(grid[there]))
        return there

    def _keeps_one(self, value: float) -> bool:
        sizes = self._at(value)
        return bool(self.designs.exists(sizes)) and bool(self.designs.keeps(self.budgets, sizes))

    def _design(self, last: Any, grid: Any) -> Design:
        """The design at `last`, with the first value that gives it; `grid` has the values up to
        there."""
        counts = self.designs.counts(self._at(last))
        there = grid[self._exists(grid)]
        found = self.designs.counts(self._at(there))
        same = np.all([np.broadcast_to(found[q] == counts[q], there.shape) for q in counts], axis=0)
        others = np.flatnonzero(~same)
        if self.axis.whole:
            first = self._number(there[others[-1] + 1 if others.size else 0])
            return Design(self._at(last), counts, (first, last), self._ideal())

        def differs(value: float) -> bool:
            sizes = self._at(value)
            return not self.designs.exists(sizes) or self.designs.counts(sizes) != counts

        before = float(there[others[-1]]) if others.size else 0.0
        _, first = boundary(differs, before, last)
        tidy = shortest_decimal(first, last)
        return Design(self._at(tidy), counts, (first, last), self._ideal())

    def _ideal(self) -> float | None:
        """The least value at which an idealised law meets its budget; None outside of its
        domain."""
        bounds = [self._ideal_bound(budget) for budget in self.budgets]
        reached = [bound for bound in bounds if bound is not None]
        return min(reached) if reached else None

    def _ideal_bound(self, budget: Budget) -> float | None:
        formula, law = self.designs.formulas[budget.quantity], self.designs.laws[budget.quantity]
        if not depends(law, self.axis):
            return None

        def kept(value: float) -> bool:
            return bool(at(law, self._at(value)) <= budget.limit)

        top = 1.0
        while kept(top):
            top *= 2
        bound, _ = boundary(kept, 0.0, top)
        own = law.conditions[len(formula.conditions) :]
        holds = all(condition.at(self._at(bound)).broken() is False for condition in own)
        return bound if bound > 0 and holds and self._reaches(bound) else None

    def _reaches(self, value: float) -> bool:
        """Are there designs from a value on? A network may accept only a few integer sizes."""
        further = np.arange(int(value), self.axis.limit + 1)
        return not self.axis.whole or bool(self._exists(further).any())

    def _plain(self, value: Any) -> Design:
        sizes = self._at(value)
        return Design(sizes, self.designs.counts(sizes), (value, value))

    def _number(self, value: Any) -> Any:
        return int(value) if self.axis.whole else float(value)

    def _at(self, value: Any) -> Sizes:
        return {**self.fixed, self.axis.name: value}


def boundary(holds: Callable[[float], bool], low: float, high: float) -> tuple[float, float]:
    """Two neighbouring floats, of which the first satisfies `holds` and the second does not.

    Domain: low satisfies it, high does not.

    >>> boundary(lambda x: x < 0.5, 0.0, 1.0)[1]
    0.5
    """
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low, high
