"""MobileViTv2: arXiv 2206.02680, section 3; apple/ml-cvnets
cvnets/models/classification/config/mobilevit_v2.py, cvnets/modules/mobilevit_block.py,
cvnets/layers/linear_attention.py.

MobileViT's transformers with separable self-attention: a softmax over the patches weighs the keys,
whose sum multiplies every value, element by element, so that its cost is linear in the patches. It
sees one of the four pixels of each 2×2 patch at a time. A map with an odd side is enlarged to whole
patches and stays so, where MobileViT reduces it again.

Width is the authors': the stem's channels are between 16 and 64, those of the first layer multiples
of 16, all others multiples of 8. They have no depth coefficient; it is MobileViT's here, which
repeats the inverted residuals of the first two layers and the transformers' layers, rounded up.
"""

from __future__ import annotations

from functools import partial

from flopscope.analytic.blocks import conv_bn_act, inverted_residual
from flopscope.analytic.mobilevit import PATCH, SILU, resized
from flopscope.analytic.operators import (
    activation,
    add,
    conv2d,
    flatten,
    global_pool,
    group_norm,
    linear,
    multiply,
    permuted,
    reduce,
    softmax,
)
from flopscope.analytic.stages import blocks, stage
from flopscope.analytic.tape import Feature
from flopscope.facts import Function, Reduction
from flopscope.sizes import (
    Real,
    Size,
    ceil_div,
    equal,
    round_filters,
    round_repeats,
    where_below,
)

STEM, NARROWEST, WIDEST = 32, 16, 64
"""Channels of the first convolution at width 1, and the bounds of its channels at any width."""

FIRST_LAYERS = ((64, 16, 1), (128, 8, 2))
"""Of the layers without transformer: channels, what they are a multiple of, inverted residuals."""

LAYERS = ((256, 128, 2), (384, 192, 4), (512, 256, 3))
"""Of the layers with transformer: channels, its width and its layers."""

EXPANSION = 2
"""Of the inverted residuals."""


def mobilevitv2(
    x: Feature, *, width: Real = 1.0, depth: Real = 1.0, classes: Size = 1000
) -> Feature:
    """(B, 3, H, W) → (B, classes). Domain: width > 0; depth > 0; H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> for network in (mobilevitv2_050, mobilevitv2_100):
    ...     ledger = record(network, (1, 3, 256, 256))
    ...     print(ledger.macs().value, ledger.params().value)
    464594944 1370593
    1812090880 4901841
    """
    scope = x.tape.scope
    residual = partial(inverted_residual, expansion=EXPANSION, function=SILU)
    with scope("stem"):
        x = conv_bn_act(x, _stem_channels(width), 3, stride=2, function=SILU)
    for number, (channels, divisor, n) in enumerate(FIRST_LAYERS, start=1):
        block = partial(residual, channels=round_filters(channels, width, divisor))
        first = partial(block, stride=number)
        x = stage(x, f"stage{number}", round_repeats(n, depth), first, block)
    for number, (channels, transformer, layers) in enumerate(LAYERS, start=3):
        with scope(f"stage{number}.block1"):
            x = residual(x, round_filters(channels, width), stride=2)
        with scope(f"stage{number}.block2"):
            inner = round_filters(transformer, width)
            x = mobilevitv2_block(x, inner, round_repeats(layers, depth))
    with scope("head"):
        return linear(flatten(global_pool(x)), classes, name="classifier")


def _stem_channels(width: Real) -> Size:
    """32·w to a multiple of 8, where that is between the bounds."""
    bounded = where_below(width, WIDEST / STEM, round_filters(STEM, width), WIDEST)
    return where_below(width, NARROWEST / STEM, NARROWEST, bounded)


def mobilevitv2_block(x: Feature, width: Size, layers: Size) -> Feature:
    """Convolutions to `width` channels, a transformer over the patches, and back: figure 2 of the
    paper. The output has whole patches."""
    patches = [ceil_div(size, PATCH) for size in x.grid]
    whole = (PATCH * patches[0], PATCH * patches[1])
    even = equal(x.grid[0], whole[0]) * equal(x.grid[1], whole[1])
    x = resized(x, whole, even, "enlarge")
    channels = x.channels
    y = conv_bn_act(x, channels, 3, groups=channels, function=SILU, name="local")
    y = conv2d(y, width, 1, name="embed")
    y = permuted(y, x.batch, width, PATCH, PATCH, *patches, name="unfold")
    y = y.view(x.batch, width, PATCH**2, patches[0] * patches[1])
    y = blocks(y, "transformer", ((_transformer, layers),), each="transformer")
    apart = (patches[0], PATCH, patches[1], PATCH)
    y = permuted(group_norm(y, 1), x.batch, width, *apart, name="fold")
    y = y.view(x.batch, width, *whole)
    return conv_bn_act(y, channels, 1, name="project")


def _transformer(x: Feature) -> Feature:
    """Attention, then an MLP of ratio 2, on (B, d, pixels of a patch, patches); each after a norm
    over all of an image's elements, with shortcut."""
    with x.tape.scope("attention"):
        x = add(x, separable_attention(group_norm(x, 1)))
    with x.tape.scope("mlp"):
        y = conv2d(group_norm(x, 1), 2 * x.channels, 1, bias=True, name="fc1")
        y = conv2d(activation(y, SILU), x.channels, 1, bias=True, name="fc2")
        return add(x, y)


def separable_attention(x: Feature) -> Feature:
    """Separable self-attention, section 3.2, on (B, d, P, N): d·(2·d + 1) + d² multiply-accumulates
    for each of P·N tokens, and no product of tokens with each other.

    >>> from flopscope.analytic.tape import record
    >>> record(separable_attention, (1, 16, 4, 10)).macs().value  # 16·33 + 16² each
    31360
    """
    width = x.channels
    parts = conv2d(x, 1 + 2 * width, 1, bias=True, name="qkv")
    scores, keys, values = (parts.narrow(channels) for channels in (1, width, width))
    weighted = multiply(keys, softmax(scores), name="weigh")
    context = reduce(weighted, (*x.shape[:3], 1), Reduction.SUM, name="context")
    values = activation(values, Function.RELU)
    return conv2d(multiply(values, context), width, 1, bias=True, name="proj")


mobilevitv2_050 = partial(mobilevitv2, width=0.5)
mobilevitv2_075 = partial(mobilevitv2, width=0.75)
mobilevitv2_100 = partial(mobilevitv2, width=1.0)
mobilevitv2_125 = partial(mobilevitv2, width=1.25)
mobilevitv2_150 = partial(mobilevitv2, width=1.5)
mobilevitv2_175 = partial(mobilevitv2, width=1.75)
mobilevitv2_200 = partial(mobilevitv2, width=2.0)
