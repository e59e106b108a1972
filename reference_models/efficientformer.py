"""EfficientFormer: arXiv 2206.01191, section 4; the widths and depths are those of the authors'
code, snap-research/EfficientFormer models/efficientformer.py.

Agrees with timm's `efficientformer_l1`, `_l3` and `_l7`: state dict, logits, distribution of
initial weights. The logits are the mean of the labels' and the distillation's classifier.

Neither paper nor timm has width and depth coefficients. EfficientNet's rules take channels to
multiples of 8, pooling blocks up and attention blocks up. Heads, keys and values stay as they are.

Deviations: an input whose last map is not 7×7 is refused, where timm refuses one whose last map has
not 49 positions. Attention biases are looked up at every call. Distillation, which compares the
classifiers apart, is left out.
"""

import math
from collections import OrderedDict
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reference_models.layers import (
    LinearMlp,
    checked_classes,
    checked_depth,
    checked_width,
    make_divisible,
)
from reference_models.poolformer import Pooling

GRID = 7  # side of the last map
HEADS, KEY, VALUE = 8, 32, 128
LAYER_SCALE = 1e-5  # initial value


class MixedStages(NamedTuple):
    """Channels and blocks of the four stages; how many of the last blocks attend."""

    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    attending: int


L1 = MixedStages((48, 96, 224, 448), (3, 2, 6, 4), attending=1)
L3 = MixedStages((64, 128, 320, 512), (4, 4, 12, 6), attending=4)
L7 = MixedStages((96, 192, 384, 768), (6, 6, 18, 8), attending=8)


class Attention(nn.Module):
    """Eight heads over the 49 positions, with a learnt bias for each distance."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(channels, HEADS * (2 * KEY + VALUE))
        self.proj = nn.Linear(HEADS * VALUE, channels)
        self.attention_biases = nn.Parameter(torch.zeros(HEADS, GRID**2))
        self.register_buffer("attention_bias_idxs", _distances())

    def forward(self, x: Tensor) -> Tensor:
        batch, n, _ = x.shape
        qkv = self.qkv(x).reshape(batch, n, HEADS, 2 * KEY + VALUE).permute(0, 2, 1, 3)
        q, k, v = qkv.split([KEY, KEY, VALUE], dim=3)
        biases = self.attention_biases[:, self.attention_bias_idxs]
        scores = (q @ k.transpose(-2, -1)) * KEY**-0.5
        y = (scores + biases).softmax(-1) @ v
        projected: Tensor = self.proj(y.transpose(1, 2).reshape(batch, n, HEADS * VALUE))
        return projected


def _distances() -> Tensor:
    """(49, 49): the number of the distance (|Δrow|, |Δcolumn|) of two positions."""
    row, column = torch.arange(GRID**2) // GRID, torch.arange(GRID**2) % GRID
    rows, columns = (line[:, None] - line[None, :] for line in (row, column))
    return rows.abs() * GRID + columns.abs()


class ConvMlp(nn.Module):
    """1×1 to four times the channels, GELU, 1×1 back, a batch norm after each."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, 4 * channels, 1)
        self.norm1 = nn.BatchNorm2d(4 * channels)
        self.act = nn.GELU()
        self.fc2 = nn.Conv2d(4 * channels, channels, 1)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.norm1(self.fc1(x)))
        y: Tensor = self.norm2(self.fc2(x))
        return y


def layer_scale(channels: int) -> nn.ParameterDict:
    """A factor a channel."""
    return nn.ParameterDict({"gamma": torch.full((channels,), LAYER_SCALE)})


