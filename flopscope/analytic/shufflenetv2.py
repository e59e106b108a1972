"""ShuffleNetV2: arXiv 1807.11164, Table 5.

The two recipes differ in the units of stride 2, which widen 24 channels to 116 in stage 2, and in
the bias of the classifier:

* torchvision: both branches give half of the output (58 and 58); classifier with bias.
* paper (megvii-model/ShuffleNet-Series ShuffleNetV2/blocks.py): one branch keeps the input's width,
  the other gives the rest (24 and 92), as in the paper's figures (146M at 1x); classifier without
  bias.

A width coefficient multiplies what the column of a name has. The paper has no rule for it; here it
is EfficientNet's, for the stem, for what the first unit of stage 2 adds to it, and for the last
convolution. Multiples are of 8, or of the largest divisor of 8 that the published width has, so
that units can be halved and no branch is empty. Stages 3 and 4 double stage 2. At depth d a stage
has ⌈n·d⌉ units.

torchvision shuffles after a unit, which writes the map anew; the authors' code takes even and odd
channels before one, which are views.
"""

from __future__ import annotations

from functools import partial
from math import gcd
from typing import NamedTuple

from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.operators import (
    concatenate,
    flatten,
    global_pool,
    linear,
    max_pool2d,
    permuted,
)
from flopscope.analytic.stages import stage
from flopscope.analytic.switches import Recipe
from flopscope.analytic.tape import Feature
from flopscope.errors import BadInput
from flopscope.facts import Function
from flopscope.sizes import Real, Size, exact_div, round_filters, round_repeats

RELU = Function.RELU
STEM = 24
REPEATS = (4, 8, 4)


class Widths(NamedTuple):
    """A column of Table 5: outputs of stages 2 to 4, and of the last convolution."""

    stages: tuple[int, int, int]
    last: int


TABLE_5 = {
    0.5: Widths((48, 96, 192), 1024),
    1.0: Widths((116, 232, 464), 1024),
    1.5: Widths((176, 352, 704), 1024),
    2.0: Widths((244, 488, 976), 2048),
}


def shufflenetv2(
    x: Feature,
    *,
    s: float = 1.0,
    width: Real = 1.0,
    depth: Real = 1.0,
    classes: Size = 1000,
    recipe: Recipe = Recipe.PAPER,
) -> Feature:
    """(B, 3, H, W) → (B, classes): the paper's ShuffleNet V2 s×, scaled.

    Domain: s of Table 5, width > 0, depth > 0, H, W ≥ 1. Raises BadInput for another s.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(shufflenetv2, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (145814296, 2278760)
    """
    if s not in TABLE_5:
        known = ", ".join(f"{key:g}" for key in TABLE_5)
        raise BadInput(f"ShuffleNetV2 is defined for width {known}, but {s} was given")
    paper = recipe is Recipe.PAPER
    column = TABLE_5[s]
    stem = _scaled(STEM, width)
    scope = x.tape.scope
    with scope("stem"):
        x = conv_bn_act(x, stem, 3, stride=2, function=RELU)
        x = max_pool2d(x, 3, stride=2, padding=1)
    stage_2 = stem + _scaled(column.stages[0] - STEM, width)
    for number, times, repeats in zip((2, 3, 4), (1, 2, 4), REPEATS, strict=True):
        channels = times * stage_2
        kept = x.channels if paper else exact_div(channels, 2)
        first = partial(_reduction, channels=channels, kept=kept)
        unit = partial(shufflenetv2_unit, shuffled=not paper)
        first = partial(first, shuffled=not paper)
        x = stage(x, f"stage{number}", round_repeats(repeats, depth), first, unit)
    with scope("head"):
        x = conv_bn_act(x, _scaled(column.last, width), 1, function=RELU)
        return linear(flatten(global_pool(x)), classes, bias=not paper, name="classifier")


def shufflenetv2_unit(x: Feature, *, shuffled: bool = False) -> Feature:
    """Half of the channels as they are; 1×1, depthwise 3×3, 1×1 on the others; then a shuffle,
    which is written out where it is `shuffled` here.

    Figure 3c. Domain: an even number of channels.
    """
    x.tape.multiple(x.channels, 2, "number of channels, to be split in two,")
    half = exact_div(x.channels, 2)
    y = _branch(x.narrow(half), half, hidden=half, stride=1)
    return _shuffled(concatenate([x.narrow(half), y]), shuffled)


def _shuffled(x: Feature, shuffled: bool) -> Feature:
    """Channels of the two halves in turn."""
    if not shuffled:
        return x
    half = exact_div(x.channels, 2)
    return permuted(x, x.batch, half, 2, *x.grid, name="shuffle").view(*x.shape)


def _scaled(channels: int, width: Real) -> Size:
    """Channels at width coefficient w, which 8 divides as far as it divides the published ones."""
    return round_filters(channels, width, gcd(8, channels))


def _reduction(x: Feature, channels: Size, *, kept: Size, shuffled: bool) -> Feature:
    """Figure 3d: both branches at stride 2, `kept` channels from the one without a bottleneck."""
    with x.tape.scope("shortcut"):
        y = conv_bn_act(x, x.channels, 3, stride=2, groups=x.channels, name="dw")
        y = conv_bn_act(y, kept, 1, function=RELU, name="pw")
    z = _branch(x, channels - kept, hidden=exact_div(channels, 2), stride=2)
    return _shuffled(concatenate([y, z]), shuffled)


def _branch(x: Feature, channels: Size, *, hidden: Size, stride: Size) -> Feature:
    y = conv_bn_act(x, hidden, 1, function=RELU, name="pw1")
    y = conv_bn_act(y, hidden, 3, stride=stride, groups=hidden, name="dw")
    return conv_bn_act(y, channels, 1, function=RELU, name="pw2")


shufflenetv2_x0_5 = partial(shufflenetv2, s=0.5)
shufflenetv2_x1_0 = partial(shufflenetv2, s=1.0)
shufflenetv2_x1_5 = partial(shufflenetv2, s=1.5)
shufflenetv2_x2_0 = partial(shufflenetv2, s=2.0)
