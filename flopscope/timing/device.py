"""A device is to seconds what a convention is to counts: a machine with a runtime, its constants,
where they are from, and how far they were from networks that they had not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flopscope.brief import short
from flopscope.timing.constants import NAMES, whole
from flopscope.timing.precision import Precision, precision_named
from flopscope.timing.runtimes import Runtime, runtime_named

LEVELS = ("80", "90")
"""The nominal coverages, in percent, of which a device states intervals."""


@dataclass(frozen=True)
class Quantiles:
    """The ends of the central interval of ln(measured / predicted) that has this share of the
    networks held out."""

    low: float
    high: float


@dataclass(frozen=True)
class HeldOut:
    """The errors on networks whose family was held out, in percent.

    `median`, `p90` and `within_10`: the median and the 90 % quantile of the absolute error, and the
    share of networks within 10 %. `kendall`: rank correlation of predicted and measured times.
    `coverage`: the share of networks that the intervals covered when these too were made without
    the network's family. `baselines`: the median error of a time proportional to one quantity.
    """

    protocol: str
    median: float
    p90: float
    within_10: float
    kendall: float
    quantiles: Mapping[str, Quantiles]
    coverage: Mapping[str, float]
    baselines: Mapping[str, float]


@dataclass(frozen=True)
class Calibration:
    """What the constants were fitted to: the source, the number of networks, the families with the
    number of networks of each, and the sister device whose constants were the prior."""

    source: str
    networks: int
    families: Mapping[str, int]
    sister: str = ""


@dataclass(frozen=True)
class Seen:
    """What the calibration networks had: least and most MACs and images of a run, the batch that
    most of them had, and the kinds of operator."""

    macs: tuple[int, int]
    batch: tuple[int, int]
    usual_batch: int
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Device:
    """A machine with a runtime, which turns the units of a ledger into seconds.

    `constants` are seconds by the names of `constants.CONSTANTS`, and `rule` says how arithmetic
    and memory become one time. `repeatability` is how far two measurements of one network are
    apart, in percent of its time, where the calibration measured that.
    """

    name: str
    device: str
    runtime: str
    version: str
    dtype: str
    threads: int | None
    layout: str
    mode: str
    clock: str
    date: str
    rule: str
    constants: Mapping[str, float]
    calibration: Calibration
    held_out: HeldOut
    seen: Seen
    repeatability: float | None = None

    def __repr__(self) -> str:
        return short(self, f"{self.name}: {self.protocol}")

    @property
    def protocol(self) -> str:
        """Where and how the networks ran that it was calibrated with, on one line."""
        threads = f"{self.threads} threads" if self.threads and self.threads > 1 else ""
        threads = "1 thread" if self.threads == 1 else threads
        facts = (
            self.device, f"{self.runtime} ({self.version})" if self.version else self.runtime,
            self.dtype, threads, self.layout, "" if self.mode == "inference" else self.mode,
            self.clock,
        )  # fmt: skip
        return ", ".join(filter(None, facts))

    @property
    def fuses(self) -> Runtime:
        """What its runtime fuses."""
        return runtime_named(self.runtime)

    @property
    def precision(self) -> Precision:
        """The bytes of its elements."""
        return precision_named(self.dtype)

    @property
    def attoseconds(self) -> tuple[int, ...]:
        """Its constants as whole attoseconds, in the order of `constants.CONSTANTS`."""
        return tuple(whole(self.constants[name]) for name in NAMES)
