"""What deepspeed's profiler answers, by its rules: it patches functions and adds up what each says.

deepspeed itself is not installed here. The rules are those of deepspeed 0.19.8,
profiling/flops_profiler/profiler.py, written again from its behaviour, and what they say of every
layer of tests/test_conventions.py was once compared with what that file says: they are equal.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from math import prod
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Rule = Callable[..., float]


def an_element(x: Tensor, *_: Any, **__: Any) -> int:
    return x.numel()


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> int:
    return 2 * x.numel() * weight.shape[0]


def matmul(a: Tensor, b: Tensor) -> int:
    return 2 * a.numel() * b.shape[-1]


def convolution(x, weight, bias=None, *args: Any, **named: Any) -> int:
    run = (torch.conv1d, torch.conv2d, torch.conv3d)[x.ndim - 3]
    y = run(x, weight, bias, *args, **named)
    return 2 * y.numel() * weight[0].numel() + (0 if bias is None else y.numel())


def transposed(x, weight, bias=None, *args: Any, **named: Any) -> int:
    run = (torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d)[x.ndim - 3]
    y = run(x, weight, bias, *args, **named)
    return 2 * x.numel() * weight[0].numel() + (0 if bias is None else y.numel())


def batch_norm(x, mean, variance, weight=None, bias=None, training=False, *_) -> int:
    return x.numel() * ((4 if training else 1) + (weight is not None))


def layer_norm(x, shape, weight=None, *_) -> int:
    return x.numel() * (4 + (weight is not None))


def interpolate(x, size=None, scale=None, *_: Any, **__: Any) -> float:
    """To a size, neither batch nor channels are counted."""
    return x.numel() * scale ** (x.ndim - 2) if size is None else prod(size)


def broadcast(a: Tensor, b: Tensor) -> int:
    return prod(torch.broadcast_shapes(a.shape, b.shape))


RULES: list[tuple[Any, str, Rule]] = [
    (F, "linear", linear),
    (F, "conv1d conv2d conv3d", convolution),
    (F, "conv_transpose1d conv_transpose2d conv_transpose3d", transposed),
    (F, "relu prelu elu leaky_relu relu6 silu gelu softmax", an_element),
    (F, "batch_norm", batch_norm),
    (F, "layer_norm group_norm", layer_norm),
    (F, "avg_pool1d avg_pool2d max_pool1d max_pool2d", an_element),
    (F, "adaptive_avg_pool1d adaptive_avg_pool2d", an_element),
    (F, "adaptive_max_pool1d adaptive_max_pool2d", an_element),
    (F, "interpolate", interpolate),
    (torch, "matmul bmm", matmul),
    (torch.Tensor, "matmul __matmul__ bmm", matmul),
    (torch, "add mul", broadcast),
    (torch.Tensor, "add mul", broadcast),
]


def deepspeed(module: nn.Module, *inputs: Tensor) -> int:
    """The sum of the rules of the functions that a run calls."""
    counted: list[float] = []

    def patched(original: Callable[..., Any], rule: Rule) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            counted.append(rule(*args, **named))
            return original(*args, **named)

        return call

    with ExitStack() as patches, torch.no_grad():
        for owner, names, rule in RULES:
            for name in names.split():
                call = patched(getattr(owner, name), rule)
                patches.enter_context(mock.patch.object(owner, name, call))
        module(*inputs)
    assert sum(counted) == int(sum(counted))
    return int(sum(counted))
