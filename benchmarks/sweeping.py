"""How long reductions of large grids take, against the formula at every design of the same grid.

Answers are compared before they are timed. `make bench` prints one line a benchmark. A reduction's
time is that of the whole answer, from the name of the network on.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from math import prod

import numpy as np
from numpy.typing import NDArray
from run import Result, seconds

from flopscope import formula
from flopscope.sweeping.answer import answer, prepared
from flopscope.sweeping.distributed import runner
from flopscope.sweeping.result import Reduced

RUNS = 3
LIMIT = 400_000_000
MODEL, SIZES = "efficientnet_b0", ("width", "depth", "H", "W")
PERCENT = [n / 100 for n in range(50, 150)]
GRID: Mapping[str, Sequence[float]] = {
    "width": PERCENT, "depth": PERCENT[::2], "H": range(32, 182), "W": range(32, 182),
}  # fmt: skip
BILLION = "width=0.5:1.49:0.01,depth=0.5:1.49:0.01,H=32:348:1,W=32:348:1"
FEWER = "width=0.5:1.49:0.01,depth=0.5:1.49:0.01,H=32:348:1,W=32:348:100"
UNLIKE = "width=0.25:2:0.01,H=32:2047:1,W=32:2047:1"
"""Sides of MobileNetV2 of which at most two count alike."""


def kept(keep: str, free: object = GRID, model: str = MODEL, **more: object) -> Reduced:
    """What is kept of a grid's MACs."""
    asked = prepared(model, free, keep, ["macs"], most={"macs": LIMIT})  # type: ignore[arg-type]
    return answer(asked, **more)  # type: ignore[arg-type]


def columns() -> Iterator[dict[str, NDArray[np.generic]]]:
    """The designs of the grid, those of each width at once."""
    _, *others = GRID.values()
    mesh = [np.ravel(axis) for axis in np.meshgrid(*others, indexing="ij")]
    for width in GRID["width"]:
        yield dict(zip(SIZES, [np.full(mesh[0].size, width), *mesh], strict=True))


def against_the_formula() -> Iterator[Result]:
    """`Formula.at` for every design over three reductions of the same grid."""
    closed = formula(MODEL, free=("width", "depth"))
    designs, number = list(columns()), prod(map(len, GRID.values()))
    counts = np.empty((len(designs), number // len(designs)), dtype=np.int64)

    def one_by_one() -> None:
        for row, sizes in zip(counts, designs, strict=True):
            row[:] = closed.at(B=1, **sizes)

    peer = seconds(one_by_one)
    within = counts[counts <= LIMIT]
    assert kept("count").kept == within.size
    assert [n for _, _, n in kept("histogram:40").bins] == [
        np.count_nonzero((within >= a) & (within <= b)) for a, b, _ in kept("histogram:40").bins
    ]
    assert [design.counts[0] for design in kept("top:100").designs] == (
        np.sort(within)[::-1][:100].tolist()
    )
    for keep in ("count", "histogram:40", "top:100"):
        ratios = [peer / seconds(lambda keep=keep: kept(keep)) for _ in range(RUNS)]  # type: ignore[misc]
        name = f"Formula.at / --keep {keep}, {number / 1e6:.0f} M designs of {MODEL}"
        yield Result(name, ratios, "times", "at least 200")
    mesh = dict(zip(SIZES, np.meshgrid(*GRID.values(), indexing="ij", sparse=True), strict=True))
    assert np.array_equal(closed.at(B=1, **mesh).ravel(), counts.ravel())
    ratios = [peer / seconds(lambda: closed.at(B=1, **mesh)) for _ in range(RUNS)]
    yield Result("Formula.at of a list / of the same designs as a mesh", ratios, "times", "none")


def a_billion() -> Iterator[Result]:
    """10⁹ designs counted under a budget, and the memory of this beside that of a 79th of them."""
    times = [seconds(lambda: kept("count", BILLION)) for _ in range(RUNS)]
    number = kept("count", BILLION).grid.size
    yield Result(f"{number / 1e9:.3f} G designs of {MODEL} counted", times, "seconds", "at most 60")
    memory = [peak(BILLION) / peak(FEWER) for _ in range(RUNS)]
    yield Result("memory of these / of a 79th of them", memory, "times", "about 1")


def peak(free: str) -> float:
    """The most memory of a new process that counts a grid."""
    program = f"import sweeping, resource; sweeping.kept('count', {free!r}); sweeping.tell()"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True,
                          cwd=__file__.rpartition("/")[0])  # fmt: skip
    return float(done.stdout)


def tell() -> None:
    """Print the most memory of this process."""
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def on_two_workers() -> Iterator[Result]:
    """One process over two workers of Dask, started already and with the start."""
    alone = kept("histogram:40", UNLIKE, "mobilenetv2")
    times = [seconds(lambda: kept("histogram:40", UNLIKE, "mobilenetv2")) for _ in range(RUNS)]

    def with_start() -> None:
        with runner(workers=2) as who:
            assert kept("histogram:40", UNLIKE, "mobilenetv2", runner=who).state == alone.state

    started = [time / seconds(with_start) for time in times]
    with runner(workers=2) as who:
        running = [
            time / seconds(lambda: kept("histogram:40", UNLIKE, "mobilenetv2", runner=who))
            for time in times
        ]
    number = f"{alone.grid.size / 1e6:.0f} M designs of mobilenetv2"
    yield Result(f"one process / two workers, {number}", running, "times", "none: 2 is ideal")
    yield Result("the same with the start of the workers", started, "times", "none")


def main() -> None:
    """Print every benchmark."""
    for result in (*against_the_formula(), *a_billion()):
        print(result, flush=True)
    if find_spec("distributed") is None:
        print("two workers: not measured, because Dask distributed is not installed")
        return
    for result in on_two_workers():
        print(result, flush=True)


if __name__ == "__main__":
    main()
