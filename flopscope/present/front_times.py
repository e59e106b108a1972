"""What a frontier says of times: which are measured and which are predicted, on which device, at
which batch, and how far to trust them."""

from __future__ import annotations

from typing import Any

from flopscope.answers.timed import TimeQuantity, protocol
from flopscope.catalog.latencies import Trust, devices
from flopscope.choosing.front import Front
from flopscope.choosing.points import LATENCY, Point
from flopscope.present.latencies import citation, milliseconds
from flopscope.present.quantities import cautions
from flopscope.present.times import spread, time_data
from flopscope.quantities import Named

ALMOST = "≈ "
"""The mark before a predicted time, beside measured ones."""


def is_predicted(cost: Named, point: Point) -> bool:
    """Is this cost of the point a predicted time?"""
    return isinstance(cost, TimeQuantity) and point.measured is None


def trust(point: Point) -> str:
    """How far to trust the latency of a point on a device."""
    taken: Trust = Trust.PREDICTED if point.measured is None else Trust.PUBLISHED
    return str(taken.value)


def time_cell(cost: TimeQuantity, attoseconds: int, point: Point) -> str:
    """A measured time in milliseconds, with the digits of its source, or a predicted one with its
    interval, which is marked."""
    if point.measured is not None and point.measured.latency_ms is not None:
        return milliseconds(point.measured.latency_ms)
    return f"{ALMOST}{spread(cost, attoseconds)}"


def time_words(cost: TimeQuantity, attoseconds: int, point: Point) -> str:
    """The same in a sentence: '17.5 ms of latency' or '≈ 13.8 (12.9 – 16.8) ms of latency'."""
    return f"{time_cell(cost, attoseconds, point)} ms of latency"


def cost_words(front: Front, cost: Named) -> str:
    """A cost in a sentence and on an axis. A time may be measured at one point and predicted at
    others."""
    if not isinstance(cost, TimeQuantity) or _predicted(front) == len(front.points):
        return cost.words
    return f"latency on {cost.device.name}"


def cost_heading(front: Front, cost: Named) -> str:
    """The heading of a cost; of times that are all measured, without the interval."""
    measured = isinstance(cost, TimeQuantity) and not _predicted(front)
    return LATENCY.heading if measured else cost.heading


def measured_notes(front: Front) -> list[str]:
    """Which device the published latencies of a frontier are of, and where they stand."""
    on, rows = front.question.device, [point.measured for point in front.points]
    tables = dict.fromkeys(citation(row) for row in rows if row is not None)
    if on is None or on.published is None or not tables:
        return []
    known = sum(row is not None for row in rows)
    of = "Latency" if known == len(rows) else f"Latency of {known:,} of the {len(rows):,} points"
    return [
        f"{of} is that of a batch of {front.question.latency_batch} on {on.name} "
        f"({on.published.words}), {Trust.PUBLISHED.value}: {'; '.join(tables)}. No other "
        f"device, runtime, type or batch is mixed with it; `flopscope latencies` lists all "
        f"{len(devices())} devices."
    ]


def predicted_notes(front: Front) -> list[str]:
    """How many times are predicted, at which batch, and whether the device was calibrated with such
    a batch."""
    asked, predicted = front.question, _predicted(front)
    time = _time(front)
    if time is None or not predicted:
        return []
    seen, batch = time.device.seen, asked.latency_batch
    if predicted == len(front.points):
        notes = [
            f"Latency is predicted for every network at a batch of {batch:,}, and on this device "
            "alone."
        ]
    else:
        notes = [
            f"Latency of the other {predicted:,}, marked {ALMOST.strip()}, is predicted at the "
            "same batch, for want of a published one at their input size and this batch."
        ]
    if not seen.batch[0] <= batch <= seen.batch[1]:
        notes.append(
            f"Warning: the batch of {batch:,} is outside {seen.batch[0]:,} to {seen.batch[1]:,}, "
            f"which {time.device.name} was calibrated with."
        )
    return notes


def front_cautions(front: Front) -> list[str]:
    """The cautions of the costs. That of predicted times is left out where all are measured, and
    says which times it means where some are."""
    others = [each for each in front.question.measures if not isinstance(each, TimeQuantity)]
    time, predicted = _time(front), _predicted(front)
    said = cautions(others)
    if time is None or not predicted:
        return said
    mixed = predicted < len(front.points)
    return [*said, protocol(time.device, f"Times marked {ALMOST.strip()}" if mixed else "Times")]


def latency_data(front: Front, point: Point) -> dict[str, Any]:
    """The latency of a point in seconds: a predicted one with its interval, a measured one with its
    source."""
    asked = front.question
    if asked.device is None:
        return {}
    if (row := point.measured) is not None and row.latency_ms is not None:
        known = {"trust": trust(point), "source": citation(row)}
        return {"latency": {"seconds": float(row.latency_ms / 1000), **known}}
    costs = zip((*asked.costs, *asked.bounded), (*point.costs, *point.bounded), strict=True)
    found = [time_data(named, int(c)) for named, c in costs if isinstance(named, TimeQuantity)]
    return {"latency": found[0]} if found else {}


def device_data(front: Front) -> dict[str, Any]:
    """Where times are taken, and at which batch."""
    on = front.question.device
    return {
        "device": None if on is None else on.name,
        "batch": None if on is None else front.question.latency_batch,
    }


def _time(front: Front) -> TimeQuantity | None:
    """The time that is a cost or bounded; None where no time can be predicted."""
    return next((each for each in front.question.measures if isinstance(each, TimeQuantity)), None)


def _predicted(front: Front) -> int:
    """How many points have a predicted time."""
    time = _time(front)
    return 0 if time is None else sum(is_predicted(time, point) for point in front.points)
