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

Deviation from the authors' code: the last pooling covers the whole map, so that every resolution
runs; at 224 that is their 7×7.
"""

from functools import partial

import torch
from torch import Tensor, nn

from reference_models.layers import checked_classes, conv_norm_act, init_as_megvii

# Output channels of stages 2, 3 and 4 at width 1, by groups.
STAGES = {
    1: (144, 288, 576),
    2: (200, 400, 800),
    3: (240, 480, 960),
    4: (272, 544, 1088),
    8: (384, 768, 1536),
}
REPEATS = (4, 8, 4)

# Channels of the first convolution by width, for one group.
STEM = {0.25: 6, 0.5: 12, 0.75: 18, 1.0: 24, 1.5: 24, 2.0: 48}


def next_multiple(value: int, divisor: int) -> int:
    """The least multiple of the divisor that is at least the value."""
    return value + -value % divisor


class Unit(nn.Module):
    """Grouped 1×1, depthwise 3×3, grouped 1×1: Figures 2b (stride 1) and 2c (stride 2).

    `first` is the number of groups of the first convolution.
    """

    def __init__(
        self, channels: int, hidden: int, out: int, stride: int, groups: int, first: int
    ) -> None:
        super().__init__()
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
        batch, channels, height, width = x.shape
        x = x.view(batch, channels // self.groups, self.groups, height, width)
        return x.transpose(1, 2).contiguous().view(batch, channels, height, width)


class ShuffleNetV1(nn.Module):
    """(B, 3, H, W) → (B, classes)."""

    def __init__(self, groups: int, width: float, classes: int) -> None:
        super().__init__()
        channels = next_multiple(STEM[width], groups)
        self.first_conv = conv_norm_act(3, channels, 3, stride=2, act=nn.ReLU)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        units = []
        for at_width_1, repeats in zip(STAGES[groups], REPEATS, strict=True):
            out = int(at_width_1 * width)
            hidden = next_multiple(out // 4, groups)
            for repeat in range(repeats):
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


def shufflenetv1(groups: int = 3, width: float = 1.0, classes: int = 1000) -> nn.Module:
    """ShuffleNet with 1, 2, 3, 4 or 8 groups; 1,864,728 parameters with 3 at width 1.

    Raises ValueError for other groups, a width other than 0.25, 0.5, 0.75, 1, 1.5 and 2, or classes
    below 1.
    """
    if groups not in STAGES:
        raise ValueError(f"groups must be 1, 2, 3, 4 or 8, but {groups!r} was given")
    if width not in STEM:
        raise ValueError(f"width must be 0.25, 0.5, 0.75, 1, 1.5 or 2, but {width!r} was given")
    return ShuffleNetV1(groups, width, checked_classes(classes))


shufflenetv1_g1_x0_25 = partial(shufflenetv1, groups=1, width=0.25)
shufflenetv1_g1_x0_5 = partial(shufflenetv1, groups=1, width=0.5)
shufflenetv1_g1_x0_75 = partial(shufflenetv1, groups=1, width=0.75)
shufflenetv1_g1_x1_0 = partial(shufflenetv1, groups=1, width=1.0)
shufflenetv1_g2_x0_25 = partial(shufflenetv1, groups=2, width=0.25)
shufflenetv1_g2_x0_5 = partial(shufflenetv1, groups=2, width=0.5)
shufflenetv1_g2_x1_0 = partial(shufflenetv1, groups=2, width=1.0)
shufflenetv1_g3_x0_25 = partial(shufflenetv1, groups=3, width=0.25)
shufflenetv1_g3_x0_5 = partial(shufflenetv1, groups=3, width=0.5)
shufflenetv1_g3_x0_75 = partial(shufflenetv1, groups=3, width=0.75)
shufflenetv1_g3_x1_0 = partial(shufflenetv1, groups=3, width=1.0)
shufflenetv1_g3_x1_5 = partial(shufflenetv1, groups=3, width=1.5)
shufflenetv1_g3_x2_0 = partial(shufflenetv1, groups=3, width=2.0)
shufflenetv1_g4_x0_25 = partial(shufflenetv1, groups=4, width=0.25)
shufflenetv1_g4_x0_5 = partial(shufflenetv1, groups=4, width=0.5)
shufflenetv1_g4_x1_0 = partial(shufflenetv1, groups=4, width=1.0)
shufflenetv1_g8_x0_25 = partial(shufflenetv1, groups=8, width=0.25)
shufflenetv1_g8_x0_5 = partial(shufflenetv1, groups=8, width=0.5)
shufflenetv1_g8_x1_0 = partial(shufflenetv1, groups=8, width=1.0)
shufflenetv1_g8_x1_5 = partial(shufflenetv1, groups=8, width=1.5)
shufflenetv1_g8_x2_0 = partial(shufflenetv1, groups=8, width=2.0)
