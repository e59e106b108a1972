"""MobileNetV3: arXiv 1905.02244, Tables 1 and 2; slim's nets/mobilenet/mobilenet_v3.py.

The three recipes differ in the widths they give to the hidden layers, the stem and the head:

* paper (slim): hidden = make_divisible(C_in · e/c_in, 8) from the rounded input width; head kept.
* torchvision: hidden = make_divisible(e · α, 8); head scaled by α.
* timm: the paper's rule, but the stem keeps its 16 channels below α = 0.75; head kept below α = 1.

Table 2 marks squeeze-and-excite on the last convolution of the small network; no implementation has
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flopscope.analytic.blocks import conv_bn_act, mobilenetv3_block
from flopscope.analytic.operators import activation, flatten, global_pool, linear
from flopscope.analytic.recipe import Recipe
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Real, Size, make_divisible, where_below

RE = Function.RELU
HS = Function.HARD_SWISH
SE = True
__ = False


class Row(NamedTuple):
    """A row of Tables 1 and 2: kernel, expanded size, output channels, squeeze-excite,
    nonlinearity, stride."""

    k: int
    exp: int
    out: int
    se: bool
    nl: Function
    s: int


LARGE = (
    Row(3, 16, 16, __, RE, 1),
    Row(3, 64, 24, __, RE, 2),
    Row(3, 72, 24, __, RE, 1),
    Row(5, 72, 40, SE, RE, 2),
    Row(5, 120, 40, SE, RE, 1),
    Row(5, 120, 40, SE, RE, 1),
    Row(3, 240, 80, __, HS, 2),
    Row(3, 200, 80, __, HS, 1),
    Row(3, 184, 80, __, HS, 1),
    Row(3, 184, 80, __, HS, 1),
    Row(3, 480, 112, SE, HS, 1),
    Row(3, 672, 112, SE, HS, 1),
    Row(5, 672, 160, SE, HS, 2),
    Row(5, 960, 160, SE, HS, 1),
    Row(5, 960, 160, SE, HS, 1),
)

SMALL = (
    Row(3, 16, 16, SE, RE, 2),
    Row(3, 72, 24, __, RE, 2),
    Row(3, 88, 24, __, RE, 1),
    Row(5, 96, 40, SE, HS, 2),
    Row(5, 240, 40, SE, HS, 1),
    Row(5, 240, 40, SE, HS, 1),
    Row(5, 120, 48, SE, HS, 1),
    Row(5, 144, 48, SE, HS, 1),
    Row(5, 288, 96, SE, HS, 2),
    Row(5, 576, 96, SE, HS, 1),
    Row(5, 576, 96, SE, HS, 1),
)


def mobilenetv3_large(
    x: Feature, *, width: Real = 1.0, classes: Size = 1000, recipe: Recipe = Recipe.PAPER
) -> Feature:
    """(B, 3, H, W) → (B, classes), Table 1. Domain: width > 0, H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(mobilenetv3_large, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (216589760, 5483032)
    """
    return _mobilenetv3(x, LARGE, last=1280, width=width, classes=classes, recipe=recipe)


def mobilenetv3_small(
    x: Feature, *, width: Real = 1.0, classes: Size = 1000, recipe: Recipe = Recipe.PAPER
) -> Feature:
    """(B, 3, H, W) → (B, classes), Table 2. Domain: width > 0, H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(mobilenetv3_small, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (56510400, 2542856)
    """
    return _mobilenetv3(x, SMALL, last=1024, width=width, classes=classes, recipe=recipe)


def _mobilenetv3(
    x: Feature, table: tuple[Row, ...], *, last: int, width: Real, classes: Size, recipe: Recipe
) -> Feature:
    scope = x.tape.scope
    with scope("stem"):
        x = conv_bn_act(x, _stem(width, recipe), 3, stride=2, function=HS)
    previous = Row(0, 0, 16, __, HS, 0)
    for stage, block, row in _stages(table):
        with scope(f"stage{stage}.block{block}"):
            x = mobilenetv3_block(
                x,
                make_divisible(row.out * width, 8),
                hidden=_hidden(x.channels, row, previous, width, recipe),
                kernel=row.k,
                stride=row.s,
                function=row.nl,
                squeeze=row.se,
                always_expand=recipe is Recipe.TIMM and row is not table[0],
            )
        previous = row
    with scope("head"):
        torchvision = recipe is Recipe.TORCHVISION
        final = 6 * x.channels if torchvision else make_divisible(6 * previous.out * width, 8)
        x = flatten(global_pool(conv_bn_act(x, final, 1, function=HS)))
        x = linear(x, make_divisible(last * width, 8) if torchvision else last, name="hidden")
        return linear(activation(x, HS, name="hidden_act"), classes, name="classifier")


def _stem(width: Real, recipe: Recipe) -> Size:
    scaled = make_divisible(16 * width, 8)
    return where_below(width, 0.75, 16, scaled) if recipe is Recipe.TIMM else scaled


def _hidden(channels: Size, row: Row, previous: Row, width: Real, recipe: Recipe) -> Size:
    """Width of the depthwise layer. timm writes the ratio 88/24 as 3.67, and leaves ratio 1
    unrounded."""
    if recipe is Recipe.TORCHVISION:
        return make_divisible(row.exp * width, 8)
    ratio = row.exp / previous.out
    if recipe is Recipe.TIMM:
        if ratio == 1:
            return channels
        ratio = round(ratio, 2)
    return make_divisible(channels * ratio, 8)


def _stages(table: tuple[Row, ...]) -> Iterator[tuple[int, int, Row]]:
    """(stage, block, row): a stage is a run of rows with one output width or one stride-2 start."""
    stage, block, width = 0, 0, None
    for row in table:
        stage, block = (stage, block + 1) if row.out == width and row.s == 1 else (stage + 1, 1)
        width = row.out
        yield stage, block, row
