"""ShuffleNet: arXiv 1707.01083, Table 1.

Agrees with megvii-model/ShuffleNet-Series ShuffleNetV1/network.py, the authors' code, where that
has the network (3 and 8 groups, widths 0.5 to 2): state dict, logits, initialisation. Its shuffle
comes after the depthwise convolution, the paper's before it.

Beyond that code, widths follow the same pattern: the first convolution has 24 · width channels,
rounded up to a multiple of the groups (24 again at 1.5), and a bottleneck a quarter of its unit's
output. osmr/imgclsmob pytorch/pytorchcv/models/shufflenet.py has the same channels with 1 and 3
groups up to width 1, and with 2 and 4 at width 1. Where the groups do not divide the quarter (2 and
4 groups, widths 0.25 and 0.5), it is rounded up to a multiple of them; the paper trains these
networks without saying how.

The width coefficient is another factor on these channels, and the depth coefficient repeats units.
The paper has neither; they are rounded as in EfficientNet, widths by `scaled`.

Deviation from the authors' code: the last pooling covers the whole map, so that every resolution
runs; at 224 that is their 7×7.
"""

import math
from functools import partial

import torch
from torch import Tensor, nn

from reference_models.layers import (
    checked_classes,
    checked_depth,
    checked_width,
    conv_norm_act,
    init_as_megvii,
    make_divisible,
)

# Output channels of stages 2, 3 and 4 at width 1, by groups.
STAGES = {
    1: (144, 288, 576),
    2: (200, 400, 800),
    3: (240, 480, 960),
    4: (272, 544, 1088),
    8: (384, 768, 1536),
}
REPEATS = (4, 8, 4)

# Channels of the first convolution by the paper's width s, for one group.
STEM = {0.25: 6, 0.5: 12, 0.75: 18, 1.0: 24, 1.5: 24, 2.0: 48}


def next_multiple(value: int, divisor: int) -> int:
    """The least multiple of the divisor that is at least the value."""
    return value + -value % divisor


def scaled(channels: int, width: float, groups: int) -> int:
    """The nearest multiple of 4 · groups, or of what 4 · groups and the channels share, to their
    product with the width: a bottleneck, a quarter of a unit, still splits into the groups."""
    return make_divisible(channels * width, math.gcd(channels, 4 * groups))


