"""Timing of rounds: how many there are, what is in a round, and what is stated of them."""

from __future__ import annotations

import gc
from time import thread_time

import pytest

from flopscope.measured.machine.energy import Meter
from flopscope.measured.stopwatch import FEWEST, LEAST, MOST, middle_mean, quartile, timed


def busy(seconds):
    end = thread_time() + seconds
    while thread_time() < end:
        pass


def test_as_many_rounds_as_are_asked_for():
    calls = []
    found = timed(lambda: calls.append(busy(0.001)), thread_time, rounds=4)
    assert (len(found.wall), len(found.cpu)) == (4, 4)
    assert len(calls) >= 6  # and runs to warm up
    assert all(cpu >= 0.001 for cpu in found.cpu)


def test_a_short_run_is_repeated_in_a_round():
    calls = []
    timed(lambda: calls.append(None), thread_time, rounds=2)
    assert len(calls) > 200


def test_rounds_end_with_the_time():
    assert len(timed(lambda: busy(0.002), thread_time, seconds=0.0).wall) == LEAST
    assert len(timed(lambda: busy(0.0006), thread_time, seconds=60.0).wall) == MOST


def test_a_device_that_is_waited_for_has_no_processor_time():
    waits = []
    found = timed(lambda: busy(0.001), None, rounds=3, finish=lambda: waits.append(None))
    assert found.cpu == ()
    assert len(waits) >= 3


def test_garbage_is_collected_afterwards_again():
    seen = []
    timed(lambda: seen.append(gc.isenabled()), thread_time, rounds=1)
    assert False in seen
    assert gc.isenabled()


def test_a_failing_run_leaves_the_collector_on():
    calls = iter([None] * 2)
    with pytest.raises(StopIteration):
        timed(lambda: (next(calls), busy(0.06)), None, rounds=1)
    assert gc.isenabled()


def test_energy_is_that_of_one_run():
    readings = iter([1000.0, 1600.0])
    meter = Meter(lambda: next(readings), "a meter")
    assert timed(lambda: busy(0.04), None, rounds=3, meter=meter).millijoules == 200.0


def test_energy_of_less_than_a_step_of_the_meter_is_not_stated():
    readings = iter([1000.0, 1600.0])
    meter = Meter(lambda: next(readings), "a meter")
    assert timed(lambda: busy(0.001), None, rounds=1, meter=meter).millijoules is None


class Pace:
    """Of a machine whose anchor takes these milliseconds, one after the other, and then the last
    for good. At full speed it takes 1."""

    def __init__(self, *anchors):
        self.anchors = list(anchors)

    def milliseconds(self):
        return self.anchors.pop(0) if len(self.anchors) > 1 else self.anchors[0]

    def is_full(self, milliseconds):
        return milliseconds < 1.1


def test_rounds_on_a_slow_machine_do_not_count():
    lengths = iter([0.06, 0.06, *[0.001] * 3, *[0.003] * 2, *[0.001] * 3])
    # between two rounds there is one anchor, and a slow one spoils both
    pace = Pace(1.0, 1.0, 1.0, 1.0, 1.6, 1.0, 1.0, 1.0, 1.0)
    found = timed(lambda: busy(next(lengths)), thread_time, rounds=8, pace=pace)
    assert (len(found.wall), found.left_out, found.anchor_ms) == (6, 2, 1.0)
    assert max(found.cpu) < 0.003


def test_a_slow_machine_is_waited_for():
    pace = Pace(*[1.6] * 9, 1.0)
    found = timed(lambda: busy(0.0006), thread_time, seconds=10.0, pace=pace)
    assert (found.left_out, len(found.wall)) == (9, MOST)


def test_a_machine_that_stays_slow_is_not_waited_for_long():
    found = timed(lambda: busy(0.0006), thread_time, seconds=0.01, pace=Pace(1.6))
    assert found.left_out == 0
    assert LEAST <= len(found.wall) < MOST
    assert found.anchor_ms == 1.6


def test_too_few_rounds_at_full_speed_are_no_evidence():
    pace = Pace(*[1.0] * FEWEST, 1.6)
    found = timed(lambda: busy(0.0006), thread_time, rounds=8, pace=pace)
    assert (len(found.wall), found.left_out) == (8, 0)


def test_statistics_leave_out_interruptions():
    assert middle_mean([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 90.0, 90.0]) == 1.0
    assert quartile([4.0, 1.0, 2.0, 3.0], 0.75) == 3.25
    assert quartile([7.0], 0.25) == 7.0
