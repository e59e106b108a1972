"""Times as text, and what stands below every table of predicted times."""

from __future__ import annotations

from typing import Any

from flopscope.answers.timed import TimeQuantity, protocol
from flopscope.catalog.latencies import Trust
from flopscope.quantities import Named
from flopscope.timing.constants import ATTOSECONDS
from flopscope.timing.device import LEVELS, Device
from flopscope.timing.roofline import Bound, Time
from flopscope.timing.roofline import milliseconds as in_milliseconds

BOUNDS = {
    Bound.COMPUTE: "arithmetic", Bound.MEMORY: "memory", Bound.LAUNCH: "launches"
}  # fmt: skip
"""What a unit waits for, in words."""


def milli(seconds: float) -> str:
    """Milliseconds to three digits, without the unit.

    >>> milli(0.0127), milli(1.5)
    ('12.7', '1,500')
    """
    return in_milliseconds(seconds).removesuffix(" ms")


def milliseconds(attoseconds: int) -> str:
    """An exact time in milliseconds.

    >>> milliseconds(12_700_000_000_000_000)
    '12.7 ms'
    """
    return f"{milli(attoseconds / ATTOSECONDS)} ms"


def spread(row: TimeQuantity, attoseconds: int) -> str:
    """A predicted time in milliseconds, with its interval: '17.8 (16.6 – 21.5)'."""
    low, high = map(milli, row.interval(attoseconds))
    return f"{milli(row.seconds(attoseconds))} ({low} – {high})"


def time_data(row: Named, attoseconds: int) -> dict[str, Any]:
    """A predicted time and its intervals in seconds, for JSON; empty for another quantity."""
    if not isinstance(row, TimeQuantity):
        return {}
    return {
        "seconds": row.seconds(attoseconds),
        **{f"interval_{level}": list(row.interval(attoseconds, int(level))) for level in LEVELS},
        "trust": Trust.PREDICTED.value,
    }


def percent(share: float) -> str:
    """A share in whole percent.

    >>> percent(0.256)
    '26'
    """
    return f"{100 * share:.0f}"


def interval(ends: tuple[float, float]) -> str:
    """The ends of an interval in milliseconds.

    >>> interval((0.0101, 0.0159))
    '10.1 to 15.9'
    """
    return f"{milli(ends[0])} to {milli(ends[1])}"


def protocol_notes(device: Device) -> list[str]:
    """Where the times hold, how far they were from what was measured, and how far simpler
    predictors were."""
    held = device.held_out
    baselines = "; ".join(f"{name} {error:.1f} %" for name, error in held.baselines.items())
    return [
        protocol(device),
        f"Kendall's τ of predicted and measured times was {held.kendall:.3f}. Median errors of "
        f"simpler predictors: {baselines}.",
    ]


def device_data(device: Device) -> dict[str, Any]:
    """The device as an answer's JSON names it."""
    return {
        "name": device.name,
        "device": device.device,
        "runtime": device.runtime,
        "version": device.version,
        "dtype": device.dtype,
        "threads": device.threads,
        "layout": device.layout,
        "mode": device.mode,
        "clock": device.clock,
        "median_error_percent": device.held_out.median,
    }


def prediction_data(time: Time) -> dict[str, Any]:
    """A predicted time as an answer's JSON has it, in seconds."""
    return {
        "seconds": time.seconds,
        **{f"interval_{level}": list(time.interval(int(level))) for level in LEVELS},
        "bound": {bound.value: share for bound, share in time.shares().items()},
    }
