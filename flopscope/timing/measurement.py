"""One measured latency: which network ran where, how, and for how long."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

from flopscope.brief import short, shown
from flopscope.errors import BadInput, listed

LATENCY, THROUGHPUT = "latency_ms", "throughput_ips"

TIMES = ("latency_ms", "q25_ms", "q75_ms", "min_ms", "cpu_ms", "cpu_min_ms", "anchor_ms")
"""The fields that are milliseconds."""

COUNTED = ("batch", "threads", "rounds", "memory_bytes")
"""The fields that are integers from 1."""

OTHER_NAMES: Mapping[str, str] = {
    "fp32": "float32", "float": "float32", "fp16": "float16", "half": "float16",
    "bf16": "bfloat16", "amp_fp16": "amp", "infer": "inference", "train": "training",
}  # fmt: skip
"""Other words for types of numbers and for what ran."""

LOADED = 1.1
"""Wall time over CPU time from which a machine is called loaded."""

AGREEING = 1.25
"""How far a stated throughput may be from the one that the latency and the batch give. The tables
of timm, which state both, differ by at most 6 %."""


class Setting(NamedTuple):
    """What latencies must share to stand in one ranking: where and how the networks ran."""

    device: str
    runtime: str
    runtime_version: str
    dtype: str
    threads: int | None
    layout: str
    mode: str


@dataclass(frozen=True)
class Latency:
    """How long one run of one network took.

    model: the network by the name that its source gives it. catalogue: the same network in the
        catalogue, as `flopscope list` writes it; "" where it is unknown.
    device, runtime, runtime_version, dtype, threads: where and how it ran: "Pixel 3 CPU", "tflite",
        "2.1", "float32", 4. layout: "nchw" or "nhwc". mode: "inference", or "training" for a step
        of forward, backward and optimizer. "" or None where the source is silent.
    batch, resolution: images in a run; their (height, width) in pixels.
    latency_ms: milliseconds of wall time that a run of the whole batch took; `statistic` says which
        mean, median or minimum it is. q25_ms, q75_ms, min_ms: quartiles and minimum of the rounds.
    cpu_ms, cpu_min_ms: the same statistic and the minimum of the rounds' processor time, which a
        loaded machine lengthens less than wall time. None on a GPU.
    throughput_ips: images a second as the source states it.
    rounds: how many runs were timed. anchor_ms: a matrix product of fixed size, timed just before,
        which shows whether the machine has become slower.
    memory_bytes, memory_is: the peak memory that was measured, and in words what was measured.
    energy_mj, energy_is: millijoules of one run of the batch, and which meter stated them.
    date, statistic, source, table_or_file, commit, note: where the number is from.

    Raises BadInput for a time, an energy or a throughput that is not a positive number, for a count
    that is not an integer from 1, without model or device, and for a throughput that contradicts
    latency and batch.

    >>> run = Latency("mobilenetv2", "a laptop", 12.7, batch=1, resolution=(224, 224))
    >>> round(run.images_per_second)
    79
    """

    model: str
    device: str
    latency_ms: float
    catalogue: str = ""
    runtime: str = ""
    runtime_version: str = ""
    dtype: str = ""
    threads: int | None = None
    layout: str = ""
    mode: str = ""
    batch: int | None = None
    resolution: tuple[int, int] | None = None
    q25_ms: float | None = None
    q75_ms: float | None = None
    min_ms: float | None = None
    cpu_ms: float | None = None
    cpu_min_ms: float | None = None
    throughput_ips: float | None = None
    rounds: int | None = None
    anchor_ms: float | None = None
    memory_bytes: int | None = None
    memory_is: str = ""
    energy_mj: float | None = None
    energy_is: str = ""
    date: str = ""
    statistic: str = ""
    source: str = ""
    table_or_file: str = ""
    commit: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("model", "device"):
            if not getattr(self, name):
                raise BadInput(f"a measured latency needs a {name}, and this one has none")
        for name in ("dtype", "mode"):
            known = getattr(self, name)
            object.__setattr__(self, name, OTHER_NAMES.get(known, known))
        for name in (*TIMES, "throughput_ips", "energy_mj"):
            _check_positive(name, getattr(self, name))
        for name in COUNTED:
            _check_counted(name, getattr(self, name))
        self._check_throughput()

    def __repr__(self) -> str:
        at = f" at {self.resolution[0]}×{self.resolution[1]}" if self.resolution else ""
        return short(self, f"{self.model}{at}, {self.latency_ms:.4g} ms, {self.device}")

    @property
    def setting(self) -> Setting:
        """Where and how it ran."""
        return Setting(*(getattr(self, name) for name in Setting._fields))

    @property
    def images_per_second(self) -> float | None:
        """Images a second, as stated or else from batch and latency; None without a batch."""
        if self.throughput_ips is not None or self.batch is None:
            return self.throughput_ips
        return 1e3 * self.batch / self.latency_ms

    @property
    def crowding(self) -> float | None:
        """Wall time over processor time: 1 on an idle machine. None where either is unknown, and
        for several threads, which never keep all their processors busy."""
        if self.cpu_ms is None or self.threads != 1:
            return None
        return self.latency_ms / self.cpu_ms

    @property
    def is_loaded(self) -> bool:
        """Did something else use the processor meanwhile, so far as one can tell?"""
        return self.crowding is not None and self.crowding > LOADED

    def _check_throughput(self) -> None:
        if self.throughput_ips is None or self.batch is None:
            return
        computed = 1e3 * self.batch / self.latency_ms
        ratio = computed / self.throughput_ips
        if not 1 / AGREEING <= ratio <= AGREEING:
            raise BadInput(
                f"latency_ms {self.latency_ms:g} for a batch of {self.batch} is {computed:.4g} "
                f"images a second, but throughput_ips says {self.throughput_ips:g}; the latency "
                "must be that of the whole batch, in milliseconds"
            )


FIELDS = tuple(each.name for each in fields(Latency))


def _check_positive(name: str, value: object) -> None:
    if value is None and name != LATENCY:
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not (math.isfinite(value) and value > 0):  # type: ignore[arg-type,operator]
        raise BadInput(f"{name} is {shown(value)}, and must be a number above 0")


def _check_counted(name: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadInput(f"{name} is {shown(value)}, and must be an integer from 1")


NAMED: Mapping[str, str] = {
    "device": "device", "runtime": "runtime", "runtime_version": "version of the runtime",
    "dtype": "dtype", "threads": "number of threads", "layout": "layout", "mode": "mode",
}  # fmt: skip
"""The fields of a setting as a sentence names them."""


def one_setting(latencies: Sequence[Latency]) -> Setting:
    """The setting that all these latencies share.

    Raises BadInput without latencies, and where they are of several devices, runtimes, types of
    numbers, layouts, modes or numbers of threads.

    >>> runs = [Latency("a", "a phone", 3.0), Latency("b", "a laptop", 2.0)]
    >>> one_setting(runs)
    Traceback (most recent call last):
    ...
    flopscope.errors.BadInput: the latencies are of more than one device: a phone (1), a laptop \
