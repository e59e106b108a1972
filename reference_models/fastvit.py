"""FastViT: arXiv 2303.14189, Table 2; and the image encoders MCi0 to MCi4 of MobileCLIP: arXiv
2311.17049, section 4.2; arXiv 2508.20691.

Agrees with apple/ml-fastvit models/fastvit.py, and with apple/ml-mobileclip
mobileclip/models/mci.py and image_encoder.py: state dict and outputs, in training form and
deployed. timm's `fastvit_t8` to `fastvit_ma36` compute the same under other names, which a FastViT
also loads; so do `fastvit_mci0` to `fastvit_mci4`. An `ImageEncoder` is MCi0 to MCi2 with the
projection of the first MobileCLIP, which has no bias.

No code of the family has width and depth coefficients. Here width takes the channels of the first
stage to multiples of 4, each later stage has twice as many as the one before, and depth repeats
blocks, rounded up.

Deviations: layer scales of SA36 and MA36 begin at 1e-5, as timm's; the authors' begin at 1e-6. The
authors' FastViT computes GELU behind a large kernel and drops the result: it is left out, as in
timm. Paths are dropped at the rates of the authors' training without distillation. Attention is
written out in its products.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_models.folding import (
    Folding,
    Kernel,
    checked_form,
    convolution,
    identity_kernel,
)
from reference_models.layers import (
    Stages,
    checked_classes,
    checked_depth,
    checked_width,
    make_divisible,
    over_channels,
    stochastic_depth,
)
from reference_models.mobileone import (
    LAYER_SCALE,
    ConvFFN,
    LargeKernelConv,
    MobileOneBlock,
    RepMixer,
)

HEAD = 32  # width of an attention head


class Hybrid(NamedTuple):
    """Stages; hidden widths over a block's; how many of the last stages mix by attention, and into
    how many a gate leads; whether GELU follows the large kernels; whether attention follows a layer
    norm and not a batch norm; whether the stem has 1×1 branches."""

    stages: Stages
    ratio: int = 4
    attending: int = 0
    gated: int = 0
    act: bool = False
    layer_norm: bool = False
    pointwise: bool = True


# Table 2; the rates of dropped paths are those of the authors' README.
T8 = Hybrid(Stages((48, 96, 192, 384), (2, 2, 4, 2)), ratio=3)
T12 = Hybrid(Stages((64, 128, 256, 512), (2, 2, 6, 2)), ratio=3)
S12 = Hybrid(Stages((64, 128, 256, 512), (2, 2, 6, 2)))
SA12 = Hybrid(Stages((64, 128, 256, 512), (2, 2, 6, 2), drop=0.1), attending=1)
SA24 = Hybrid(Stages((64, 128, 256, 512), (4, 4, 12, 4), drop=0.1), attending=1)
SA36 = Hybrid(Stages((64, 128, 256, 512), (6, 6, 18, 6), drop=0.2), attending=1)
MA36 = Hybrid(Stages((76, 152, 304, 608), (6, 6, 18, 6), drop=0.35), attending=1)

# The authors' mobileclip/models/mci.py; the paper has no table of them.
MCI0 = Stages((64, 128, 256, 512), (2, 6, 10, 2))
MCI1 = Stages((64, 128, 256, 512), (4, 12, 20, 4))
MCI2 = Stages((80, 160, 320, 640), (4, 12, 24, 4))

# The authors' mobileclip2/mobileclip2.py.
_MCI = partial(Hybrid, attending=2, act=True, layer_norm=True, pointwise=False)
MCI3 = _MCI(Stages((96, 192, 384, 768, 1536), (2, 12, 24, 4, 2)))
MCI4 = _MCI(Stages((128, 256, 512, 1024, 2048), (2, 12, 24, 4, 4)))


def smaller_mci(stages: Stages) -> Hybrid:
    """MCi0 to MCi2, whose stages are given."""
    return Hybrid(stages, ratio=3, attending=1, gated=2, act=True)


class RepMixerBlock(nn.Module):
    """RepMixer, then a feed-forward part with layer scale and shortcut."""

    def __init__(
        self,
        channels: int,
        hidden: int,
        kernels: tuple[Kernel, Kernel],
        *,
        form: str,
        pointwise: bool = True,
        drop: float = 0.0,
    ) -> None:
        super().__init__()
        mixing, feeding = kernels
        self.token_mixer = RepMixer(channels, mixing, form=form, pointwise=pointwise)
        self.convffn = ConvFFN(channels, hidden, feeding)
        self.layer_scale = nn.Parameter(torch.full((channels, 1, 1), LAYER_SCALE))
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        x = self.token_mixer(x)
        return x + stochastic_depth(self.layer_scale * self.convffn(x), self.drop, self.training)


class Attention(nn.Module):
    """Self-attention over all positions of a map, in heads of 32 channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = channels // HEAD
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        vectors = x.flatten(2).transpose(1, 2)
        parts = self.qkv(vectors).unflatten(-1, (3, self.heads, HEAD))
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)
        weights = ((q * HEAD**-0.5) @ k.transpose(-2, -1)).softmax(dim=-1)
        mixed = self.proj((weights @ v).transpose(1, 2).flatten(2))
        return mixed.transpose(1, 2).view_as(x)


