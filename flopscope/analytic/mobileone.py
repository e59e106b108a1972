"""MobileOne: arXiv 2206.04040, Table 2; apple/ml-mobileone mobileone.py. Blocks of branches that
are one convolution when deployed: its section 3.2; FastViT, arXiv 2303.14189, section 3;
apple/ml-mobileclip mobileclip/modules.

Neither paper nor code has width and depth coefficients for a network. They round as in
EfficientNet: channels to multiples of 8 that keep 0.9 of the width, blocks up. The stem is as wide
as the first stage, at most 64 channels. A gate squeezes to a sixteenth, in multiples of 8 as in
timm; those of S4 stand in the last half of stage 3 and in stage 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from flopscope.analytic.blocks import conv_bn_act, squeeze_excite
from flopscope.analytic.operators import (
    Pair,
    activation,
    add,
    batch_norm,
    conv2d,
    flatten,
    global_pool,
    linear,
    scale,
)
from flopscope.analytic.stages import Block, Stages, blocks, from_row
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Size, equal, floor_div, nearest_multiple, where_below

TRAIN = NetworkForm.TRAIN
GELU = Function.GELU

WIDEST_STEM = 64
"""The most channels of the first convolution."""

S0 = Stages(c=(48, 128, 256, 1024), b=(2, 8, 10, 1))
S1 = Stages(c=(96, 192, 512, 1280), b=(2, 8, 10, 1))
S2 = Stages(c=(96, 256, 640, 2048), b=(2, 8, 10, 1))
S3 = Stages(c=(128, 320, 768, 2048), b=(2, 8, 10, 1))
S4 = Stages(c=(192, 448, 896, 2048), b=(2, 8, 10, 1))


def mobileone_network(
    x: Feature,
    stages: Stages,
    *,
    classes: Size = 1000,
    form: NetworkForm = NetworkForm.DEPLOY,
    branches: int = 1,
    gated: bool = False,
) -> Feature:
    """(B, 3, H, W) → (B, classes), of these channels and blocks; in training each block but the
    stem has so many K×K branches. Domain: H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> for network in (mobileone_s0, mobileone_s1, mobileone_s2, mobileone_s3, mobileone_s4):
    ...     ledger = record(network, (1, 3, 224, 224))
    ...     print(ledger.macs().value, ledger.params().value)
    275110400 2078504
    825057024 4764840
    1298426496 7808168
    1895790592 10078312
    2979269760 14838352
    """
    scope = x.tape.scope
    with scope("stem"):
        narrow = where_below(stages.c[0], WIDEST_STEM, stages.c[0], WIDEST_STEM)
        x = mobileone(x, narrow, 3, form=form, stride=2, function=Function.RELU)
    make = partial(mobileone, form=form, branches=branches, function=Function.RELU)
    for number, (channels, repeats) in enumerate(zip(*stages, strict=True), start=1):
        gate = partial(_separable, make=make, channels=channels, squeezes=True)
        pair = gate if gated and number == 4 else partial(gate, squeezes=False)
        last = floor_div(repeats, 2) if gated and number == 3 else 0
        kinds = (partial(pair, stride=2), 1), (pair, repeats - last - 1), (gate, last)
        x = blocks(x, f"stage{number}", kinds)
    with scope("head"):
        return linear(flatten(global_pool(x)), classes, name="classifier")


def _separable(
    x: Feature,
    make: Callable[..., Feature],
    channels: Size,
    *,
    squeezes: bool,
    stride: Size = 1,
) -> Feature:
    """A depthwise 3×3 block, then a 1×1 block, each with a gate where it squeezes."""
    for name, out, sizes in (
        ("dw", x.channels, {"kernel": 3, "stride": stride, "groups": x.channels}),
        ("pw", channels, {"kernel": 1}),
    ):
        squeezed = nearest_multiple(out / 16, 8) if squeezes else None
        with x.tape.scope(name):
            x = make(x, out, squeezed=squeezed, **sizes)
    return x


def mobileone(
    x: Feature,
    channels: Size,
    kernel: Pair,
    *,
    form: NetworkForm,
    stride: Size = 1,
    groups: Size = 1,
    branches: int = 1,
    pointwise: bool = True,
    squeezed: Size | None = None,
    function: Function | None = GELU,
) -> Feature:
    """(B, C, H, W) → (B, channels, ⌈H/stride⌉, ⌈W/stride⌉), the sum of parallel branches, then a
    gate and an activation: figure 2 of MobileOne.

    Branches of the training form: a norm alone where the shape is kept; a 1×1 convolution with norm
    where the kernel is larger and `pointwise` says so; K×K convolutions with norm. Deployed they
    are one K×K convolution with bias.

    >>> from flopscope.analytic.tape import record
    >>> train, deploy = (
    ...     record(lambda x: mobileone(x, 8, 3, form=form, groups=8), (1, 8, 4, 4))
    ...     for form in NetworkForm
    ... )
    >>> train.params().value, deploy.params().value, train.macs().value, deploy.macs().value
    (128, 80, 1280, 1152)
    """
    if form is not TRAIN:
        x = conv2d(x, channels, kernel, stride=stride, groups=groups, bias=True, name="conv")
    else:
        convolution = partial(conv_bn_act, channels=channels, stride=stride, groups=groups)
        names = ["branch"] if branches == 1 else [f"branch{n + 1}" for n in range(branches)]
        summed = [partial(convolution, kernel=kernel, name=name) for name in names]
        if pointwise and kernel != 1:
            summed.insert(0, partial(convolution, kernel=1, name="pointwise"))
        x = _sum(x, summed, kept=equal(channels, x.channels) if stride == 1 else 0)
    if squeezed is not None:
        x = squeeze_excite(x, squeezed, gate=Function.SIGMOID)
    return activation(x, function) if function else x


def _sum(x: Feature, branches: Sequence[Block], kept: Size) -> Feature:
    """The sum of the branches, and of a norm alone where the shape is kept.

    Rounded widths may coincide at some coefficients only: for arrays and symbols the norm and its
    addition have the multiplicity `kept`, which is 1 or 0.
    """
    if isinstance(kept, int) and kept:
        branches = (partial(batch_norm, name="identity"), *branches)
    first, *others = branches
    y = first(x)
    for branch in others:
        y = add(y, branch(x))
    if not isinstance(kept, int):
        with x.tape.scope("identity", repeat=kept):
            return add(y, batch_norm(x.narrow(y.channels)))
    return y


def large_kernel(
    x: Feature,
    channels: Size,
    *,
    form: NetworkForm,
    squeezed: Size | None = None,
    function: Function | None = GELU,
) -> Feature:
    """The map halved by a 7×7 convolution, grouped by its input channels, with a 3×3 beside it in
    training; a gate and an activation where there are any: RepLKNet, arXiv 2203.06717, section
    3.2."""
    groups = x.channels
    if form is TRAIN:
        y = conv_bn_act(x, channels, 7, stride=2, groups=groups, name="large")
        y = add(y, conv_bn_act(x, channels, 3, stride=2, groups=groups, name="small"))
    else:
        y = conv2d(x, channels, 7, stride=2, groups=groups, bias=True, name="conv")
    if squeezed is not None:
        y = squeeze_excite(y, squeezed, gate=Function.SIGMOID)
    return activation(y, function) if function else y


def repmixer(x: Feature, kernel: Pair, *, form: NetworkForm, pointwise: bool = True) -> Feature:
    """Depthwise mixing of positions, x + s·(mixer(x) − norm(x)); deployed one depthwise convolution
    with bias: FastViT, equations 1 to 3, with a layer scale."""
    if form is not TRAIN:
        return conv2d(x, x.channels, kernel, groups=x.channels, bias=True, name="conv")
    with x.tape.scope("mixer"):
        mixed = mobileone(
            x, x.channels, kernel, form=form, groups=x.channels, pointwise=pointwise, function=None
        )
    difference = add(mixed, batch_norm(x, name="norm"), name="difference")
    return add(x, scale(difference, (x.channels, 1, 1)))


mobileone_s0 = from_row(partial(mobileone_network, branches=4), S0)
mobileone_s1 = from_row(mobileone_network, S1)
mobileone_s2 = from_row(mobileone_network, S2)
mobileone_s3 = from_row(mobileone_network, S3)
mobileone_s4 = from_row(partial(mobileone_network, gated=True), S4)
