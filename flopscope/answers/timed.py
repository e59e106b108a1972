"""The predicted time on a device as a quantity: budgets, frontiers, sweeps and tables read it like
any other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from math import exp

from flopscope.catalog.latencies import Trust
from flopscope.facts import Operator
from flopscope.ledger import Ledger, Level
from flopscope.quantities import Part, Quantity
from flopscope.readings import Reading
from flopscope.timing.constants import ATTOSECONDS
from flopscope.timing.device import LEVELS, Device
from flopscope.timing.roofline import UNIT, attoseconds, attoseconds_by
from flopscope.timing.unlike import unlike

NAME = "latency"
"""The name of the quantity, which a device completes."""

ORDER = f"Times are to be trusted in this order: {', '.join(each.value for each in Trust)}."
"""Which times to believe first."""


@dataclass(frozen=True, kw_only=True, repr=False)
class TimeQuantity(Quantity):
    """The predicted time of a run on a device, in whole attoseconds. Its words name the device."""

    device: Device = field(compare=False)

    def of(self, rows: Sequence[Operator]) -> Reading:
        """The time of these rows. Raises BadInput for a network of another type of numbers."""
        return attoseconds(rows, self.device)

    def by(self, rows: Sequence[Operator], part: Callable[[Operator], Part]) -> dict[Part, Reading]:
        """The time of each part of a network. What runs as one is the time of one part."""
        return attoseconds_by(rows, self.device, part)

    @property
    def name_of_device(self) -> str:
        """The name of the device."""
        return self.device.name

    def named_after_device(self) -> TimeQuantity:
        """The same with the device in its heading and column, for tables of several devices."""
        heading = f"{self.device.name}\nms (90 %)"
        return replace(self, heading=heading, column=f"latency_ms_{self.device.name}")

    def milliseconds(self, amount: int) -> float:
        """An amount in milliseconds."""
        return amount / self.per

    def seconds(self, amount: int) -> float:
        """An amount in seconds."""
        return amount / ATTOSECONDS

    def interval(self, amount: int, level: int = 90) -> tuple[float, float]:
        """The ends of the interval around a predicted amount, in seconds, by the errors on networks
        whose family was held out. level: 80 or 90."""
        ends = self.device.held_out.quantiles[str(level)]
        return self.seconds(amount) * exp(ends.low), self.seconds(amount) * exp(ends.high)

    def by_layer(self, ledger: Ledger) -> dict[str, int]:
        """The time of each layer of a ledger at numbers. A unit belongs to the row that gives it
        its kind, so that this is no sum over the layers' own rows."""
        found: dict[str, int] = {}
        for unit in ledger.time(self.device).units:
            path = Level.LAYER.key(unit.work.unit.head)
            found[path] = found.get(path, 0) + round(unit.seconds * ATTOSECONDS)
        return found

    def amount(self, number: int) -> str:
        """A time in a sentence, in four digits so that it can be told from a budget near to it:
        '17.78 ms on pixel3-cpu-tflite'."""
        return f"{float(f'{1e3 * self.seconds(number):.4g}'):,g} ms on {self.device.name}"


def latency_on(device: Device) -> TimeQuantity:
    """The time on a device as a quantity. Two of the same device are equal.

    >>> from flopscope.timing.builtin import device_of
    >>> pixel = latency_on(device_of("pixel3-cpu-tflite"))
    >>> pixel.amount(17_781_984_163_770_880), pixel == latency_on(pixel.device)
    ('17.78 ms on pixel3-cpu-tflite', True)
    """
    return TimeQuantity(
        NAME, f"predicted latency on {device.name}", UNIT, "Latency\nms (90 %)",
        measure=attoseconds, noun="ms of predicted latency",
        key="latency_as", column="latency_ms", per=10**15, caution=protocol(device), device=device,
    )  # fmt: skip


def protocol(device: Device, times: str = "Times") -> str:
    """Where predicted times hold, how far they were from what was measured, and what is to be
    believed before them. `times` says which they are, where others stand beside them."""
    held, calibration = device.held_out, device.calibration
    sister = f", starting from {calibration.sister}" if calibration.sister else ""
    covered = " and ".join(f"{held.coverage[level]:.0f}" for level in LEVELS)
    return (
        f"{times} on {device.name} are predicted, not measured, and the intervals are of 90 %: "
        f"{device.protocol}; calibrated with {calibration.networks} networks of "
        f"{len(calibration.families)} families{sister} ({calibration.source}). With "
        f"{held.protocol} the median error was {held.median:.1f} %, of nine in ten networks at "
        f"most {held.p90:.1f} %; intervals of {' and '.join(LEVELS)} % covered {covered} %. {ORDER}"
    )


def warnings(name: str, ledger: Ledger, device: Device) -> list[str]:
    """Where a network at numbers is unlike those that the device was calibrated with."""
    return [f"Warning: {name} {each}." for each in unlike(ledger.rows, batch_of(ledger), device)]


def warnings_of_designs(device: Device, macs: Collection[int], batch: int) -> list[str]:
    """The same for designs by the MACs of each, at one batch."""
    seen, found = device.seen, []
    outside = sum(not seen.macs[0] <= work <= seen.macs[1] for work in macs)
    if outside:
        found.append(
            f"Warning: {outside:,} of the {len(macs):,} designs do MACs outside {seen.macs[0]:,} "
            f"to {seen.macs[1]:,}, which {device.name} was calibrated with."
        )
    if not seen.batch[0] <= batch <= seen.batch[1]:
        found.append(
            f"Warning: the batch of {batch:,} is outside {seen.batch[0]:,} to {seen.batch[1]:,}, "
            f"which {device.name} was calibrated with."
        )
    return found


def batch_of(ledger: Ledger) -> int:
    """The batch of a ledger at numbers: the leading size of what its first operator reads, or 1."""
    inputs = next((row.inputs for row in ledger.rows if row.inputs), ())
    leading = inputs[0][0] if inputs and inputs[0] else 1
    return leading if isinstance(leading, int) else 1
