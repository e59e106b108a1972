"""Latency-driven slimming of a model of EfficientFormer, from what a user gives: arXiv 2206.01191,
section 3.3."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flopscope.answers.predict import check_same
from flopscope.answers.target import Size, Target
from flopscope.brief import short
from flopscope.choosing.budgets import SUCH
from flopscope.choosing.slimming.design import ROWS, SlimDesign, first_design
from flopscope.choosing.slimming.loop import Evaluate, Slimming, slimmed
from flopscope.choosing.slimming.measured_parts import read_parts
from flopscope.choosing.slimming.part_times import PartTimes
from flopscope.choosing.slimming.scores import Given, Scores
from flopscope.errors import BadInput, listed
from flopscope.numerals import number
from flopscope.timing.constants import ATTOSECONDS
from flopscope.timing.device import Device
from flopscope.timing.roofline import UNIT


@dataclass(frozen=True)
class Start:
    """The design that slimming begins with, and the times of its parts."""

    name: str
    first: SlimDesign
    times: PartTimes

    def __repr__(self) -> str:
        return short(self, f"{self.name}: {self.first}")


def start(
    target: Target,
    *,
    device: Device | None = None,
    table: str | Path | None = None,
    res: Size = None,
    batch: int | None = None,
    runtime: str | None = None,
    dtype: str | None = None,
) -> Start:
    """The first design and where its times are from: a table of measured parts, and a device for
    what the table has not. The batch is the device's usual one, or 1.

    Raises BadInput for another family, for neither device nor table, and for times of different
    runtimes, types or batches; OutsideDomain for images that the network does not take.
    """
    if target.variant is None:
        raise BadInput(
            "slimming is in the search space of EfficientFormer, of which "
            f"{target.name} is no model of the catalogue; give {listed(ROWS)}"
        )
    first = first_design(target.variant)
    if device is not None:
        check_same(device, runtime, dtype)
    elif runtime is not None or dtype is not None:
        raise BadInput("a runtime or type of numbers is that of a device, and none is named")
    batch = batch or (1 if device is None else device.seen.usual_batch)
    size = target.variant.resolution(res)
    assert size is not None
    image = (int(size[0]), int(size[1]))
    first.ledger(image, batch)  # which refuses other images
    measured = None if table is None else read_parts(table)
    return Start(target.name, first, PartTimes(image, batch, first.classes, device, measured))


def slim(
    begun: Start, latency: str, importance: Given | None, evaluate: Evaluate | None = None
) -> Slimming:
    """The steps from the first design to one that takes at most this long, such as '12ms'.

    Raises BadInput for text that is no time, without importances, and as `slimmed` does.
    """
    target = number(latency, UNIT)
    if target is None or target <= 0:
        raise BadInput(f"latency {latency} is not a time; give one such as {SUCH[UNIT]}")
    if importance is None:
        raise BadInput(
            "slimming drops the least important block first, and no importance is given; give a "
            "table with --importance"
        )
    scores = Scores.read(importance, begun.first)
    seconds = float(target / ATTOSECONDS)
    return slimmed(begun.name, begun.first, begun.times, seconds, scores, evaluate)
