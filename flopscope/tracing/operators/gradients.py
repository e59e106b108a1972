"""What the operators of torch's backward passes are in a ledger: one literal table.

A gradient is written in the acts that forward operators are made of, one row an act, in the form
of its formula here. Products are one row each, and rows that give the gradient of the input come
last: that is the one that is read on. What is neither here, nor in `operators.OPERATORS`, nor in
`free.FREE` is a row of unknown kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from flopscope.facts import Function, Kind, Reduction, Window
from flopscope.sizes import Shape, Size, adaptive_span, elements, pool_span
from flopscope.tracing.calls import Call, Facts, Rows, Rule, shape_of
from flopscope.tracing.node import size_value

# --- convolutions -----------------------------------------------------------------------------


def _convolution(call: Call) -> Rows:
    """Weight, bias, input: those that are asked for."""
    grad, _, weight, _, stride, padding, dilation, transposed, _, groups, asked = call.args
    kernel = shape_of(weight)[2:]
    window = Window(*(_axes(v, len(kernel)) for v in (kernel, stride, padding, dilation)))
    kind = Kind.CONVOLUTION if transposed else Kind.TRANSPOSED_CONVOLUTION
    to_input = Facts(kind, (grad,), (weight,), window=window, groups=size_value(groups))
    rows = (_to_weight(call, window), _to_bias(grad), to_input._replace(output=_shape(call, 0)))
    return tuple(row for row, wanted in zip(rows, (*asked[1:], asked[0]), strict=True) if wanted)


def _to_weight(call: Call, window: Window) -> Facts:
    """A convolution again, of the input by the gradient, with batch and channels exchanged.

    Input (C_in/groups, groups·B, H, W), weight (C_out, B, H_out, W_out), output (C_in/groups,
    C_out, K_h, K_w), stride and dilation exchanged: as many products as forward, whatever the
    groups. Of a transposed convolution input and gradient change places.
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
    return _summed((grad,), (channels,))


# --- norms and softmax --------------------------------------------------------------------------


def _batch_norm(call: Call) -> Rows:
    """With x' = (x − μ)·r: β: Σg, γ: Σg·x', x: γ·r·(g − Σg/n − x'·Σ(g·x')/n); at fixed statistics
    x: γ·r·g."""
    grad, x, weight, *_, training, _, asked = call.args
    a_channel = (shape_of(x)[1],)
    sums = (*_normalised(grad, x), *_projected(grad, a_channel), _summed((grad,), a_channel))
    scaled = (_act(Kind.MULTIPLY, a_channel),) if weight is not None else ()
    if not training:
        sums = sums if any(asked[1:]) else ()
        return (*sums, *scaled, _act(Kind.MULTIPLY, shape_of(x), grad)) if asked[0] else sums
    return (*sums, *_centred(x, a_channel, scaled)) if asked[0] else sums


def _layer_norm(call: Call) -> Rows:
    grad, x, normalised, _, _, weight, _, asked = call.args
    groups = shape_of(x)[: x.dim() - len(normalised)]
    return _grouped_norm(grad, x, groups, weight, asked)


def _group_norm(call: Call) -> Rows:
    grad, x, _, _, weight, batch, _, _, groups, asked = call.args
    return _grouped_norm(grad, x, (size_value(batch), size_value(groups)), weight, asked)


def _grouped_norm(
    grad: torch.Tensor,
    x: torch.Tensor,
    groups: Shape,
    weight: torch.Tensor | None,
    asked: Sequence[bool],
) -> Rows:
    """With h = g·γ: β: Σg, γ: Σg·x', x: r·(h − Σh/n − x'·Σ(h·x')/n), sums over a group."""
    rows = list(_normalised(grad, x))
    if weight is not None and any(asked[1:]):
        rows += [*_projected(grad, shape_of(weight)), _summed((grad,), shape_of(weight))]
    if asked[0]:
        if weight is not None:
            rows.append(_act(Kind.MULTIPLY, shape_of(x), grad))
        rows += [*_projected(grad, groups), _summed((grad,), groups), *_centred(x, groups)]
    return tuple(rows)


def _rms_norm(call: Call) -> Rows:
    """With x' = x·r, h = g·γ: γ: Σg·x', x: r·(h − x'·Σ(h·x')/n)."""
    grad, x, normalised, _, weight, asked = call.args
    groups, n = shape_of(x)[: x.dim() - len(normalised)], shape_of(x)
    rows = [_act(Kind.MULTIPLY, n, x)]
    if weight is not None and asked[1]:
        rows += _projected(grad, shape_of(weight))
    if asked[0]:
        if weight is not None:
            rows.append(_act(Kind.MULTIPLY, n, grad))
        rows += [*_projected(grad, groups), _act(Kind.DIVIDE, groups)]
        rows += _chain(n, (Kind.MULTIPLY, Kind.ADD, Kind.MULTIPLY))
    return tuple(rows)


def _normalised(grad: torch.Tensor, x: torch.Tensor) -> tuple[Facts, ...]:
    """x' = (x − μ)·r."""
    return _chain(shape_of(x), (Kind.ADD, Kind.MULTIPLY), x)


def _projected(grad: torch.Tensor, groups: Shape) -> tuple[Facts, ...]:
    """Σ g·x' over each group."""
    return _act(Kind.MULTIPLY, shape_of(grad), grad), _summed((), groups)


def _centred(x: torch.Tensor, groups: Shape, scaled: tuple[Facts, ...] = ()) -> tuple[Facts, ...]:
    """r·(h − a/n − x'·b/n), a and b the two sums of each group."""
    means = _chain(groups, (Kind.DIVIDE, Kind.DIVIDE))
    differences = _chain(shape_of(x), (Kind.MULTIPLY, Kind.ADD, Kind.ADD))
    return (*means, *differences, *scaled, _act(Kind.MULTIPLY, shape_of(x)))


