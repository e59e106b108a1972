"""MobileNetV1: arXiv 1704.04861, Table 1; tensorflow/models research/slim/nets/mobilenet_v1.py.

The last depthwise layer has stride 1: its row in the table prints s2, but the map stays 7×7.
"""

from __future__ import annotations

from typing import NamedTuple

from flopscope.analytic.blocks import conv_bn_act, separable_block
from flopscope.analytic.operators import flatten, global_pool, linear
from flopscope.analytic.recipe import Recipe
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Real, Size, make_divisible, maximum, truncate


class Row(NamedTuple):
    """A depthwise and a pointwise row of Table 1."""

    stride: int
    channels: int


TABLE_1 = (
    Row(1, 64),
    Row(2, 128),
    Row(1, 128),
    Row(2, 256),
    Row(1, 256),
    Row(2, 512),
    Row(1, 512),
    Row(1, 512),
    Row(1, 512),
    Row(1, 512),
    Row(1, 512),
    Row(2, 1024),
    Row(1, 1024),
)


def mobilenetv1(
    x: Feature, *, width: Real = 1.0, classes: Size = 1000, recipe: Recipe = Recipe.PAPER
) -> Feature:
    """(B, 3, H, W) → (B, classes). Width rule: max(⌊C·α⌋, 8) in the paper's code, make_divisible in
    timm.

    Domain: width > 0, any H, W ≥ 1.

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
    stage = 1
    block = 0
    for row in TABLE_1:
        if row.stride == 2:
            stage, block = stage + 1, 0
        block += 1
        with scope(f"stage{stage}.block{block}"):
            x = separable_block(x, scaled(row.channels), stride=row.stride, function=Function.RELU6)
    with scope("head"):
        return linear(flatten(global_pool(x)), classes, name="classifier")
