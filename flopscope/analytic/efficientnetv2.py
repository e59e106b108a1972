"""EfficientNetV2: arXiv 2104.00298, Table 4 (S); google/automl efficientnetv2/effnetv2_configs.py
(S, M, L).

The last stage of S has the 256 channels of the released code and the final paper; the first version
of the paper has 272. Width and depth coefficients round as in that folder's effnetv2_model.py: to
the nearest multiple of 8, without the 0.9 of EfficientNet's rule; layers up. Fused stages have no
squeeze-and-excite; the others squeeze to a quarter of each block's input.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flopscope.analytic.blocks import conv_bn_act, fused_mbconv, mbconv
from flopscope.analytic.operators import flatten, global_pool, linear
from flopscope.analytic.stages import stage
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Real, Size, exact_div, nearest_multiple, round_repeats


class Row(NamedTuple):
    """A stage: is it of Fused-MBConv; expansion t, channels c, layers n; stride s of the first.

    Every kernel is 3×3.
    """

    fused: bool
    t: int
    s: int
    c: int
    n: int


FUSED, MB = True, False

S = (
    Row(FUSED, t=1, s=1, c=24, n=2),
    Row(FUSED, t=4, s=2, c=48, n=4),
    Row(FUSED, t=4, s=2, c=64, n=4),
    Row(MB, t=4, s=2, c=128, n=6),
    Row(MB, t=6, s=1, c=160, n=9),
    Row(MB, t=6, s=2, c=256, n=15),
)

M = (
    Row(FUSED, t=1, s=1, c=24, n=3),
    Row(FUSED, t=4, s=2, c=48, n=5),
    Row(FUSED, t=4, s=2, c=80, n=5),
    Row(MB, t=4, s=2, c=160, n=7),
    Row(MB, t=6, s=1, c=176, n=14),
    Row(MB, t=6, s=2, c=304, n=18),
    Row(MB, t=6, s=1, c=512, n=5),
)

L = (
    Row(FUSED, t=1, s=1, c=32, n=4),
    Row(FUSED, t=4, s=2, c=64, n=7),
    Row(FUSED, t=4, s=2, c=96, n=7),
    Row(MB, t=4, s=2, c=192, n=10),
    Row(MB, t=6, s=1, c=224, n=19),
    Row(MB, t=6, s=2, c=384, n=25),
    Row(MB, t=6, s=1, c=640, n=7),
)


def efficientnetv2(
    x: Feature,
    table: tuple[Row, ...],
    *,
    width: Real = 1.0,
    depth: Real = 1.0,
    classes: Size = 1000,
) -> Feature:
    """(B, 3, H, W) → (B, classes). The stem is as wide as the first stage.

    Domain: width > 0, depth > 0, H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(efficientnetv2_s, (1, 3, 384, 384))
    >>> ledger.macs().value, ledger.params().value
    (8365617152, 21458488)
    """
    scope = x.tape.scope
    with scope("stem"):
        stem = nearest_multiple(table[0].c * width)
        x = conv_bn_act(x, stem, 3, stride=2, function=Function.SILU)
    for number, row in enumerate(table, start=1):
        channels, layers = nearest_multiple(row.c * width), round_repeats(row.n, depth)
        first = partial(_block, row=row, channels=channels, stride=row.s)
        x = stage(x, f"stage{number}", layers, first, partial(first, stride=1))
    with scope("head"):
        x = conv_bn_act(x, nearest_multiple(1280 * width), 1, function=Function.SILU)
        return linear(flatten(global_pool(x)), classes, name="classifier")


def _block(x: Feature, *, row: Row, channels: Size, stride: int) -> Feature:
    if row.fused:
        return fused_mbconv(x, channels, expansion=row.t, kernel=3, stride=stride)
    squeezed = exact_div(x.channels, 4)
    return mbconv(x, channels, expansion=row.t, kernel=3, stride=stride, squeezed=squeezed)


efficientnetv2_s = partial(efficientnetv2, table=S)
efficientnetv2_m = partial(efficientnetv2, table=M)
efficientnetv2_l = partial(efficientnetv2, table=L)
