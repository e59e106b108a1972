"""WTConvNeXt: arXiv 2407.05848, section 4.1.

Agrees with the authors' BGU-CS-VIL/WTConv wtconvnext/wtconvnext.py, which is timm's convnext.py
with wavelet convolutions: state dict, logits, initial weights. The stochastic depth of each size is
that of the training commands in the README of that repository.

Neither paper nor code has width and depth coefficients; channels are rounded to multiples of 8 and
blocks up, by EfficientNet's rules. Every stage keeps its wavelet levels.

No deviation in what is computed; those of the layer are in `reference_models.wtconv`. Global mean
and layer norm are plain layers, where timm has a head of its own.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reference_models.layers import (
    checked_classes,
    checked_depth,
    checked_width,
    make_divisible,
    stochastic_depth,
)
from reference_models.wtconv import WTConv2d

EPSILON = 1e-6  # of every layer norm
LAYER_SCALE = 1e-6  # initial value
KERNEL = 5
LEVELS = (5, 4, 3, 2)  # of wavelets, by stage


class Design(NamedTuple):
    """Channels and blocks of the four stages; probability that the last block is dropped."""

    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    drop: float


TINY = Design((96, 192, 384, 768), (3, 3, 9, 3), drop=0.1)
SMALL = Design((96, 192, 384, 768), (3, 3, 27, 3), drop=0.4)
BASE = Design((128, 256, 512, 1024), (3, 3, 27, 3), drop=0.4)


def _norm(channels: int) -> nn.LayerNorm:
    return nn.LayerNorm(channels, eps=EPSILON)


def _over_channels(norm: nn.Module, x: Tensor) -> Tensor:
    """The layer norm over the channels of a map."""
    return norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Mlp(nn.Module):
    """Linear to 4·C, GELU, linear back, on maps with channels last."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    """Wavelet convolution, norm, two linear layers, layer scale, shortcut."""

    def __init__(self, channels: int, levels: int, drop: float) -> None:
        super().__init__()
        self.conv_dw = WTConv2d(channels, KERNEL, levels)
        self.norm = _norm(channels)
        self.mlp = Mlp(channels)
        self.gamma = nn.Parameter(torch.full((channels,), LAYER_SCALE))
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv_dw(x).permute(0, 2, 3, 1)
        y = self.mlp(self.norm(y)).permute(0, 3, 1, 2)
        y = y * self.gamma.reshape(-1, 1, 1)
        return stochastic_depth(y, self.drop, self.training) + x


class Stage(nn.Module):
    """A norm and a convolution of stride 2, where there is a map to halve, and blocks."""

    def __init__(self, channels: int | None, out: int, levels: int, drops: list[float]) -> None:
        super().__init__()
        layers = [_norm(channels), nn.Conv2d(channels, out, 2, 2)] if channels else []
        self.downsample = nn.Sequential(*layers)
        self.blocks = nn.Sequential(*(Block(out, levels, drop) for drop in drops))

    def forward(self, x: Tensor) -> Tensor:
        if self.downsample:
            norm, convolution = self.downsample
            x = convolution(_over_channels(norm, x))
        return self.blocks(x)


class Head(nn.Module):
    """Global mean, norm and linear layer."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.norm = _norm(channels)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = _over_channels(self.norm, self.global_pool(x))
        return self.fc(x.flatten(1))


class WTConvNeXt(nn.Module):
    """(B, 3, H, W) → (B, classes), for H and W of at least 32."""

    def __init__(self, design: Design, classes: int, levels: tuple[int, ...] = LEVELS) -> None:
        super().__init__()
        first, last = design.channels[0], sum(design.blocks) - 1
        self.stem = nn.Sequential(nn.Conv2d(3, first, 4, 4), _norm(first))
        stages: list[nn.Module] = []
        channels, number = None, 0
        for out, blocks, levels_here in zip(*design[:2], levels, strict=True):
            drops = [design.drop * (number + block) / last for block in range(blocks)]
            stages.append(Stage(channels, out, levels_here, drops))
            channels, number = out, number + blocks
        self.stages = nn.Sequential(*stages)
        self.head = Head(channels, classes)
        _init(self)

    def forward(self, x: Tensor) -> Tensor:
        convolution, norm = self.stem
        return self.head(self.stages(_over_channels(norm, convolution(x))))


def _init(model: nn.Module) -> None:
    """N(0, 0.02²), cut off at ±2, for convolutions and linear layers, no bias."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _wtconvnext(design: Design, width: float, depth: float, classes: int) -> nn.Module:
    width, depth = checked_width(width), checked_depth(depth)
    scaled = design._replace(
        channels=tuple(make_divisible(channels * width) for channels in design.channels),
        blocks=tuple(math.ceil(blocks * depth) for blocks in design.blocks),
    )
    return WTConvNeXt(scaled, checked_classes(classes))


def wtconvnext_tiny(classes: int = 1000, *, width: float = 1.0, depth: float = 1.0) -> nn.Module:
    """30,595,624 parameters, 30,383,656 of them trained, at width 1 and depth 1.

    Raises ValueError for a width or depth that is not positive and finite, or classes below 1.
    """
    return _wtconvnext(TINY, width, depth, classes)


def wtconvnext_small(classes: int = 1000, *, width: float = 1.0, depth: float = 1.0) -> nn.Module:
    """54,448,936 parameters, 54,015,784 of them trained, at width 1 and depth 1. Raises as
    `wtconvnext_tiny`."""
    return _wtconvnext(SMALL, width, depth, classes)


def wtconvnext_base(classes: int = 1000, *, width: float = 1.0, depth: float = 1.0) -> nn.Module:
    """94,225,128 parameters, 93,647,592 of them trained, at width 1 and depth 1. Raises as
    `wtconvnext_tiny`."""
    return _wtconvnext(BASE, width, depth, classes)