def _softmax(call: Call) -> Rows:
    """y·(g − Σ g·y)."""
    grad, y, dim = call.args[:3]
    n, groups = shape_of(y), _without(y, dim)
    dots = _act(Kind.MULTIPLY, n, grad, y), _summed((), groups)
    return (*dots, *_chain(n, (Kind.ADD, Kind.MULTIPLY)))


def _log_softmax(call: Call) -> Rows:
    """g − exp(y)·Σ g."""
    grad, y, dim = call.args[:3]
    steps = (Function.EXP, Kind.MULTIPLY, Kind.ADD)
    return (_summed((grad,), _without(y, dim)), *_chain(shape_of(y), steps, y))


def _without(y: torch.Tensor, dim: int) -> Shape:
    return tuple(n for d, n in enumerate(shape_of(y)) if d != dim % y.dim())


# --- element by element -------------------------------------------------------------------------


def _gelu(call: Call) -> Rows:
    tanh = call.kwargs.get("approximate", "none") == "tanh"
    return _chain(call.output, GELU_TANH if tanh else GELU, *call.tensors)


def _elu(call: Call) -> Rows:
    """g·a·exp(x) where x < 0; with scales, as in SELU, not stated."""
    if tuple(call.args[2:4]) != (1, 1):
        return None
    return _steps(Kind.COMPARE, Function.EXP, Kind.MULTIPLY, Kind.MULTIPLY)(call)


def _steps(*steps: Kind | Function) -> Rule:
    """One act after the other on each element of the gradient that comes in."""
    return lambda call: _chain(shape_of(call.args[0]), steps, *call.tensors)


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


def _scattered(call: Call) -> Facts:
    """Each element of the gradient is added once to zeros."""
    return _added(call.args[0], shape_of(call.args[0]), call.output)


def _average_pool(call: Call) -> Rows:
    """An element of the gradient is divided once and added to all elements of its window, without
    count_include_pad to those inside the map."""
    grad, x, kernel, stride, padding, _, included = call.args[:7]
    n = shape_of(grad)
    spread = (*n, *map(size_value, kernel))
    if not included:
        windows = (_axes(sizes, len(kernel)) for sizes in (kernel, stride or kernel, padding))
        axes = zip(shape_of(x)[2:], n[2:], *windows, strict=True)
        spread = (*n[:2], *(pool_span(*axis) for axis in axes))
    return _act(Kind.DIVIDE, n, grad), _added(grad, spread, call.output)


def _adaptive_pool(call: Call) -> Rows:
    grad, x = call.args[:2]
    n, (batch, channels, *grid) = shape_of(grad), shape_of(x)
    spans = (adaptive_span(size, m) for size, m in zip(grid, n[2:], strict=True))
    spread = (batch, channels, *spans)
    return _act(Kind.DIVIDE, n, grad), _added(grad, spread, call.output)


def _resize(taps: int) -> Rule:
    """An element of the gradient is added, weighted, to the samples that it was made of."""

    def rule(call: Call) -> Rows:
        grad = call.args[0]
        spread = (*shape_of(grad), taps)
        weighted = _act(Kind.MULTIPLY, spread, grad)
        return weighted, _added(grad, spread, call.output)

    return rule


# --- rows -----------------------------------------------------------------------------------------


def _act(step: Kind | Function, output: Shape, *inputs: torch.Tensor) -> Facts:
    """One act an element of the output; without inputs of its own it reads the row before."""
    kind = step if isinstance(step, Kind) else Kind.ELEMENTWISE
    function = step if isinstance(step, Function) else None
    return Facts(kind, inputs, function=function, output=output, follows=not inputs)


def _chain(
    output: Shape, steps: Sequence[Kind | Function], *inputs: torch.Tensor
) -> tuple[Facts, ...]:
    """One act after the other, the first on the inputs."""
    first, *others = steps
    return _act(first, output, *inputs), *(_act(step, output) for step in others)


def _summed(inputs: tuple[torch.Tensor, ...], output: Shape) -> Facts:
    """A sum for each element of the output."""
    return Facts(
        Kind.REDUCTION,
        inputs,
        groups=elements(output),
        function=Reduction.SUM,
        output=output,
        follows=not inputs,
    )


def _added(grad: torch.Tensor, spread: Shape, output: Shape) -> Facts:
    """Each element of the spread gradient is added once to what is there: no group saves one."""
    row = Facts(Kind.REDUCTION, (grad,), groups=0, function=Reduction.SUM, output=output)
    return row._replace(seen_as={id(grad): spread})


def _shape(call: Call, index: int) -> Shape | None:
    result = call.result[index]
    return None if result is None else shape_of(result)


def _axes(value: Any, rank: int) -> tuple[Size, ...]:
    sizes = tuple(map(size_value, value))
    return sizes * rank if len(sizes) == 1 else sizes


GRADIENTS: Mapping[str, Rule] = {
    "convolution_backward": _convolution,
    "native_batch_norm_backward": _batch_norm,
    "native_layer_norm_backward": _layer_norm,
    "native_group_norm_backward": _group_norm,
    "_fused_rms_norm_backward": _rms_norm,
    "_softmax_backward_data": _softmax,
    "_log_softmax_backward_data": _log_softmax,
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
    # zeros around what comes in
    **dict.fromkeys(["slice_backward", "select_backward", "diagonal_backward"], lambda _: ()),
}
"""The rule of each operator, under its name without overload."""
