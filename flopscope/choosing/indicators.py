"""Indicators of a frontier of cost against gain: its knee, and the area that it dominates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from flopscope.choosing.pareto import frontier
from flopscope.errors import BadInput

COST_AND_GAIN = ("min", "max")


def knee(costs: Sequence[Any], gains: Sequence[Any]) -> int | None:
    """The index of the point at which the frontier bends most.

    log cost and gain are scaled to 0..1 between the frontier's ends. The knee is the point that
    lies highest above the chord between the ends; of equally high ones it is the cheapest, and of
    equal points the first. None if no point lies above the chord. Raises BadInput for a cost that
    is not positive, and as `frontier` does.

    >>> knee([1, 10, 100], [50.0, 70.0, 80.0])
    1
    >>> knee([1, 10, 100], [50.0, 55.0, 80.0]) is None
    True
    """
    on = [(cost, i, gain) for i, cost, gain in _on_frontier(costs, gains)]
    if any(cost <= 0 for cost, _, _ in on):
        raise BadInput("a cost is not positive and has no logarithm; leave that point out")
    on.sort()
    if not on or on[0][0] == on[-1][0]:
        return None
    x = np.log([float(cost) for cost, _, _ in on])
    y = np.array([float(gain) for _, _, gain in on])
    above = (y - y[0]) / (y[-1] - y[0]) - (x - x[0]) / (x[-1] - x[0])
    highest = int(np.argmax(above))
    return on[highest][1] if above[highest] > 0 else None


def hypervolume(costs: Sequence[Any], gains: Sequence[Any], reference: tuple[Any, Any]) -> Any:
    """The area of all (cost, gain) that a point dominates weakly and that dominates `reference`.

    Its unit is the unit of cost times that of gain. It is a sum of rectangles, which is exact for
    ints and Fractions. A point that is not better than the reference in both adds nothing. Raises
    BadInput as `frontier` does.

    >>> hypervolume([1, 3, 2], [5, 9, 4], reference=(6, 2))
    27
    """
    most, least = reference
    on = {(cost, gain) for _, cost, gain in _on_frontier(costs, gains)}
    steps = sorted((cost, gain) for cost, gain in on if cost < most and gain > least)
    area, end = 0, most
    for cost, gain in reversed(steps):
        area, end = area + (end - cost) * (gain - least), cost
    return area


def _on_frontier(costs: Sequence[Any], gains: Sequence[Any]) -> list[tuple[int, Any, Any]]:
    """Index, cost and gain of each point on the frontier, in Python's numbers, which are exact."""
    on = np.flatnonzero(frontier([costs, gains], COST_AND_GAIN)).tolist()
    return [(i, _plain(costs[i]), _plain(gains[i])) for i in on]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
