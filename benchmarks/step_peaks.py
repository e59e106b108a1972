"""The peak of real training steps beside the prediction: writes the table of docs/training.md.

    OMP_NUM_THREADS=1 python benchmarks/step_peaks.py

Each network takes two steps on random images on one CPU thread: cross entropy, backward pass and
optimizer. Of the second one torch's profiler reports what its allocator hands out and takes back,
with what kernels allocate for themselves. What is held when the step begins is added. The numbers
are bytes, so that the load of the machine does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

import flopscope as fs
from flopscope.answers.counted import Given
from flopscope.answers.target import parse_target
from flopscope.answers.training_memory import training_memory
from flopscope.facts import InputSpec
from flopscope.measured.step_peak import OPTIMIZERS, step_peak

PAGE = Path(__file__).resolve().parent.parent / "docs" / "training.md"
BEGIN, END = "<!-- step peaks -->\n", "<!-- end of step peaks -->\n"
NETWORKS = (
    "mobilenetv2", "mobilenetv3_large", "resnet18", "convnext_tiny", "efficientnet_b0",
    "shufflenetv2_x1.0", "ghostnet_100", "mobilevit_xxs", "regnety_400mf",
)  # fmt: skip
BATCHES = (2, 16)
HOW = {
    "SGD, momentum": ("momentum", False),
    "AdamW": ("adamw", False),
    "AdamW, foreach": ("adamw", True),
}
SIZE = 64


def main() -> None:
    """Measure all cases and put the table into the page."""
    torch.set_num_threads(1)
    heads = "".join(f" {how} MB | peak % | sum % |" for how in HOW)
    lines = [f"| network | batch |{heads}", "|---|---:|" + "---:|" * 3 * len(HOW)]
    for name in NETWORKS:
        for batch in BATCHES:
            cells = "".join(_cells(name, batch, *how) for how in HOW.values())
            lines.append(f"| {name} | {batch} |{cells}")
            print(lines[-1], flush=True)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    table = "".join(f"{line}\n" for line in lines)
    PAGE.write_text(f"{before}{BEGIN}{table}{END}{after}", encoding="utf-8")


def _cells(name: str, batch: int, optimizer: str, foreach: bool) -> str:
    """What was measured, and by how much the predicted peak and the sum of the parts are off."""
    torch.manual_seed(0)
    module, shape = fs.build(name), (batch, 3, SIZE, SIZE)
    parts = training_memory(parse_target(name), Given(SIZE, batch), optimizer).total
    predicted = step_peak(module, [InputSpec(None, shape)], optimizer).peak(foreach=foreach)
    measured = measured_peak(module.train(), torch.randn(shape), optimizer, foreach)
    off = [f"{round(100 * (size / measured - 1), 1) + 0:+.1f}" for size in (predicted, parts)]
    return f" {measured / 10**6:.2f} | {off[0]} | {off[1]} |"


def measured_peak(module: nn.Module, image: torch.Tensor, optimizer: str, foreach: bool) -> int:
    """The most bytes that tensors and kernels hold at once in the second step."""
    steps = OPTIMIZERS[optimizer](module.parameters(), foreach=foreach)

    def step() -> None:
        nn.functional.cross_entropy(module(image), torch.zeros(len(image)).long()).backward()
        steps.step()
        steps.zero_grad()

    step()
    state = [v for s in steps.state.values() for v in s.values() if torch.is_tensor(v)]
    held = (image, *module.parameters(), *module.buffers(), *state)
    return sum(tensor.nbytes for tensor in held) + most_allocated(step)


def most_allocated(run: Callable[[], Any]) -> int:
    """The most bytes that torch's CPU allocator had handed out at once, over those at the start."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        run()
    events = profiled.profiler.kineto_results.events()  # the public table has sums alone
    ordered = sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns())
    now = most = 0
    for event in ordered:
        now += event.nbytes()
        most = max(most, now)
    return most


if __name__ == "__main__":
    main()
