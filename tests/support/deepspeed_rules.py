"""What deepspeed's profiler answers, by its rules: it patches functions and adds up what each says,
hooks recurrent layers, and adds up modules wherever the tree has them.

deepspeed itself is not installed here. The rules are those of deepspeed 0.19.8,
profiling/flops_profiler/profiler.py, written again from its behaviour, and what they say of every
layer of tests/conventions/test_conventions.py and tests/reconciling/test_tool_answers.py was once
compared with what that file says: they are equal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import zip_longest
from math import prod
from typing import Any
from unittest import mock

import numpy as np
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


def grid(x, weight, stride, padding, dilation) -> int:
    """Positions of a convolution, transposed or not; an even window may not get the same padding
    on both sides."""

    def each(value: Any) -> Any:
        return value if isinstance(value, tuple) else (value,) * (x.ndim - 2)

    spans = [d * (k - 1) for d, k in zip(each(dilation), weight.shape[2:], strict=True)]
    if isinstance(padding, str):
        padding = tuple(span // 2 if padding == "same" else 0 for span in spans)
    axes = zip(x.shape[2:], each(padding), spans, each(stride), strict=True)
    return prod((n + 2 * p - span - 1) // s + 1 for n, p, span, s in axes)


def convolution(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1) -> int:
    positions = len(x) * grid(x, weight, stride, padding, dilation)
    macs = weight[0, 0].numel() * x.shape[1] * (len(weight) // groups)
    return (2 * macs + (0 if bias is None else len(weight))) * positions


def transposed(
    x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
) -> int:
    """The bias is counted as if it were not transposed."""
    macs = weight[0, 0].numel() * x.shape[1] * (weight.shape[1] // groups)
    positions = len(x) * grid(x, weight, stride, padding, dilation)
    added = 0 if bias is None else weight.shape[1] * positions
    return 2 * macs * len(x) * x[0, 0].numel() + added


def batch_norm(x, mean, variance, weight=None, bias=None, training=False, *_) -> int:
    return x.numel() * ((4 if training else 1) + (weight is not None))


def layer_norm(x, shape, weight=None, *_) -> int:
    return x.numel() * (4 + (weight is not None))


def interpolate(x, size=None, scale_factor=None, *_: Any, **__: Any) -> float:
    """To a size, neither batch nor channels are counted."""
    if size is not None:
        return prod(size) if isinstance(size, tuple | list) else size
    if isinstance(scale_factor, tuple | list):
        return x.numel() * int(prod(scale_factor))
    return x.numel() * scale_factor ** (x.ndim - 2)


def broadcast(a: Any, b: Any, **_: Any) -> int:
    """From the first axis on."""
    shapes = [x.shape for x in (a, b) if isinstance(x, Tensor)]
    return prod(max(sizes) for sizes in zip_longest(*shapes, fillvalue=1))


def added_product(added: Tensor, a: Tensor, b: Tensor, **_: Any) -> int:
    return matmul(a, b) + added.numel()


def instance_norm(x, mean=None, variance=None, weight=None, *_: Any, **__: Any) -> int:
    return x.numel() * (4 + (weight is not None))


def attention(q: Tensor, k: Tensor, v: Tensor, *_: Any, **__: Any) -> int:
    return 2 * q[..., 0].numel() * k.shape[-2] * (q.shape[-1] + v.shape[-1])


def einsum(equation: str, *operands: Tensor) -> int:
    zeros = [np.zeros(tuple(x.shape)) for x in operands]
    report = np.einsum_path(equation, *zeros, optimize="optimal")[1]
    return int(float(re.search(r"Optimized FLOP count: *(\S+)", str(report))[1]))


def recurrent(module: nn.Module, x: Tensor) -> int:
    """Of the first direction, twice where there are two; a batch times a length, in any order."""
    kinds = {"RNN": 1, "GRU": 7, "LSTM": 10}
    count = 0
    for name, parameter in module.named_parameters():
        if "reverse" in name or "weight_hr" in name:
            continue
        rows = len(parameter)
        count += rows if "bias" in name else 2 * parameter.numel() - rows
        if "weight_hh" in name:
            count += kinds[type(module).__name__.removesuffix("Cell")] * module.hidden_size
    if isinstance(module, nn.RNNCellBase):
        return count * len(x)
    return count * x.shape[0] * x.shape[1] * (2 if module.bidirectional else 1)


RULES: list[tuple[Any, str, Rule]] = [
    (F, "linear", linear),
    (F, "conv1d conv2d conv3d", convolution),
    (F, "conv_transpose1d conv_transpose2d conv_transpose3d", transposed),
    (F, "relu prelu elu leaky_relu relu6 silu gelu softmax", an_element),
    (F, "batch_norm", batch_norm),
    (F, "layer_norm group_norm", layer_norm),
    (F, "instance_norm", instance_norm),
    (F, "avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d", an_element),
    (F, "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d", an_element),
    (F, "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d", an_element),
    (F, "interpolate upsample", interpolate),
    (F, "scaled_dot_product_attention", attention),
    (torch, "matmul mm bmm", matmul),
    (torch.Tensor, "matmul __matmul__ mm bmm", matmul),
    (torch, "addmm baddbmm", added_product),
    (torch.Tensor, "addmm", added_product),
    (torch, "einsum", einsum),
    (torch, "add mul", broadcast),
    (torch.Tensor, "add mul", broadcast),
]


RECURRENT = (nn.RNN, nn.GRU, nn.LSTM, nn.RNNCell, nn.GRUCell, nn.LSTMCell)


def met(module: nn.Module) -> Iterator[nn.Module]:
    """Each module as often as the tree has it."""
    yield module
    for child in module.children():
        yield from met(child)


def deepspeed(module: nn.Module, *inputs: Tensor) -> int:
    """The sum of the rules of the functions that a run calls, gradients asked for, and of recurrent
    layers; each module as often as the tree has it."""
    counted: list[float] = []
    times = Counter(met(module))
    running: list[nn.Module] = []

    def patched(original: Callable[..., Any], rule: Rule) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            counted.append(times[running[-1]] * rule(*args, **named))
            return original(*args, **named)

        return call

    def enter(part: nn.Module, _: Any) -> None:
        running.append(part)

    def leave(part: nn.Module, given: Any, _: Any) -> None:
        running.pop()
        if type(part) in RECURRENT:
            counted.append(times[part] * recurrent(part, given[0]))

    with ExitStack() as patches:
        for part in set(module.modules()):
            patches.callback(part.register_forward_pre_hook(enter).remove)
            patches.callback(part.register_forward_hook(leave).remove)
        for owner, names, rule in RULES:
            for name in names.split():
                call = patched(getattr(owner, name), rule)
                patches.enter_context(mock.patch.object(owner, name, call))
        module(*inputs)
    return int(sum(counted))
