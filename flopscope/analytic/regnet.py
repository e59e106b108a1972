"""RegNetX and RegNetY: arXiv 2003.13678, section 3 and figures 15 and 16; facebookresearch/pycls
pycls/models/regnet.py, anynet.py and blocks.py.

AnyNet is the design space: a stem, stages of equal residual bottlenecks, a head. A RegNet is the
AnyNet whose widths and depths follow from (w0, wa, wm, d) by one quantised linear rule; Y is X with
squeeze-and-excitation. The recipes differ in how a width is fitted to its groups:

* paper (pycls): the nearest multiple of the group width, halves to even.
* torchvision: make_divisible, which never goes below 0.9 of the width.

Of the published networks that changes regnetx_400mf, regnety_800mf and regnety_8.0gf.

Width and depth coefficients scale the stages that the rule gives, as pycls/models/scaler.py does
(arXiv 2103.06877): widths to the nearest multiple of 8 and then to their groups, depths to the
nearest whole number, halves to even, at least one; the stem keeps its 32 channels, and group widths
are kept.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from math import gcd
from typing import NamedTuple

from flopscope.analytic.blocks import conv_bn_act, squeeze_excite
from flopscope.analytic.operators import activation, add, flatten, global_pool, linear
from flopscope.analytic.stages import stage
from flopscope.analytic.switches import Recipe
from flopscope.analytic.tape import Feature
from flopscope.errors import BadInput
from flopscope.facts import Function
from flopscope.sizes import (
    Real,
    Size,
    any_of,
    exact_div,
    make_divisible,
    round_half_even,
    where_below,
)

RE = Function.RELU
QUANTUM = 8
"""Widths are multiples of this before they are fitted to their groups."""


class Stage(NamedTuple):
    """Blocks d, width w, group width g; `ratio` is the bottleneck's width over w, 1/b in the
    paper."""

    d: Size
    w: Size
    g: Size
    ratio: Real = 1


def anynet(
    x: Feature,
    stages: Sequence[Stage],
    *,
    squeeze: bool,
    classes: Size = 1000,
) -> Feature:
    """(B, 3, H, W) → (B, classes): stem of 32, stages with stride 2 each, pooling, classifier.

    `squeeze` tells Y from X. Domain: every stage has a block, a channel, and a bottleneck that its
    group width divides; H, W ≥ 1. Raises OutsideDomain otherwise, BadInput where there is no stage.

    >>> from flopscope.analytic.tape import record
    >>> stages = (Stage(d=1, w=24, g=8), Stage(d=2, w=64, g=16, ratio=0.5))
    >>> record(lambda x: anynet(x, stages, squeeze=False), (1, 3, 32, 32)).params().value
    88264
    """
    if not stages:
        raise BadInput("an AnyNet needs at least one stage, but none was given")
    with x.tape.scope("stem"):
        x = conv_bn_act(x, 32, 3, stride=2, function=RE)
    for number, row in enumerate(stages, start=1):
        x = _anynet_stage(x, row, number, squeeze)
    with x.tape.scope("head"):
        return linear(flatten(global_pool(x)), classes, name="classifier")


def _anynet_stage(x: Feature, row: Stage, number: int, squeeze: bool) -> Feature:
    hidden = _bottleneck_width(x, row, number)

    def block(x: Feature, stride: int = 1) -> Feature:
        return regnet_block(
            x,
            row.w,
            hidden=hidden,
            groups=exact_div(hidden, row.g),
            stride=stride,
            squeezed=_squeezed_width(x, number) if squeeze else None,
        )

    return stage(x, f"stage{number}", row.d, partial(block, stride=2), block)


def regnet_block(
    x: Feature,
    width: Size,
    *,
    hidden: Size,
    groups: Size = 1,
    stride: int = 1,
    squeezed: Size | None = None,
) -> Feature:
    """1×1 to `hidden`, grouped 3×3, [squeeze-and-excitation], 1×1, and a shortcut: figure 4.

    The shortcut is a 1×1 convolution where the width or the resolution changes. The squeezed width
    is a quarter of the block's *input*, not of the map that it gates (pycls anynet.py).
    """
    shortcut = x
    if stride != 1 or any_of(x.channels != width):
        shortcut = conv_bn_act(x, width, 1, stride=stride, name="shortcut")
    y = conv_bn_act(x, hidden, 1, function=RE, name="reduce")
    y = conv_bn_act(y, hidden, 3, stride=stride, groups=groups, function=RE, name="spatial")
    if squeezed is not None:
        y = squeeze_excite(y, squeezed, gate=Function.SIGMOID)
    return activation(add(shortcut, conv_bn_act(y, width, 1, name="expand")), RE)


def regnet(
    x: Feature,
    *,
    squeeze: bool,
    w0: int,
    wa: float,
    wm: float,
    d: int,
    g: int,
    width: Real = 1.0,
    depth: Real = 1.0,
    classes: Size = 1000,
    recipe: Recipe = Recipe.PAPER,
) -> Feature:
    """(B, 3, H, W) → (B, classes): the AnyNet of scaled `regnet_stages`, with
    squeeze-and-excitation (Y) or without (X).

    Domain: coefficients of `regnet_stages`; width > 0, depth > 0; H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> for network in (regnetx_200mf, regnety_400mf):
    ...     ledger = record(network, (1, 3, 224, 224))
    ...     print(ledger.macs().value, ledger.params().value)
    199039872 2684792
    401842848 4344144
    """
    stages = scaled(regnet_stages(w0, wa, wm, d, g, recipe), width, depth, recipe)
    return anynet(x, stages, squeeze=squeeze, classes=classes)


def regnet_stages(
    w0: int, wa: float, wm: float, d: int, g: int, recipe: Recipe = Recipe.PAPER
) -> tuple[Stage, ...]:
    """The quantised linear rule, arXiv 2003.13678, equations 2 to 4: one stage a width.

    Block j is to have u = w0 + wa·j channels. It gets w0·wm^k, rounded to a multiple of 8, with the
    whole k that comes nearest in the logarithm. Everything rounds half to even, in floats, as NumPy
    does in the paper's code. Domain: w0 a positive multiple of 8, wa ≥ 0, wm > 1, d ≥ 1, g ≥ 1.
    Raises BadInput otherwise.

    >>> [(stage.d, stage.w) for stage in regnet_stages(24, 36.44, 2.49, 13, 8)]
    [(1, 24), (1, 56), (4, 152), (7, 368)]
    """
    _check_coefficients(w0, wa, wm, d, g)
    steps = (round(math.log((w0 + wa * j) / w0) / math.log(wm)) for j in range(d))
    widths = Counter(round(w0 * wm**step / QUANTUM) * QUANTUM for step in steps)
    return tuple(_fitted(count, width, g, recipe) for width, count in sorted(widths.items()))


def scaled(
    stages: Sequence[Stage], width: Real, depth: Real, recipe: Recipe = Recipe.PAPER
) -> tuple[Stage, ...]:
    """The stages at width and depth coefficients, each fitted to its group width again.

    A width that was fitted to an odd group width is no multiple of 8; it stays one of what it
    shares with 8.

    >>> scaled([Stage(d=3, w=64, g=24)], 1.5, 1.5)
    (Stage(d=4, w=96, g=24, ratio=1),)
    """

    def at(stage: Stage) -> Stage:
        blocks = round_half_even(stage.d * depth, 1)
        quantum = gcd(QUANTUM, stage.w)
        channels = quantum * round_half_even(stage.w * width / quantum, 1)
        return _fitted(blocks, channels, stage.g, recipe)

    return tuple(map(at, stages))


def _fitted(count: Size, width: Size, group: int, recipe: Recipe) -> Stage:
    """A stage whose width its group width divides; a narrow one is a single group."""
    if recipe is Recipe.TORCHVISION:
        groups = make_divisible(width / group, 1)
    else:
        groups = round_half_even(width / group, 1)
    groups, group = where_below(width, group, 1, groups), where_below(width, group, width, group)
    return Stage(count, groups * group, group)


def _check_coefficients(w0: int, wa: float, wm: float, d: int, g: int) -> None:
    rules = (
        (w0 > 0 and w0 % QUANTUM == 0, f"w0={w0}", "w0 must be a positive multiple of 8"),
        (0 <= wa < math.inf, f"wa={wa}", "wa must be a finite number from 0"),
        (1 < wm < math.inf, f"wm={wm}", "wm must be a finite number above 1"),
        (d >= 1, f"d={d}", "d must be at least 1"),
        (g >= 1, f"g={g}", "g must be at least 1"),
    )
    for holds, given, rule in rules:
        if not holds:
            raise BadInput(f"{given} gives no RegNet; {rule}")


def _bottleneck_width(x: Feature, row: Stage, number: int) -> Size:
    """round(w·ratio), once the stage is known to be whole."""
    tape = x.tape
    tape.at_least(row.d, 1, lambda: f"number of blocks of stage {number}")
    tape.at_least(row.w, 1, lambda: f"width of stage {number}")
    hidden = row.w if row.ratio == 1 else round_half_even(row.w * row.ratio)
    tape.at_least(hidden, 1, lambda: f"bottleneck width of stage {number}")
    tape.at_least(row.g, 1, lambda: f"group width of stage {number}")
    tape.multiple(hidden, row.g, f"bottleneck width of stage {number}")
    return hidden


def _squeezed_width(x: Feature, number: int) -> Size:
    """A quarter of the block's input."""
    squeezed = round_half_even(x.channels * 0.25)
    x.tape.at_least(squeezed, 1, lambda: f"squeezed width of stage {number}")
    return squeezed


