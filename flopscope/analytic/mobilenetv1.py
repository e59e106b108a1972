"""MobileNetV1: arXiv 1704.04861, Table 1; tensorflow/models research/slim/nets/mobilenet_v1.py.

The last depthwise layer has stride 1: its row in the table prints s2, but the map stays 7×7.
At depth d a stage has ⌈n·d⌉ layers, EfficientNet's rule, as in timm's `_gen_mobilenet_v1`.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flopscope.analytic.blocks import conv_bn_act, separable_block
from flopscope.analytic.operators import flatten, global_pool, linear
from flopscope.analytic.stages import stage
from flopscope.analytic.switches import Recipe
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Real, Size, make_divisible, maximum, round_repeats, truncate


class Row(NamedTuple):
    """Equal rows of Table 1, a depthwise and a pointwise one each: stride of the first, channels,
    layers."""

    s: int
    c: int
    n: int


TABLE_1 = (
    Row(s=1, c=64, n=1),
    Row(s=2, c=128, n=2),
    Row(s=2, c=256, n=2),
    Row(s=2, c=512, n=6),
    Row(s=2, c=1024, n=2),
)


def mobilenetv1(
    x: Feature,
    *,
    width: Real = 1.0,
    depth: Real = 1.0,
    classes: Size = 1000,
    recipe: Recipe = Recipe.PAPER,
) -> Feature:
    """(B, 3, H, W) → (B, classes). Width rule: max(⌊C·α⌋, 8) in the paper's code, make_divisible in
    timm.

    Domain: width > 0, depth > 0, any H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(mobilenetv1, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (568740352, 4231976)
    """

    def scaled(channels: int) -> Size:
        if recipe is Recipe.TIMM:
            return make_divisible(channels * width, 8)
        return maximum(truncate(channels * width), 8)

    scope = x.tape.scope
    with scope("stem"):
        x = conv_bn_act(x, scaled(32), 3, stride=2, function=Function.RELU6)
    for number, row in enumerate(TABLE_1, start=1):
        block = partial(separable_block, channels=scaled(row.c), function=Function.RELU6)
        first, other = partial(block, stride=row.s), partial(block, stride=1)
        x = stage(x, f"stage{number}", round_repeats(row.n, depth), first, other)
    with scope("head"):
        return linear(flatten(global_pool(x)), classes, name="classifier")