class AttentionBlock(nn.Module):
    """Norm and attention, the feed-forward part, each with layer scale and shortcut."""

    def __init__(
        self, channels: int, hidden: int, *, drop: float = 0.0, layer_norm: bool = False
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels) if layer_norm else nn.BatchNorm2d(channels)
        self.token_mixer = Attention(channels)
        self.convffn = ConvFFN(channels, hidden, 7)
        self.layer_scale_1 = nn.Parameter(torch.full((channels, 1, 1), LAYER_SCALE))
        self.layer_scale_2 = nn.Parameter(torch.full((channels, 1, 1), LAYER_SCALE))
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        layered = isinstance(self.norm, nn.LayerNorm)
        y = over_channels(self.norm, x) if layered else self.norm(x)
        x = x + self.dropped(self.layer_scale_1 * self.token_mixer(y))
        return x + self.dropped(self.layer_scale_2 * self.convffn(x))

    def dropped(self, branch: Tensor) -> Tensor:
        return stochastic_depth(branch, self.drop, self.training)


class PositionEncoding(Folding):
    """x plus a depthwise 7×7 convolution of it, which folds into one."""

    def __init__(self, channels: int, *, form: str) -> None:
        super().__init__()
        layer = convolution(channels, channels, 7, 1, channels, bias=True)
        self.add_module("reparam_conv" if form == "deploy" else "pe", layer)

    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "reparam_conv"):
            return self.reparam_conv(x)
        return self.pe(x) + x

    def folded(self) -> tuple[Tensor, Tensor]:
        channels = len(self.pe.weight)
        return self.pe.weight + identity_kernel(channels, channels, 7), self.pe.bias


class Downsampling(nn.Module):
    """A large kernel of stride 2, then a 1×1 block."""

    def __init__(self, channels: int, out: int, *, form: str, gated: bool, act: bool) -> None:
        super().__init__()
        squeezed = make_divisible(out / 4) if gated else 0
        self.proj = nn.Sequential(
            LargeKernelConv(channels, out, form=form, squeezed=squeezed, act=act),
            MobileOneBlock(out, out, 1, form=form),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x)


class Projection(nn.Module):
    """Mean over the map, then a matrix (in, out) without bias."""

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.proj = nn.Parameter(channels**-0.5 * torch.randn(channels, features))

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(self.pool(x).flatten(1), self.proj.T)


