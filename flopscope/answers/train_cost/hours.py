"""The hours of a training run by a device that was fitted to measured training steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp
from typing import NamedTuple

from flopscope.answers.counted import Given, counted
from flopscope.answers.target import Size
from flopscope.answers.train_cost.cost import Run, TrainCost
from flopscope.answers.train_cost.passes import Network
from flopscope.brief import short
from flopscope.errors import BadInput
from flopscope.timing.builtin import device_names, device_of
from flopscope.timing.device import Device
from flopscope.timing.unlike import unlike

TRAINING = "training"
SECONDS = 3600
COVERAGE = 90


class Hours(NamedTuple):
    """Predicted hours of all devices together, with the ends of the interval of 90 %."""

    hours: float
    low: float
    high: float

    def over(self, replicas: int) -> Hours:
        """The hours on the clock of so many devices at once."""
        return Hours(*(each / replicas for each in self))


@dataclass(frozen=True)
class Predicted:
    """The hours of each run by its place; None where stretches run again, of which the device has
    seen nothing. `warnings` say where passes are unlike those of the calibration."""

    device: Device
    hours: tuple[Hours | None, ...]
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        return short(self, f"{self.device.name}, {len(self.hours)} runs")


def check_training(device: Device) -> Device:
    """The device, if it was fitted to training steps. Raises BadInput for one that was fitted to
    forward passes, which says nothing of the backward pass or of the optimizer.

    >>> check_training(device_of("rtx3090-eager-amp-train")).mode
    'training'
    """
    if device.mode == TRAINING:
        return device
    known = [name for name in device_names() if device_of(name).mode == TRAINING]
    raise BadInput(
        f"the device {device.name} is fitted to forward passes ({device.mode}) and says nothing of "
        f"a training step; give {', '.join(known)}, or a device file that `flopscope calibrate` "
        "wrote from measured training steps"
    )


def check_timed(network: Network, device: Device) -> None:
    """Raises BadInput as `check_training` does, and for a network with a teacher."""
    check_training(device)
    if network.teacher is not None:
        raise BadInput(
            f"the device {device.name} times steps of training, and not the forward pass of a "
            "teacher beside them; leave --teacher or --device out"
        )


def predicted_hours(found: TrainCost, device: Device) -> Predicted:
    """The hours of each run of an answer, those at fixed sizes last. Each pass of a step is timed
    as a step, and devices share the passes without waiting for each other.

    Raises BadInput as `check_timed` does, and for a network of another type of numbers.
    """
    check_timed(found.network, device)
    passes = {
        (stage.size, batch)
        for run in (*found.runs, *found.fixed)
        for stage in run.stages
        for batch in stage.times
    }
    timed = {each: _timed(found.network, *each, device) for each in sorted(passes, key=str)}
    warnings = dict.fromkeys(said for each in timed.values() for said in each.warnings)
    seconds = {each: timed[each].seconds for each in timed}
    runs = (*found.runs, *found.fixed)
    return Predicted(device, tuple(_hours(run, seconds, device) for run in runs), tuple(warnings))


class _Timed(NamedTuple):
    seconds: float
    warnings: tuple[str, ...]


def _timed(network: Network, size: Size, batch: int, device: Device) -> _Timed:
    """A step of the network on a batch of images of this size, from the rows of its forward pass,
    as those were to which the device was fitted."""
    pairs = tuple(f"{name}={value!r}" for name, value in (network.arguments or {}).items())
    given: Given = replace(network.given, res=size, batch=batch, pairs=pairs)
    ledger = counted(network.target, given).ledger
    said = unlike(ledger.rows, batch, device)
    return _Timed(
        float(ledger.time(device).seconds),
        tuple(f"{network.target.name} {each}" for each in said),
    )


def _hours(run: Run, seconds: Mapping[tuple[Size, int], float], device: Device) -> Hours | None:
    """A run's passes together. The errors of one network go one way, so the interval of the sum is
    that of each pass."""
    if any(stage.plan for stage in run.stages):
        return None
    whole = sum(
        times * seconds[stage.size, batch]
        for stage in run.stages
        for batch, times in stage.times.items()
    )
    ends = device.held_out.quantiles[str(COVERAGE)]
    hours = whole / SECONDS
    return Hours(hours, hours * exp(ends.low), hours * exp(ends.high))
