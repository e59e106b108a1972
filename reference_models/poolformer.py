"""PoolFormer: arXiv 2111.11418, Table 1.

The recipe `paper` is the authors' network, sail-sg/poolformer models/poolformer.py: a group norm of
the last map, then its mean. `timm` agrees with timm's `poolformer_s12` to `poolformer_m48` in state
dict, logits and the distribution of initial weights: the mean, then a layer norm. Both have the
names of timm's checkpoints, which hold the authors' weights.

Neither paper nor timm has width and depth coefficients; EfficientNet's rules take channels to
multiples of 8 and blocks up.

Deviation: timm's layers that permute are layer norms here, and the forward function permutes.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from reference_models.layers import (
    Stages,
    checked_classes,
    checked_recipe,
    init_truncated,
    over_channels,
    stochastic_depth,
)

RECIPES = ("paper", "timm")


# Table 1; stochastic depth as in section 4.1.
S12 = Stages((64, 128, 320, 512), (2, 2, 6, 2), drop=0.1)
S24 = Stages((64, 128, 320, 512), (4, 4, 12, 4), drop=0.1)
S36 = Stages((64, 128, 320, 512), (6, 6, 18, 6), drop=0.2)
M36 = Stages((96, 192, 384, 768), (6, 6, 18, 6), drop=0.3)
M48 = Stages((96, 192, 384, 768), (8, 8, 24, 8), drop=0.4)


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

    def __init__(self, stages: Stages, scale: float, classes: int, recipe: str) -> None:
        super().__init__()
        self.stem = _convolution(3, stages.channels[0], 7, 4, 2)
        made, before = [], None
        for channels, drops in zip(stages.channels, stages.drops(), strict=True):
            made.append(Stage(before, channels, scale, drops))
            before = channels
        self.stages = nn.Sequential(*made)
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
        init_truncated(self)

    def forward(self, x: Tensor) -> Tensor:
        pool, norm, flatten, linear = self.head.values()
        x = self.stages(self.stem(x))
        x = over_channels(norm, pool(x)) if self.after_mean else pool(norm(x))
        logits: Tensor = linear(flatten(x))
        return logits


def poolformer(
    stages: Stages,
    scale: float,
    classes: int = 1000,
    recipe: str = "paper",
    *,
    width: float = 1.0,
    depth: float = 1.0,
) -> nn.Module:
    """A network of Table 1; 11,915,176 parameters for S12 at width 1 and depth 1.

    `scale` is the first value of every layer scale. Raises ValueError for a width or depth that is
    not positive and finite, classes below 1, or an unknown recipe.
    """
    scaled = stages.scaled(width, depth)
    return PoolFormer(scaled, scale, checked_classes(classes), checked_recipe(recipe, RECIPES))


# Layer scales as in section 4.1.
poolformer_s12 = partial(poolformer, S12, 1e-5)
poolformer_s24 = partial(poolformer, S24, 1e-5)
poolformer_s36 = partial(poolformer, S36, 1e-6)
poolformer_m36 = partial(poolformer, M36, 1e-6)
poolformer_m48 = partial(poolformer, M48, 1e-6)