class Unit(nn.Module):
    """Grouped 1×1, depthwise 3×3, grouped 1×1: Figures 2b (stride 1) and 2c (stride 2).

    `first` is the number of groups of the first convolution. One group has nothing to shuffle, and
    a unit of one is `shuffled` only if that is asked for.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        out: int,
        stride: int,
        groups: int,
        first: int,
        shuffled: bool = False,
    ) -> None:
        super().__init__()
        self.shuffled = shuffled or groups > 1
        given = channels if stride == 2 else 0
        self.groups = groups
        self.branch_main_1 = nn.Sequential(
            *conv_norm_act(channels, hidden, 1, groups=first, act=nn.ReLU),
            *conv_norm_act(hidden, hidden, 3, stride=stride, groups=hidden, act=None),
        )
        self.branch_main_2 = conv_norm_act(hidden, out - given, 1, groups=groups, act=None)
        self.branch_proj = nn.AvgPool2d(3, 2, 1) if stride == 2 else None
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.branch_main_2(self.shuffle(self.branch_main_1(x)))
        if self.branch_proj is None:
            z: Tensor = self.relu(x + y)
            return z
        return torch.cat((self.branch_proj(x), self.relu(y)), 1)

    def shuffle(self, x: Tensor) -> Tensor:
        """Every groups-th channel, from the first, then every groups-th from the second …"""
        if not self.shuffled:
            return x
        batch, channels, height, width = x.shape
        x = x.view(batch, channels // self.groups, self.groups, height, width)
        return x.transpose(1, 2).contiguous().view(batch, channels, height, width)


class ShuffleNetV1(nn.Module):
    """(B, 3, H, W) → (B, classes)."""

    def __init__(self, groups: int, s: float, width: float, depth: float, classes: int) -> None:
        super().__init__()
        stem = next_multiple(STEM[s], groups)
        channels = scaled(stem, width, groups)
        added = scaled(int(STAGES[groups][0] * s) - stem, width, groups)  # in stage 2
        outs = [(channels + added) * out // STAGES[groups][0] for out in STAGES[groups]]
        self.first_conv = conv_norm_act(3, channels, 3, stride=2, act=nn.ReLU)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        units = []
        for out, repeats in zip(outs, REPEATS, strict=True):
            hidden = next_multiple(out // 4, groups)
            for repeat in range(math.ceil(repeats * depth)):
                first = groups if units else 1
                units.append(Unit(channels, hidden, out, 1 if repeat else 2, groups, first))
                channels = out
        self.features = nn.Sequential(*units)
        self.globalpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Linear(channels, classes, bias=False))
        init_as_megvii(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(self.maxpool(self.first_conv(x)))
        logits: Tensor = self.classifier(self.globalpool(x).flatten(1))
        return logits


def shufflenetv1(
    groups: int = 3,
    s: float = 1.0,
    classes: int = 1000,
    *,
    width: float = 1.0,
    depth: float = 1.0,
) -> nn.Module:
    """ShuffleNet s× with 1, 2, 3, 4 or 8 groups; 1,864,728 parameters with 3 at s = 1.

    `width` and `depth` scale it further. Raises ValueError for other groups, an s other than 0.25,
    0.5, 0.75, 1, 1.5 and 2, a width or depth that is not positive and finite, or classes below 1.
    """
    if groups not in STAGES:
        raise ValueError(f"groups must be 1, 2, 3, 4 or 8, but {groups!r} was given")
    if s not in STEM:
        raise ValueError(f"s must be 0.25, 0.5, 0.75, 1, 1.5 or 2, but {s!r} was given")
    width, depth, classes = checked_width(width), checked_depth(depth), checked_classes(classes)
    return ShuffleNetV1(groups, s, width, depth, classes)


shufflenetv1_g1_x0_25 = partial(shufflenetv1, groups=1, s=0.25)
shufflenetv1_g1_x0_5 = partial(shufflenetv1, groups=1, s=0.5)
shufflenetv1_g1_x0_75 = partial(shufflenetv1, groups=1, s=0.75)
shufflenetv1_g1_x1_0 = partial(shufflenetv1, groups=1, s=1.0)
shufflenetv1_g2_x0_25 = partial(shufflenetv1, groups=2, s=0.25)
shufflenetv1_g2_x0_5 = partial(shufflenetv1, groups=2, s=0.5)
shufflenetv1_g2_x1_0 = partial(shufflenetv1, groups=2, s=1.0)
shufflenetv1_g3_x0_25 = partial(shufflenetv1, groups=3, s=0.25)
shufflenetv1_g3_x0_5 = partial(shufflenetv1, groups=3, s=0.5)
shufflenetv1_g3_x0_75 = partial(shufflenetv1, groups=3, s=0.75)
shufflenetv1_g3_x1_0 = partial(shufflenetv1, groups=3, s=1.0)
shufflenetv1_g3_x1_5 = partial(shufflenetv1, groups=3, s=1.5)
shufflenetv1_g3_x2_0 = partial(shufflenetv1, groups=3, s=2.0)
shufflenetv1_g4_x0_25 = partial(shufflenetv1, groups=4, s=0.25)
shufflenetv1_g4_x0_5 = partial(shufflenetv1, groups=4, s=0.5)
shufflenetv1_g4_x1_0 = partial(shufflenetv1, groups=4, s=1.0)
shufflenetv1_g8_x0_25 = partial(shufflenetv1, groups=8, s=0.25)
shufflenetv1_g8_x0_5 = partial(shufflenetv1, groups=8, s=0.5)
shufflenetv1_g8_x1_0 = partial(shufflenetv1, groups=8, s=1.0)
shufflenetv1_g8_x1_5 = partial(shufflenetv1, groups=8, s=1.5)
shufflenetv1_g8_x2_0 = partial(shufflenetv1, groups=8, s=2.0)
