"""EfficientFormerV2: arXiv 2212.08059, sections 3 and 4; channels, blocks and ratios are those of
the authors' code, snap-research/EfficientFormer models/efficientformer_v2.py.

Agrees with timm's `efficientformerv2_s0`, `_s1`, `_s2` and `_l`: state dict, logits, distribution
of initial weights, stochastic depth. The logits are the mean of the labels' and the distillation's
classifier.

Neither paper nor timm has width and depth coefficients. EfficientNet's rule takes channels to
multiples of 8; the ⌈n·depth⌉ blocks of a stage are shared by runs of equal blocks as in
`layers.scaled_rows`. Heads, keys and values stay as they are.

Deviations: an input whose third map is not 14×14 is refused. Attention biases are looked up at
every call. Distillation, which compares the classifiers apart, is left out.
"""

from collections import OrderedDict
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from reference_models.distanceattention import Attention, HalvingAttention, conv
from reference_models.efficientformer import init_linear, layer_scale
from reference_models.layers import (
    checked_classes,
    checked_depth,
    checked_width,
    make_divisible,
    scaled_rows,
    stochastic_depth,
)

GRID = 14  # side of the third map


class Row(NamedTuple):
    """A block: how many times wider its MLP is, and whether it attends."""

    ratio: int
    attends: bool


class Sizes(NamedTuple):
    """Channels and blocks of the four stages; the probability that the last block is dropped."""

    channels: tuple[int, ...]
    blocks: tuple[tuple[Row, ...], ...]
    drop: float = 0.0


def _rows(ratios: str, attending: int = 0) -> tuple[Row, ...]:
    """A block for each digit, which is its ratio; the last ones attend."""
    local = len(ratios) - attending
    return tuple(Row(int(ratio), number >= local) for number, ratio in enumerate(ratios))


S0 = Sizes(
    (32, 48, 96, 176),
    (_rows("44"), _rows("44"), _rows("433344", 2), _rows("4334", 2)),
)
S1 = Sizes(
    (32, 48, 120, 224),
    (_rows("444"), _rows("444"), _rows("443333444", 2), _rows("443344", 2)),
)
S2 = Sizes(
    (32, 64, 144, 288),
    (_rows("4444"), _rows("4444"), _rows("443333334444", 4), _rows("44333344", 4)),
    drop=0.02,
)
L = Sizes(
    (40, 80, 192, 384),
    (_rows("44444"), _rows("44444"), _rows("444433333334444", 6), _rows("4443333444", 6)),
    drop=0.1,
)


class Downsample(nn.Module):
    """A 3×3 convolution of stride 2, and attention beside it where the side of the map is given."""

    def __init__(self, channels: int, out: int, side: int | None) -> None:
        super().__init__()
        self.conv = conv(channels, out, 3, 2)
        self.attn = HalvingAttention(channels, out, side) if side else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y if self.attn is None else self.attn(x) + y


