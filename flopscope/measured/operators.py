"""Single operators as small networks: what a device does with one kind of work at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn


def operator(kind: str, sizes: Sequence[int]) -> nn.Module:
    """The operator of a kind in `MAKERS` that these numbers make, with weights that are random and
    always the same.

    >>> operator("linear", (4, 2))
    Linear(in_features=4, out_features=2, bias=True)
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        return MAKERS[kind](*sizes)


def convolution(inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> nn.Module:
    """A convolution with its activation, as networks have them: (B, inputs, H, W) to (B, outputs,
    ⌈H/stride⌉, ⌈W/stride⌉) for odd kernels."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups)
    return nn.Sequential(conv, nn.ReLU())


class Function(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *given: Tensor) -> Tensor:
        """The function's result."""
        return self.function(*given)


def softmax(x: Tensor) -> Tensor:
    """Over the last axis."""
    return torch.softmax(x, -1)


def concatenated(x: Tensor, y: Tensor) -> Tensor:
    """Along the channels."""
    return torch.cat((x, y), 1)


def shuffled(x: Tensor) -> Tensor:
    """The channels of two groups in turn, as ShuffleNet has them."""
    batch, channels, height, width = x.shape
    turned = x.reshape(batch, 2, channels // 2, height, width).transpose(1, 2)
    return turned.reshape(batch, channels, height, width)


MAKERS: Mapping[str, Callable[..., nn.Module]] = {
    "conv": convolution,
    "linear": nn.Linear,
    "matmul": lambda: Function(torch.matmul),
    "batch_norm": nn.BatchNorm2d,
    "layer_norm": nn.LayerNorm,
    "relu": nn.ReLU,
    "hardswish": nn.Hardswish,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "softmax": lambda: Function(softmax),
    "add": lambda: Function(torch.add),
    "multiply": lambda: Function(torch.mul),
    "max_pool": lambda: nn.MaxPool2d(3, 2, 1),
    "avg_pool": lambda: nn.AvgPool2d(3, 1, 1),
    "global_pool": lambda: nn.AdaptiveAvgPool2d(1),
    "concat": lambda: Function(concatenated),
    "shuffle": lambda: Function(shuffled),
}
"""What makes the module of each kind."""
