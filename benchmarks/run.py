"""How long answers take, as ratios against a peer timed in the same run: machines are noisy.

`make bench` prints one line a benchmark: the median ratio or rate, its spread, and the target.
"""

from __future__ import annotations

import logging
import statistics
import time
import warnings
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from flopscope import analyze, build, formula

RUNS = 7
DESIGNS = 1_000_000


class Result(NamedTuple):
    """One benchmark: what was measured over the runs, in which unit, and what it should be."""

    name: str
    values: list[float]
    unit: str
    target: str

    def __str__(self) -> str:
        middle = statistics.median(self.values)
        spread = f"{min(self.values):,.4g} to {max(self.values):,.4g}"
        return f"{self.name:<58} {middle:>10,.4g} {self.unit:<12} ({spread}; target {self.target})"


def count_against_fvcore() -> Iterable[Result]:
    """fvcore's time for one count of MobileNetV2 at 224 over flopscope's, in one process."""
    import torch
    from fvcore.nn import FlopCountAnalysis

    logging.getLogger("fvcore").setLevel(logging.ERROR)
    module, image = build("mobilenetv2").eval(), torch.zeros(1, 3, 224, 224)
    closed_form = formula("mobilenetv2")

    def measured() -> int:
        return int(FlopCountAnalysis(module, image).total())

    ways: dict[str, tuple[Callable[[], int], str]] = {
        "its formula": (lambda: closed_form.at(B=1, H=224, W=224), "at least 1000"),
        "a new ledger": (lambda: int(analyze("mobilenetv2", res=224).macs()), "none: 151 rows"),
    }
    peers = [seconds(measured) for _ in range(RUNS)]
    for name, (way, target) in ways.items():
        assert way() == 300_774_272
        ratios = [peer / seconds(way, repeat=20) for peer in peers]
        yield Result(f"fvcore / one count of mobilenetv2 by {name}", ratios, "times", target)


def vectorised_count() -> Result:
    """Designs (width, H, W) of MobileNetV2 counted a second, exactly, in one thread."""
    rng = np.random.default_rng(0)
    sizes = {
        "B": np.array([1]),
        "H": rng.integers(32, 513, DESIGNS),
        "W": rng.integers(32, 513, DESIGNS),
        "width": rng.integers(10, 201, DESIGNS) / 100,
    }
    closed_form = formula("mobilenetv2", free=("width",))
    counts = closed_form.at(**sizes)
    for i in range(0, DESIGNS, DESIGNS // 100):
        one = analyze(
            "mobilenetv2", (int(sizes["H"][i]), int(sizes["W"][i])), width=float(sizes["width"][i])
        )
        assert int(one.macs()) == counts[i]
    rates = [DESIGNS / seconds(lambda: closed_form.at(**sizes)) / 1e6 for _ in range(RUNS)]
    return Result(
        "vectorised count of mobilenetv2 over (width, H, W)", rates, "million/s", "at least 2"
    )


def seconds(work: Callable[[], object], repeat: int = 1) -> float:
    """Mean wall time of one call."""
    start = time.perf_counter()
    for _ in range(repeat):
        work()
    return (time.perf_counter() - start) / repeat


def main() -> None:
    """Print every benchmark."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # fvcore's use of torch.jit
    for result in count_against_fvcore():
        print(result)
    print(vectorised_count())


if __name__ == "__main__":
    main()
