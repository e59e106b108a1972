"""RepViT: arXiv 2307.09283, section 3 and supplementary material; THU-MIG/RepViT model/repvit.py.

M1, M2 and M3 are the networks of the paper's first version, whose 1×1 branch has a norm of its own
in place of one behind the sum. In training there are two classifiers, one for the labels and one
for distillation, which inference averages; deployed they are one linear layer, and every
convolution has a bias in place of a norm.

Neither paper nor code has width and depth coefficients. They round as in EfficientNet: channels to
multiples of 8 that keep 0.9 of the width, blocks up. A gate squeezes to a quarter, in multiples of
8 as in timm.
"""

from __future__ import annotations

from functools import partial

from flopscope.analytic.blocks import conv_bn_act, squeeze_excite
from flopscope.analytic.operators import (
    activation,
    add,
    batch_norm,
    conv2d,
    flatten,
    global_pool,
    linear,
    with_number,
)
from flopscope.analytic.stages import LISTED, Block, Stages, blocks, from_row
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import Feature
from flopscope.facts import Function, Kind
from flopscope.sizes import Size, ceil_div, floor_div, nearest_multiple

TRAIN = NetworkForm.TRAIN

M0_6 = Stages(c=(40, 80, 160, 320), b=(1, 1, 8, 1))
M0_9 = Stages(c=(48, 96, 192, 384), b=(2, 2, 14, 2))
M1_0 = Stages(c=(56, 112, 224, 448), b=(2, 2, 14, 2))
M1_1 = Stages(c=(64, 128, 256, 512), b=(2, 2, 12, 2))
M1_5 = Stages(c=(64, 128, 256, 512), b=(4, 4, 24, 4))
M2_3 = Stages(c=(80, 160, 320, 640), b=(6, 6, 34, 2))
M3 = Stages(c=(64, 128, 256, 512), b=(4, 4, 18, 2))


def repvit(
    x: Feature,
    stages: Stages,
    *,
    classes: Size = 1000,
    form: NetworkForm = NetworkForm.DEPLOY,
    first_version: bool = False,
) -> Feature:
    """(B, 3, H, W) → (B, classes), of these channels and blocks. Domain: H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> for network in (repvit_m0_9, repvit_m1_0, repvit_m1_1, repvit_m1_5, repvit_m2_3):
    ...     ledger = record(network, (1, 3, 224, 224))
    ...     print(ledger.macs().value, ledger.params().value)
    815617344 5067056
    1106136864 6810312
    1337124608 8244312
    2273596160 14049992
    4515958720 22926792
    """
    scope, first = x.tape.scope, stages.c[0]
    with scope("stem"):
        x = _normed(x, floor_div(first, 2), 3, form, stride=2, name="conv1")
        x = _normed(activation(x, Function.GELU), first, 3, form, stride=2, name="conv2")
    plain = partial(block, form=form, first_version=first_version)
    gated = partial(plain, gated=True)
    for number, (channels, repeats) in enumerate(zip(*stages, strict=True), start=1):
        if number > 1:
            with scope(f"stage{number}.downsample.block"):
                x = plain(x)
            with scope(f"stage{number}.downsample"):
                x = _halved(x, channels, form)
        x = blocks(x, f"stage{number}", _by_turns(gated, plain, repeats))
    with scope("head"):
        return _classified(flatten(global_pool(x)), classes, form)


def block(
    x: Feature, *, form: NetworkForm, gated: bool = False, first_version: bool = False
) -> Feature:
    """The block of figure 3d: positions mixed on each channel alone, a gate in every second block,
    then channels mixed."""
    with x.tape.scope("token_mixer"):
        x = token_mixer(x, form=form, first_version=first_version)
    if gated:
        squeezed = nearest_multiple(x.channels / 4, 8)
        x = squeeze_excite(x, squeezed, gate=Function.SIGMOID)
    return _channel_mixer(x, form)


def token_mixer(x: Feature, *, form: NetworkForm, first_version: bool = False) -> Feature:
    """The norm of the sum of a depthwise 3×3 convolution with norm, a 1×1 one with bias, and the
    input; deployed one 3×3 convolution. In the first version the 1×1 convolution has the norm."""
    depthwise = partial(_normed, x, x.channels, form=form, groups=x.channels)
    y = depthwise(kernel=3, name="dw")
    if form is not TRAIN:
        return y
    if first_version:
        return add(add(y, depthwise(kernel=1, name="scale")), x, name="add_input")
    scaled = conv2d(x, x.channels, 1, groups=x.channels, bias=True, name="scale")
    return batch_norm(add(add(y, scaled), x, name="add_input"))


def _channel_mixer(x: Feature, form: NetworkForm) -> Feature:
    """1×1 to twice the channels, GELU, 1×1 back; shortcut."""
    with x.tape.scope("channel_mixer"):
        y = activation(_normed(x, 2 * x.channels, 1, form, name="expand"), Function.GELU)
        return add(x, _normed(y, x.channels, 1, form, name="project"))


def _halved(x: Feature, channels: Size, form: NetworkForm) -> Feature:
    """A depthwise 3×3 convolution of stride 2, a 1×1 to more channels, then channels mixed: figure
    4d, behind its first block."""
    x = _normed(x, x.channels, 3, form, stride=2, groups=x.channels, name="dw")
    return _channel_mixer(_normed(x, channels, 1, form, name="pw"), form)


def _normed(
    x: Feature,
    channels: Size,
    kernel: Size,
    form: NetworkForm,
    *,
    stride: Size = 1,
    groups: Size = 1,
    name: str,
) -> Feature:
    """A convolution with norm; deployed with bias."""
    if form is TRAIN:
        return conv_bn_act(x, channels, kernel, stride=stride, groups=groups, name=name)
    return conv2d(x, channels, kernel, stride=stride, groups=groups, bias=True, name=name)


def _classified(x: Feature, classes: Size, form: NetworkForm) -> Feature:
    """The mean of two classifiers with norms; deployed one linear layer."""
    if form is not TRAIN:
        return linear(x, classes, name="classifier")
    answers = [
        linear(batch_norm(x, name=f"{name}_bn"), classes, name=name)
        for name in ("classifier", "distilled")
    ]
    return with_number(add(*answers), Kind.DIVIDE, name="halve")


def _by_turns(first: Block, second: Block, times: Size) -> tuple[tuple[Block, Size], ...]:
    """So many blocks, which alternate; of a number that is not listed, all of a kind together."""
    if isinstance(times, int) and times < LISTED:
        return tuple(((first, second)[n % 2], 1) for n in range(times))
    return (first, ceil_div(times, 2)), (second, floor_div(times, 2))


repvit_m0_6 = from_row(repvit, M0_6)
repvit_m0_9 = from_row(repvit, M0_9)
repvit_m1_0 = from_row(repvit, M1_0)
repvit_m1_1 = from_row(repvit, M1_1)
repvit_m1_5 = from_row(repvit, M1_5)
repvit_m2_3 = from_row(repvit, M2_3)
repvit_m1 = from_row(partial(repvit, first_version=True), M0_9)
repvit_m2 = from_row(partial(repvit, first_version=True), M1_1)
repvit_m3 = from_row(partial(repvit, first_version=True), M3)
