"""How long and how much memory a trace of a real module takes; ratios are against fvcore.

`make bench` prints one line a benchmark. A network of timm is left out where timm does not import.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tracemalloc
import warnings
from collections.abc import Iterator
from itertools import chain

import torch
from run import Result, seconds
from torch import nn

from flopscope import build
from flopscope.errors import BadInput
from flopscope.symbolic import symbol
from flopscope.tracing import trace
from flopscope.tracing.loading.targets import load

RUNS = 3
IMAGE = (symbol("B"), 3, symbol("H"), symbol("W"))
NETWORKS = ("efficientnet_b7", "timm:mobilevit_s")
DEPTHS = (10, 1000)
LAYERS, WIDTH = 34, 2048  # 12·34·2048² = 1.7 billion weights
HEAVY = {"efficientnet_b7": "at 600", "transformer": "of 1.7 billion weights"}
MIB = 2**20


def against_fvcore() -> Iterator[Result]:
    """fvcore's time for one count at 256 over that of a trace in free B, H and W."""
    from fvcore.nn import FlopCountAnalysis

    logging.getLogger("fvcore").setLevel(logging.ERROR)
    image = torch.zeros(1, 3, 256, 256)
    for name in NETWORKS:
        try:
            real = load(name).eval() if ":" in name else build(name).eval()
        except BadInput as error:
            print(f"{name} is not measured: {error}")
            continue
        real = real.to_empty(device="cpu")  # fvcore runs it; the numbers do not matter

        def measured(network: nn.Module = real) -> int:
            return int(FlopCountAnalysis(network, image).total())

        def traced(network: nn.Module = real) -> int:
            return len(trace(network, IMAGE).ledger)

        measured(), traced()
        ratios = [seconds(measured) / seconds(traced) for _ in range(RUNS)]
        yield Result(f"fvcore / one trace of {name} in free B, H, W", ratios, "times", "at least 1")


def growth() -> Result:
    """Time per operator at 1,000 layers over that at 10: 1 where time grows with the length."""
    trace(nn.Conv2d(8, 8, 3), (symbol("B"), 8, symbol("H"), symbol("W")))  # what is done once
    rates: dict[int, list[float]] = {depth: [] for depth in DEPTHS}
    for _ in range(RUNS):
        for depth in DEPTHS:
            with torch.device("meta"):
                network = nn.Sequential(*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(depth)))
            shape = (symbol("B"), 8, symbol("H"), symbol("W"))
            rates[depth].append(seconds(lambda n=network, s=shape: trace(n, s)) / depth)
    ratios = [b / a for a, b in zip(rates[10], rates[1000], strict=True)]
    return Result("time per layer at 1,000 layers / at 10", ratios, "", "at most 1.5")


def memory() -> Iterator[Result]:
    """Peak memory of building a network and tracing it at numbers, above that after imports."""
    for name, what in HEAVY.items():
        peaks = []
        for _ in range(RUNS):
            command = [sys.executable, __file__, name]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            peaks.append(float(done.stdout))
        yield Result(
            f"memory of one trace of {name} {what}", peaks, "MiB of Python objects", "at most 150"
        )


def peak(name: str) -> float:
    """MiB of Python's objects at the highest point of building without weights and tracing.

    The process's own peak would not show it, since importing torch needs more for a moment. torch's
    side holds shapes only, some hundred bytes a tensor.
    """
    trace(nn.Linear(2, 2), (1, 2))
    tracemalloc.start()
    if name == "efficientnet_b7":
        with torch.device("meta"):
            module, shape = build(name), (1, 3, 600, 600)
    else:
        module, shape = transformer(), (1, 512, WIDTH)
    trace(module, shape)
    return tracemalloc.get_traced_memory()[1] / MIB


def transformer() -> nn.Module:
    """A stack of encoder layers on the meta device."""
    with torch.device("meta"):
        layer = nn.TransformerEncoderLayer(WIDTH, 16, 4 * WIDTH, batch_first=True)
        return nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)


def main() -> None:
    """Print every benchmark."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    print(growth())
    for result in chain(memory(), against_fvcore()):
        print(result, flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(peak(sys.argv[1]))
    else:
        main()
