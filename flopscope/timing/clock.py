"""Which times of a measurement are to be believed: wall time, or on a busy machine the processor's;
and whether the machine kept its speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flopscope.timing.measurement import Latency

DRIFT = 1.1
"""The slowest anchor over the fastest from which a machine is said to have changed its speed."""

PROCESSOR = "processor time, minimum of the rounds, as the machine was busy"
SLOWED = "processor time, minimum of the rounds, as the machine changed its speed"


@dataclass(frozen=True)
class Clock:
    """A clock in words. `of_processor` says that a time is the least of the rounds' processor time,
    which other programs lengthen least."""

    words: str
    of_processor: bool = False

    def seconds(self, latency: Latency) -> float:
        """What a run of the whole batch took by this clock."""
        if self.of_processor:
            assert latency.cpu_min_ms is not None
            return latency.cpu_min_ms / 1e3
        return latency.latency_ms / 1e3


def clock_of(latencies: Sequence[Latency]) -> Clock:
    """The clock for all these latencies, which must be one for all: the wall's, unless other
    programs kept the machine busy during one of them, or it changed its speed, and all have
    processor times.

    >>> idle = Latency("a", "here", 1.0, threads=1, cpu_ms=1.0, cpu_min_ms=0.9, statistic="mean")
    >>> busy = Latency("b", "here", 3.0, threads=1, cpu_ms=2.0, cpu_min_ms=1.9, statistic="mean")
    >>> clock_of([idle]).words, clock_of([idle, busy]).seconds(busy)
    ('mean', 0.0019)
    """
    if all(each.cpu_min_ms is not None for each in latencies):
        if any(each.is_loaded for each in latencies):
            return Clock(PROCESSOR, of_processor=True)
        if drift(latencies) is not None:
            return Clock(SLOWED, of_processor=True)
    statistics = dict.fromkeys(each.statistic for each in latencies if each.statistic)
    return Clock("; ".join(statistics))


def drift(latencies: Sequence[Latency]) -> float | None:
    """The slowest over the fastest of the anchors that were timed before the networks, where that
    says that the machine has changed its speed.

    >>> anchors = [0.5, 0.51, 0.75]
    >>> drift([Latency("a", "here", 1.0, anchor_ms=each) for each in anchors])
    1.5
    >>> drift([Latency("a", "here", 1.0, anchor_ms=0.5)])
    """
    anchors = [each.anchor_ms for each in latencies if each.anchor_ms is not None]
    ratio = max(anchors) / min(anchors) if anchors else 1.0
    return ratio if ratio > DRIFT else None
