"""Building blocks from the papers, in the order in which the papers introduce them."""

from __future__ import annotations

from functools import partial

from flopscope.analytic.operators import (
    Pair,
    activation,
    batch_norm,
    conv2d,
    global_pool,
    multiply,
    shortcut,
)
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Size, equal, exact_div, make_divisible


def conv_bn_act(
    x: Feature,
    channels: Size,
    kernel: Pair,
    *,
    stride: Size = 1,
    groups: Size = 1,
    function: Function | None = None,
    name: str = "",
) -> Feature:
    """Convolution without bias, batch norm, and an activation where there is one."""
    prefix = f"{name}_" if name else ""
    x = conv2d(x, channels, kernel, stride=stride, groups=groups, name=f"{prefix}conv")
    x = batch_norm(x, name=f"{prefix}bn")
    return activation(x, function, name=f"{prefix}act") if function else x


def standard_conv(x: Feature, channels: Size, kernel: Size, *, stride: Size = 1) -> Feature:
    """One convolution over space and channels together: arXiv 1704.04861, equation 2. No bias, no
    norm."""
    return conv2d(x, channels, kernel, stride=stride)


def separable_conv(x: Feature, channels: Size, kernel: Size, *, stride: Size = 1) -> Feature:
    """Depthwise K×K, then pointwise 1×1: arXiv 1704.04861, equation 5. No bias, no norm."""
    x = conv2d(x, x.channels, kernel, stride=stride, groups=x.channels, name="dw")
    return conv2d(x, channels, 1, name="pw")


def separable_block(x: Feature, channels: Size, *, stride: Size, function: Function) -> Feature:
    """The layer of MobileNetV1: both convolutions followed by norm and activation (its figure
    3)."""
    x = conv_bn_act(
        x, x.channels, 3, stride=stride, groups=x.channels, function=function, name="dw"
    )
    return conv_bn_act(x, channels, 1, function=function, name="pw")


def inverted_residual(
    x: Feature,
    channels: Size,
    *,
    expansion: Size,
    kernel: Size = 3,
    stride: Size = 1,
    function: Function = Function.RELU6,
) -> Feature:
    """Inverted residual with linear bottleneck: 1×1 to t·C, depthwise, 1×1 without activation.

    arXiv 1801.04381, table 1. No expansion convolution at t = 1; the input is added where the
    stride is 1 and the widths agree.
    """
    hidden = x.channels * expansion
    y = x
    if not (isinstance(expansion, int) and expansion == 1):
        y = conv_bn_act(y, hidden, 1, function=function, name="expand")
    y = conv_bn_act(y, hidden, kernel, stride=stride, groups=hidden, function=function, name="dw")
    y = conv_bn_act(y, channels, 1, name="project")
    return shortcut(x, y) if isinstance(stride, int) and stride == 1 else y


def squeeze_excite(
    x: Feature,
    squeezed: Size,
    *,
    inner: Function = Function.RELU,
    gate: Function = Function.HARD_SIGMOID,
) -> Feature:
    """Channel gate: pool, 1×1 to `squeezed`, 1×1 back, both with bias; arXiv 1709.01507, figure 3.

    MobileNetV3 gates with hard-sigmoid (not hard-swish): arXiv 1905.02244, section 5.3.
    """
    with x.tape.scope("se"):
        g = global_pool(x)
        g = activation(conv2d(g, squeezed, 1, bias=True, name="reduce"), inner, name="inner")
        g = activation(conv2d(g, x.channels, 1, bias=True, name="expand"), gate, name="gate")
        return multiply(x, g)


def mobilenetv3_block(
    x: Feature,
    channels: Size,
    *,
    hidden: Size,
    kernel: Size,
    stride: Size,
    function: Function,
    squeeze: bool,
    always_expand: bool = False,
) -> Feature:
    """Inverted residual with an optional squeeze-and-excite on its hidden width: arXiv 1905.02244,
    figure 4.

    The squeezed width is make_divisible(hidden/4, 8). Where the hidden width equals the input's
    there is no expansion convolution, unless `always_expand`.
    """
    y = _expand(x, hidden, function, always_expand)
    y = conv_bn_act(y, hidden, kernel, stride=stride, groups=hidden, function=function, name="dw")
    if squeeze:
        x.tape.multiple(hidden, 4, "hidden width, to be squeezed by 4,")
        y = squeeze_excite(y, make_divisible(exact_div(hidden, 4), 8))
    y = conv_bn_act(y, channels, 1, name="project")
    return shortcut(x, y) if stride == 1 else y


def mbconv(
    x: Feature, channels: Size, *, expansion: Size, kernel: Size, stride: Size = 1, squeezed: Size
) -> Feature:
    """EfficientNet's block: an inverted residual with swish and a squeeze-and-excite before its
    projection; arXiv 1905.11946, section 4.

    No expansion convolution at t = 1. The networks squeeze to a quarter of the block's *input*, not
    of its hidden width.
    """
    hidden = x.channels * expansion
    y = x
    if not (isinstance(expansion, int) and expansion == 1):
        y = conv_bn_act(y, hidden, 1, function=Function.SILU, name="expand")
    y = conv_bn_act(
        y, hidden, kernel, stride=stride, groups=hidden, function=Function.SILU, name="dw"
    )
    y = squeeze_excite(y, squeezed, inner=Function.SILU, gate=Function.SIGMOID)
    y = conv_bn_act(y, channels, 1, name="project")
    return shortcut(x, y) if isinstance(stride, int) and stride == 1 else y


def fused_mbconv(
    x: Feature, channels: Size, *, expansion: Size, kernel: Size = 3, stride: Size = 1
) -> Feature:
    """MBConv with expansion and depthwise convolution fused into one K×K: arXiv 2104.00298, figure
    2.

    At t = 1 that convolution gives the output itself, activation included, and nothing is
    projected. The figure draws a squeeze-and-excite that the networks do not have.
    """
    fused = partial(conv_bn_act, kernel=kernel, stride=stride, function=Function.SILU, name="fused")
    if isinstance(expansion, int) and expansion == 1:
        y = fused(x, channels)
    else:
        y = conv_bn_act(fused(x, x.channels * expansion), channels, 1, name="project")
    return shortcut(x, y) if isinstance(stride, int) and stride == 1 else y


def _expand(x: Feature, hidden: Size, function: Function, always: bool) -> Feature:
    """1×1 to the hidden width, [hidden ≠ C] times."""
    same = 0 if always else equal(x.channels, hidden)
    if isinstance(same, int):
        return x if same else conv_bn_act(x, hidden, 1, function=function, name="expand")
    with x.tape.scope("expand", repeat=1 - same):
        return conv_bn_act(x, hidden, 1, function=function)
