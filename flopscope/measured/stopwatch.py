"""Timing of something that is run again and again: warm-up, rounds, and what is stated of them."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from flopscope.measured.machine.energy import SHORTEST, Meter

STATISTIC = "mean of the middle half"
WARM_RUNS, WARM_SECONDS, MOST_WARM = 2, 0.1, 20
LEAST, MOST = 10, 100
"""Rounds, unless their number is asked for."""
SECONDS = 1.0
"""Wall time after which no further round begins, if there are enough."""
SHORT = 5e-4
"""A round takes this long at least: of what is shorter, it has several runs."""


@dataclass(frozen=True)
class Rounds:
    """The seconds that a run took in each round: wall time, and processor time where there is one.
    `millijoules` is the energy of a run, from all rounds together; None without a meter, and where
    all rounds are shorter than a meter's steps."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    millijoules: float | None = None


def timed(
    run: Callable[[], object],
    clock: Callable[[], float] | None,
    *,
    rounds: int | None = None,
    finish: Callable[[], None] = lambda: None,
    meter: Meter | None = None,
    seconds: float = SECONDS,
) -> Rounds:
    """Warm up, then time rounds: as many as are asked for, or at least 10 and then more until a
    second has passed or there are 100.

    Python's collection of garbage waits meanwhile, as it does in `timeit`.

    >>> from time import thread_time
    >>> found = timed(lambda: sum(range(1000)), thread_time, rounds=3)
    >>> len(found.wall), len(found.cpu), all(second > 0 for second in found.cpu)
    (3, 3, True)
    """
    runs = _warm(run, finish)
    wall: list[float] = []
    cpu: list[float] = []
    collecting = gc.isenabled()
    gc.disable()
    try:
        before, started = meter.read() if meter else 0.0, perf_counter()
        while _goes_on(len(wall), rounds, perf_counter() - started, seconds):
            used, begun = clock() if clock else 0.0, perf_counter()
            for _ in range(runs):
                run()
            finish()
            wall.append((perf_counter() - begun) / runs)
            cpu.append((clock() - used) / runs if clock else 0.0)
        passed = perf_counter() - started
        energy = meter.between(before, meter.read()) if meter and passed >= SHORTEST else None
    finally:
        if collecting:
            gc.enable()
    each = energy / (runs * len(wall)) if energy else None
    return Rounds(tuple(wall), tuple(cpu) if clock else (), each)


def middle_mean(values: Sequence[float]) -> float:
    """The mean of the middle half: a quarter is left out at each end.

    >>> middle_mean([1, 2, 3, 100]), middle_mean([5])
    (2.5, 5.0)
    """
    cut = len(values) // 4
    kept = sorted(values)[cut : len(values) - cut]
    return sum(kept) / len(kept)


def quartile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies, between neighbours in proportion.

    >>> quartile([1, 2, 3, 4, 5], 0.25)
    2.0
    """
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (place - low) * (ordered[high] - ordered[low]))


def _warm(run: Callable[[], object], finish: Callable[[], None]) -> int:
    """Run until caches are warm. How many runs make a round that is long enough."""
    started, done, last = perf_counter(), 0, 0.0
    while done < WARM_RUNS or (perf_counter() - started < WARM_SECONDS and done < MOST_WARM):
        begun = perf_counter()
        run()
        finish()
        last = perf_counter() - begun
        done += 1
    return max(1, math.ceil(SHORT / max(last, 1e-7))) if last < SHORT else 1


def _goes_on(done: int, rounds: int | None, passed: float, seconds: float) -> bool:
    if rounds is not None:
        return done < rounds
    return done < LEAST or (done < MOST and passed < seconds)
