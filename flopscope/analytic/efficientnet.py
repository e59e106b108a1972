"""EfficientNet: arXiv 1905.11946, Table 1 scaled by width and depth coefficients.

The coefficients of B0 to B7, the rounding rules and the squeeze to a quarter of each block's input
are those of tensorflow/tpu models/official/efficientnet. The last convolution has 1280 · w
channels, rounded, there and in timm; torchvision gives it four times those of the last stage, which
is the same for B0 to B7 but not at every width.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flopscope.analytic.blocks import conv_bn_act, mbconv
from flopscope.analytic.operators import flatten, global_pool, linear
from flopscope.analytic.stages import stage
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Real, Size, exact_div, round_filters, round_repeats


class Row(NamedTuple):
    """A row of Table 1: MBConv's expansion t and kernel k, channels c, layers n; stride s of the
    first layer."""

    t: int
    k: int
    s: int
    c: int
    n: int


TABLE_1 = (
    Row(t=1, k=3, s=1, c=16, n=1),
    Row(t=6, k=3, s=2, c=24, n=2),
    Row(t=6, k=5, s=2, c=40, n=2),
    Row(t=6, k=3, s=2, c=80, n=3),
    Row(t=6, k=5, s=1, c=112, n=3),
    Row(t=6, k=5, s=2, c=192, n=4),
    Row(t=6, k=3, s=1, c=320, n=1),
)


def efficientnet(x: Feature, *, width: Real, depth: Real, classes: Size = 1000) -> Feature:
    """(B, 3, H, W) → (B, classes), each stage ⌈n·d⌉ layers of round_filters(c·w) channels.

    Domain: width > 0, depth > 0, H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(efficientnet_b0, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (385814752, 5288548)
    """
    scope = x.tape.scope
    with scope("stem"):
        x = conv_bn_act(x, round_filters(32, width), 3, stride=2, function=Function.SILU)
    for number, row in enumerate(TABLE_1, start=1):
        first = partial(_block, row=row, channels=round_filters(row.c, width), stride=row.s)
        layers = round_repeats(row.n, depth)
        x = stage(x, f"stage{number}", layers, first, partial(first, stride=1))
    with scope("head"):
        x = conv_bn_act(x, round_filters(1280, width), 1, function=Function.SILU)
        return linear(flatten(global_pool(x)), classes, name="classifier")


def _block(x: Feature, *, row: Row, channels: Size, stride: int) -> Feature:
    squeezed = exact_div(x.channels, 4)  # a multiple of 8, so that ⌊C/4⌋ is C/4
    return mbconv(x, channels, expansion=row.t, kernel=row.k, stride=stride, squeezed=squeezed)


efficientnet_b0 = partial(efficientnet, width=1.0, depth=1.0)
efficientnet_b1 = partial(efficientnet, width=1.0, depth=1.1)
efficientnet_b2 = partial(efficientnet, width=1.1, depth=1.2)
efficientnet_b3 = partial(efficientnet, width=1.2, depth=1.4)
efficientnet_b4 = partial(efficientnet, width=1.4, depth=1.8)
efficientnet_b5 = partial(efficientnet, width=1.6, depth=2.2)
efficientnet_b6 = partial(efficientnet, width=1.8, depth=2.6)
efficientnet_b7 = partial(efficientnet, width=2.0, depth=3.1)
