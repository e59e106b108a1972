"""thop 0.1.1: hooks on modules whose class is in its table; what is called as a function is not
seen. Its sources are thop/profile.py, vision/basic_hooks.py, vision/calc_func.py, rnn_hooks.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from flopscope.reconciling.tools.counted import (
    STOPS,
    Counted,
    Hook,
    NotModelled,
    first,
    hooked,
    occurrences,
    same_hook,
    sequence,
    tensor,
)
from flopscope.spelling import NESTED, Called, Layer, Spelling


def _result(call: Called) -> int:
    return tensor(call, call.result).size


def _convolution(layer: Layer, call: Called) -> int:
    weight = next(p.shape for p in layer.parameters if p.name == "weight")
    shape = first(call).shape
    return _result(call) * int(shape[1] // layer.settings["groups"]) * prod(weight[2:])


def _norm(layer: Layer, call: Called) -> int:
    affine = [layer.settings.get(name) for name in ("affine", "elementwise_affine")]
    return (4 if any(affine) else 2) * first(call).size


def _softmax(layer: Layer, call: Called) -> int:
    given, axis = first(call), layer.settings["dim"]
    if axis is None:
        raise NotModelled.of(call, STOPS)
    features: int = given.shape[axis]
    return given.size // features * (3 * features - 1)


def _adaptive(_: Layer, call: Called) -> int:
    """Adaptive pooling, whose product is in floating point as thop computes it."""
    result = tensor(call, call.result)
    window = 1.0
    for given, made in zip(first(call).shape[2:], result.shape[2:], strict=True):
        window *= given / made
    return int((window + 1) * result.size)


def _upsample(layer: Layer, call: Called) -> int:
    samples = {"nearest": 1, "linear": 5, "bilinear": 11, "bicubic": 259}
    return samples.get(layer.settings["mode"], 0) * _result(call)


def _nothing(_: Layer, __: Called) -> int:
    return 0


EXTRAS: Mapping[str, tuple[int, int]] = {"RNN": (1, 0), "GRU": (3, 4), "LSTM": (4, 4)}
"""The gates of a cell, and the operations for each hidden unit after them."""


def _step(kind: str, given: int, hidden: int, bias: bool) -> int:
    gates, others = EXTRAS[kind]
    one = hidden * (given + hidden) + hidden + (2 * hidden if bias else 0)
    return gates * one + others * hidden


def _cell(kind: str) -> Hook:
    def count(layer: Layer, call: Called) -> int:
        s = layer.settings
        return first(call).shape[0] * _step(kind, s["input_size"], s["hidden_size"], s["bias"])

    return Hook("1 × sum and product of a step", count)


def _recurrent(kind: str) -> Hook:
    def count(layer: Layer, call: Called) -> int:
        s: Mapping[str, Any] = layer.settings
        steps, batch = sequence(call, s["batch_first"])
        directions = 2 if s["bidirectional"] else 1
        widths = [s["input_size"], *[directions * s["hidden_size"]] * (s["num_layers"] - 1)]
        step = sum(_step(kind, width, s["hidden_size"], s["bias"]) for width in widths)
        return directions * step * steps * batch

    return Hook("1 × sum and product of a step", count)


_NOTHING = Hook("nothing", _nothing)
HOOKS: Mapping[str, Hook] = {
    **same_hook(
        "conv",
        "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d",
        Hook("1 × weight and output element", _convolution),
    ),
    **same_hook(
        "linear",
        "Linear",
        Hook(
            "1 × multiply-accumulate", lambda layer, c: layer.settings["in_features"] * _result(c)
        ),
    ),
    **same_hook(
        "batchnorm",
        "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm",
        Hook("2 × input element, 4 if scaled", _norm),
    ),
    **same_hook(
        "instancenorm",
        "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
        Hook("2 × input element, 4 if scaled", _norm),
    ),
    **same_hook("normalization", "LayerNorm", Hook("2 × input element, 4 if scaled", _norm)),
    **same_hook("activation", "PReLU", Hook("1 × input element", lambda _, call: first(call).size)),
    **same_hook("activation", "Softmax", Hook("3 × input element − 1 × distribution", _softmax)),
    **same_hook(
        "pooling",
        "AvgPool1d AvgPool2d AvgPool3d",
        Hook("1 × output element", lambda _, call: _result(call)),
    ),
    **same_hook(
        "pooling",
        "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d",
        Hook("1 × input element + 1 × output element", _adaptive),
    ),
    **same_hook(
        "upsampling",
        "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
        Hook("1, 5, 11 or 259 × output element", _upsample),
    ),
    **{
        f"torch.nn.modules.rnn.{kind}{suffix}": make(kind)
        for kind in EXTRAS
        for suffix, make in (("", _recurrent), ("Cell", _cell))
    },
    **same_hook("container", "Sequential", _NOTHING),
    **same_hook("activation", "ReLU ReLU6 LeakyReLU", _NOTHING),
    **same_hook("dropout", "Dropout", _NOTHING),
    **same_hook("padding", "ZeroPad2d", _NOTHING),
    **same_hook("pixelshuffle", "PixelShuffle", _NOTHING),
    **same_hook(
        "pooling",
        "MaxPool1d MaxPool2d MaxPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d",
        _NOTHING,
    ),
}
"""The hooks by class. Any other class counts nothing, even one derived from these."""


def thop(spelling: Spelling) -> Iterator[Counted]:
    """The answer of thop. A module with two parents is hooked twice and added twice."""
    hooked(spelling)
    layers = spelling.layers
    hooks = occurrences(spelling, lambda _: False)

    def stops(number: int) -> bool:
        kind = layers[number].type
        return number > 0 and kind in HOOKS and HOOKS[kind].amount is not _nothing

    added = occurrences(spelling, stops)
    for call in spelling.modules:
        if NESTED in call.inside:
            raise NotModelled.of(call, "torch takes the padding out before it")
        hook = HOOKS.get(call.name)
        if hook is None:
            continue
        times = hooks[call.layer] * added.get(call.layer, 0)
        count = times * hook.amount(layers[call.layer], call)
        yield Counted(layers[call.layer].name, hook.by, count)