(1); keep those of one
    """
    if not latencies:
        raise BadInput("there is no latency; give at least one")
    for name, words in NAMED.items():
        found = _counts(getattr(each.setting, name) for each in latencies)
        if len(found) > 1:
            said = [f"{'not stated' if k in ('', None) else k} ({n})" for k, n in found.items()]
            more = f" and {len(said) - 6} more" if len(said) > 6 else ""
            raise BadInput(
                f"the latencies are of more than one {words}: {', '.join(said[:6])}{more}; keep "
                "those of one"
            )
    return latencies[0].setting


def of_setting(latencies: Iterable[Latency], **wanted: object) -> list[Latency]:
    """The latencies whose setting has these values, in their order.

    Raises BadInput where none has, naming what there is.

    >>> runs = [Latency("a", "a phone", 3.0), Latency("b", "a laptop", 2.0)]
    >>> [run.model for run in of_setting(runs, device="a laptop")]
    ['b']
    """
    kept = list(latencies)
    for name, value in wanted.items():
        there = _counts(getattr(each.setting, name) for each in kept)
        kept = [each for each in kept if getattr(each.setting, name) == value]
        if not kept:
            names = listed([str(each) for each in list(there)[:8]]) if there else "none"
            raise BadInput(f"no latency has the {NAMED[name]} {shown(value)}; there is {names}")
    return kept


def _counts(values: Iterable[object]) -> dict[object, int]:
    found: dict[object, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return found
