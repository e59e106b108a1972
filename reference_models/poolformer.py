"""PoolFormer: arXiv 2111.11418, Table 1.

The recipe `paper` is the authors' network, sail-sg/poolformer models/poolformer.py: a group norm of
the last map, then its mean. `timm` agrees with timm's `poolformer_s12` to `poolformer_m48` in state
dict, logits and the distribution of initial weights: the mean, then a layer norm. Both have the
names of timm's checkpoints, which hold the authors' weights.

Width and depth coefficients are nobody's: widths go to multiples of 8 and blocks are rounded up, by
EfficientNet's rules.

Deviation: timm's layers that permute are layer norms here, and the forward function permutes.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reference_models.layers import (
    checked_classes,
    checked_depth,
    checked_recipe,
    checked_width,
    make_divisible,
    stochastic_depth,
)

RECIPES = ("paper", "timm")


class Design(NamedTuple):
    """Channels and blocks of the four stages; first layer scale; share of dropped last blocks."""

    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    scale: float
    drop: float


# Table 1; layer scale and stochastic depth as in section 4.1.
S12 = Design((64, 128, 320, 512), (2, 2, 6, 2), scale=1e-5, drop=0.1)
S24 = Design((64, 128, 320, 512), (4, 4, 12, 4), scale=1e-5, drop=0.1)
S36 = Design((64, 128, 320, 512), (6, 6, 18, 6), scale=1e-6, drop=0.2)
M36 = Design((96, 192, 384, 768), (6, 6, 18, 6), scale=1e-6, drop=0.3)
M48 = Design((96, 192, 384, 768), (8, 8, 24, 8), scale=1e-6, drop=0.4)


class Pooling(nn.Module):
    """The mean of 3×3 neighbours, at the border of those that there are, minus the middle one."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pool(x) - x
        return y


def _layer_scale(channels: int, value: float) -> nn.ParameterDict:
    """A factor a channel."""
    return nn.ParameterDict({"scale": torch.full((channels,), value)})


def _scaled(x: Tensor, factors: nn.ParameterDict) -> Tensor:
    return x * factors["scale"].view(-1, 1, 1)


class Mlp(nn.Module):
    """1×1 to `hidden` channels, GELU, 1×1 back."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.act = nn.GELU()
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(self.act(self.fc1(x)))
        return y


class Block(nn.Module):
    """Pooling, then an MLP; each after a norm, with layer scale and shortcut: figure 2."""

    def __init__(self, channels: int, scale: float, drop: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(1, channels)
        self.token_mixer = Pooling()
        self.layer_scale1 = _layer_scale(channels, scale)
        self.norm2 = nn.GroupNorm(1, channels)
        self.mlp = Mlp(channels, 4 * channels)
        self.layer_scale2 = _layer_scale(channels, scale)
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        y = _scaled(self.token_mixer(self.norm1(x)), self.layer_scale1)
        x = x + stochastic_depth(y, self.drop, self.training)
        y = _scaled(self.mlp(self.norm2(x)), self.layer_scale2)
        return x + stochastic_depth(y, self.drop, self.training)


class Stage(nn.Module):
    """A 3×3 convolution of stride 2, where there is a map to halve, and blocks."""

    def __init__(
        self, channels: int | None, out: int, scale: float, drops: Sequence[float]
    ) -> None:
        super().__init__()
        self.downsample = _convolution(channels, out, 3, 2, 1) if channels else nn.Identity()
        self.blocks = nn.Sequential(*(Block(out, scale, drop) for drop in drops))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.blocks(self.downsample(x))
        return y


def _convolution(channels: int, out: int, kernel: int, stride: int, padding: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(channels, out, kernel, stride, padding)))


class PoolFormer(nn.Module):
    """(B, 3, H, W) → (B, classes), for H and W of at least 3."""

    def __init__(self, design: Design, classes: int, recipe: str) -> None:
        super().__init__()
        last = sum(design.blocks) - 1
        self.stem = _convolution(3, design.channels[0], 7, 4, 2)
        stages, number, before = [], 0, None
        for channels, blocks in zip(design.channels, design.blocks, strict=True):
            drops = [design.drop * (number + block) / last for block in range(blocks)]
            stages.append(Stage(before, channels, design.scale, drops))
            number, before = number + blocks, channels
        self.stages = nn.Sequential(*stages)
        self.after_mean = recipe == "timm"
        norm = nn.LayerNorm(channels, eps=1e-6) if self.after_mean else nn.GroupNorm(1, channels)
        self.head = nn.ModuleDict(
            {
                "global_pool": nn.AdaptiveAvgPool2d(1),
                "norm": norm,
                "flatten": nn.Flatten(),
                "fc": nn.Linear(channels, classes),
            }
        )
        _init(self)

    def forward(self, x: Tensor) -> Tensor:
        pool, norm, flatten, linear = self.head.values()
        x = self.stages(self.stem(x))
        if self.after_mean:
            x = norm(pool(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        else:
            x = pool(norm(x))
        logits: Tensor = linear(flatten(x))
        return logits


def _init(model: nn.Module) -> None:
    """N(0, 0.02²), cut off at ±2, for convolutions and linear layers, no bias."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def poolformer(
    design: Design,
    classes: int = 1000,
    recipe: str = "paper",
    *,
    width: float = 1.0,
    depth: float = 1.0,
) -> nn.Module:
    """A network of Table 1; 11,915,176 parameters for S12 at width 1 and depth 1.

    Raises ValueError for a width or depth that is not positive and finite, classes below 1, or an
    unknown recipe.
    """
    width, depth = checked_width(width), checked_depth(depth)
    scaled = design._replace(
        channels=tuple(make_divisible(channels * width) for channels in design.channels),
        blocks=tuple(math.ceil(blocks * depth) for blocks in design.blocks),
    )
    return PoolFormer(scaled, checked_classes(classes), checked_recipe(recipe, RECIPES))


poolformer_s12 = partial(poolformer, S12)
poolformer_s24 = partial(poolformer, S24)
poolformer_s36 = partial(poolformer, S36)
poolformer_m36 = partial(poolformer, M36)
poolformer_m48 = partial(poolformer, M48)
