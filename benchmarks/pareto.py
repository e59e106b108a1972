"""How long frontiers and hypervolumes take, as ratios against moocore on the same points, and how
their time grows.

Every answer is compared with moocore's before it is timed. `make bench` prints one line each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import log2

import moocore
import numpy as np
from numpy.typing import NDArray
from run import Result, seconds

from flopscope.choosing.indicators import hypervolume
from flopscope.choosing.pareto import frontier

RUNS = 3
POINTS = 1_000_000
SIZES = (125_000, 250_000, 500_000, 1_000_000)

Points = NDArray[np.float64]


def scattered(n: int, d: int) -> Points:
    """Independent uniform criteria: few points are on the frontier."""
    return np.random.default_rng(n).random((n, d))


def opposed(n: int, d: int) -> Points:
    """Criteria that add up to 1: every point is on the frontier."""
    points = np.random.default_rng(n).random((n, d))
    points[:, -1] = d - points[:, :-1].sum(axis=1)
    return points


CLOUDS: Mapping[str, Callable[[int, int], Points]] = {
    "few on the frontier": scattered,
    "all on the frontier": opposed,
}


def ours(points: Points) -> NDArray[np.bool_]:
    """Less is better in every criterion, as moocore has it."""
    return frontier(list(points.T), ["min"] * points.shape[1])


def against_moocore() -> Iterator[Result]:
    """moocore's time over ours for the frontier of a million points."""
    for d in (2, 3):
        for words, cloud in CLOUDS.items():
            points = cloud(POINTS, d)
            assert (ours(points) == moocore.is_nondominated(points)).all()
            ratios = [
                seconds(lambda p=points: moocore.is_nondominated(p))
                / seconds(lambda p=points: ours(p))
                for _ in range(RUNS)
            ]
            yield Result(
                f"moocore / frontier of {POINTS:,} in {d}-d, {words}",
                ratios,
                "times",
                "none: it is C",
            )


def volume() -> Result:
    """moocore's time over ours for the hypervolume of 100,000 points, all on the frontier."""
    points = opposed(100_000, 2)
    costs, gains = points[:, 0], -points[:, 1]
    theirs = moocore.hypervolume(points, ref=[2.0, 2.0])
    assert abs(hypervolume(costs, gains, (2.0, -2.0)) / theirs - 1) < 1e-12
    ratios = [
        seconds(lambda: moocore.hypervolume(points, ref=[2.0, 2.0]))
        / seconds(lambda: hypervolume(costs, gains, (2.0, -2.0)))
        for _ in range(RUNS)
    ]
    return Result(
        "moocore / hypervolume of 100,000 in 2-d", ratios, "times", "none: exact for integers"
    )


def growth() -> Iterator[Result]:
    """Time over n·log n, at the largest size against the smallest, all points on the frontier."""
    for d in (2, 3):
        clouds = [opposed(n, d) for n in SIZES]
        ratios = []
        for _ in range(RUNS):
            rates = [seconds(lambda p=p: ours(p)) / (len(p) * log2(len(p))) for p in clouds]
            ratios.append(rates[-1] / rates[0])
        yield Result(
            f"time / (n·log n) in {d}-d at {SIZES[-1]:,} / at {SIZES[0]:,}", ratios, "", "at most 2"
        )


def main() -> None:
    """Print every benchmark."""
    for results in (against_moocore(), [volume()], growth()):
        for result in results:
            print(result)


if __name__ == "__main__":
    main()
