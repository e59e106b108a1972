"""The rows that the operators of torch's backward passes become in a ledger, as one literal table.

A gradient is written in the acts of which forward operators consist, with one row for each act of
its formula here. Products are one row each. Rows that give the gradient of the input come last,
because the last row is the one that later operators read. An operator that is neither here, nor in
`table.OPERATORS`, nor in `costless.COSTLESS` becomes a row of unknown kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from flopscope.facts import Function, Kind, Window
from flopscope.sizes import Shape, Size, adaptive_span, pool_span
from flopscope.tracing.calls import Facts, OperatorCall, Rows, Rule, shape_of
from flopscope.tracing.node import size_value
from flopscope.tracing.operators.gradient_acts import act, added, chain, summed
from flopscope.tracing.operators.gradient_norms import NORMS

# --- convolutions -----------------------------------------------------------------------------


def _convolution(call: OperatorCall) -> Rows:
    """The gradients of weight, bias and input, as far as they are asked for."""
    grad, _, weight, _, stride, padding, dilation, transposed, _, groups, asked = call.args
    kernel = shape_of(weight)[2:]
    window = Window(*(_axes(v, len(kernel)) for v in (kernel, stride, padding, dilation)))
    kind = Kind.CONVOLUTION if transposed else Kind.TRANSPOSED_CONVOLUTION
    to_input = Facts(kind, (grad,), (weight,), window=window, groups=size_value(groups))
    rows = (_to_weight(call, window), _to_bias(grad), to_input._replace(output=_shape(call, 0)))
    return tuple(row for row, wanted in zip(rows, (*asked[1:], asked[0]), strict=True) if wanted)


def _to_weight(call: OperatorCall, window: Window) -> Facts:
    """This is a convolution again, of the input by the gradient, with batch and channels exchanged.

    Input (C_in/groups, groups·B, H, W), weight (C_out, B, H_out, W_out), output (C_in/groups,
    C_out, K_h, K_w), with stride and dilation exchanged: as many products as in the forward pass,
    for any number of groups. For a transposed convolution, input and gradient change places.
    """
    grad, x, weight = call.args[:3]
    wide, narrow = (grad, x) if call.args[7] else (x, grad)
    groups = size_value(call.args[9])
    own, others = shape_of(weight)[:2]
    (batch, _, *grid), (_, _, *steps) = shape_of(wide), shape_of(narrow)
    return Facts(
        Kind.CONVOLUTION,
        (wide,),
        (narrow,),
        window=Window(tuple(steps), window.dilation, window.padding, window.stride),
        groups=groups,
        output=(others, own, *window.kernel),
        seen_as={id(wide): (others, groups * batch, *grid), id(narrow): (own, batch, *steps)},
    )


def _to_bias(grad: torch.Tensor) -> Facts:
    channels = shape_of(grad)[1]
    return summed((grad,), (channels,))


# --- element by element -------------------------------------------------------------------------


def _gelu(call: OperatorCall) -> Rows:
    tanh = call.kwargs.get("approximate", "none") == "tanh"
    return chain(call.output, GELU_TANH if tanh else GELU, *call.tensors)


def _elu(call: OperatorCall) -> Rows:
    """g·a·exp(x) where x < 0. With scales, as in SELU, the work is not stated."""
    if tuple(call.args[2:4]) != (1, 1):
        return None
    return _steps(Kind.COMPARE, Function.EXP, Kind.MULTIPLY, Kind.MULTIPLY)(call)


def _steps(*steps: Kind | Function) -> Rule:
    """One act after the other on each element of the incoming gradient."""
    return lambda call: chain(shape_of(call.args[0]), steps, *call.tensors)


# g·(p + x·d), p = ½·(1 + erf(x·√½)), d = exp(−½·x·x)/√(2π)
GELU = (
    *(Kind.MULTIPLY, Function.ERF, Kind.ADD, Kind.MULTIPLY),
    *(Kind.MULTIPLY, Kind.MULTIPLY, Function.EXP, Kind.MULTIPLY),
    *(Kind.MULTIPLY, Kind.ADD, Kind.MULTIPLY),
)
# g·(½·(1 + t) + ½·x·(1 − t·t)·b·(1 + c·x·x)), t = tanh(b·(x + a·x·x·x)), c = 3·a
GELU_TANH = (
    *(Kind.MULTIPLY, Kind.MULTIPLY, Kind.MULTIPLY, Kind.ADD, Kind.MULTIPLY, Function.TANH),
    *(Kind.ADD, Kind.MULTIPLY),
    *(Kind.MULTIPLY, Kind.MULTIPLY, Kind.ADD, Kind.MULTIPLY),
    *(Kind.MULTIPLY, Kind.ADD, Kind.MULTIPLY, Kind.MULTIPLY),
    *(Kind.ADD, Kind.MULTIPLY),
)


# --- windows, interpolation, look-ups ------------------------------------------------------------


def _scattered(call: OperatorCall) -> Facts:
    """Each element of the gradient is added once, into zeros."""
    return added(call.args[0], shape_of(call.args[0]), call.output)


def _average_pool(call: OperatorCall) -> Rows:
    """An element of the gradient is divided once and added to all elements of its window, or
    without count_include_pad to those inside the map."""
    grad, x, kernel, stride, padding, _, included = call.args[:7]
    n = shape_of(grad)
    spread = (*n, *map(size_value, kernel))
    if not included:
        windows = (_axes(sizes, len(kernel)) for sizes in (kernel, stride or kernel, padding))
        axes = zip(shape_of(x)[2:], n[2:], *windows, strict=True)
        spread = (*n[:2], *(pool_span(*axis) for axis in axes))
    return act(Kind.DIVIDE, n, grad), added(grad, spread, call.output)


def _adaptive_pool(call: OperatorCall) -> Rows:
    grad, x = call.args[:2]
    n, (batch, channels, *grid) = shape_of(grad), shape_of(x)
    spans = (adaptive_span(size, m) for size, m in zip(grid, n[2:], strict=True))
    spread = (batch, channels, *spans)
    return act(Kind.DIVIDE, n, grad), added(grad, spread, call.output)


def _resize(taps: int) -> Rule:
    """An element of the gradient is added, with weights, to the samples from which the output was
    made."""

    def rule(call: OperatorCall) -> Rows:
        grad = call.args[0]
        spread = (*shape_of(grad), taps)
        weighted = act(Kind.MULTIPLY, spread, grad)
        return weighted, added(grad, spread, call.output)

    return rule


def _shape(call: OperatorCall, index: int) -> Shape | None:
    result = call.result[index]
    return None if result is None else shape_of(result)


def _axes(value: Any, rank: int) -> tuple[Size, ...]:
    sizes = tuple(map(size_value, value))
    return sizes * rank if len(sizes) == 1 else sizes


GRADIENTS: Mapping[str, Rule] = {
    "convolution_backward": _convolution,
    **NORMS,
    "threshold_backward": _steps(Kind.COMPARE),  # g where x > 0
    "hardtanh_backward": _steps(Function.CLAMP),  # g where a < x < b
    "hardsigmoid_backward": _steps(Function.CLAMP, Kind.MULTIPLY),  # g/6 where −3 < x < 3
    # g·(x/3 + ½) where −3 < x < 3
    "hardswish_backward": _steps(Function.CLAMP, Kind.DIVIDE, Kind.ADD, Kind.MULTIPLY),
    "sigmoid_backward": _steps(Kind.ADD, Kind.MULTIPLY, Kind.MULTIPLY),  # g·y·(1 − y)
    "tanh_backward": _steps(Kind.MULTIPLY, Kind.ADD, Kind.MULTIPLY),  # g·(1 − y·y)
    # g·s·(1 + x·(1 − s))
    "silu_backward": _steps(
        Function.SIGMOID, Kind.ADD, Kind.MULTIPLY, Kind.ADD, Kind.MULTIPLY, Kind.MULTIPLY
    ),
    "gelu_backward": _gelu,
    "leaky_relu_backward": _steps(Kind.COMPARE, Kind.MULTIPLY),  # a·g where x < 0
    "elu_backward": _elu,
    "softplus_backward": _steps(Function.SIGMOID, Kind.MULTIPLY),  # g·s(x)
    # g·(t + x·s·(1 − t·t)), t = tanh(softplus(x))
    "mish_backward": _steps(
        *(Function.SOFTPLUS, Function.TANH, Function.SIGMOID, Kind.MULTIPLY, Kind.ADD),
        *(Kind.MULTIPLY, Kind.MULTIPLY, Kind.ADD, Kind.MULTIPLY),
    ),
    "log_sigmoid_backward": _steps(Function.NEGATE, Function.SIGMOID, Kind.MULTIPLY),  # g·s(−x)
    # a·g where x < 0, and for a: x·g
    "_prelu_kernel_backward": _steps(Kind.COMPARE, Kind.MULTIPLY, Kind.MULTIPLY),
    # of x·s(z): g·s and g·x·s·(1 − s)
    "glu_backward": _steps(Function.SIGMOID, Kind.MULTIPLY, Kind.ADD, Kind.MULTIPLY, Kind.MULTIPLY),
    "native_dropout_backward": _steps(Kind.MULTIPLY, Kind.MULTIPLY),  # g·mask·scale
    **dict.fromkeys(
        [
            *("max_pool2d_with_indices_backward", "max_pool3d_with_indices_backward"),
            *("adaptive_max_pool2d_backward", "adaptive_max_pool3d_backward"),
            *("embedding_dense_backward", "unfold_backward"),
            *(f"upsample_nearest{n}d_backward" for n in (1, 2, 3)),
            *(f"_upsample_nearest_exact{n}d_backward" for n in (1, 2, 3)),
        ],
        _scattered,
    ),
    **dict.fromkeys(["avg_pool2d_backward", "avg_pool3d_backward"], _average_pool),
    "_adaptive_avg_pool2d_backward": _adaptive_pool,
    "_adaptive_avg_pool3d_backward": _adaptive_pool,
    "upsample_linear1d_backward": _resize(2),
    "upsample_bilinear2d_backward": _resize(4),
    "upsample_trilinear3d_backward": _resize(8),
    "upsample_bicubic2d_backward": _resize(16),
    # zeros around the incoming gradient
    **dict.fromkeys(["slice_backward", "select_backward", "diagonal_backward"], lambda _: ()),
}
"""The rule of each operator, under its name without overload."""
