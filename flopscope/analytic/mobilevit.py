"""MobileViT: arXiv 2110.02178, Table 4 (appendix A); apple/ml-cvnets
cvnets/models/classification/config/mobilevit.py, cvnets/modules/mobilevit_block.py.

Attention sees one of the four pixels of each 2×2 patch at a time. A map with an odd side is
enlarged to whole patches first and reduced again after the transformer.

Neither paper nor code has width and depth coefficients; they round as in EfficientNet. Width takes
every channel, the stem's and the transformers' among them, to multiples of 8, so that 4 heads
divide a transformer; the last convolution is as wide as the authors' code makes it, four times its
input and at most 960. Depth repeats the inverted residuals of the first two layers and the
transformers' layers, rounded up; blocks that halve a map, and the MobileViT blocks after them, are
not repeated.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flopscope.analytic.attention import fused_self_attention, mlp
from flopscope.analytic.blocks import conv_bn_act, inverted_residual
from flopscope.analytic.operators import (
    add,
    concatenate,
    conv2d,
    flatten,
    global_pool,
    layer_norm,
    linear,
    permuted,
    resize,
)
from flopscope.analytic.stages import blocks, from_row, stage
from flopscope.analytic.tape import Feature
from flopscope.facts import Function, Interpolation
from flopscope.sizes import Real, Size, ceil_div, equal, round_filters, round_repeats, where_below

PATCH, HEADS = 2, 4
WIDEST = 960
"""The most channels of the last convolution."""
SILU = Function.SILU


class HybridStages(NamedTuple):
    """Expansion of the inverted residuals, channels C of the five layers, widths d and numbers L of
    the last three layers' transformers, channels of the last convolution and of the first, inverted
    residuals n of the first two layers."""

    expansion: int
    c: tuple[Size, ...]
    d: tuple[Size, ...]
    layers: tuple[Size, ...]
    last: Size
    stem: Size = 16
    n: tuple[Size, ...] = (1, 3)

    def scaled(self, width: Real, depth: Real) -> HybridStages:
        """The stages at width and depth coefficients."""
        c = tuple(round_filters(channels, width) for channels in self.c)
        return HybridStages(
            self.expansion,
            c,
            d=tuple(round_filters(d, width) for d in self.d),
            layers=tuple(round_repeats(layers, depth) for layers in self.layers),
            last=where_below(4 * c[-1], WIDEST, 4 * c[-1], WIDEST),
            stem=round_filters(self.stem, width),
            n=tuple(round_repeats(n, depth) for n in self.n),
        )


XXS = HybridStages(2, c=(16, 24, 48, 64, 80), d=(64, 80, 96), layers=(2, 4, 3), last=320)
XS = HybridStages(4, c=(32, 48, 64, 80, 96), d=(96, 120, 144), layers=(2, 4, 3), last=384)
S = HybridStages(4, c=(32, 64, 96, 128, 160), d=(144, 192, 240), layers=(2, 4, 3), last=640)


def mobilevit(x: Feature, stages: HybridStages, *, classes: Size = 1000) -> Feature:
    """(B, 3, H, W) → (B, classes), of these widths and layers. Domain: H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> small = HybridStages(2, c=(4, 6, 8, 10, 12), d=(8, 12, 16), layers=(1, 2, 1), last=20)
    >>> record(lambda x: mobilevit(x, small, classes=10), (1, 3, 64, 64)).params().value
    19130
    >>> ledger = record(mobilevit_s, (1, 3, 256, 256))
    >>> ledger.macs().value, ledger.params().value
    (2000831488, 5578632)
    """
    scope = x.tape.scope
    residual = partial(inverted_residual, expansion=stages.expansion, function=SILU)
    with scope("stem"):
        x = conv_bn_act(x, stages.stem, 3, stride=2, function=SILU)
    for number, (channels, n) in enumerate(zip(stages.c[:2], stages.n, strict=True), start=1):
        block = partial(residual, channels=channels)
        x = stage(x, f"stage{number}", n, partial(block, stride=number), block)
    transformers = zip(stages.c[2:], stages.d, stages.layers, strict=True)
    for number, (channels, width, layers) in enumerate(transformers, start=3):
        with scope(f"stage{number}.block1"):
            x = residual(x, channels, stride=2)
        with scope(f"stage{number}.block2"):
            x = mobilevit_block(x, width, layers)
    with scope("head"):
        x = conv_bn_act(x, stages.last, 1, function=SILU)
        return linear(flatten(global_pool(x)), classes, name="classifier")


def mobilevit_block(x: Feature, width: Size, layers: Size) -> Feature:
    """Convolutions to `width` channels, a transformer over the patches, and back: figure 1b.

    Domain: 4 heads divide `width`; raises OutsideDomain otherwise.
    """
    x.tape.multiple(width, HEADS, "width of the transformer, shared by its heads,")
    y = conv_bn_act(x, x.channels, 3, function=SILU, name="local")
    y = conv2d(y, width, 1, name="embed")
    patches = [ceil_div(size, PATCH) for size in x.grid]
    whole = (PATCH * patches[0], PATCH * patches[1])
    even = equal(x.grid[0], whole[0]) * equal(x.grid[1], whole[1])
    y = resized(y, whole, even, "enlarge")
    y = permuted(y, x.batch, PATCH, PATCH, *patches, width, name="unfold")
    y = y.view(PATCH**2 * x.batch, patches[0] * patches[1], width)
    y = blocks(y, "transformer", ((_transformer, layers),), each="transformer")
    apart = (patches[0], PATCH, patches[1], PATCH)
    y = permuted(layer_norm(y), x.batch, width, *apart, name="fold").view(x.batch, width, *whole)
    y = resized(y, (x.grid[0], x.grid[1]), even, "reduce")
    y = conv_bn_act(y, x.channels, 1, function=SILU, name="project")
    return conv_bn_act(concatenate([x, y]), x.channels, 3, function=SILU, name="fuse")


def resized(x: Feature, grid: tuple[Size, Size], even: Size, name: str) -> Feature:
    """x on another grid, bilinear; x itself where both sides are even.

    For arrays and symbols the row has the multiplicity 1 − [h even]·[w even], which is 1 or 0.
    """
    if isinstance(even, int):
        return x if even else resize(x, grid, Interpolation.BILINEAR, name=name)
    with x.tape.scope(name, repeat=1 - even):
        return resize(x, grid, Interpolation.BILINEAR)


def _transformer(x: Feature) -> Feature:
    """Attention of 4 heads, then an MLP of ratio 2; each after a norm, with shortcut."""
    with x.tape.scope("attention"):
        x = add(x, fused_self_attention(layer_norm(x), HEADS))
    with x.tape.scope("mlp"):
        return add(x, mlp(layer_norm(x), 2 * x.shape[-1], SILU))


mobilevit_xxs = from_row(mobilevit, XXS)
mobilevit_xs = from_row(mobilevit, XS)
mobilevit_s = from_row(mobilevit, S)
