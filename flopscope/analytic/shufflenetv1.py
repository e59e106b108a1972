"""ShuffleNet: arXiv 1707.01083, Table 1; megvii-model/ShuffleNet-Series ShuffleNetV1/network.py.

That code has 3 and 8 groups from width 0.5 on; other networks follow the same pattern. The stem's
channels of a width are rounded up to a multiple of the groups, as there (16 with 8 groups at width
0.5). At width 0.25 they are the 6 of osmr/imgclsmob pytorch/pytorchcv/models/shufflenet.py; the
paper gives no code for it, and its nominal 13M fit 12. A bottleneck is a quarter of its unit's
output. Where the groups do not divide it (2 and 4 groups at widths 0.25 and 0.5) the paper states
no rule: it is rounded up to a multiple of them.

A width coefficient multiplies what the network of a name has. The paper has no rule for it; here it
is EfficientNet's, with multiples of 4 · groups, or of the largest divisor of it that the published
width has, in the place of 8: of the stem's channels, and of those that the first unit of stage 2
adds to them, so that groups divide all widths and no branch is empty. Stages 3 and 4 double stage
2. At depth d a stage has ⌈n·d⌉ units.

The first pointwise convolution of stage 2 is not grouped (section 3.3). The classifier has no bias,
as in that code. The channel shuffle moves data; the code has it after the depthwise convolution
and the paper before, at equal cost.
"""

from __future__ import annotations

from functools import partial
from math import gcd

from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.operators import (
    activation,
    add,
    avg_pool2d,
    concatenate,
    flatten,
    global_pool,
    linear,
    max_pool2d,
    permuted,
)
from flopscope.analytic.stages import stage
from flopscope.analytic.tape import Feature
from flopscope.errors import BadInput
from flopscope.facts import Function
from flopscope.sizes import Real, Size, ceil_div, floor_div, round_filters, round_repeats

RELU = Function.RELU

STAGE_2 = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
"""Groups: output channels of stage 2 at width 1. Stages 3 and 4 double them."""

STEM = {0.25: 6, 0.5: 12, 0.75: 18, 1.0: 24, 1.5: 24, 2.0: 48}
"""Published width s: channels of the first convolution, before they are made a multiple of the
groups."""

REPEATS = (4, 8, 4)


def shufflenetv1(
    x: Feature,
    *,
    groups: int = 3,
    s: float = 1.0,
    width: Real = 1.0,
    depth: Real = 1.0,
    classes: Size = 1000,
) -> Feature:
    """(B, 3, H, W) → (B, classes): the paper's ShuffleNet s×, scaled.

    Domain: groups and s of the tables above, width > 0, depth > 0, H, W ≥ 1. Raises BadInput for
    other groups or another s.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(shufflenetv1, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (137460672, 1864728)
    """
    _known("groups", groups, STAGE_2)
    _known("width", s, STEM)
    published = _multiple(STEM[s], groups)
    stem = _scaled(published, width, groups)
    scope = x.tape.scope
    with scope("stem"):
        x = conv_bn_act(x, stem, 3, stride=2, function=RELU)
        x = max_pool2d(x, 3, stride=2, padding=1)
    channels = stem + _scaled(int(STAGE_2[groups] * s) - published, width, groups)
    for number, repeats in enumerate(REPEATS, start=2):
        hidden = _multiple(floor_div(channels, 4), groups)
        # one group has nothing to shuffle
        unit = partial(shufflenet_unit, hidden=hidden, groups=groups, shuffled=groups > 1)
        first = partial(
            _reduction, channels=channels, first=1 if number == 2 else groups, **unit.keywords
        )
        x = stage(x, f"stage{number}", round_repeats(repeats, depth), first, unit)
        channels = 2 * channels
    with scope("head"):
        return linear(flatten(global_pool(x)), classes, bias=False, name="classifier")


def shufflenet_unit(x: Feature, *, hidden: Size, groups: Size, shuffled: bool = True) -> Feature:
    """Grouped 1×1 to the bottleneck, shuffle, depthwise 3×3, grouped 1×1 back, input added, ReLU.

    Figure 2b. A unit that is `shuffled` moves its channels, be they one group. Domain: groups
    divide the channels and the bottleneck's `hidden` ones.
    """
    y = _branch(
        x, x.channels, hidden=hidden, stride=1, first=groups, groups=groups, shuffled=shuffled
    )
    return activation(add(x, y), RELU)