class Mlp(nn.Module):
    """1×1 to the hidden channels, depthwise 3×3, 1×1 back."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = conv(channels, hidden, act=True)
        self.mid = conv(hidden, hidden, 3, groups=hidden, act=True)
        self.fc2 = conv(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(self.mid(self.fc1(x)))
        return y


class Block(nn.Module):
    """Attention where the row says so, and an MLP: each with a factor a channel and a shortcut."""

    def __init__(self, channels: int, row: Row, side: int, *, strided: bool, drop: float) -> None:
        super().__init__()
        self.drop = drop
        self.token_mixer = Attention(channels, side, strided=strided) if row.attends else None
        self.ls1 = layer_scale(channels) if row.attends else None
        self.mlp = Mlp(channels, row.ratio * channels)
        self.ls2 = layer_scale(channels)

    def forward(self, x: Tensor) -> Tensor:
        if self.token_mixer is not None and self.ls1 is not None:
            x = x + self._dropped(self.token_mixer(x) * self.ls1["gamma"].view(-1, 1, 1))
        return x + self._dropped(self.mlp(x) * self.ls2["gamma"].view(-1, 1, 1))

    def _dropped(self, branch: Tensor) -> Tensor:
        return stochastic_depth(branch, self.drop, self.training)


def on_grid(x: Tensor) -> Tensor:
    """The third map. Raises ValueError for one of another size than 14×14."""
    batch, channels, height, width = x.shape
    if height != GRID or width != GRID:
        raise ValueError(
            f"the third map is {height}×{width}, but the attention biases are those of a "
            f"{GRID}×{GRID} grid; give an input of {16 * GRID - 15} to {16 * GRID} a side"
        )
    return x.reshape(batch, channels, GRID, GRID)


class Stage(nn.Module):
    """A map halved, except in the first stage, and blocks on it. `fixed` is whether the map must be
    the one that the attention biases are of."""

    def __init__(self, downsample: nn.Module, blocks: list[Block], *, fixed: bool) -> None:
        super().__init__()
        self.downsample = downsample
        self.blocks = nn.Sequential(*blocks)
        self.fixed = fixed

    def forward(self, x: Tensor) -> Tensor:
        x = self.downsample(x)
        y: Tensor = self.blocks(on_grid(x) if self.fixed else x)
        return y


class EfficientFormerV2(nn.Module):
    """(B, 3, H, W) → (B, classes), for H and W from 209 to 224."""

    def __init__(self, sizes: Sizes, classes: int) -> None:
        super().__init__()
        channels = sizes.channels[0]
        self.stem = nn.Sequential(
            OrderedDict(
                conv1=conv(3, channels // 2, 3, 2, act=True),
                conv2=conv(channels // 2, channels, 3, 2, act=True),
            )
        )
        self.stages = nn.Sequential(*_stages(sizes))
        self.norm = nn.BatchNorm2d(sizes.channels[-1])
        self.head = nn.Linear(sizes.channels[-1], classes)
        self.head_dist = nn.Linear(sizes.channels[-1], classes)
        init_linear(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.stages(self.stem(x))).flatten(2).mean(-1)
        logits: Tensor = (self.head(x) + self.head_dist(x)) / 2
        return logits


def _stages(sizes: Sizes) -> list[Stage]:
    """The third stage's map is halved for attention; the fourth's is halved by attention too."""
    before, done, last = sizes.channels[0], 0, sum(map(len, sizes.blocks)) - 1
    stages = []
    for number, (out, rows) in enumerate(zip(sizes.channels, sizes.blocks, strict=True), 1):
        side = GRID if number == 3 else GRID // 2
        down = Downsample(before, out, GRID if number == 4 else None) if number > 1 else None
        blocks = [
            Block(out, row, side, strided=number == 3, drop=sizes.drop * (done + block) / last)
            for block, row in enumerate(rows)
        ]
        stages.append(Stage(down or nn.Identity(), blocks, fixed=number == 3))
        before, done = out, done + len(rows)
    return stages


def efficientformerv2(
    sizes: Sizes, classes: int = 1000, *, width: float = 1.0, depth: float = 1.0
) -> nn.Module:
    """3,600,256 parameters for S0 at width 1 and depth 1, both classifiers among them.

    Raises ValueError for a width or depth that is not positive and finite, or classes below 1.
    """
    width, depth = checked_width(width), checked_depth(depth)
    scaled = sizes._replace(
        channels=tuple(make_divisible(channels * width) for channels in sizes.channels),
        blocks=tuple(tuple(scaled_rows(rows, lambda row: row, depth)) for rows in sizes.blocks),
    )
    return EfficientFormerV2(scaled, checked_classes(classes))


efficientformerv2_s0 = partial(efficientformerv2, S0)
efficientformerv2_s1 = partial(efficientformerv2, S1)
efficientformerv2_s2 = partial(efficientformerv2, S2)
efficientformerv2_l = partial(efficientformerv2, L)
