"""StarNet: arXiv 2403.19967, section 4.

Agrees with ma-xu/Rewrite-the-Stars imagenet/starnet.py and with timm's `starnet_s1` to
`starnet_s4`, `starnet_s050`, `starnet_s100` and `starnet_s150`: state dict, logits. Initial weights
are distributed as timm's; the authors' code leaves convolutions as torch makes them. Blocks are
dropped in training as the authors' README says for each size.

Neither has width and depth coefficients: here the first width becomes a multiple of 4, from which
the others are doubled, and blocks are rounded up.

No deviation in what is computed.
"""

import math
from collections import OrderedDict
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from reference_models.layers import (
    checked_classes,
    checked_depth,
    checked_width,
    make_divisible,
    stochastic_depth,
)

STEM = 32


class Size(NamedTuple):
    """Width of the first stage, blocks of the stages, ratio of a block's hidden width, probability
    that the last block is dropped."""

    width: int
    blocks: tuple[int, ...]
    ratio: int = 4
    drop: float = 0.0

    def scaled(self, width: float, depth: float) -> "Size":
        """Raises ValueError for a coefficient that is not positive and finite."""
        width, depth = checked_width(width), checked_depth(depth)
        return self._replace(
            width=make_divisible(self.width * width, 4),
            blocks=tuple(math.ceil(blocks * depth) for blocks in self.blocks),
        )


# The authors' starnet.py, and the probabilities of their imagenet/README.md.
S1 = Size(24, (2, 2, 8, 3))
S2 = Size(32, (1, 2, 6, 2), drop=0.01)
S3 = Size(32, (2, 2, 8, 4), drop=0.01)
S4 = Size(32, (3, 3, 12, 5), drop=0.02)
S050 = Size(16, (1, 1, 3, 1), ratio=3)
S100 = Size(20, (1, 2, 4, 1))
S150 = Size(24, (1, 2, 4, 2), ratio=3)


def _conv(
    channels: int, out: int, kernel: int, *, stride: int = 1, groups: int = 1, norm: bool = True
) -> nn.Sequential:
    """A convolution with bias and, unless it is left out, a norm."""
    pad = kernel // 2
    layers = OrderedDict[str, nn.Module](
        conv=nn.Conv2d(channels, out, kernel, stride, pad, groups=groups)
    )
    if norm:
        layers["bn"] = nn.BatchNorm2d(out)
    return nn.Sequential(layers)


class Block(nn.Module):
    """x plus a depthwise 7×7, the product of two expansions, 1×1 back, and a depthwise 7×7."""

    def __init__(self, channels: int, ratio: int, drop: float) -> None:
        super().__init__()
        hidden = ratio * channels
        self.dwconv = _conv(channels, channels, 7, groups=channels)
        self.f1 = _conv(channels, hidden, 1, norm=False)
        self.f2 = _conv(channels, hidden, 1, norm=False)
        self.g = _conv(hidden, channels, 1)
        self.dwconv2 = _conv(channels, channels, 7, groups=channels, norm=False)
        self.act = nn.ReLU6()
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.dwconv(x)
        one, other = self.f1(mixed), self.f2(mixed)
        y = self.dwconv2(self.g(self.act(one) * other))
        return x + stochastic_depth(y, self.drop, self.training)


class StarNet(nn.Module):
    """(B, 3, H, W) → (B, classes), for H and W of at least 1."""

    def __init__(self, size: Size, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(3, STEM, 3, stride=2), nn.ReLU6())
        before, channels = STEM, size.width
        last, number = max(1, sum(size.blocks) - 1), 0
        stages = []
        for blocks in size.blocks:
            layers: list[nn.Module] = [_conv(before, channels, 3, stride=2)]
            for _ in range(blocks):
                layers.append(Block(channels, size.ratio, size.drop * number / last))
                number += 1
            stages.append(nn.Sequential(*layers))
            before, channels = channels, 2 * channels
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(before)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(before, classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.stages(self.stem(x)))
        logits: Tensor = self.head(self.avgpool(x).flatten(1))
        return logits


def starnet(
    size: Size, classes: int = 1000, *, width: float = 1.0, depth: float = 1.0
) -> nn.Module:
    """The network of this size at any positive coefficients.

    Raises ValueError for a width or depth that is not positive and finite, or classes below 1.
    """
    return StarNet(size.scaled(width, depth), checked_classes(classes))


starnet_s1 = partial(starnet, S1)
starnet_s2 = partial(starnet, S2)
starnet_s3 = partial(starnet, S3)
starnet_s4 = partial(starnet, S4)
starnet_s050 = partial(starnet, S050)
starnet_s100 = partial(starnet, S100)
starnet_s150 = partial(starnet, S150)
