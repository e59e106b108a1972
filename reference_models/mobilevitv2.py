"""MobileViTv2: arXiv 2206.02680, section 3; channels and layers are those of the authors' code,
apple/ml-cvnets cvnets/models/classification/config/mobilevit_v2.py.

Agrees with timm's `mobilevitv2_050` to `mobilevitv2_200`: state dict, logits, distribution of
initial weights. At other widths channels are rounded as the authors round them; timm cuts them off.

No code of the family has a depth coefficient. Here it is MobileViT's: inverted residuals of the
first two stages, and transformer layers, repeat ⌈n·depth⌉ times.

Deviations: dropout, 0 in timm and in the authors' code, is left out. Every norm begins at scale 1,
as in the authors' code; timm's last one of a residual begins at 0.
"""

import math
from collections import OrderedDict
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from reference_models.layers import checked_classes, checked_depth, checked_width, make_divisible
from reference_models.mobilevit import InvertedResidual, conv_layer, init_as_byobnet

PATCH = 2
EXPANSION = 2


class SeparableStages(NamedTuple):
    """Channels of the stem and of the five stages, inverted residuals of the two stages without
    transformer, widths and layers of the three transformers."""

    stem: int
    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    widths: tuple[int, ...]
    layers: tuple[int, ...]


class SeparableAttention(nn.Module):
    """Scores of the N patches weigh the keys, whose sum multiplies each value: (B, d, P, N) →
    (B, d, P, N), each of a patch's P pixels on its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.parts = (1, width, width)
        self.qkv_proj = nn.Conv2d(width, sum(self.parts), 1)
        self.act = nn.ReLU()
        self.out_proj = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        scores, keys, values = self.qkv_proj(x).split(self.parts, dim=1)
        context = (keys * scores.softmax(-1)).sum(-1, keepdim=True)
        projected: Tensor = self.out_proj(self.act(values) * context)
        return projected


class ConvMlp(nn.Module):
    """1×1 to twice the width, SiLU, 1×1 back."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(width, 2 * width, 1)
        self.act = nn.SiLU()
        self.fc2 = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(self.act(self.fc1(x)))
        return y


class Layer(nn.Module):
    """A transformer's layer: attention and MLP, each after a norm, with shortcut. The norm is over
    all elements of an image."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(1, width)
        self.attn = SeparableAttention(width)
        self.norm2 = nn.GroupNorm(1, width)
        self.mlp = ConvMlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        y: Tensor = x + self.mlp(self.norm2(x))
        return y


class MobileViTv2Block(nn.Module):
    """A depthwise and a pointwise convolution, a transformer over 2×2 patches, and back.

    A map that patches do not divide is enlarged to whole ones, corners aligned, and remains so.
    """

    def __init__(self, channels: int, width: int, layers: int) -> None:
        super().__init__()
        self.conv_kxk = conv_layer(channels, channels, 3, groups=channels)
        self.conv_1x1 = nn.Conv2d(channels, width, 1, bias=False)
        self.transformer = nn.Sequential(*(Layer(width) for _ in range(layers)))
        self.norm = nn.GroupNorm(1, width)
        self.conv_proj = conv_layer(width, channels, 1, act=False)

    def forward(self, x: Tensor) -> Tensor:
        height, across = x.shape[2:]
        rows, columns = -(-height // PATCH), -(-across // PATCH)
        whole = (PATCH * rows, PATCH * columns)
        if whole[0] != height or whole[1] != across:
            x = functional.interpolate(x, whole, mode="bilinear", align_corners=True)
        y = self.conv_1x1(self.conv_kxk(x))
        y = self.norm(self.transformer(_unfolded(y, rows, columns)))
        projected: Tensor = self.conv_proj(_folded(y, rows, columns))
        return projected


def _unfolded(x: Tensor, rows: int, columns: int) -> Tensor:
    """(B, d, 2·rows, 2·columns) → (B, d, 4, rows·columns): the patches of each pixel of a patch."""
    batch, width = x.shape[:2]
    x = x.reshape(batch, width, rows, PATCH, columns, PATCH).permute(0, 1, 3, 5, 2, 4)
    return x.reshape(batch, width, PATCH**2, rows * columns)


def _folded(x: Tensor, rows: int, columns: int) -> Tensor:
    """Back to (B, d, 2·rows, 2·columns)."""
    batch, width = x.shape[:2]
    x = x.reshape(batch, width, PATCH, PATCH, rows, columns).permute(0, 1, 4, 2, 5, 3)
    return x.reshape(batch, width, PATCH * rows, PATCH * columns)


class MobileViTv2(nn.Module):
    """(B, 3, H, W) → (B, classes)."""

    def __init__(self, sizes: SeparableStages, classes: int) -> None:
        super().__init__()
        first, second, *others = sizes.channels
        before = sizes.stem
        self.stem = conv_layer(3, before, 3, 2)
        stages: list[list[nn.Module]] = []
        for out, blocks, stride in zip((first, second), sizes.blocks, (1, 2), strict=True):
            again = [InvertedResidual(out, out, EXPANSION, 1) for _ in range(blocks - 1)]
            stages.append([InvertedResidual(before, out, EXPANSION, stride), *again])
            before = out
        for out, width, layers in zip(others, sizes.widths, sizes.layers, strict=True):
            down = InvertedResidual(before, out, EXPANSION, 2)
            stages.append([down, MobileViTv2Block(out, width, layers)])
            before = out
        self.stages = nn.Sequential(*(nn.Sequential(*stage) for stage in stages))
        pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Sequential(
            OrderedDict(pool=pool, flatten=nn.Flatten(), fc=nn.Linear(before, classes))
        )
        init_as_byobnet(self)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.stages(self.stem(x)))
        return logits


def mobilevitv2(width: float = 1.0, classes: int = 1000, *, depth: float = 1.0) -> nn.Module:
    """4,901,841 parameters at width 1 and depth 1.

    Raises ValueError for a width or depth that is not positive and finite, or classes below 1.
    """
    width, depth = checked_width(width), checked_depth(depth)
    first, *others = (64, 128, 256, 384, 512)
    sizes = SeparableStages(
        stem=make_divisible(min(max(32 * width, 16), 64)),
        channels=(
            make_divisible(first * width, 16),
            *(make_divisible(channels * width) for channels in others),
        ),
        blocks=tuple(math.ceil(blocks * depth) for blocks in (1, 2)),
        widths=tuple(make_divisible(d * width) for d in (128, 192, 256)),
        layers=tuple(math.ceil(layers * depth) for layers in (2, 4, 3)),
    )
    return MobileViTv2(sizes, checked_classes(classes))


mobilevitv2_050 = partial(mobilevitv2, width=0.5)
mobilevitv2_075 = partial(mobilevitv2, width=0.75)
mobilevitv2_100 = partial(mobilevitv2, width=1.0)
mobilevitv2_125 = partial(mobilevitv2, width=1.25)
mobilevitv2_150 = partial(mobilevitv2, width=1.5)
mobilevitv2_175 = partial(mobilevitv2, width=1.75)
mobilevitv2_200 = partial(mobilevitv2, width=2.0)
