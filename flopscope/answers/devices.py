"""A device by its one name: the latencies that are published of it, the fit that predicts others,
or both."""

from __future__ import annotations

from dataclasses import dataclass

from flopscope.brief import brief, short
from flopscope.catalog import latencies
from flopscope.errors import BadInput, UnknownName
from flopscope.timing.builtin import ENDING, device_names, device_of, is_builtin
from flopscope.timing.device import Device


@dataclass(frozen=True)
class NamedDevice:
    """A machine with its runtime, type of numbers and pass, and what is known of its times.

    published: what its table of published latencies says of it; None where there is no such table,
    as of a device file. fit: what predicts times on it; None where nothing was fitted.
    """

    name: str
    published: latencies.Device | None
    fit: Device | None

    def __repr__(self) -> str:
        return short(self, self.name)

    @property
    def dtype(self) -> str:
        """The type of its numbers, in the words of its table or else of its fit."""
        return "" if (known := self.published or self.fit) is None else known.dtype

    @property
    def batches(self) -> tuple[int, ...]:
        """The batches at which networks of the catalogue were measured, the commonest first."""
        return () if self.published is None else latencies.batches(self.name)

    @property
    def usual_batch(self) -> int:
        """The batch at which most networks of the catalogue were measured, or else most of those
        that it was fitted to."""
        usual = [] if self.fit is None else [self.fit.seen.usual_batch]
        return [*self.batches[:1], *usual, 1][0]

    def fitted(self) -> Device:
        """Its fit. Raises BadInput, which names the devices that have one, where it has none."""
        if self.fit is None:
            raise BadInput(
                f"device {self.name} has published latencies alone, and times are predicted on a "
                f"device that was fitted: {', '.join(device_names())}, or a device file that "
                "`flopscope calibrate` wrote"
            )
        return self.fit

    def measured(self, variant: str, resolution: tuple[int, int], batch: int) -> Measured:
        """The published latency of a network of the catalogue; None where there is none."""
        if self.published is None:
            return None
        return latencies.measured(self.name, variant, resolution, batch)


Measured = latencies.Latency | None


def device_named(given: str | Device) -> NamedDevice:
    """The device of a name or of a file, whose path ends in .json, or of a fit.

    Raises UnknownName for a name of neither kind, BadInput for a file that cannot be read.

    >>> device_named("pixel3-cpu-tflite").fitted().runtime, device_named("pixel4-cpu-tflite").fit
    ('tflite', None)
    """
    if isinstance(given, Device) or given.endswith(ENDING):
        fit = device_of(given)
        both = is_builtin(fit) and fit.name in latencies.devices()
        return NamedDevice(fit.name, latencies.device(fit.name) if both else None, fit)
    tables, fits = latencies.devices(), device_names()
    if given not in tables and given not in fits:
        raise UnknownName(
            "device", brief(given), dict.fromkeys([*fits, *tables]),
            f"times are predicted on {', '.join(fits)}, and on a device file, such as device.json; "
            "`flopscope latencies` lists the devices with published latencies",
        )  # fmt: skip
    return NamedDevice(given, tables.get(given), device_of(given) if given in fits else None)
