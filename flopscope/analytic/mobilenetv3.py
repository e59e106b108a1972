"""MobileNetV3: arXiv 1905.02244, Tables 1 and 2; slim's nets/mobilenet/mobilenet_v3.py.

The three recipes differ in the widths they give to the hidden layers, the stem and the head:

* paper (slim): hidden = make_divisible(C_in · e/c_in, 8) from the rounded input width; head kept.
* torchvision: hidden = make_divisible(e · α, 8); head scaled by α.
* timm: the paper's rule, but the stem keeps its 16 channels below α = 0.75; head kept below α = 1.

At depth d a stage has about ⌈n·d⌉ blocks, unequal rows in timm's proportions (`scaled_rows`).
timm's own `mobilenetv3_large_150d` repeats the last 1×1 convolution as well; here it is one, as in
EfficientNet.

Table 2 marks squeeze-and-excite on the last convolution of the small network; no implementation has
it.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flopscope.analytic.blocks import conv_bn_act, mobilenetv3_block
from flopscope.analytic.operators import activation, flatten, global_pool, linear
from flopscope.analytic.stages import blocks, scaled_rows
from flopscope.analytic.switches import Recipe
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Real, Size, make_divisible, where_below

RE = Function.RELU
HS = Function.HARD_SWISH
SE = True
__ = False
STEM = 16


class Row(NamedTuple):
    """A row of Tables 1 and 2: kernel, expanded size, output channels, squeeze-excite,
    nonlinearity, stride; `input` is the output of the row above."""

    k: int
    exp: int
    out: int
    se: bool
    nl: Function
    s: int
    input: int = STEM

    def again(self) -> Row:
        """The row as it is repeated: on its own output, expanded by the same ratio."""
        return self._replace(exp=self.exp * self.out // self.input, s=1, input=self.out)


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


def mobilenetv3(
    x: Feature,
    table: tuple[Row, ...],
    last: int,
    *,
    width: Real = 1.0,
    depth: Real = 1.0,
    classes: Size = 1000,
    recipe: Recipe = Recipe.PAPER,
) -> Feature:
    """(B, 3, H, W) → (B, classes), of a table's blocks and a hidden layer of `last` channels.

    Domain: width > 0, depth > 0, H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> for network in (mobilenetv3_large, mobilenetv3_small):
    ...     ledger = record(network, (1, 3, 224, 224))
    ...     print(ledger.macs().value, ledger.params().value)
    216589760 5483032
    56510400 2542856
    """
    scope = x.tape.scope
    with scope("stem"):
        x = conv_bn_act(x, _stem(width, recipe), 3, stride=2, function=HS)
    for number, rows in enumerate(_stages(table), start=1):
        block = partial(
            _bottleneck,
            width=width,
            recipe=recipe,
            always_expand=recipe is Recipe.TIMM and number > 1,
        )
        scaled = scaled_rows(rows, Row.again, depth)
        x = blocks(x, f"stage{number}", ((partial(block, row=row), n) for row, n in scaled))
    with scope("head"):
        torchvision = recipe is Recipe.TORCHVISION
        final = 6 * x.channels if torchvision else make_divisible(6 * table[-1].out * width, 8)
        x = flatten(global_pool(conv_bn_act(x, final, 1, function=HS)))
        x = linear(x, make_divisible(last * width, 8) if torchvision else last, name="hidden")
        return linear(activation(x, HS, name="hidden_act"), classes, name="classifier")


def _bottleneck(
    x: Feature, row: Row, width: Real, recipe: Recipe, *, always_expand: bool
) -> Feature:
    return mobilenetv3_block(
        x,
        make_divisible(row.out * width, 8),
        hidden=_hidden(x.channels, row, width, recipe),
        kernel=row.k,
        stride=row.s,
        function=row.nl,
        squeeze=row.se,
        always_expand=always_expand,
    )


def _stem(width: Real, recipe: Recipe) -> Size:
    scaled = make_divisible(STEM * width, 8)
    return where_below(width, 0.75, STEM, scaled) if recipe is Recipe.TIMM else scaled


def _hidden(channels: Size, row: Row, width: Real, recipe: Recipe) -> Size:
    """Width of the depthwise layer. timm writes the ratio 88/24 as 3.67, and leaves ratio 1
    unrounded."""
    if recipe is Recipe.TORCHVISION:
        return make_divisible(row.exp * width, 8)
    ratio = row.exp / row.input
    if recipe is Recipe.TIMM:
        if ratio == 1:
            return channels
        ratio = round(ratio, 2)
    return make_divisible(channels * ratio, 8)


def _stages(table: tuple[Row, ...]) -> list[list[Row]]:
    """A stage is a run of rows with one output width or one stride-2 start."""
    stages: list[list[Row]] = []
    channels = STEM
    for row in table:
        if not stages or row.out != channels or row.s == 2:
            stages.append([])
        stages[-1].append(row._replace(input=channels))
        channels = row.out
    return stages


# Tables 1 and 2.
mobilenetv3_large = partial(mobilenetv3, table=LARGE, last=1280)
mobilenetv3_small = partial(mobilenetv3, table=SMALL, last=1024)
