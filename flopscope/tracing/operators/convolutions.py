"""Rules of convolutions: plain, transposed and deformable ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flopscope.facts import Kind, Window
from flopscope.sizes import Size, elements, exact_div
from flopscope.tracing.calls import Facts, OperatorCall, Rows, Rule, shape_of
from flopscope.tracing.node import size_value


def _convolution(call: OperatorCall) -> Facts:
    """A convolution of any number of axes, transposed or not."""
    x, weight, bias, stride, padding, dilation, transposed, _, groups = call.args[:9]
    kernel = shape_of(weight)[2:]
    window = window_of(kernel, stride, padding, dilation)
    kind = Kind.TRANSPOSED_CONVOLUTION if transposed else Kind.CONVOLUTION
    return Facts(kind, (x,), (weight, bias), window=window, groups=size_value(groups))


def _depthwise_in_space(call: OperatorCall) -> Facts:
    x, weight, kernel, bias, stride, padding, dilation = call.args[:7]
    window = window_of(tuple(map(size_value, kernel)), stride, padding, dilation)
    return Facts(Kind.CONVOLUTION, (x,), (weight, bias), window=window, groups=shape_of(x)[1])


def _convolution_of_sequences(call: OperatorCall) -> Facts:
    """conv_tbc: input (T, B, C), weight (K, C, C_out), which is a convolution with axes in another
    order."""
    x, weight, bias = call.args[:3]
    (steps, batch, channels), (kernel, _, out) = shape_of(x), shape_of(weight)
    return Facts(
        Kind.CONVOLUTION,
        (x,),
        (weight, bias),
        window=window_of((kernel,), (1,), (call.argument(3, 0, "pad"),), (1,)),
        output=(batch, out, call.output[0]),
        seen_as={id(x): (batch, channels, steps), id(weight): (out, channels, kernel)},
    )


def _deformable_convolution(call: OperatorCall) -> Facts:
    x, weight, offset, mask, bias = call.args[:5]
    stride, padding, dilation = (call.args[n : n + 2] for n in (5, 7, 9))
    return Facts(
        Kind.DEFORMABLE_CONVOLUTION,
        (x, offset, mask) if call.args[13] else (x, offset),
        (weight, bias),
        window=window_of(shape_of(weight)[2:], stride, padding, dilation),
        groups=size_value(call.args[11]),
    )


def _deformable_gradients(call: OperatorCall) -> Rows:
    """The gradients of the sampled values (weightᵀ·g) and of the weight (g·valuesᵀ), each with as
    many products as the forward pass. The gradients of the input, the offsets and the mask follow
    from the first one element by element, and values are sampled again; that work is not stated."""
    grad, x, weight, offset, mask, bias = call.args[:6]
    groups = size_value(call.args[12])
    (batch, out, *grid), window = shape_of(grad), shape_of(weight)[1:]
    inner, positions = exact_div(out, groups), elements((batch, *grid))
    to_values = Facts(
        Kind.MATMUL,
        (grad, weight),
        output=(groups, positions, elements(window)),
        seen_as={
            id(grad): (groups, positions, inner),
            id(weight): (groups, inner, elements(window)),
        },
    )
    to_weight = Facts(
        Kind.MATMUL,
        (grad, x),
        output=(groups, inner, elements(window)),
        seen_as={
            id(grad): (groups, inner, positions),
            id(x): (groups, positions, elements(window)),
        },
    )
    return to_weight, to_values, Facts(Kind.OTHER, (x, offset, mask, bias), follows=True)


def window_of(kernel: Any, stride: Any, padding: Any, dilation: Any) -> Window:
    """The window, with as many axes as the kernel has."""
    rank = len(kernel)
    return Window(*(_axes(sizes, rank) for sizes in (kernel, stride, padding, dilation)))


def _axes(value: Any, rank: int) -> tuple[Size, ...]:
    sizes = [size_value(v) for v in value] if isinstance(value, Sequence) else [size_value(value)]
    return tuple(sizes * rank if len(sizes) == 1 else sizes)


CONVOLUTIONS: Mapping[str, Rule] = {
    **dict.fromkeys(["convolution", "_convolution", "convolution_overrideable"], _convolution),
    "conv_depthwise3d": _depthwise_in_space,
    "conv_tbc": _convolution_of_sequences,
    "torchvision::deform_conv2d": _deformable_convolution,
    "torchvision::_deform_conv2d_backward": _deformable_gradients,
}
"""The rule of each operator, under its name without overload."""
