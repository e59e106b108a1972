"""What a frontier says of times that are predicted: their device, batch and intervals."""

from __future__ import annotations

from typing import Any

from flopscope.answers.timed import TimeQuantity
from flopscope.choosing.front import Front
from flopscope.choosing.points import Point
from flopscope.present.times import time_data


def predicted_notes(front: Front) -> list[str]:
    """At which batch times are predicted, and where networks are unlike those of the
    calibration."""
    asked = front.question
    timed = [each for each in asked.measures if isinstance(each, TimeQuantity)]
    if not timed:
        return []
    seen, batch = timed[0].device.seen, asked.predicted_batch
    notes = [
        f"Latency is predicted for every network at a batch of {batch:,}, and on this device alone."
    ]
    if not seen.batch[0] <= batch <= seen.batch[1]:
        notes.append(
            f"Warning: the batch of {batch:,} is outside {seen.batch[0]:,} to {seen.batch[1]:,}, "
            f"which {timed[0].device.name} was calibrated with."
        )
    return notes


def latency_data(front: Front, point: Point) -> dict[str, Any]:
    """A predicted latency with its interval, in seconds."""
    asked = front.question
    costs = zip((*asked.costs, *asked.bounded), (*point.costs, *point.bounded), strict=True)
    found = [time_data(named, int(c)) for named, c in costs if isinstance(named, TimeQuantity)]
    return {"latency": found[0]} if found else {}


def device_data(front: Front) -> dict[str, Any]:
    """Where times are predicted, and at which batch."""
    asked = front.question
    if asked.device is None:
        return {}
    return {"device": asked.device.name, "batch": asked.predicted_batch}
