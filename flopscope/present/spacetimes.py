"""Latencies of the designs of a space: a column, what stands in JSON, and the device."""

from __future__ import annotations

from functools import partial
from typing import Any

from flopscope.answers.spacebounds import Bound, amount
from flopscope.present.quantities import number_column
from flopscope.present.table import Column
from flopscope.present.times import device_data, time_data


def latency_column(bound: Bound) -> Column:
    """The latency by a table, in its unit, or the predicted one with its interval."""
    if bound.time is not None:
        return number_column(bound.time)
    return Column("latency", "Latency", partial(amount, scale=bound.scale))


def latency_data(bound: Bound, latency: int) -> Any:
    """A number in the unit of a table, or a predicted time in seconds with its intervals."""
    if bound.time is None:
        return latency / bound.scale
    return time_data(bound.time, latency)


def bound_data(bound: Bound) -> int | float:
    """What is allowed at most for JSON: in the unit of a table, in ms, or as a count."""
    return bound.most / bound.scale if bound.scale > 1 else bound.most


def device_of_bound(bound: Bound | None) -> dict[str, Any]:
    """The device of predicted times and the images of a run, where a time in ms is bounded."""
    time = None if bound is None else bound.time
    if bound is None or time is None:
        return {}
    return {"device": device_data(time.device), "batch": bound.batch}
