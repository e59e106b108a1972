"""How long answers take, as ratios against a peer timed in the same run: machines are noisy.

`make bench` prints one line a benchmark: the median ratio or rate, its spread, and the target.
"""

from __future__ import annotations

import logging
import statistics
import time
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np

from flopscope import analyze, build, formula
from flopscope.timing.builtin import device_of
from flopscope.timing.device import Device

RUNS = 7
TURNS = 30
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


def prediction_against_count() -> Iterable[Result]:
    """The time of a prediction over that of an exact count of the same network, each from a new
    ledger: the best of many of both, in turns."""
    device = device_of("i7-12700h-inductor")
    for name in ("mobilenetv2", "convnext_tiny", "efficientformerv2_s0"):
        ways: list[Callable[[], object]] = [
            partial(_count, name), partial(_predict, name, device), partial(_both, name, device),
        ]  # fmt: skip
        ratios: list[tuple[float, float]] = []
        for _ in range(RUNS):
            taken = [[seconds(way, clock=time.process_time) for way in ways] for _ in range(TURNS)]
            count, prediction, both = map(min, zip(*taken, strict=True))
            ratios.append((prediction / count, both / count))
        alone, with_count = map(list, zip(*ratios, strict=True))
        yield Result(f"prediction of {name} / its count", alone, "times", "at most 2")
        yield Result(f"count and prediction of {name} / its count", with_count, "times", "none")


def _count(name: str) -> int:
    return int(analyze(name, res=224).macs())


def _predict(name: str, device: Device) -> float:
    return float(analyze(name, res=224).time(device).seconds)


def _both(name: str, device: Device) -> float:
    ledger = analyze(name, res=224)
    return int(ledger.macs()) + float(ledger.time(device).seconds)


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


def seconds(
    work: Callable[[], object], repeat: int = 1, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Mean time of one call by a clock, which is the wall's unless another one is given."""
    start = clock()
    for _ in range(repeat):
        work()
    return (clock() - start) / repeat


def main() -> None:
    """Print every benchmark."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # fvcore's use of torch.jit
    for result in count_against_fvcore():
        print(result)
    for result in prediction_against_count():
        print(result)
    print(vectorised_count())


if __name__ == "__main__":
    main()