def _reduction(
    x: Feature, channels: Size, *, hidden: Size, first: Size, groups: Size, shuffled: bool
) -> Feature:
    """Figure 2c: stride 2, beside the 3×3 average of the input instead of added to it."""
    rest = channels - x.channels
    y = _branch(x, rest, hidden=hidden, stride=2, first=first, groups=groups, shuffled=shuffled)
    pooled = avg_pool2d(x, 3, stride=2, padding=1)
    return concatenate([pooled, activation(y, RELU)])


def _branch(
    x: Feature,
    channels: Size,
    *,
    hidden: Size,
    stride: Size,
    first: Size,
    groups: Size,
    shuffled: bool,
) -> Feature:
    y = conv_bn_act(x, hidden, 1, groups=first, function=RELU, name="reduce")
    y = conv_bn_act(y, hidden, 3, stride=stride, groups=hidden, name="dw")
    if shuffled:
        shape = (y.batch, groups, floor_div(hidden, groups), *y.grid)
        y = permuted(y, *shape, name="shuffle").view(*y.shape)
    return conv_bn_act(y, channels, 1, groups=groups, name="expand")


def _multiple(channels: Size, groups: int) -> Size:
    """The least multiple of the groups that is not below."""
    return ceil_div(channels, groups) * groups


def _scaled(channels: int, width: Real, groups: int) -> Size:
    """Channels at width coefficient w, divided by the groups as the published ones are."""
    return round_filters(channels, width, gcd(4 * groups, channels))


def _known(name: str, value: float, table: dict[int, int] | dict[float, int]) -> None:
    if value not in table:
        known = ", ".join(f"{key:g}" for key in table)
        raise BadInput(f"ShuffleNet is defined for {name} {known}, but {value} was given")


shufflenetv1_g1_x0_25 = partial(shufflenetv1, groups=1, s=0.25)
shufflenetv1_g1_x0_5 = partial(shufflenetv1, groups=1, s=0.5)
shufflenetv1_g1_x0_75 = partial(shufflenetv1, groups=1, s=0.75)
shufflenetv1_g1_x1_0 = partial(shufflenetv1, groups=1, s=1.0)
shufflenetv1_g2_x0_25 = partial(shufflenetv1, groups=2, s=0.25)
shufflenetv1_g2_x0_5 = partial(shufflenetv1, groups=2, s=0.5)
shufflenetv1_g2_x1_0 = partial(shufflenetv1, groups=2, s=1.0)
shufflenetv1_g3_x0_25 = partial(shufflenetv1, groups=3, s=0.25)
shufflenetv1_g3_x0_5 = partial(shufflenetv1, groups=3, s=0.5)
shufflenetv1_g3_x0_75 = partial(shufflenetv1, groups=3, s=0.75)
shufflenetv1_g3_x1_0 = partial(shufflenetv1, groups=3, s=1.0)
shufflenetv1_g3_x1_5 = partial(shufflenetv1, groups=3, s=1.5)
shufflenetv1_g3_x2_0 = partial(shufflenetv1, groups=3, s=2.0)
shufflenetv1_g4_x0_25 = partial(shufflenetv1, groups=4, s=0.25)
shufflenetv1_g4_x0_5 = partial(shufflenetv1, groups=4, s=0.5)
shufflenetv1_g4_x1_0 = partial(shufflenetv1, groups=4, s=1.0)
shufflenetv1_g8_x0_25 = partial(shufflenetv1, groups=8, s=0.25)
shufflenetv1_g8_x0_5 = partial(shufflenetv1, groups=8, s=0.5)
shufflenetv1_g8_x1_0 = partial(shufflenetv1, groups=8, s=1.0)
shufflenetv1_g8_x1_5 = partial(shufflenetv1, groups=8, s=1.5)
shufflenetv1_g8_x2_0 = partial(shufflenetv1, groups=8, s=2.0)