class Trunk(nn.Module):
    """(B, 3, H, W) → (B, 2·C, H/32, W/32), rounded up, for H and W of at least 1 and C channels of
    the last stage.

    `places` are timm's names of the parts of `network`.
    """

    def __init__(self, hybrid: Hybrid, form: str) -> None:
        super().__init__()
        channels = hybrid.stages.channels
        width, last = channels[0], channels[-1]
        halving = partial(MobileOneBlock, kernel=3, stride=2, form=form, pointwise=hybrid.pointwise)
        self.patch_embed = nn.Sequential(
            halving(3, width),
            halving(width, width, groups=width),
            MobileOneBlock(width, width, 1, form=form),
        )
        parts = [
            (f"stages.{number}.{name}", part)
            for number in range(len(channels))
            for name, part in _stage(hybrid, number, form)
        ]
        self.places = [place for place, _ in parts]
        self.network = nn.Sequential(*(part for _, part in parts))
        self.conv_exp = MobileOneBlock(
            last, 2 * last, 3, groups=last, squeezed=2 * last // 16, form=form
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_exp(self.network(self.patch_embed(x)))


def _stage(hybrid: Hybrid, number: int, form: str) -> Iterator[tuple[str, nn.Module]]:
    """The parts of a stage: what halves its map, what encodes positions, its blocks."""
    channels, before = hybrid.stages.channels[number], hybrid.stages.channels[max(0, number - 1)]
    left, hidden = len(hybrid.stages.channels) - number, hybrid.ratio * channels
    if number > 0:
        gated = left <= hybrid.gated
        yield "downsample", Downsampling(before, channels, form=form, gated=gated, act=hybrid.act)
    if left <= hybrid.attending:
        yield "pos_emb", PositionEncoding(channels, form=form)
        block: Callable[..., nn.Module] = partial(
            AttentionBlock, channels, hidden, layer_norm=hybrid.layer_norm
        )
    else:
        block = partial(RepMixerBlock, channels, hidden, (3, 7), form=form)
    yield "blocks", nn.Sequential(*(block(drop=drop) for drop in hybrid.stages.drops()[number]))


class ImageEncoder(Trunk):
    """(B, 3, H, W) → (B, features), by an MCi of these stages."""

    def __init__(self, stages: Stages, form: str, features: int = 512) -> None:
        super().__init__(smaller_mci(stages), form)
        self.head = Projection(2 * stages.channels[-1], features)
        _init(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(super().forward(x))


class FastViT(Trunk):
    """(B, 3, H, W) → (B, classes). It loads the authors' state dict, and timm's."""

    def __init__(self, hybrid: Hybrid, form: str, classes: int) -> None:
        super().__init__(hybrid, form)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(2 * hybrid.stages.channels[-1], classes)
        _init(self)
        self.register_load_state_dict_pre_hook(_from_timm)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gap(super().forward(x)).flatten(1))


# Parts of timm's names and of the authors', in the order in which they are replaced.
RENAMED = (
    ("stem.", "patch_embed."),
    ("final_conv.se.fc1.", "conv_exp.se.reduce."),
    ("final_conv.se.fc2.", "conv_exp.se.expand."),
    ("final_conv.", "conv_exp."),
    (".conv_kxk.", ".rbr_conv."),
    (".conv_scale.", ".rbr_scale."),
    (".identity.", ".rbr_skip."),
    (".large_conv.", ".lkb_origin."),
    (".proj.0.reparam_conv.", ".proj.0.lkb_reparam."),
    (".mlp.", ".convffn."),
    (".pos_emb.pos_enc.", ".pos_emb.pe."),
    (".gamma", ""),
    ("head.fc.", "head."),
)


def _from_timm(model: "FastViT", state: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Give what has a name of timm's the authors' name; these are left as they are."""
    parts = [(f"{place}.", f"network.{number}.") for number, place in enumerate(model.places)]
    for name in [name for name in state if name.startswith(prefix)]:
        renamed = name.removeprefix(prefix)
        for theirs, authors in (*RENAMED, *parts):
            renamed = renamed.replace(theirs, authors)
        state[prefix + renamed] = state.pop(name)


def _init(model: nn.Module) -> None:
    """N(0, 0.02²), cut off at ±2, for linear layers, no bias."""
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def fastvit(
    hybrid: Hybrid,
    form: str = "deploy",
    classes: int = 1000,
    *,
    width: float = 1.0,
    depth: float = 1.0,
) -> nn.Module:
    """The network at any positive coefficients.

    Raises ValueError for an unknown form, a width or depth that is not positive and finite, or
    classes below 1.
    """
    form, classes = checked_form(form), checked_classes(classes)
    width, depth = checked_width(width), checked_depth(depth)
    first, *_ = hybrid.stages.channels
    first = make_divisible(first * width, 4)
    channels = tuple(first * 2**number for number in range(len(hybrid.stages.channels)))
    blocks = tuple(math.ceil(blocks * depth) for blocks in hybrid.stages.blocks)
    stages = hybrid.stages._replace(channels=channels, blocks=blocks)
    return FastViT(hybrid._replace(stages=stages), form, classes)


# 3,996,040, 7,508,840, 9,428,712, 11,545,320, 21,501,288, 31,457,256 and 43,984,632 parameters
# deployed, at width 1 and depth 1.
fastvit_t8 = partial(fastvit, T8)
fastvit_t12 = partial(fastvit, T12)
fastvit_s12 = partial(fastvit, S12)
fastvit_sa12 = partial(fastvit, SA12)
fastvit_sa24 = partial(fastvit, SA24)
fastvit_sa36 = partial(fastvit, SA36)
fastvit_ma36 = partial(fastvit, MA36)
