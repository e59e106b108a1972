"""The predicted time of networks on a device, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flopscope.answers.counted import Counted, Given, counted, made
from flopscope.answers.energies import energy_beside
from flopscope.answers.target import Target
from flopscope.brief import short
from flopscope.catalog.latencies import Latency, devices, measured
from flopscope.errors import BadInput
from flopscope.ledger import Level
from flopscope.timing.builtin import is_builtin
from flopscope.timing.device import Device
from flopscope.timing.precision import precision_named
from flopscope.timing.roofline import Bound, Time, UnitTime, milliseconds
from flopscope.timing.runtimes import runtime_named
from flopscope.timing.unlike import unlike


@dataclass(frozen=True)
class Share:
    """The units of a layer, stage, block or kind: their seconds, MACs and bytes, and what bounds
    most of their time."""

    name: str
    seconds: float
    macs: int
    bytes: int
    bound: Bound


@dataclass(frozen=True)
class Prediction:
    """The predicted time of a network, what the reader should know before believing it, and the
    latency that is published of the same network, size, batch and device, if there is one."""

    network: Counted
    time: Time
    warnings: tuple[str, ...]
    measured: Latency | None = None

    def __repr__(self) -> str:
        return short(self, f"{self.network.target.name}, {milliseconds(self.time.seconds)}")

    @property
    def energy(self) -> int | None:
        """The femtojoules of the run by the table, in the type of the device; for ratios only."""
        device = self.time.device
        rows = self.network.ledger.rows
        return energy_beside(rows, device.dtype, trains=device.mode != "inference")

    def by(self, level: Level | str) -> tuple[Share, ...]:
        """The time by stage, block, layer or kind, in order of first appearance. A unit belongs to
        the row that gives it its kind. Raises UnknownName for another level."""
        level = level if isinstance(level, Level) else Level.named(level)
        groups: dict[str, list[UnitTime]] = {}
        for unit in self.time.units:
            groups.setdefault(level.key(unit.work.unit.head), []).append(unit)
        return tuple(_share(name, units) for name, units in groups.items())


def predict(
    targets: Sequence[Target],
    given: Given,
    device: Device,
    *,
    batch: int | None = None,
    runtime: str | None = None,
    dtype: str | None = None,
) -> tuple[Prediction, ...]:
    """The time of each network on the device, at this batch or at the one that most networks of the
    device's calibration had.

    Raises BadInput for a runtime or dtype that is not the device's, for a network whose weights
    are stored in another type, and as `counted` does.
    """
    check_same(device, runtime, dtype)
    asked = replace(given, batch=given.batch if given.inputs else batch or _usual(targets, device))
    networks = [counted(target, asked) for target in made(targets, asked)]
    return tuple(predicted(network, device) for network in networks)


def predicted(network: Counted, device: Device) -> Prediction:
    """The prediction of a network that is counted.

    Raises BadInput for a network whose weights are stored in another type than the device's.
    """
    time, name = network.ledger.time(device), network.target.name
    said = unlike(network.ledger.rows, network.batch, device)
    warned = tuple(f"{name} {each}" for each in said)
    return Prediction(network, time, warned, _published(network, device))


def _published(network: Counted, device: Device) -> Latency | None:
    """The latency of this network in the table that a built-in device is fitted to."""
    variant, size = network.target.variant, network.resolution
    if variant is None or size is None or not is_builtin(device) or device.name not in devices():
        return None
    height, width = size
    return measured(device.name, str(variant), (int(height), int(width)), network.batch)


def _usual(targets: Sequence[Target], device: Device) -> int:
    """The device's batch; an ONNX file has its own."""
    return 1 if any(target.is_graph for target in targets) else device.seen.usual_batch


def check_same(device: Device, runtime: str | None, dtype: str | None) -> None:
    """Raises BadInput for a runtime or a type of numbers that is not the device's, UnknownName for
    one that is none."""
    asked = {
        "runtime": runtime if runtime is None else runtime_named(runtime).name,
        "dtype": dtype if dtype is None else precision_named(dtype).name,
    }
    for what, wanted in asked.items():
        own = getattr(device, what)
        if wanted is not None and wanted != own:
            raise BadInput(
                f"the device {device.name} was calibrated with the {what} {own}, and says nothing "
                f"of {wanted}; calibrate one with {wanted}, or leave --{what} out"
            )


def _share(name: str, units: Sequence[UnitTime]) -> Share:
    seconds = sum(unit.seconds for unit in units)
    bounds = dict.fromkeys(Bound, 0.0)
    for unit in units:
        bounds[unit.bound] += unit.seconds
    works = [unit.work for unit in units]
    return Share(
        name,
        seconds,
        sum(work.macs * work.repeat for work in works),
        sum((work.moved + work.weights) * work.repeat for work in works),
        max(bounds, key=bounds.__getitem__),
    )
