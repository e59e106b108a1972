"""ptflops 0.7.5: hooks on modules of its table, and functions that it patches; a module whose
function is patched counts twice. Its sources are pytorch_engine.py and pytorch_ops.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from flopscope.reconciling.tools.counted import (
    STOPS,
    UNCERTAIN,
    Counted,
    Hook,
    NotModelled,
    first,
    hooked,
    in_torch,
    occurrences,
    same_hook,
    tensor,
)
from flopscope.reconciling.tools.profilers import (
    AmountOf,
    added_product,
    given,
    pairs,
    product,
    resized,
)
from flopscope.spelling import (
    FROZEN_ATTENTION,
    Called,
    Layer,
    Spelling,
)


def _parameter(layer: Layer, name: str) -> tuple[int, ...] | None:
    return next((p.shape for p in layer.parameters if p.name == name), None)


def _convolution(transposed: bool) -> Hook:
    def count(layer: Layer, call: Called) -> int:
        s, x, y = layer.settings, first(call), tensor(call, call.result)
        positions = prod((x if transposed else y).shape[2:])
        filters = s["in_channels"] * (s["out_channels"] // s["groups"])
        window: int = prod(s["kernel_size"]) * filters
        bias = 0 if _parameter(layer, "bias") is None else prod(y.shape[1:])
        return x.shape[0] * (window * positions + bias)

    return Hook("1 × multiply-accumulate, 1 × bias", count)


def _linear(layer: Layer, call: Called) -> int:
    x, y = first(call), tensor(call, call.result)
    bias = 0 if _parameter(layer, "bias") is None else y.shape[-1]
    return (x.shape[-1] * y.shape[-1] + bias) * prod(x.shape[:-1])


def _norm(layer: Layer, call: Called) -> int:
    return first(call).size * (2 if layer.settings.get("affine") else 1)


def _upsample(_: Layer, call: Called) -> int:
    """An upsampling, of which ptflops looks at the first image of the result."""
    return prod(tensor(call, call.result).shape[1:])


def _rnn_step(kind: str, hidden: int, matrices: tuple[tuple[int, ...], ...]) -> int:
    others = {"RNN": 1, "GRU": 7, "LSTM": 10}[kind]
    return sum(map(prod, matrices)) + others * hidden


def _step(layer: Layer, kind: str, suffix: str) -> int:
    def shape(name: str) -> tuple[int, ...]:
        return _parameter(layer, f"{name}{suffix}") or (0,)

    step = _rnn_step(kind, layer.settings["hidden_size"], (shape("weight_ih"), shape("weight_hh")))
    bias = shape("bias_ih")[0] + shape("bias_hh")[0] if layer.settings["bias"] else 0
    return step + bias


def _recurrent(kind: str) -> Hook:
    def count(layer: Layer, call: Called) -> int:
        step = sum(_step(layer, kind, f"_l{i}") for i in range(layer.settings["num_layers"]))
        return step * prod(first(call).shape[:2]) * (2 if layer.settings["bidirectional"] else 1)

    return Hook("1 × multiply-accumulate and sum of a step", count)


def _cell(kind: str) -> Hook:
    return Hook(
        "1 × multiply-accumulate and sum of a step",
        lambda layer, call: _step(layer, kind, "") * first(call).shape[0],
    )


def _attention(layer: Layer, call: Called) -> int:
    if len(call.args) != 3:
        raise NotModelled.of(call, STOPS)
    q, k, v = (tensor(call, x) for x in call.args)
    if min(len(x.shape) for x in (q, k, v)) < 3:
        raise NotModelled.of(call, STOPS)
    batch, axis = (0, 1) if layer.settings["batch_first"] else (1, 0)
    (m, c), (n, d), (p, e) = ((x.shape[axis], x.shape[2]) for x in (q, k, v))
    heads = layer.settings["num_heads"]
    count: int = m * c + m * c * c + n * d * d + p * e * e
    count += (m + n + p) * c if _parameter(layer, "in_proj_bias") is not None else 0
    count += heads * (m * n * (c // heads) + m * n + m * n * (e // heads))
    return (count + m * e * (e + 1)) * q.shape[batch]


_INPUT = Hook("1 × input element", lambda _, call: first(call).size)
_OUTPUT = Hook("1 × output element", lambda _, call: tensor(call, call.result).size)
_NORM = Hook("1 × input element, 2 if scaled", _norm)

HOOKS: Mapping[str, Hook] = {
    **same_hook("conv", "Conv1d Conv2d Conv3d", _convolution(transposed=False)),
    **same_hook(
        "conv", "ConvTranspose1d ConvTranspose2d ConvTranspose3d", _convolution(transposed=True)
    ),
    **same_hook("activation", "ReLU PReLU ELU LeakyReLU ReLU6 GELU", _OUTPUT),
    **same_hook("pooling", "MaxPool1d MaxPool2d MaxPool3d AvgPool1d AvgPool2d AvgPool3d", _INPUT),
    **same_hook(
        "pooling",
        "AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d "
        "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d",
        _INPUT,
    ),
    **same_hook("batchnorm", "BatchNorm1d BatchNorm2d BatchNorm3d", _NORM),
    **same_hook("instancenorm", "InstanceNorm1d InstanceNorm2d InstanceNorm3d", _NORM),
    **same_hook("normalization", "GroupNorm LayerNorm", _NORM),
    **same_hook("linear", "Linear", Hook("1 × multiply-accumulate, 1 × bias", _linear)),
    **same_hook("upsampling", "Upsample", Hook("1 × output element", _upsample)),
    **{
        f"torch.nn.modules.rnn.{kind}{suffix}": make(kind)
        for kind in ("RNN", "GRU", "LSTM")
        for suffix, make in (("", _recurrent), ("Cell", _cell))
    },
    **same_hook(
        "activation", "MultiheadAttention", Hook("its own formula, bias and softmax", _attention)
    ),
}
"""The hooks by class. ptflops looks into any other class, even one derived from these."""

OF_OTHERS = {"torchvision.ops.deform_conv.DeformConv2d", "timm.layers.attention.Attention"}
"""Classes of other libraries for which it has rules."""


def _added(call: Called) -> float:
    macs, added = added_product(call)
    return macs + (added if call.kwargs.get("beta", 1) != 0 else 0)


def _interpolated(call: Called) -> float:
    count, size = resized(call)
    if size is None:
        return count
    x: Any = call.argument(0, "input")
    grid: int = prod(size) if isinstance(size, tuple) else size ** (len(x.shape) - 2)
    return grid * int(prod(x.shape[:2]))


RULES: Mapping[str, tuple[str, AmountOf]] = {
    **{
        f"F.{name}": ("1 × input element", given)
        for name in (
            "relu prelu elu relu6 gelu silu softmax avg_pool1d avg_pool2d avg_pool3d max_pool1d "
            "max_pool2d max_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d "
            "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d"
        ).split()
    },
    **dict.fromkeys(["F.upsample", "F.interpolate"], ("1 × output element", _interpolated)),
    **{
        f"{owner}.{name}": ("1 × multiply-accumulate", product)
        for owner in ("torch", "Tensor")
        for name in ("matmul", "mm", "bmm")
    },
    **dict.fromkeys(
        ["torch.addmm", "Tensor.addmm", "torch.baddbmm"], ("1 × multiply-accumulate, sum", _added)
    ),
    **dict.fromkeys(
        ["torch.mul", "Tensor.mul", "torch.add", "Tensor.add"], ("1 × output element", pairs)
    ),
}
"""Functions that ptflops patches."""


def ptflops(spelling: Spelling) -> Iterator[Counted]:
    """The answer of ptflops for one image, on which it runs the network."""
    hooked(spelling)
    in_torch(spelling)
    layers = spelling.layers
    added = occurrences(spelling, lambda number: layers[number].type in HOOKS)
    for call in spelling.modules:
        if call.name in OF_OTHERS:
            raise NotModelled.of(call, "its rule is not modelled")
        if hook := HOOKS.get(call.name):
            count = hook.amount(layers[call.layer], call)
            yield Counted(layers[call.layer].name, hook.by, added.get(call.layer, 0) * count)
    for call in spelling.functions:
        if call.inside & UNCERTAIN:
            raise NotModelled.of(call, "it depends on what learns and what is padded")
        if call.name in RULES and FROZEN_ATTENTION not in call.inside:
            by, rule = RULES[call.name]
            yield Counted(call.name, by, rule(call))
