"""What the tests of the measured witnesses share."""

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import settings
from torch import Tensor, nn

from flopscope.agreement import (
    FVCORE,
    FVCORE_TOTAL,
    LEDGER,
    MODULE,
    TORCH,
    TORCH_TOTAL,
    Agreement,
    agree,
)
from flopscope.agreement.rows import comparable
from flopscope.analytic.tape import record
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger
from flopscope.measured import Measurement, measure, without_memory

PROFILE = settings(deadline=None, derandomize=True, max_examples=50)
"""Equal examples everywhere; no deadline, because a torch operator's first run is slow."""


class Calls(nn.Module):
    """A module whose forward is any function of itself and its input; children by keyword."""

    def __init__(self, forward: Callable[[Any, Tensor], Any], **children: nn.Module) -> None:
        super().__init__()
        self.function = forward
        for name, child in children.items():
            self.add_module(name, child)

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


def on_meta(build: Callable[[], nn.Module], *inputs: tuple[int, ...] | InputSpec) -> Measurement:
    """The module that `build` makes, measured without arithmetic (but for fvcore's)."""
    threads = torch.get_num_threads()
    # The sizes are small: beside other test processes, threads would spend their time waiting.
    torch.set_num_threads(1)
    try:
        return measure(without_memory(build), *inputs)
    finally:
        torch.set_num_threads(threads)


def check(
    closed: Callable[..., object],
    build: Callable[[], nn.Module],
    *inputs: tuple[int, ...] | InputSpec,
) -> Ledger:
    """The closed form's ledger, after every witness has agreed with it on everything."""
    shapes = [given.shape if isinstance(given, InputSpec) else given for given in inputs]
    ledger = record(closed, *shapes)
    assert_all_agree(agree(ledger, on_meta(build, *inputs)), ledger)
    return ledger


def assert_all_agree(agreement: Agreement, ledger: Ledger) -> None:
    """Every comparison was made by every witness that can make it, and all agree."""
    assert [str(difference) for difference in agreement.differences] == []
    assert (agreement.skipped, agreement.unconfirmed) == ((), ())
    assert agreement
    assert [row.path for row in agreement.rows] == [row.path for row in comparable(ledger.rows)]
    assert all(len(row.checks) == 9 for row in agreement.rows)
    counted = [row.checks[-1] for row in agreement.rows] + [*agreement.classes]
    assert all(set(comparison.values) == {LEDGER, FVCORE, TORCH} for comparison in counted)
    assert {total.name: set(total.values) - {LEDGER} for total in agreement.totals} == {
        "rows": {MODULE},
        "parameters": {MODULE},
        "buffers": {MODULE},
        "MACs": {FVCORE, TORCH},
        "activations": {FVCORE, TORCH},
        FVCORE_TOTAL: {FVCORE},
        TORCH_TOTAL: {TORCH},
    }


def same(kernel: int) -> int:
    return (kernel - 1) // 2


def normed(convolution: nn.Conv2d, act: type[nn.Module] | None) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels), *([act()] if act else [])]


class Gate(nn.Module):
    """Squeeze-and-excite with the activations in the order of the paper."""

    def __init__(self, channels: int, squeezed: int, inner: type, gate: type) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            inner(),
            nn.Conv2d(squeezed, channels, 1),
            gate(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.layers(x)


class Bottleneck(nn.Module):
    """Expand, depthwise, an optional gate, project; the input added where it fits."""

    def __init__(
        self,
        channels: int,
        hidden: int,
        out: int,
        kernel: int,
        stride: int,
        act: type[nn.Module],
        *,
        expand: bool,
        squeezed: int = 0,
    ) -> None:
        super().__init__()
        layers = normed(nn.Conv2d(channels, hidden, 1, bias=False), act) if expand else []
        depthwise = nn.Conv2d(
            hidden, hidden, kernel, stride, same(kernel), groups=hidden, bias=False
        )
        layers += normed(depthwise, act)
        if squeezed:
            layers.append(Gate(hidden, squeezed, nn.ReLU, nn.Hardsigmoid))
        layers += normed(nn.Conv2d(hidden, out, 1, bias=False), None)
        self.layers = nn.Sequential(*layers)
        self.shortcut = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        return x + y if self.shortcut else y
