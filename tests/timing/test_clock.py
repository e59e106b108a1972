"""Which times are believed: the wall's, or on a busy machine the processor's."""

from __future__ import annotations

from dataclasses import replace

from flopscope.timing.clock import PROCESSOR, SLOWED, clock_of, drift
from flopscope.timing.measurement import Latency

IDLE = Latency(
    "a", "here", 2.0, threads=1, cpu_ms=1.9, cpu_min_ms=1.8, statistic="mean of the middle half"
)
BUSY = replace(IDLE, model="b", latency_ms=6.0)


def test_on_an_idle_machine_it_is_wall_time():
    clock = clock_of([IDLE, IDLE])
    assert clock.words == "mean of the middle half"
    assert clock.seconds(IDLE) == 0.002


def test_one_busy_measurement_makes_it_processor_time_of_all():
    clock = clock_of([IDLE, BUSY])
    assert clock.words == PROCESSOR
    assert (clock.seconds(IDLE), clock.seconds(BUSY)) == (0.0018, 0.0018)


def test_a_machine_that_changed_its_speed_has_processor_time():
    slow = replace(IDLE, anchor_ms=0.9)
    clock = clock_of([replace(IDLE, anchor_ms=0.5), slow])
    assert (clock.words, clock.seconds(slow)) == (SLOWED, 0.0018)


def test_without_processor_time_of_all_it_is_wall_time():
    clock = clock_of([BUSY, Latency("c", "here", 3.0)])
    assert clock.words == "mean of the middle half"
    assert clock.seconds(BUSY) == 0.006


def test_with_several_threads_it_is_wall_time():
    threads = [replace(each, threads=4) for each in (IDLE, BUSY)]
    assert clock_of(threads).seconds(threads[1]) == 0.006


def test_drift_is_seen_in_the_anchors():
    def anchors(*times):
        return [replace(IDLE, anchor_ms=each) for each in times]

    assert drift([]) is None
    assert drift(anchors(1.0, 1.05)) is None
    assert drift(anchors(1.0, 1.5)) == 1.5