regnetx = partial(regnet, squeeze=False)
regnety = partial(regnet, squeeze=True)

# Figures 15 and 16; pycls configs/dds_baselines.
regnetx_200mf = partial(regnetx, w0=24, wa=36.44, wm=2.49, d=13, g=8)
regnetx_400mf = partial(regnetx, w0=24, wa=24.48, wm=2.54, d=22, g=16)
regnetx_600mf = partial(regnetx, w0=48, wa=36.97, wm=2.24, d=16, g=24)
regnetx_800mf = partial(regnetx, w0=56, wa=35.73, wm=2.28, d=16, g=16)
regnetx_1_6gf = partial(regnetx, w0=80, wa=34.01, wm=2.25, d=18, g=24)
regnetx_3_2gf = partial(regnetx, w0=88, wa=26.31, wm=2.25, d=25, g=48)
regnetx_4_0gf = partial(regnetx, w0=96, wa=38.65, wm=2.43, d=23, g=40)
regnetx_6_4gf = partial(regnetx, w0=184, wa=60.83, wm=2.07, d=17, g=56)
regnetx_8_0gf = partial(regnetx, w0=80, wa=49.56, wm=2.88, d=23, g=120)
regnetx_12gf = partial(regnetx, w0=168, wa=73.36, wm=2.37, d=19, g=112)
regnetx_16gf = partial(regnetx, w0=216, wa=55.59, wm=2.1, d=22, g=128)
regnetx_32gf = partial(regnetx, w0=320, wa=69.86, wm=2.0, d=23, g=168)

