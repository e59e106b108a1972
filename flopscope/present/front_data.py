"""A frontier as JSON."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flopscope.answers.timed import TimeQuantity
from flopscope.choosing.front import Front
from flopscope.choosing.points import Amount
from flopscope.present.front_times import device_data, front_cautions, latency_data
from flopscope.quantities import Named


def front_data(front: Front) -> dict[str, Any]:
    """The question, and all points with their costs, of which times are in milliseconds."""
    asked = front.question
    return {
        "schema": "flopscope.pareto/1",
        "convention": asked.convention.name,
        "unit": asked.convention.unit,
        "costs": list(asked.criteria),
        "budgets": {each.quantity: cost_data(each.of, each.limit) for each in asked.most},
        "accuracy": asked.accuracy,
        **device_data(front),
        **({"cautions": said} if (said := front_cautions(front)) else {}),
        "points": [_point_data(front, index) for index in range(len(front.points))],
        "best": front.best,
        "knee": front.knee,
        "hypervolume": front.hypervolume,
        "reference": _reference(front),
        "left_out": [left._asdict() for left in front.cloud.left],
        "not_asked_for": front.cloud.others,
    }


def _reference(front: Front) -> list[int | float] | None:
    if front.hypervolume is None:
        return None
    cost, top1 = front.reference
    return [cost_data(front.question.costs[0], cost), plain(top1)]


def _point_data(front: Front, index: int) -> dict[str, Any]:
    point, asked = front.points[index], front.question
    return {
        "name": point.name,
        "variant": None if point.variant is None else str(point.variant),
        "resolution": None if point.resolution is None else list(point.resolution),
        "costs": {
            name: cost_data(cost, value)
            for name, cost, value in zip(asked.criteria, asked.costs, point.costs, strict=True)
        },
        "bounded": {
            quantity.name: cost_data(quantity, value)
            for quantity, value in zip(asked.bounded, point.bounded, strict=True)
        },
        **latency_data(front, point),
        "stated": point.stated,
        "target": point.target and point.target.name,
        "top1": float(point.top1),
        "source": point.source,
        "whose": point.accuracy and point.accuracy.whose,
        "recipe": point.accuracy and point.accuracy.recipe,
        "on_frontier": front.by[index] < 0,
        "dominated_by": None if front.by[index] < 0 else front.by[index],
    }


def cost_data(cost: Named, value: Amount) -> int | float:
    """A cost for JSON: a time in milliseconds."""
    return cost.milliseconds(int(value)) if isinstance(cost, TimeQuantity) else plain(value)


def plain(value: Amount) -> int | float:
    """A number as JSON has it: a whole one as an integer."""
    return int(value) if value == int(value) else float(Fraction(value))
