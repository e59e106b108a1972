"""deepspeed 0.19.8's profiler: functions that it patches, and hooks on recurrent layers. Gradients
are asked for, so that attention is not one kernel. Its source is
profiling/flops_profiler/profiler.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from flopscope.reconciling.tools.counted import (
    STOPS,
    UNCERTAIN,
    Counted,
    NotModelled,
    first,
    hooked,
    in_torch,
    occurrences,
    optimised,
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
from flopscope.spelling import FROZEN_ATTENTION, Array, Called, Layer, Spelling


def _linear(call: Called) -> int:
    x, weight = tensor(call, call.argument(0, "input")), tensor(call, call.argument(1, "weight"))
    return 2 * x.size * weight.shape[0]


def _sizes(call: Called, value: Any, axes: int) -> tuple[int, ...]:
    if isinstance(value, Array) or (isinstance(value, tuple) and len(value) != axes):
        raise NotModelled.of(call, "its window is given in a form of its own")
    return value if isinstance(value, tuple) else (value,) * axes


def _grid(call: Called, dilation: Any) -> tuple[Array, Array, bool, tuple[int, ...]]:
    """Input, weight, whether there is a bias, and the grid of a convolution of such a window."""
    x, weight = tensor(call, call.argument(0, "input")), tensor(call, call.argument(1, "weight"))
    axes = len(weight.shape) - 2
    if len(x.shape) != len(weight.shape):
        raise NotModelled.of(call, STOPS)
    stride = _sizes(call, call.argument(3, "stride", 1), axes)
    dilations = _sizes(call, dilation, axes)
    padding: Any = call.argument(4, "padding", 0)
    spans = [d * (k - 1) for d, k in zip(dilations, weight.shape[2:], strict=True)]
    if padding in ("same", "valid"):
        padding = tuple(span // 2 if padding == "same" else 0 for span in spans)
    around = _sizes(call, padding, axes)
    grid = tuple(
        (n + 2 * p - (span + 1)) // s + 1
        for n, p, span, s in zip(x.shape[2:], around, spans, stride, strict=True)
    )
    biased = isinstance(call.argument(2, "bias"), Array)
    return x, weight, biased, grid


def _groups(call: Called, index: int) -> int:
    groups: int = call.argument(index, "groups", 1)
    return groups


def _convolution(call: Called) -> int:
    x, weight, biased, grid = _grid(call, call.argument(5, "dilation", 1))
    outputs, groups = weight.shape[0], _groups(call, 6)
    if weight.shape[1] * groups != x.shape[1]:
        raise NotModelled.of(call, STOPS)
    macs = prod(weight.shape[2:]) * x.shape[1] * (outputs // groups)
    positions = x.shape[0] * prod(grid)
    return (2 * macs + (outputs if biased else 0)) * positions


def _transposed(call: Called) -> int:
    """The bias is counted on the grid of a convolution that is not transposed."""
    x, weight, biased, grid = _grid(call, call.argument(7, "dilation", 1))
    outputs, groups = weight.shape[1], _groups(call, 6)
    macs = prod(weight.shape[2:]) * x.shape[1] * (outputs // groups)
    bias = outputs * x.shape[0] * prod(grid) if biased else 0
    return 2 * macs * x.shape[0] * prod(x.shape[2:]) + bias


def _batch_norm(call: Called) -> int:
    affine = isinstance(call.argument(3, "weight"), Array)
    training = call.argument(5, "training", False)
    return int(given(call)) * ((4 if training else 1) + affine)


def _norm(index: int) -> AmountOf:
    return lambda call: (
        given(call) * (5 if isinstance(call.argument(index, "weight"), Array) else 4)
    )


def _interpolated(call: Called) -> float:
    count, size = resized(call)
    if size is None:
        return count
    return prod(size) if isinstance(size, tuple) else size


def _attention(call: Called) -> int:
    q, k, v = (
        tensor(call, call.argument(index, name))
        for index, name in enumerate(("query", "key", "value"))
    )
    return 2 * (q.size * k.shape[-2] + prod(q.shape[:-1]) * k.shape[-2] * v.shape[-1])


def _added(call: Called) -> int:
    macs, added = added_product(call)
    return 2 * macs + added


def _einsum(call: Called) -> int:
    equation, *operands = call.args
    if not all(isinstance(x, Array) for x in operands):
        raise NotModelled.of(call, STOPS)
    return int(optimised(equation, (x.shape for x in operands)))


_MACS, _INPUT = "2 × multiply-accumulate", "1 × input element"
RULES: Mapping[str, tuple[str, AmountOf]] = {
    "F.linear": (_MACS, _linear),
    **{f"F.conv{n}d": (f"{_MACS}, 1 × bias", _convolution) for n in (1, 2, 3)},
    **{f"F.conv_transpose{n}d": (f"{_MACS}, 1 × bias", _transposed) for n in (1, 2, 3)},
    **{
        f"F.{name}": (_INPUT, given)
        for name in (
            "relu prelu elu leaky_relu relu6 silu gelu softmax avg_pool1d avg_pool2d avg_pool3d "
            "max_pool1d max_pool2d max_pool3d adaptive_avg_pool1d adaptive_avg_pool2d "
            "adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d"
        ).split()
    },
    "F.batch_norm": ("1 × input element, 2 if scaled", _batch_norm),
    "F.layer_norm": ("4 × input element, 5 if scaled", _norm(2)),
    "F.group_norm": ("4 × input element, 5 if scaled", _norm(2)),
    "F.instance_norm": ("4 × input element, 5 if scaled", _norm(3)),
    **dict.fromkeys(
        ["F.upsample", "F.interpolate"],
        ("1 × output element, or position of a size", _interpolated),
    ),
    "F.scaled_dot_product_attention": (_MACS, _attention),
    **dict.fromkeys(
        [
            *(
                f"{owner}.{name}"
                for owner in ("torch", "Tensor")
                for name in ("matmul", "mm", "bmm")
            ),
            "Tensor.__matmul__",
        ],
        (_MACS, lambda call: 2 * product(call)),
    ),
    **dict.fromkeys(
        ["torch.addmm", "Tensor.addmm", "torch.baddbmm"], (f"{_MACS}, 1 × sum", _added)
    ),
    **dict.fromkeys(
        ["torch.mul", "Tensor.mul", "torch.add", "Tensor.add"], ("1 × output element", pairs)
    ),
    "torch.einsum": ("1 × NumPy's operations", _einsum),
}
"""Functions that deepspeed patches."""

OTHERS: Mapping[str, int] = {"RNN": 1, "GRU": 7, "LSTM": 10}
"""The operations for each hidden unit in a step, beside products and biases."""


def _step(layer: Layer, kind: str, suffix: str) -> int:
    shapes = {p.name: p.shape for p in layer.parameters}
    products = [shapes[f"{name}{suffix}"] for name in ("weight_ih", "weight_hh")]
    step = sum(2 * prod(shape) - products[0][0] for shape in products)
    biases = 2 * shapes[f"bias_ih{suffix}"][0] if layer.settings["bias"] else 0
    return step + OTHERS[kind] * int(layer.settings["hidden_size"]) + biases


def _recurrent(layer: Layer, call: Called) -> int:
    kind = layer.name.removesuffix("Cell")
    if layer.name.endswith("Cell"):
        return _step(layer, kind, "") * first(call).shape[0]
    step = sum(_step(layer, kind, f"_l{i}") for i in range(layer.settings["num_layers"]))
    return step * prod(first(call).shape[:2]) * (2 if layer.settings["bidirectional"] else 1)


HOOKED = frozenset(
    f"torch.nn.modules.rnn.{kind}{suffix}" for kind in OTHERS for suffix in ("", "Cell")
)


def deepspeed(spelling: Spelling) -> Iterator[Counted]:
    """The answer of deepspeed. A module's count is added for every place of the module in the
    tree."""
    hooked(spelling)
    in_torch(spelling)
    met = occurrences(spelling, lambda _: False)
    numbers = {layer.path: number for number, layer in enumerate(spelling.layers)}
    for call in spelling.modules:
        if call.name in HOOKED:
            layer = spelling.layers[call.layer]
            count = met[call.layer] * _recurrent(layer, call)
            yield Counted(layer.name, "2 × multiply-accumulate and sum", count)
    for call in spelling.functions:
        if call.inside & UNCERTAIN:
            raise NotModelled.of(call, "it depends on what learns and what is padded")
        if call.name == "einops.einsum":
            raise NotModelled.of(call, "its rule is not modelled")
        if call.name in RULES and FROZEN_ATTENTION not in call.inside:
            by, rule = RULES[call.name]
            yield Counted(call.name, by, met[numbers[call.path]] * rule(call))
