"""The published latencies of networks of the catalogue, and the devices that have any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flopscope.answers.devices import device_named
from flopscope.answers.energies import energy_beside
from flopscope.brief import short
from flopscope.catalog.latencies import Device, Latency, devices, latencies, of_network
from flopscope.catalog.variant import Variant, parse
from flopscope.errors import BadInput


class Measured(NamedTuple):
    """A published latency, and the energy of the whole batch in femtojoules by a table, in the
    device's type. It is for ratios only, and None for a training step."""

    row: Latency
    energy: int | None


class Known(NamedTuple):
    """A device, how many networks its table has, and how many of these are in the catalogue."""

    device: Device
    networks: int
    ours: int


@dataclass(frozen=True)
class Latencies:
    """The answer: `measured` of the `networks`, or of a device; without both, every device."""

    networks: tuple[str, ...]
    on: Device | None
    measured: tuple[Measured, ...]
    known: tuple[Known, ...]

    def __repr__(self) -> str:
        return short(self, f"{len(self.measured)} published")

    @property
    def missing(self) -> tuple[str, ...]:
        """The networks that were asked for and have no published latency."""
        have = {each.row.catalogue for each in self.measured}
        return tuple(name for name in self.networks if name not in have)


def published_latencies(networks: Sequence[str] = (), on: str | None = None) -> Latencies:
    """The published latencies of models of the catalogue, on one device or on all; those of a
    device, or the devices themselves, where none is named.

    Raises UnknownName for a model or device that does not exist, BadInput for an option.

    >>> found = published_latencies(["mobilenetv2"], "pixel3-cpu-tflite")
    >>> [float(each.row.latency_ms) for each in found.measured]
    [17.5]
    """
    names = tuple(str(parse(name)) for name in networks)
    of = None if on is None else _published(on)
    if names:
        rows = [row for name in names for row in of_network(name)]
    else:
        rows = [] if of is None else [row for row in latencies(of.name) if row.catalogue]
    kept = [row for row in rows if of in (None, row.device)]
    known = () if names or of else tuple(_known(each) for each in devices().values())
    return Latencies(names, of, tuple(map(_measured, kept)), known)


def _published(name: str) -> Device:
    """The device of this name. Raises UnknownName for another, BadInput for a device file."""
    named = device_named(name)
    if named.published is None:
        raise BadInput(
            f"{name} is a fit of one's own, of which no latencies are published; `flopscope "
            "latencies` lists the devices that have some, and `flopscope predict` predicts on a fit"
        )
    return named.published


def _known(of: Device) -> Known:
    rows = latencies(of.name)
    ours = {row.catalogue for row in rows if row.catalogue}
    return Known(of, len({row.model for row in rows}), len(ours))


def _measured(row: Latency) -> Measured:
    assert row.catalogue is not None
    variant: Variant = parse(row.catalogue)
    rows = variant.ledger(variant.resolution(row.resolution), row.batch or 1).rows
    on = row.device
    return Measured(row, energy_beside(rows, on.dtype, trains=on.trains))
