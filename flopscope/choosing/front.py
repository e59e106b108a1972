"""A cloud of points, its frontier, and indicators of the frontier."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import log10

from flopscope.brief import short
from flopscope.choosing import indicators, pareto
from flopscope.choosing.points import Amount, Cloud, Point, Question


@dataclass(frozen=True)
class Front:
    """Points with costs and accuracy. Less cost and more accuracy are better."""

    question: Question
    cloud: Cloud

    def __repr__(self) -> str:
        return short(self, f"{len(self.on)} of {len(self.points)} points on the frontier")

    @property
    def points(self) -> tuple[Point, ...]:
        """All points, cheapest first."""
        return self.cloud.points

    @cached_property
    def on(self) -> tuple[int, ...]:
        """The indices of the points on the frontier."""
        return tuple(i for i, by in enumerate(self.by) if by < 0)

    @cached_property
    def by(self) -> tuple[int, ...]:
        """For each point the index of the most accurate point that dominates it, −1 if there is
        none."""
        return tuple(pareto.dominators(*self._columns).tolist())

    @property
    def best(self) -> int:
        """The index of the most accurate point, of several the cheapest."""
        return max(range(len(self.points)), key=lambda index: self.points[index].top1)

    @cached_property
    def knee(self) -> int | None:
        """The index of the knee; None if there are several costs or the frontier does not bend."""
        if len(self.question.criteria) > 1:
            return None
        return indicators.knee(self._costs, [point.top1 for point in self.points])

    @property
    def reference(self) -> tuple[Amount, Fraction]:
        """The highest cost and the lowest accuracy of all points."""
        return max(self._costs), min(point.top1 for point in self.points)

    @cached_property
    def hypervolume(self) -> float | None:
        """The dominated area in per cent × decades of cost, down to the reference; None if there
        are several costs."""
        if len(self.question.criteria) > 1:
            return None
        most, least = self.reference
        costs = [log10(cost) for cost in self._costs]
        gains = [float(point.top1) for point in self.points]
        return float(indicators.hypervolume(costs, gains, (log10(most), float(least))))

    @property
    def _costs(self) -> list[Amount]:
        return [point.costs[0] for point in self.points]

    @property
    def _columns(self) -> tuple[list[list[Amount]], list[str]]:
        top1: list[Amount] = [point.top1 for point in self.points]
        costs = [list(cost) for cost in zip(*(p.costs for p in self.points), strict=True)]
        return [*costs, top1], ["min"] * len(costs) + ["max"]
