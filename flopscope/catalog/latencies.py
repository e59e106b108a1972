"""Latencies that others measured and published, one file a device below `published/latencies/`.

A device here is a machine with its runtime, type of numbers and pass, because none of them can be
exchanged without changing every latency. Nothing is computed: a row says what its source says, with
the batch and the input size at which it was measured.
"""

from __future__ import annotations

import csv
from collections import Counter
from enum import Enum
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flopscope.brief import short
from flopscope.errors import UnknownName

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

TRAINING = "train"
"""The pass of a device whose rows are steps of training: forward, backward and optimizer."""

_DYNAMIC_PADDING = "tf_"
"""How names of timm's networks begin that pad as TensorFlow does, by the size of each input."""


class Trust(Enum):
    """Where a time comes from, the most trustworthy first."""

    MEASURED_HERE = "measured here"
    PUBLISHED = "measured in a cited table"
    SISTER = "a sister device's table times a scale"
    PREDICTED = "predicted"


class Device(NamedTuple):
    """A machine with all that its latencies depend on.

    name: machine, runtime, type unless float32, and train for a training step, with hyphens between
    them. machine, runtime, dtype: in words. threads: None where the source does not say. during:
    "infer" or "train". assumed: what the source does not state and is taken to be so.
    """

    name: str
    machine: str
    runtime: str
    dtype: str
    threads: int | None
    during: str
    assumed: str

    def __repr__(self) -> str:
        return short(self, self.name)

    @property
    def trains(self) -> bool:
        """Are its latencies those of training steps?"""
        return self.during == TRAINING

    @property
    def words(self) -> str:
        """The device in one phrase.

        >>> device("pixel3-cpu-tflite").words
        'Google Pixel 3, CPU; TensorFlow Lite; float32; 4 threads'
        """
        threads = {None: [], 1: ["1 thread"]}.get(self.threads, [f"{self.threads} threads"])
        step = ["training step"] if self.trains else []
        assumed = [f"assumed: {self.assumed}"] if self.assumed else []
        return "; ".join([self.machine, self.runtime, self.dtype, *threads, *step, *assumed])


class Source(NamedTuple):
    """A published table: its repository, file and commit, and what its latencies are, as far as it
    says: mean of 50 steps, for example."""

    repository: str
    file: str
    commit: str
    statistic: str

    @property
    def citation(self) -> str:
        """Where the table stands."""
        return f"{self.repository} {self.file} at {self.commit[:8]}"


class Latency(NamedTuple):
    """One measured network.

    model: its name in the source. catalogue: the same network as text for `variant.parse`; None
    where the catalogue has none. resolution: (height, width); None where it is not stated. batch:
    None where it is not stated. latency_ms: milliseconds of the whole batch, None where only the
    throughput, in images a second, is stated.
    """

    device: Device
    model: str
    catalogue: str | None
    resolution: tuple[int, int] | None
    batch: int | None
    latency_ms: Fraction | None
    throughput_ips: Fraction | None
    source: Source

    def __repr__(self) -> str:
        return short(self, f"{self.model} on {self.device.name}")


@cache
def devices() -> dict[str, Device]:
    """The devices with published latencies, by name.

    >>> devices()["rtx4090-eager-amp"].machine
    'NVIDIA GeForce RTX 4090'
    """
    return {
        row["device"]: Device(
            row["device"], row["machine"], row["runtime"], row["dtype"],
            int(row["threads"]) if row["threads"] else None, row["pass"], row["assumed"],
        )
        for row in _rows("devices")
    }  # fmt: skip


def device(name: str) -> Device:
    """The device of this name. Raises UnknownName, which offers near names, for another.

    >>> device("pixel3-cpu-tflight")
    Traceback (most recent call last):
    flopscope.errors.UnknownName: unknown device 'pixel3-cpu-tflight'; did you mean \
pixel3-cpu-tflite, pixel4-cpu-tflite or pixel3-gpu-tflite? `flopscope latencies` lists all
    """
    known = devices()
    if name not in known:
        raise UnknownName("device", name, known, "`flopscope latencies` lists all")
    return known[name]


@cache
def sources() -> dict[str, Source]:
    """The published tables by the short names that the rows use."""
    return {
        row["source"]: Source(row["repository"], row["file"], row["commit"], row["statistic"])
        for row in _rows("sources")
    }


@cache
def latencies(name: str) -> tuple[Latency, ...]:
    """All rows of a device, in the order of its sources. Raises UnknownName for another name.

    >>> len(latencies("pixel3-cpu-tflite")), float(latencies("pixel3-cpu-tflite")[0].latency_ms)
    (33, 1.2)
    """
    of, known = device(name), sources()
    return tuple(
        Latency(
            of, row["model"], row["catalogue"] or None, _size(row["resolution"]),
            int(row["batch"]) if row["batch"] else None, _number(row["latency_ms"]),
            _number(row["throughput_ips"]), known[row["source"]],
        )
        for row in _rows(name)
    )  # fmt: skip


@cache
def of_network(variant: str) -> tuple[Latency, ...]:
    """Every latency of a network of the catalogue, in its canonical text, device by device. Of
    several names of one network at one size and batch, as timm has them, the one that does not pad
    by the size of each input comes first.

    >>> len({row.device.name for row in of_network("mobilenetv2")})
    11
    """
    return tuple(row for name in devices() for row in by_network(name).get(variant, ()))


def measured(name: str, variant: str, resolution: tuple[int, int], batch: int) -> Latency | None:
    """The latency of a network on a device at this input size and batch; None where the device's
    table has none. Raises UnknownName for an unknown device.

    >>> float(measured("pixel3-cpu-tflite", "mobilenetv2", (224, 224), 1).latency_ms)
    17.5
    """
    device(name)
    for row in by_network(name).get(variant, ()):
        if (row.resolution, row.batch) == (resolution, batch) and row.latency_ms is not None:
            return row
    return None


def batches(name: str) -> tuple[int, ...]:
    """The batches at which the networks of the catalogue were measured on a device, the commonest
    first; empty where it has no latency of one.

    >>> batches("rtx4090-eager-amp")[0], batches("a100-tensorrt-fp16")
    (1024, ())
    """
    device(name)
    rows = [row for several in by_network(name).values() for row in several]
    counted = Counter(r.batch for r in rows if r.latency_ms is not None and r.batch is not None)
    return tuple(batch for batch, _ in counted.most_common())


@cache
def by_network(name: str) -> dict[str, list[Latency]]:
    """The rows of a device by the network of the catalogue that they are of, in its canonical text.
    Of several names of one network the one that does not pad by the size of each input is first.

    >>> len(by_network("pixel3-cpu-tflite")["mobilenetv2"])
    1
    """
    found: dict[str, list[Latency]] = {}
    for row in sorted(latencies(name), key=lambda row: row.model.startswith(_DYNAMIC_PADDING)):
        if row.catalogue is not None:
            found.setdefault(row.catalogue, []).append(row)
    return found


def _number(text: str) -> Fraction | None:
    return Fraction(text) if text else None


def _size(text: str) -> tuple[int, int] | None:
    height, _, width = text.partition("x")
    return (int(height), int(width or height)) if text else None


def _rows(name: str) -> list[dict[str, str]]:
    with (_folder() / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _folder() -> Traversable:
    beside = Path(__file__).parent / "published" / "latencies"
    if beside.is_dir():
        return beside
    from importlib import resources  # which finds it in an archive, too, and is slow to import

    return resources.files("flopscope.catalog") / "published" / "latencies"
