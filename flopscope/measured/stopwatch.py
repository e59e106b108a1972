"""Timing of something that is run again and again: warm-up, rounds, and what is stated of them."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from flopscope.measured.machine.anchor import Pace
from flopscope.measured.machine.energy import SHORTEST, Meter

STATISTIC = "mean of the middle half"
WARM_RUNS, WARM_SECONDS, MOST_WARM = 2, 0.1, 20
LEAST, MOST = 10, 100
"""Rounds, unless their number is asked for."""
SECONDS = 1.0
"""Wall time after which no further round begins, if there are enough."""
PATIENCE = 5
"""How many times as long to go on for rounds in which the machine has its full speed."""
SHORT = 5e-4
"""A round takes this long at least: of what is shorter, it has several runs."""
FEWEST = 5
"""Rounds at full speed with which the others are left out."""


@dataclass(frozen=True)
class Rounds:
    """The seconds that a run took in each round: wall time, and processor time where there is one.
    `millijoules` is the energy of a run, from all rounds together; None without a meter, and where
    all rounds are shorter than a meter's steps. `left_out` rounds do not count, because the machine
    had not its full speed; `anchor_ms` is the median of the anchors beside those that do."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    millijoules: float | None = None
    left_out: int = 0
    anchor_ms: float | None = None


def timed(
    run: Callable[[], object],
    clock: Callable[[], float] | None,
    *,
    rounds: int | None = None,
    finish: Callable[[], None] = lambda: None,
    meter: Meter | None = None,
    seconds: float = SECONDS,
    pace: Pace | None = None,
) -> Rounds:
    """Warm up, then time rounds: as many as are asked for, or at least 10 and then more until a
    second has passed or there are 100.

    With a `pace`, an anchor is timed between two rounds. Rounds beside which it shows that the
    machine was slower than it can be are left out, if at least 5 others remain, and further ones
    are waited for up to five times as long. Python's collection of garbage waits meanwhile, as it
    does in `timeit`.

    >>> from time import thread_time
    >>> found = timed(lambda: sum(range(1000)), thread_time, rounds=3)
    >>> len(found.wall), len(found.cpu), all(second > 0 for second in found.cpu)
    (3, 3, True)
    """
    runs = _warm(run, finish)
    wall: list[float] = []
    cpu: list[float] = []
    speed = _Speed(pace)
    collecting = gc.isenabled()
    gc.disable()
    try:
        before, started = meter.read() if meter else 0.0, perf_counter()
        while _goes_on(len(wall), speed.full, rounds, perf_counter() - started, seconds):
            used, begun = clock() if clock else 0.0, perf_counter()
            for _ in range(runs):
                run()
            finish()
            wall.append((perf_counter() - begun) / runs)
            cpu.append((clock() - used) / runs if clock else 0.0)
            speed.look()
        passed = perf_counter() - started
        energy = meter.between(before, meter.read()) if meter and passed >= SHORTEST else None
    finally:
        if collecting:
            gc.enable()
    each = energy / (runs * len(wall)) if energy else None
    kept = speed.kept()
    return Rounds(
        tuple(wall[index] for index in kept),
        tuple(cpu[index] for index in kept) if clock else (),
        each,
        len(wall) - len(kept),
        speed.median(kept),
    )


class _Speed:
    """The slower of the two anchors beside each round; nothing without a pace."""

    def __init__(self, pace: Pace | None) -> None:
        self._pace = pace
        self._last = pace.milliseconds() if pace else 0.0
        self._beside: list[float] = []
        self.full = 0

    def look(self) -> None:
        """Time an anchor behind a round."""
        now = self._pace.milliseconds() if self._pace else 0.0
        self._beside.append(max(self._last, now))
        self._last = now
        self.full += self._is_full(self._beside[-1])

    def _is_full(self, milliseconds: float) -> bool:
        return self._pace is None or self._pace.is_full(milliseconds)

    def kept(self) -> list[int]:
        """The rounds at full speed; all where these are too few."""
        full = [index for index, each in enumerate(self._beside) if self._is_full(each)]
        return full if len(full) >= FEWEST else list(range(len(self._beside)))

    def median(self, kept: Sequence[int]) -> float | None:
        """The median anchor beside these rounds."""
        return None if self._pace is None else quartile([self._beside[i] for i in kept], 0.5)


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


def _goes_on(done: int, full: int, rounds: int | None, passed: float, seconds: float) -> bool:
    """Is there to be another round? `full` of those that are done count."""
    if rounds is not None:
        return done < rounds
    if full < LEAST:
        return done < LEAST or passed < PATIENCE * seconds
    return full < MOST and passed < seconds