class PoolingBlock(nn.Module):
    """The 4-D block of figure 3, on maps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.token_mixer = Pooling()
        self.ls1 = layer_scale(channels)
        self.mlp = ConvMlp(channels)
        self.ls2 = layer_scale(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.token_mixer(x) * self.ls1["gamma"].view(-1, 1, 1)
        y: Tensor = x + self.mlp(x) * self.ls2["gamma"].view(-1, 1, 1)
        return y


class AttentionBlock(nn.Module):
    """The 3-D block of figure 3, on tokens."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.token_mixer = Attention(channels)
        self.ls1 = layer_scale(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = LinearMlp(channels)
        self.ls2 = layer_scale(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.token_mixer(self.norm1(x)) * self.ls1["gamma"]
        y: Tensor = x + self.mlp(self.norm2(x)) * self.ls2["gamma"]
        return y


def tokens(x: Tensor) -> Tensor:
    """(B, C, 7, 7) → (B, 49, C). Raises ValueError for a map of another size."""
    batch, channels, height, width = x.shape
    if height != GRID or width != GRID:
        raise ValueError(
            f"the last map is {height}×{width}, but the attention biases are those of a "
            f"{GRID}×{GRID} grid; give an input of {32 * GRID - 31} to {32 * GRID} a side"
        )
    return x.reshape(batch, channels, GRID**2).transpose(1, 2)


class Stage(nn.Module):
    """A 3×3 convolution of stride 2 with norm, where there is a map to halve; blocks, the last of
    which attend."""

    def __init__(self, channels: int | None, out: int, blocks: int, attending: int) -> None:
        super().__init__()
        self.downsample = _downsampling(channels, out) if channels else nn.Identity()
        local = blocks - attending
        # timm's numbers: where the map becomes tokens it counts a layer that has no weights
        self.blocks = nn.ModuleDict({str(n): PoolingBlock(out) for n in range(local)})
        for n in range(local, blocks):
            self.blocks[str(n + 1)] = AttentionBlock(out)

    def forward(self, x: Tensor) -> Tensor:
        x = self.downsample(x)
        for block in self.blocks.values():
            if isinstance(block, AttentionBlock) and x.dim() == 4:
                x = tokens(x)
            x = block(x)
        return x


def _downsampling(channels: int, out: int) -> nn.Sequential:
    conv = nn.Conv2d(channels, out, 3, stride=2, padding=1)
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm2d(out)))


def _stem(channels: int) -> nn.Sequential:
    """Two 3×3 convolutions of stride 2, the first to half the channels."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (before, out) in enumerate([(3, channels // 2), (channels // 2, channels)], 1):
        layers[f"conv{number}"] = nn.Conv2d(before, out, 3, stride=2, padding=1)
        layers[f"norm{number}"] = nn.BatchNorm2d(out)
        layers[f"act{number}"] = nn.ReLU()
    return nn.Sequential(layers)


class EfficientFormer(nn.Module):
    """(B, 3, H, W) → (B, classes), for H and W from 193 to 224."""

    def __init__(self, sizes: MixedStages, classes: int) -> None:
        super().__init__()
        channels = None
        self.stem = _stem(sizes.channels[0])
        stages = []
        for number, (out, blocks) in enumerate(zip(sizes.channels, sizes.blocks, strict=True), 1):
            attending = sizes.attending if number == len(sizes.blocks) else 0
            stages.append(Stage(channels, out, blocks, attending))
            channels = out
        self.stages = nn.Sequential(*stages)
        self.norm = nn.LayerNorm(channels)
        self.head = nn.Linear(channels, classes)
        self.head_dist = nn.Linear(channels, classes)
        init_linear(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.stages(self.stem(x))).mean(1)
        logits: Tensor = (self.head(x) + self.head_dist(x)) / 2
        return logits


def init_linear(model: nn.Module) -> None:
    """N(0, 0.02²), cut off at ±2, for linear layers, without bias; convolutions as torch begins."""
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)


def efficientformer(
    sizes: MixedStages, classes: int = 1000, *, width: float = 1.0, depth: float = 1.0
) -> nn.Module:
    """12,289,928 parameters for L1 at width 1 and depth 1, both classifiers among them.

    Raises ValueError for a width or depth that is not positive and finite, or classes below 1.
    """
    width, depth = checked_width(width), checked_depth(depth)
    *blocks, last = sizes.blocks
    attending = math.ceil(sizes.attending * depth)
    pooling = [math.ceil(n * depth) for n in (*blocks, last - sizes.attending)]
    scaled = MixedStages(
        tuple(make_divisible(channels * width) for channels in sizes.channels),
        (*pooling[:-1], pooling[-1] + attending),
        attending,
    )
    return EfficientFormer(scaled, checked_classes(classes))


efficientformer_l1 = partial(efficientformer, L1)
efficientformer_l3 = partial(efficientformer, L3)
efficientformer_l7 = partial(efficientformer, L7)
