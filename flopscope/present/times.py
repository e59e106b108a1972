"""Times as text, and what stands below every table of predicted times."""

from __future__ import annotations

from typing import Any

from flopscope.catalog.latencies import Trust
from flopscope.timing.device import LEVELS, Device
from flopscope.timing.roofline import Bound, Time, milliseconds

BOUNDS = {
    Bound.COMPUTE: "arithmetic", Bound.MEMORY: "memory", Bound.LAUNCH: "launches"
}  # fmt: skip
"""What a unit waits for, in words."""


ORDER = (
    f"Times are to be trusted in this order: {', '.join(each.value for each in Trust)}."
)  # fmt: skip
"""Which times to believe first."""


def milli(seconds: float) -> str:
    """Milliseconds to three digits, without the unit.

    >>> milli(0.0127), milli(1.5)
    ('12.7', '1,500')
    """
    return milliseconds(seconds).removesuffix(" ms")


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
    """Where the times hold, and how far they were from what was measured."""
    held, calibration = device.held_out, device.calibration
    sister = f", starting from {calibration.sister}" if calibration.sister else ""
    baselines = "; ".join(f"{name} {error:.1f} %" for name, error in held.baselines.items())
    return [
        ORDER,
        f"Predicted, not measured. {device.name}: {device.protocol}; "
        f"{calibration.networks} networks of {len(calibration.families)} families"
        f"{sister} ({calibration.source}).",
        f"With {held.protocol} the median error was {held.median:.1f} %, of nine in ten networks "
        f"at most {held.p90:.1f} %, and Kendall's τ {held.kendall:.3f}; the intervals for "
        f"{' and '.join(LEVELS)} % covered "
        f"{' and '.join(f'{held.coverage[level]:.0f}' for level in LEVELS)} %. "
        f"Baselines: {baselines}.",
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


def time_data(time: Time) -> dict[str, Any]:
    """A predicted time as an answer's JSON has it, in seconds."""
    return {
        "seconds": time.seconds,
        **{f"interval_{level}": list(time.interval(int(level))) for level in LEVELS},
        "bound": {bound.value: share for bound, share in time.shares().items()},
    }
