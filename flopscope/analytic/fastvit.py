"""FastViT: arXiv 2303.14189, Table 2; apple/ml-fastvit models/fastvit.py; and the image encoders
MCi0 to MCi4 of MobileCLIP, hybrids of it: arXiv 2311.17049, section 4.2; arXiv 2508.20691;
apple/ml-mobileclip mobileclip/models/mci.py and mobileclip2/mobileclip2.py.

Stages mix positions by RepMixer, the last ones of some networks by attention behind a depthwise 7×7
convolution that encodes positions. Each stage but the first halves its map by a large kernel. MCi
has GELU behind it, and MCi0 to MCi2 a gate where it leads into stages 3 and 4. FastViT has neither:
the authors' code computes GELU there and drops the result, so it is left out here, as in timm.

Neither paper nor code has width and depth coefficients. Width takes the channels of the first stage
to multiples of 4, by EfficientNet's rule, and every later stage has twice those before it, as in
the paper: a large kernel needs a multiple of its input's channels, and attention heads of 32.
Depth repeats blocks, rounded up.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.mobileone import GELU, TRAIN, large_kernel, mobileone, repmixer
from flopscope.analytic.operators import (
    Pair,
    activation,
    add,
    batch_norm,
    channels_first,
    channels_last,
    conv2d,
    flatten,
    global_pool,
    layer_norm,
    linear,
    permuted,
    projected,
    scale,
)
from flopscope.analytic.stages import Stages, from_row, stage
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import Feature
from flopscope.analytic.transformer import attention
from flopscope.sizes import (
    Real,
    Size,
    elements,
    exact_div,
    make_divisible,
    round_filters,
    round_repeats,
)

HEAD = 32
"""Width of an attention head."""


class Hybrid(NamedTuple):
    """Channels C and blocks B of every stage; the hidden width of a feed-forward part over the
    block's width; how many of the last stages mix by attention, and into how many of them a gate
    leads; whether an activation follows the large kernels; whether attention follows a layer norm
    and not a batch norm; whether the stem has 1×1 branches in training."""

    c: tuple[Size, ...]
    b: tuple[Size, ...]
    ratio: int = 4
    attending: int = 0
    gated: int = 0
    activated: bool = False
    layer_norm: bool = False
    pointwise: bool = True

    def scaled(self, width: Real, depth: Real) -> Hybrid:
        """The stages at width and depth coefficients.

        >>> Hybrid(c=(76, 152), b=(6, 18)).scaled(0.5, 0.5)[:2]
        ((40, 80), (3, 9))
        """
        first = round_filters(self.c[0], width, 4)
        return self._replace(
            c=tuple(first * 2**number for number in range(len(self.c))),
            b=tuple(round_repeats(blocks, depth) for blocks in self.b),
        )


T8 = Hybrid(c=(48, 96, 192, 384), b=(2, 2, 4, 2), ratio=3)
T12 = Hybrid(c=(64, 128, 256, 512), b=(2, 2, 6, 2), ratio=3)
S12 = Hybrid(c=(64, 128, 256, 512), b=(2, 2, 6, 2))
SA12 = Hybrid(c=(64, 128, 256, 512), b=(2, 2, 6, 2), attending=1)
SA24 = Hybrid(c=(64, 128, 256, 512), b=(4, 4, 12, 4), attending=1)
SA36 = Hybrid(c=(64, 128, 256, 512), b=(6, 6, 18, 6), attending=1)
MA36 = Hybrid(c=(76, 152, 304, 608), b=(6, 6, 18, 6), attending=1)

MCI0 = Stages(c=(64, 128, 256, 512), b=(2, 6, 10, 2))
MCI1 = Stages(c=(64, 128, 256, 512), b=(4, 12, 20, 4))
MCI2 = Stages(c=(80, 160, 320, 640), b=(4, 12, 24, 4))

_MCI = partial(Hybrid, attending=2, activated=True, layer_norm=True, pointwise=False)
MCI3 = _MCI(c=(96, 192, 384, 768, 1536), b=(2, 12, 24, 4, 2))
MCI4 = _MCI(c=(128, 256, 512, 1024, 2048), b=(2, 12, 24, 4, 4))


def smaller_mci(stages: Stages) -> Hybrid:
    """MCi0 to MCi2, whose stages are given."""
    return Hybrid(*stages, ratio=3, attending=1, gated=2, activated=True)


def fastvit(
    x: Feature, stages: Hybrid, *, form: NetworkForm = NetworkForm.DEPLOY, classes: Size = 1000
) -> Feature:
    """(B, 3, H, W) → (B, classes). Domain: H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> for form in NetworkForm:
    ...     ledger = record(lambda x: fastvit_sa12(x, form=form), (1, 3, 256, 256))
    ...     print(form.value, ledger.params().value, ledger.macs().value)
    train 11580968 1943937024
    deploy 11545320 1937219584
    """
    x = _trunk(x, stages, form)
    with x.tape.scope("head"):
        return linear(flatten(global_pool(x)), classes, name="classifier")


def image_encoder(x: Feature, stages: Stages, form: NetworkForm, features: Size = 512) -> Feature:
    """(B, 3, H, W) → (B, features), by an MCi of these stages. Domain: H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> for form in NetworkForm:
    ...     ledger = record(lambda x: image_encoder(x, MCI0, form), (1, 3, 256, 256))
    ...     print(form.value, ledger.params().value, ledger.macs().value)
    train 11406464 2392653824
    deploy 11356992 2385149952
    """
    x = _trunk(x, smaller_mci(stages), form)
    with x.tape.scope("head"):
        return projected(flatten(global_pool(x)), features)


def _trunk(x: Feature, stages: Hybrid, form: NetworkForm) -> Feature:
    """Everything before the global mean: a stem, the stages, and a convolution to twice their last
    channels with a gate."""
    with x.tape.scope("stem"):
        x = _stem(x, stages, form)
    for number in range(1, len(stages.c) + 1):
        if number > 1:
            with x.tape.scope(f"stage{number}.downsample"):
                x = _downsampled(x, stages, number, form)
        x = _stage(x, stages, number, form)
    with x.tape.scope("head"):
        hidden = 2 * x.channels
        squeezed = exact_div(hidden, 16)
        return mobileone(x, hidden, 3, form=form, groups=x.channels, squeezed=squeezed)


def _stage(x: Feature, stages: Hybrid, number: int, form: NetworkForm) -> Feature:
    """The blocks of a stage, which attention follows an encoding of positions in."""
    name, blocks = f"stage{number}", stages.b[number - 1]
    if number <= len(stages.c) - stages.attending:
        mixing = partial(block, form=form, ratio=stages.ratio)
        return stage(x, name, blocks, mixing, mixing)
    with x.tape.scope(f"{name}.position"):
        x = _position(x, form)
    attending = partial(attention_block, ratio=stages.ratio, layered=stages.layer_norm)
    return stage(x, name, blocks, attending, attending)


def _stem(x: Feature, stages: Hybrid, form: NetworkForm) -> Feature:
    channels = stages.c[0]
    halved = partial(
        mobileone, channels=channels, kernel=3, stride=2, form=form, pointwise=stages.pointwise
    )
    with x.tape.scope("conv1"):
        x = halved(x)
    with x.tape.scope("conv2"):
        x = halved(x, groups=channels)
    with x.tape.scope("conv3"):
        return mobileone(x, channels, 1, form=form)


def _downsampled(x: Feature, stages: Hybrid, number: int, form: NetworkForm) -> Feature:
    """The map that leads into a stage. The squeezed width of its gate is a quarter, in multiples of
    8."""
    channels, function = stages.c[number - 1], GELU if stages.activated else None
    gated = number > len(stages.c) - stages.gated
    squeezed = make_divisible(exact_div(channels, 4), 8) if gated else None
    with x.tape.scope("large"):
        x = large_kernel(x, channels, form=form, squeezed=squeezed, function=function)
    with x.tape.scope("pw"):
        return mobileone(x, channels, 1, form=form)


def _position(x: Feature, form: NetworkForm) -> Feature:
    """A depthwise 7×7 convolution to which the input is added; when deployed, its weights include
    the addition."""
    y = conv2d(x, x.channels, 7, groups=x.channels, bias=True)
    return add(y, x) if form is TRAIN else y


def block(x: Feature, form: NetworkForm, ratio: int) -> Feature:
    """RepMixer, then a feed-forward part with layer scale and shortcut: arXiv 2303.14189,
    figure 2."""
    with x.tape.scope("token_mixer"):
        x = repmixer(x, 3, form=form)
    return _fed_forward(x, ratio, "layer_scale")


def attention_block(x: Feature, ratio: int, layered: bool) -> Feature:
    """Norm, attention over all positions, layer scale and shortcut; then the feed-forward part."""
    batch, channels = x.shape[:2]
    y = channels_first(layer_norm(channels_last(x))) if layered else batch_norm(x, name="norm")
    tokens = (batch, elements(x.grid), channels)
    with x.tape.scope("attention"):
        # a layer norm leaves the channels of a position together, as a linear layer reads them
        vectors = y.view(*tokens) if layered else permuted(y, *tokens, name="as_tokens")
        y = attention(vectors, exact_div(channels, HEAD), bias=False)
    y = y._replace(shape=x.shape)
    x = add(x, scale(y, (channels, 1, 1), name="layer_scale1"))
    return _fed_forward(x, ratio, "layer_scale2")


def _fed_forward(x: Feature, ratio: int, name: str) -> Feature:
    with x.tape.scope("ffn"):
        y = feed_forward(x, ratio * x.channels, 7)
    return add(x, scale(y, (x.channels, 1, 1), name=name))


def feed_forward(x: Feature, hidden: Size, kernel: Pair) -> Feature:
    """Depthwise convolution with norm, 1×1 to the hidden width, GELU, 1×1 back; in both forms."""
    channels = x.channels
    y = conv_bn_act(x, channels, kernel, groups=channels, name="dw")
    y = activation(conv2d(y, hidden, 1, bias=True, name="expand"), GELU)
    return conv2d(y, channels, 1, bias=True, name="project")


fastvit_t8 = from_row(fastvit, T8)
fastvit_t12 = from_row(fastvit, T12)
fastvit_s12 = from_row(fastvit, S12)
fastvit_sa12 = from_row(fastvit, SA12)
fastvit_sa24 = from_row(fastvit, SA24)
fastvit_sa36 = from_row(fastvit, SA36)
fastvit_ma36 = from_row(fastvit, MA36)
