"""MobileNetV4: arXiv 2404.10518; tensorflow/models official/vision/modeling/backbones/mobilenet.py
and layers/nn_blocks.py. The networks are rows of `mobilenetv4tables`.

The paper scales by its five tables alone. Its code has a width coefficient, and timm, whose weights
are the public ones, another; both round channels to multiples of 8 that keep 0.9 of the width, and
leave the heads of attention as they are:

* paper: the stem scales as all others do, the last 1×1 convolution only above width 1.
* timm: the stem scales from width 1 on, the last 1×1 convolution never.

At depth d a stage has about ⌈n·d⌉ blocks, unequal rows in timm's proportions (`scaled_rows`), and
both 1×1 convolutions of the head stay one each, as in MobileNetV3.

timm's variants against aliasing (arXiv 1904.11486) run a strided convolution of a block at stride 1
and halve the map after its activation: by the mean of 2×2, which drops an odd row, or by a fixed
3×3 filter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.mobilenetv4tables import (
    CONV_AA_LARGE,
    CONV_AA_MEDIUM,
    CONV_BLUR_MEDIUM,
    CONV_LARGE,
    CONV_MEDIUM,
    CONV_SMALL,
    HYBRID_LARGE,
    HYBRID_MEDIUM,
    Conv,
    Fused,
    Halving,
    Mqa,
    Network,
    Row,
    Style,
    Uib,
)
from flopscope.analytic.operators import (
    add,
    avg_pool2d,
    batch_norm,
    conv2d,
    flatten,
    global_pool,
    linear,
    matmul,
    permuted,
    scale,
    shortcut,
    softmax,
    with_number,
)
from flopscope.analytic.stages import blocks, scaled_rows
from flopscope.analytic.switches import Recipe
from flopscope.analytic.tape import Feature
from flopscope.facts import Kind
from flopscope.sizes import Real, Size, elements, make_divisible, where_below

BEFORE_POOL, AFTER_POOL = 960, 1280
"""Channels of the two 1×1 convolutions of the head."""

SMALLEST = 31
"""The smallest side of which four means of 2×2 leave a position: its ⌈31/2⌉ = 16 = 2⁴."""


def mobilenetv4(
    x: Feature,
    network: Network,
    *,
    width: Real = 1.0,
    depth: Real = 1.0,
    classes: Size = 1000,
    recipe: Recipe = Recipe.PAPER,
) -> Feature:
    """(B, 3, H, W) → (B, classes), of a table's blocks.

    Domain: width > 0, depth > 0, H, W ≥ 1, or ≥ 31 where means halve the maps. Raises OutsideDomain
    for a smaller input.

    >>> from flopscope.analytic.tape import record
    >>> for network, side in ((mobilenetv4_conv_small, 224), (mobilenetv4_hybrid_medium, 256)):
    ...     ledger = record(network, (1, 3, side, side))
    ...     print(ledger.macs().value, ledger.params().value)
    186005568 3774024
    1271183360 11074648
    """
    if network.style.halving is Halving.MEAN:
        _require_size(x)
    scope, timm = x.tape.scope, recipe is Recipe.TIMM
    act = partial(conv_bn_act, function=network.style.function)
    with scope("stem"):
        stem = make_divisible(network.stem * width, 8)
        x = act(x, where_below(width, 1, network.stem, stem) if timm else stem, 3, stride=2)
    for number, rows in enumerate(network.stages, start=1):
        block = partial(_block, width=width, style=network.style)
        scaled = scaled_rows(rows, _again, depth)
        x = blocks(x, f"stage{number}", ((partial(block, row=row), n) for row, n in scaled))
    with scope("head"):
        x = act(x, make_divisible(BEFORE_POOL * width, 8), 1)
        last = make_divisible(AFTER_POOL * width, 8)
        last = AFTER_POOL if timm else where_below(width, 1, AFTER_POOL, last)
        x = act(global_pool(x), last, 1, name="hidden")
        return linear(flatten(x), classes, name="classifier")


def uib(
    x: Feature,
    channels: Size,
    kernels: tuple[Size, Size],
    *,
    expansion: Size,
    stride: int = 1,
    style: Style,
) -> Feature:
    """Universal inverted bottleneck: depthwise, 1×1 to e·C, depthwise, 1×1 back; section 4.

    Either depthwise convolution is left out where its kernel is 0. The first has no activation, the
    second halves the map.
    """
    before, between = kernels
    hidden, y = expansion * x.channels, x
    if before:
        y = conv_bn_act(y, x.channels, before, groups=x.channels, name="dw1")
    y = conv_bn_act(y, hidden, 1, function=style.function, name="expand")
    if between:
        y = _conv(y, hidden, between, style, stride=stride, groups=hidden, name="dw2")
    y = conv_bn_act(y, channels, 1, name="project")
    y = scale(y, (1, channels, 1, 1), name="layer_scale") if style.layer_scale else y
    return shortcut(x, y) if stride == 1 else y


def mobile_mqa(x: Feature, heads: Size, d: Size, *, stride: int = 1) -> Feature:
    """Norm, attention of heads that share their keys and values, layer scale, shortcut; section 5.

    With a stride, keys and values are those of maps that a depthwise 3×3 convolution each made
    smaller. N positions and M smaller ones take 2·B·N·M·h·d multiply-accumulates in products.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(lambda x: mobile_mqa(x, 4, 16, stride=2), (1, 32, 8, 8))
    >>> ledger.filter(lambda row: row.kind is Kind.MATMUL).macs().value  # N = 64, M = 16
    131072
    """
    batch, channels = x.shape[:2]
    y = batch_norm(x, name="norm")
    n = elements(x.grid)
    q = conv2d(y, heads * d, 1, name="query")
    q = permuted(q, batch, heads, n, d, name="q_heads")
    k = conv2d(_smaller(y, stride, "key_down"), d, 1, name="key")
    v = conv2d(_smaller(y, stride, "value_down"), d, 1, name="value")
    m = elements(k.grid)
    q = with_number(q.view(batch, heads * n, d), Kind.MULTIPLY, name="scale")
    weights = softmax(matmul(q, k.view(batch, d, m), name="scores"))
    mixed = matmul(weights, v.view(batch, m, d), name="mix")
    mixed = permuted(mixed, batch, heads, d, n, name="channels")
    y = conv2d(mixed.view(batch, heads * d, *x.grid), channels, 1, name="project")
    return add(x, scale(y, (1, channels, 1, 1), name="layer_scale"))


def _require_size(x: Feature) -> None:
    height, width = x.grid
    x.tape.at_least(height, SMALLEST, lambda: "height of the input")
    x.tape.at_least(width, SMALLEST, lambda: "width of the input")


def _again(row: Row) -> Row:
    """The row as it is repeated."""
    return row if isinstance(row, Mqa) else row._replace(s=1)


def _block(x: Feature, row: Row, width: Real, style: Style) -> Feature:
    channels = make_divisible(row.c * width, 8)
    match row:
        case Conv(kernel, _, stride):
            return _conv(x, channels, kernel, style, stride=stride)
        case Fused(kernel, expansion, _, stride):
            return _fused(x, channels, kernel, expansion, style, stride=stride)
        case Uib(before, between, expansion, _, stride):
            kernels = (before, between)
            return uib(x, channels, kernels, expansion=expansion, stride=stride, style=style)
        case Mqa(heads, d, stride, _):
            return mobile_mqa(x, heads, d, stride=stride)


def _conv(
    x: Feature,
    channels: Size,
    kernel: Size,
    style: Style,
    *,
    stride: int,
    groups: Size = 1,
    name: str = "",
) -> Feature:
    """Convolution, norm and activation. Where the map becomes smaller, it does so as the style
    says."""
    layer = partial(conv_bn_act, groups=groups, function=style.function, name=name)
    if stride == 1 or style.halving is Halving.STRIDE:
        return layer(x, channels, kernel, stride=stride)
    return HALVED[style.halving](layer(x, channels, kernel))


def _fused(
    x: Feature, channels: Size, kernel: Size, expansion: int, style: Style, *, stride: int
) -> Feature:
    """K×K to e·C, 1×1 back without activation, a shortcut where both ends are alike."""
    y = _conv(x, expansion * x.channels, kernel, style, stride=stride, name="fused")
    y = conv_bn_act(y, channels, 1, name="project")
    return shortcut(x, y) if stride == 1 else y


def _smaller(x: Feature, stride: int, name: str) -> Feature:
    """What keys or values are made of."""
    if stride == 1:
        return x
    return conv_bn_act(x, x.channels, 3, stride=stride, groups=x.channels, name=name)


def _mean(x: Feature) -> Feature:
    return avg_pool2d(x, 2, stride=2, name="mean")


def _blur(x: Feature) -> Feature:
    """The fixed filter, which is stored once a channel and no parameter."""
    filters = x.tape.stored("blur", (x.channels, 1, 3, 3), learnt=False)
    return conv2d(x, x.channels, 3, stride=2, groups=x.channels, filters=filters, name="blur")


HALVED: Mapping[Halving, Callable[[Feature], Feature]] = {
    Halving.MEAN: _mean,
    Halving.BLUR: _blur,
}
"""What halves a map after its convolution."""

mobilenetv4_conv_small = partial(mobilenetv4, network=CONV_SMALL)
mobilenetv4_conv_medium = partial(mobilenetv4, network=CONV_MEDIUM)
mobilenetv4_conv_large = partial(mobilenetv4, network=CONV_LARGE)
mobilenetv4_hybrid_medium = partial(mobilenetv4, network=HYBRID_MEDIUM)
mobilenetv4_hybrid_large = partial(mobilenetv4, network=HYBRID_LARGE)
mobilenetv4_conv_aa_medium = partial(mobilenetv4, network=CONV_AA_MEDIUM)
mobilenetv4_conv_aa_large = partial(mobilenetv4, network=CONV_AA_LARGE)
mobilenetv4_conv_blur_medium = partial(mobilenetv4, network=CONV_BLUR_MEDIUM)
