"""MobileNetV2: arXiv 1801.04381, Table 2; tensorflow/models
research/slim/nets/mobilenet/mobilenet_v2.py.

The last convolution keeps its 1280 channels below width 1, as in the published checkpoints. At
depth d a stage has ⌈n·d⌉ blocks, EfficientNet's rule, as in timm's `_gen_mobilenet_v2`.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flopscope.analytic.blocks import conv_bn_act, inverted_residual
from flopscope.analytic.operators import flatten, global_pool, linear
from flopscope.analytic.stages import stage
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Real, Size, make_divisible, maximum, round_repeats


class Row(NamedTuple):
    """A row of Table 2: expansion t, channels c, repeats n, stride s of the first block."""

    t: int
    c: int
    n: int
    s: int


TABLE_2 = (
    Row(1, 16, 1, 1),
    Row(6, 24, 2, 2),
    Row(6, 32, 3, 2),
    Row(6, 64, 4, 2),
    Row(6, 96, 3, 1),
    Row(6, 160, 3, 2),
    Row(6, 320, 1, 1),
)


def mobilenetv2(
    x: Feature, *, width: Real = 1.0, depth: Real = 1.0, classes: Size = 1000
) -> Feature:
    """(B, 3, H, W) → (B, classes). Widths are make_divisible(α·c, 8).

    Domain: width > 0, depth > 0, H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(mobilenetv2, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (300774272, 3504872)
    """
    scope = x.tape.scope
    with scope("stem"):
        x = conv_bn_act(x, make_divisible(32 * width, 8), 3, stride=2, function=Function.RELU6)
    for number, row in enumerate(TABLE_2, start=1):
        channels = make_divisible(row.c * width, 8)
        block = partial(inverted_residual, channels=channels, expansion=row.t)
        first = partial(block, stride=row.s)
        x = stage(x, f"stage{number}", round_repeats(row.n, depth), first, block)
    with scope("head"):
        last = make_divisible(1280 * maximum(1, width), 8)
        x = conv_bn_act(x, last, 1, function=Function.RELU6)
        return linear(flatten(global_pool(x)), classes, name="classifier")
