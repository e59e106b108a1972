"""What stands below the tables of slimming: where times and intervals are from, and that nothing
was trained."""

from __future__ import annotations

from flopscope.choosing.slimming.loop import Slimming
from flopscope.choosing.slimming.part_times import LEVEL, PartTimes, Span
from flopscope.choosing.slimming.savings import WIDER
from flopscope.present.times import milli, protocol_notes

NO_ACCURACY = (
    "Lost importance is no accuracy: no network was trained or evaluated here. A stage counts by "
    "the share of its first width that it keeps."
)


def slimming_notes(found: Slimming, after: Span) -> list[str]:
    """What a reader should know before believing the steps."""
    notes = list(found.warned)
    if not found.steps:
        notes.append("The first design keeps the latency already.")
    if after.seconds <= found.target < after.high:
        notes.append(
            f"{milli(found.target)} ms lie within the interval, so it is not certain that the "
            "design keeps them; measure it."
        )
    if found.whole is not None:
        notes.append(
            f"Times are sums over parts; predicted as one network, the design takes "
            f"{milli(found.whole)} ms."
        )
    if not found.evaluated:
        notes.append(NO_ACCURACY)
    return [*notes, *savings_notes(found.times), *times_notes(found.times)]


def savings_notes(times: PartTimes) -> list[str]:
    """Where the intervals of savings are from."""
    savings, device = times.savings, times.device
    if savings is None or device is None:
        return ["Intervals are those of the table of parts, added at their worst."]
    if not savings.pairs:
        return [
            f"No pairs of measured networks tell how far savings on {device.name} are off: their "
            f"interval is that of a network, {WIDER} times as wide in logarithms."
        ]
    return [
        f"The interval of a saving is made from {savings.pairs} pairs of measured networks of one "
        f"family, {savings.families} families with equal weight, which differ by 5 to 60 %. A "
        f"network's own interval of {LEVEL} % covers {savings.covered:.0f} % of these savings only."
    ]


def times_notes(times: PartTimes) -> list[str]:
    """Where the times are from."""
    notes = []
    if times.measured is not None:
        said = ", ".join(f"{key} {value}" for key, value in times.measured.setting.items())
        notes.append(
            f"Measured parts are from {times.measured.name}{f' ({said})' if said else ''}"
            + ("." if times.device is None else ", and the others are predicted.")
        )
    return notes + ([] if times.device is None else protocol_notes(times.device))
