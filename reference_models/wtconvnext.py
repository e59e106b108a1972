"""WTConvNeXt: arXiv 2407.05848, section 4.1.

Agrees with the authors' BGU-CS-VIL/WTConv wtconvnext/wtconvnext.py, which is timm's convnext.py
with wavelet convolutions: state dict, logits, initial weights. The stochastic depth of each size is
that of the training commands in the README of that repository.

Neither paper nor code has width and depth coefficients; channels are rounded to multiples of 8 and
blocks up, by EfficientNet's rules. Every stage keeps its wavelet levels.

No deviation in what is computed; those of the layer are in `reference_models.wtconv`. Global mean
and layer norm are plain layers, where timm has a head of its own.
"""

from functools import partial

import torch
from torch import Tensor, nn

from reference_models.layers import (
    LinearMlp,
    Stages,
    checked_classes,
    init_truncated,
    over_channels,
    stochastic_depth,
)
from reference_models.wtconv import WTConv2d

EPSILON = 1e-6  # of every layer norm
LAYER_SCALE = 1e-6  # initial value
KERNEL = 5
LEVELS = (5, 4, 3, 2)  # of wavelets, by stage


TINY = Stages((96, 192, 384, 768), (3, 3, 9, 3), drop=0.1)
SMALL = Stages((96, 192, 384, 768), (3, 3, 27, 3), drop=0.4)
BASE = Stages((128, 256, 512, 1024), (3, 3, 27, 3), drop=0.4)


def _norm(channels: int) -> nn.LayerNorm:
    return nn.LayerNorm(channels, eps=EPSILON)


class Block(nn.Module):
    """Wavelet convolution, norm, two linear layers, layer scale, shortcut."""

    def __init__(self, channels: int, levels: int, drop: float) -> None:
        super().__init__()
        self.conv_dw = WTConv2d(channels, KERNEL, levels)
        self.norm = _norm(channels)
        self.mlp = LinearMlp(channels)
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
            x = convolution(over_channels(norm, x))
        return self.blocks(x)


class Head(nn.Module):
    """Global mean, norm and linear layer."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.norm = _norm(channels)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = over_channels(self.norm, self.global_pool(x))
        return self.fc(x.flatten(1))


class WTConvNeXt(nn.Module):
    """(B, 3, H, W) → (B, classes), for H and W of at least 32."""

    def __init__(self, stages: Stages, classes: int, levels: tuple[int, ...] = LEVELS) -> None:
        super().__init__()
        first = stages.channels[0]
        self.stem = nn.Sequential(nn.Conv2d(3, first, 4, 4), _norm(first))
        made: list[nn.Module] = []
        channels = None
        for out, levels_here, drops in zip(stages.channels, levels, stages.drops(), strict=True):
            made.append(Stage(channels, out, levels_here, drops))
            channels = out
        self.stages = nn.Sequential(*made)
        self.head = Head(channels, classes)
        init_truncated(self)

    def forward(self, x: Tensor) -> Tensor:
        convolution, norm = self.stem
        return self.head(self.stages(over_channels(norm, convolution(x))))


def wtconvnext(
    stages: Stages, classes: int = 1000, *, width: float = 1.0, depth: float = 1.0
) -> nn.Module:
    """The network of these stages at any positive coefficients.

    Raises ValueError for a width or depth that is not positive and finite, or classes below 1.
    """
    return WTConvNeXt(stages.scaled(width, depth), checked_classes(classes))


# 30,595,624, 54,448,936 and 94,225,128 parameters at width 1 and depth 1, of which 30,383,656,
# 54,015,784 and 93,647,592 are trained.
wtconvnext_tiny = partial(wtconvnext, TINY)
wtconvnext_small = partial(wtconvnext, SMALL)
wtconvnext_base = partial(wtconvnext, BASE)
