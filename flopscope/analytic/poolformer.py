"""PoolFormer: arXiv 2111.11418, Table 1; sail-sg/poolformer models/poolformer.py.

The recipes have the same parameters: the authors' code ends in a group norm of the map and its
mean; timm's in the mean and a layer norm of what is left.

The paper scales by its five rows of stages alone; width and depth coefficients round as in
EfficientNet: channels to multiples of 8 that keep 0.9 of the width, blocks up.
"""

from __future__ import annotations

from flopscope.analytic.operators import (
    activation,
    add,
    avg_pool2d,
    channels_first,
    channels_last,
    conv2d,
    flatten,
    global_pool,
    group_norm,
    layer_norm,
    linear,
    scale,
)
from flopscope.analytic.stages import Stages, from_row, stage
from flopscope.analytic.switches import Recipe
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Size

SMALLEST = 3
"""The smallest side of an input: padded by 2 on either side it holds the stem's window of 7."""

S12 = Stages(c=(64, 128, 320, 512), b=(2, 2, 6, 2))
S24 = Stages(c=(64, 128, 320, 512), b=(4, 4, 12, 4))
S36 = Stages(c=(64, 128, 320, 512), b=(6, 6, 18, 6))
M36 = Stages(c=(96, 192, 384, 768), b=(6, 6, 18, 6))
M48 = Stages(c=(96, 192, 384, 768), b=(8, 8, 24, 8))


def poolformer(
    x: Feature, stages: Stages, *, classes: Size = 1000, recipe: Recipe = Recipe.PAPER
) -> Feature:
    """(B, 3, H, W) → (B, classes), of these channels and blocks. Domain: H, W ≥ 3; raises
    OutsideDomain below.

    >>> from flopscope.analytic.tape import record
    >>> small = Stages(c=(8, 16, 24, 32), b=(1, 1, 1, 1))
    >>> record(lambda x: poolformer(x, small, classes=10), (1, 3, 32, 32)).params().value
    29410
    >>> ledger = record(poolformer_s12, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (1812267008, 11915176)
    """
    height, width = x.grid
    x.tape.at_least(height, SMALLEST, lambda: "height of the input")
    x.tape.at_least(width, SMALLEST, lambda: "width of the input")
    scope = x.tape.scope
    for number, (channels, blocks) in enumerate(zip(*stages, strict=True), start=1):
        with scope("stem" if number == 1 else f"stage{number}.downsample"):
            if number == 1:
                x = conv2d(x, channels, 7, stride=4, padding=2, bias=True)
            else:
                x = conv2d(x, channels, 3, stride=2, bias=True)
        x = stage(x, f"stage{number}", blocks, poolformer_block, poolformer_block)
    with scope("head"):
        if recipe is Recipe.TIMM:
            x = channels_first(layer_norm(channels_last(global_pool(x))))
        else:
            x = global_pool(group_norm(x, 1))
        return linear(flatten(x), classes, name="classifier")


def poolformer_block(x: Feature) -> Feature:
    """Pooling and an MLP of 1×1 convolutions, each after a group norm of one group, with a layer
    scale and a shortcut: figure 2 and section 3.2."""
    return mlp_block(_mixed(x))


def _mixed(x: Feature) -> Feature:
    """The mean of 3×3 neighbours, without padding, minus the identity: equation 4."""
    with x.tape.scope("mixer"):
        normed = group_norm(x, 1)
        pooled = avg_pool2d(normed, 3, stride=1, padding=1, include_padding=False)
        y = add(pooled, normed, name="subtract")
        return add(x, scale(y, (x.channels, 1, 1), name="layer_scale"))


def mlp_block(x: Feature) -> Feature:
    """Norm, 1×1 to four times the channels, GELU, 1×1 back, scale and shortcut: equation 3."""
    with x.tape.scope("mlp"):
        y = conv2d(group_norm(x, 1), 4 * x.channels, 1, bias=True, name="expand")
        y = conv2d(activation(y, Function.GELU), x.channels, 1, bias=True, name="project")
        return add(x, scale(y, (x.channels, 1, 1), name="layer_scale"))


poolformer_s12 = from_row(poolformer, S12)
poolformer_s24 = from_row(poolformer, S24)
poolformer_s36 = from_row(poolformer, S36)
poolformer_m36 = from_row(poolformer, M36)
poolformer_m48 = from_row(poolformer, M48)
