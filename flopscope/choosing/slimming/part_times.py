"""The latency table of the parts of designs: measured where a table has the part, predicted on a
device otherwise. The time of a design is the sum over its parts, as in arXiv 2206.01191.

A predicted part is what it adds to the time of a part before it, so that the sum is the time of the
whole network on a CPU. In mixed precision the types at the start of a stage differ, and the sum is
up to 3 % more.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from flopscope.analytic.efficientformer import (
    GRID,
    attention_block,
    downsampling,
    head,
    pooling_block,
    stem,
)
from flopscope.analytic.tape import Feature, record
from flopscope.choosing.slimming.design import STEP, Part, SlimDesign
from flopscope.choosing.slimming.measured_parts import Measured, MeasuredParts
from flopscope.choosing.slimming.savings import Savings, savings_on
from flopscope.errors import BadInput
from flopscope.sizes import Shape
from flopscope.timing.device import Device
from flopscope.timing.roofline import time_of

Network: TypeAlias = Callable[[Feature], Feature]

LEVEL = 90
"""The percentage that intervals of predicted times are made to cover."""


@dataclass(frozen=True)
class Span:
    """Seconds, and the ends of their interval."""

    seconds: float
    low: float
    high: float


@dataclass
class PartTimes:
    """The times of parts for images of this size and batch. `device` predicts what is not
    `measured`; one of them may be None."""

    res: tuple[int, int]
    batch: int
    classes: int
    device: Device | None
    measured: MeasuredParts | None = None
    _predicted: dict[Part, float] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.device is None and self.measured is None:
            raise BadInput(
                "times are needed, and neither a device nor a table of measured parts is given; "
                "name a device with --device, or give a table with --table"
            )
        if self.measured is not None:
            self.measured.check(self.device, self.batch)

    @property
    def savings(self) -> Savings | None:
        """How far predicted savings are off; None without a device."""
        return None if self.device is None else savings_on(self.device)

    def is_measured(self, part: Part) -> bool:
        """Is the part in the table?"""
        return self.measured is not None and part in self.measured.parts

    def of_part(self, part: Part) -> Span:
        """The time of a part. Raises BadInput for one that is neither measured nor predicted."""
        if self.is_measured(part):
            found = self._measured(part)
            return Span(found.seconds, found.low, found.high)
        return self._spread(self._seconds(part))

    def of(self, design: SlimDesign) -> Span:
        """The time of a design, with the interval of a network: the sum over its parts."""
        counts = Counter(design.parts)
        measured = [self._measured(p) for p in counts.elements() if self.is_measured(p)]
        rest = self._spread(self._predicted_sum(counts))
        return Span(
            sum(each.seconds for each in measured) + rest.seconds,
            sum(each.low for each in measured) + rest.low,
            sum(each.high for each in measured) + rest.high,
        )

    def saved(self, before: SlimDesign, after: SlimDesign) -> Span:
        """What a design takes less than another: of the parts that differ, with the interval of
        savings, not that of networks. Measured intervals are added at their worst."""
        old, new = Counter(before.parts), Counter(after.parts)
        gone, come = old - new, new - old
        predicted = self._predicted_sum(gone) - self._predicted_sum(come)
        ends = sorted(predicted * factor for factor in self._factors())
        left = [self._measured(p) for p in gone.elements() if self.is_measured(p)]
        added = [self._measured(p) for p in come.elements() if self.is_measured(p)]
        return Span(
            predicted + sum(m.seconds for m in left) - sum(m.seconds for m in added),
            ends[0] + sum(m.low for m in left) - sum(m.high for m in added),
            ends[1] + sum(m.high for m in left) - sum(m.low for m in added),
        )

    def table(self, design: SlimDesign) -> Iterator[tuple[Part, Span]]:
        """The parts of a design, and its blocks at every narrower width, in multiples of 16."""
        parts = dict.fromkeys(design.parts)
        for stage, width in enumerate(design.channels, 1):
            kinds = dict.fromkeys(block.kind for block in design.of_stage(stage))
            if "mb3d" in kinds:
                kinds["mb4d"] = None  # what becomes of it
            widths = dict.fromkeys([*range(STEP, width, STEP), width])
            parts |= {Part(kind, stage, w): None for kind in sorted(kinds) for w in widths}
        ordered = sorted(parts, key=lambda p: (_ORDER.index(p.kind), p.stage, p.width))
        for part in ordered:
            if self.device is not None or self.is_measured(part):
                yield part, self.of_part(part)

    def _predicted_sum(self, counts: Counter[Part]) -> float:
        rest = [(part, n) for part, n in counts.items() if not self.is_measured(part)]
        return math.fsum(self._seconds(part) * n for part, n in rest)

    def _measured(self, part: Part) -> Measured:
        assert self.measured is not None
        return self.measured.parts[part]

    def _factors(self) -> tuple[float, float]:
        savings = self.savings
        return (1.0, 1.0) if savings is None else savings.factors(LEVEL)

    def _spread(self, seconds: float) -> Span:
        """A predicted time with the interval of a network on the device."""
        if self.device is None:
            return Span(seconds, seconds, seconds)
        ends = self.device.held_out.quantiles[str(LEVEL)]
        return Span(seconds, seconds * math.exp(ends.low), seconds * math.exp(ends.high))

    def _seconds(self, part: Part) -> float:
        if part not in self._predicted:
            if self.device is None:
                assert self.measured is not None
                raise BadInput(
                    f"{self.measured.name} has no row for {part}, and no device predicts it; add "
                    "the row, or name a device with --device"
                )
            self._predicted[part] = self._behind(part)
        return self._predicted[part]

    def _behind(self, part: Part) -> float:
        """What a part adds to the time of what it stands behind: what a runtime fuses or casts
        between two parts belongs to the later one."""
        before, own, shape = self._network(part)
        alone = self._run(before, shape) if before is not None else 0.0
        return self._run(own if before is None else lambda x: own(before(x)), shape) - alone

    def _run(self, network: Network, shape: Shape) -> float:
        assert self.device is not None
        return float(time_of(record(network, shape).rows, self.device).seconds)

    def _network(self, part: Part) -> tuple[Network | None, Network, Shape]:
        """The closed forms of what stands before a part and of the part, and the shape of what the
        first of them reads."""
        tokens = (self.batch, GRID**2, part.width)
        if part.kind == "stem":
            return None, partial(stem, channels=part.width), (self.batch, 3, *self.res)
        if part.kind == "downsample":
            own = partial(downsampling, channels=part.width)
            return pooling_block, own, self._map(part.before, part.stage - 1)
        if part.kind == "mb4d":
            return pooling_block, pooling_block, self._map(part.width, part.stage)
        if part.kind == "mb3d":
            return attention_block, attention_block, tokens
        return attention_block, partial(head, classes=self.classes), tokens

    def _map(self, channels: int, stage: int) -> Shape:
        """The map of a stage, whose sides are those of the image over 4, 8, 16, 32, rounded up."""
        height, width = (-(-side // 2 ** (stage + 1)) for side in self.res)
        return (self.batch, channels, height, width)


_ORDER = ("stem", "downsample", "mb4d", "mb3d", "head")
