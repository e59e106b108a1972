"""The image encoders MCi0 to MCi2 of MobileCLIP, hybrids of FastViT: arXiv 2311.17049, section 4.2;
arXiv 2303.14189; apple/ml-mobileclip mobileclip/models/mci.py.

Stages 1 to 3 mix positions by RepMixer, stage 4 by attention behind a depthwise 7×7 convolution
that encodes positions. Each stage but the first halves its map by a large kernel, gated where it
leads into stages 3 and 4.
"""

from __future__ import annotations

from functools import partial

from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.mobileone import GELU, TRAIN, large_kernel, mobileone, repmixer
from flopscope.analytic.operators import (
    Pair,
    activation,
    add,
    batch_norm,
    conv2d,
    flatten,
    global_pool,
    projected,
    scale,
)
from flopscope.analytic.stages import Stages, stage
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import Feature
from flopscope.analytic.transformer import attention
from flopscope.sizes import Size, elements, exact_div, make_divisible

RATIO = 3
"""The hidden width of a feed-forward part over the block's width."""

HEAD = 32
"""Width of an attention head."""

GATED = (False, False, True, True)
"""Whether the downsampling before a stage has a gate."""


MCI0 = Stages(c=(64, 128, 256, 512), b=(2, 6, 10, 2))
MCI1 = Stages(c=(64, 128, 256, 512), b=(4, 12, 20, 4))
MCI2 = Stages(c=(80, 160, 320, 640), b=(4, 12, 24, 4))


def image_encoder(x: Feature, stages: Stages, form: NetworkForm, features: Size = 512) -> Feature:
    """(B, 3, H, W) → (B, features). Domain: H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> for form in NetworkForm:
    ...     ledger = record(lambda x: image_encoder(x, MCI0, form), (1, 3, 256, 256))
    ...     print(form.value, ledger.params().value, ledger.macs().value)
    train 11406464 2392653824
    deploy 11356992 2385149952
    """
    scope, mixing = x.tape.scope, partial(block, form=form)
    with scope("stem"):
        x = _stem(x, stages.c[0], form)
    rows = zip(*stages, GATED, strict=True)
    for number, (channels, repeats, gated) in enumerate(rows, start=1):
        if number > 1:
            with scope(f"stage{number}.downsample"):
                x = _downsampled(x, channels, form, gated)
        if number < len(stages.b):
            x = stage(x, f"stage{number}", repeats, mixing, mixing)
            continue
        with scope(f"stage{number}.position"):
            x = _position(x, form)
        x = stage(x, f"stage{number}", repeats, attention_block, attention_block)
    with scope("head"):
        hidden = 2 * x.channels
        x = mobileone(
            x,
            hidden,
            3,
            form=form,
            groups=x.channels,
            squeezed=exact_div(hidden, 16),
        )
        return projected(flatten(global_pool(x)), features)


def _stem(x: Feature, channels: Size, form: NetworkForm) -> Feature:
    with x.tape.scope("conv1"):
        x = mobileone(x, channels, 3, stride=2, form=form)
    with x.tape.scope("conv2"):
        x = mobileone(x, channels, 3, stride=2, groups=channels, form=form)
    with x.tape.scope("conv3"):
        return mobileone(x, channels, 1, form=form)


def _downsampled(x: Feature, channels: Size, form: NetworkForm, gated: bool) -> Feature:
    """The downsampled map. The squeezed width of its gate is a quarter, in multiples of 8."""
    squeezed = make_divisible(exact_div(channels, 4), 8) if gated else None
    with x.tape.scope("large"):
        x = large_kernel(x, channels, form=form, squeezed=squeezed)
    with x.tape.scope("pw"):
        return mobileone(x, channels, 1, form=form)


def _position(x: Feature, form: NetworkForm) -> Feature:
    """A depthwise 7×7 convolution to which the input is added; when deployed, its weights include
    the addition."""
    y = conv2d(x, x.channels, 7, groups=x.channels, bias=True)
    return add(y, x) if form is TRAIN else y


def block(x: Feature, form: NetworkForm, kernel: Pair = 3) -> Feature:
    """RepMixer, then a feed-forward part with layer scale and shortcut: arXiv 2303.14189,
    figure 2."""
    with x.tape.scope("token_mixer"):
        x = repmixer(x, kernel, form=form)
    return _fed_forward(x, "layer_scale")


def attention_block(x: Feature) -> Feature:
    """Norm, attention over all positions, layer scale and shortcut; then the feed-forward part."""
    batch, channels = x.shape[:2]
    y = batch_norm(x, name="norm")
    vectors = y._replace(shape=(batch, elements(x.grid), channels))
    with x.tape.scope("attention"):
        y = attention(vectors, exact_div(channels, HEAD), bias=False)
    y = y._replace(shape=x.shape)
    x = add(x, scale(y, (channels, 1, 1), name="layer_scale1"))
    return _fed_forward(x, "layer_scale2")


def _fed_forward(x: Feature, name: str) -> Feature:
    with x.tape.scope("ffn"):
        y = feed_forward(x, RATIO * x.channels, 7)
    return add(x, scale(y, (x.channels, 1, 1), name=name))


def feed_forward(x: Feature, hidden: Size, kernel: Pair) -> Feature:
    """Depthwise convolution with norm, 1×1 to the hidden width, GELU, 1×1 back; in both forms."""
    channels = x.channels
    y = conv_bn_act(x, channels, kernel, groups=channels, name="dw")
    y = activation(conv2d(y, hidden, 1, bias=True, name="expand"), GELU)
    return conv2d(y, channels, 1, bias=True, name="project")