regnety_200mf = partial(regnety, w0=24, wa=36.44, wm=2.49, d=13, g=8)
regnety_400mf = partial(regnety, w0=48, wa=27.89, wm=2.09, d=16, g=8)
regnety_600mf = partial(regnety, w0=48, wa=32.54, wm=2.32, d=15, g=16)
regnety_800mf = partial(regnety, w0=56, wa=38.84, wm=2.4, d=14, g=16)
regnety_1_6gf = partial(regnety, w0=48, wa=20.71, wm=2.65, d=27, g=24)
regnety_3_2gf = partial(regnety, w0=80, wa=42.63, wm=2.66, d=21, g=24)
regnety_4_0gf = partial(regnety, w0=96, wa=31.41, wm=2.24, d=22, g=64)
regnety_6_4gf = partial(regnety, w0=112, wa=33.22, wm=2.27, d=25, g=72)
regnety_8_0gf = partial(regnety, w0=192, wa=76.82, wm=2.19, d=17, g=56)
regnety_12gf = partial(regnety, w0=168, wa=73.36, wm=2.37, d=19, g=112)
regnety_16gf = partial(regnety, w0=200, wa=106.23, wm=2.48, d=18, g=112)
regnety_32gf = partial(regnety, w0=232, wa=115.89, wm=2.53, d=20, g=232)
