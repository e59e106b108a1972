"""ShuffleNetV2: arXiv 1807.11164, Table 5.

Agrees, by recipe, with
* torchvision: `shufflenet_v2_x0_5` to `shufflenet_v2_x2_0`: state dict, logits, initial weights;
* paper: megvii-model/ShuffleNet-Series ShuffleNetV2/network.py, the authors' code: state dict,
  logits, initialisation. In its units of stride 2 one branch keeps the width of the input and the
  other fills up the output; torchvision's branches give half each. That differs where a stage does
  not double its input, in stage 2. Its classifier has no bias.

Width and depth coefficients, which neither has, come on top of a column's channels and units,
rounded as in EfficientNet, by `scaled`.

Deviations: pooling is a layer, where torchvision takes a mean; in the paper's recipe it covers the
whole map, so that every resolution runs, and at 224 that is the authors' 7×7.
"""

import math
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reference_models.layers import (
    checked_classes,
    checked_depth,
    checked_recipe,
    checked_width,
    conv_norm_act,
    init_as_megvii,
    make_divisible,
)


class Column(NamedTuple):
    """A column of Table 5: outputs of stages 2, 3 and 4, and of conv5.

    The authors' code drops out before the classifier in the widest. The rest is the same in all:
    outputs of conv1, and repeats of the units in a stage, the one of stride 2 included.
    """

    stages: tuple[int, ...]
    conv5: int
    dropout: float = 0.0
    conv1: int = 24
    repeats: tuple[int, ...] = (4, 8, 4)


# Table 5.
COLUMNS = {
    0.5: Column((48, 96, 192), 1024),
    1.0: Column((116, 232, 464), 1024),
    1.5: Column((176, 352, 704), 1024),
    2.0: Column((244, 488, 976), 2048, dropout=0.2),
}


def scaled(column: Column, width: float, depth: float) -> Column:
    """The column at coefficients; channels are multiples of 8, or of what they share with 8.

    Stage 2 is scaled as conv1 and what is added to that, so that its first unit adds something at
    any width. Stages 3 and 4 are twice and four times as wide, as in the table.
    """

    def rounded(channels: int) -> int:
        return make_divisible(channels * width, math.gcd(8, channels))

    conv1 = rounded(column.conv1)
    stage2 = conv1 + rounded(column.stages[0] - column.conv1)
    return column._replace(
        stages=(stage2, 2 * stage2, 4 * stage2),
        conv5=rounded(column.conv5),
        conv1=conv1,
        repeats=tuple(math.ceil(repeats * depth) for repeats in column.repeats),
    )


def main_branch(channels: int, hidden: int, out: int, stride: int) -> nn.Sequential:
    """1×1, depthwise 3×3 without activation, 1×1: the right side of Figures 3c and 3d."""
    return nn.Sequential(
        *conv_norm_act(channels, hidden, 1, act=nn.ReLU),
        *conv_norm_act(hidden, hidden, 3, stride=stride, groups=hidden, act=None),
        *conv_norm_act(hidden, out, 1, act=nn.ReLU),
    )


def side_branch(channels: int, out: int) -> nn.Sequential:
    """Depthwise 3×3 of stride 2 without activation, 1×1: the left side of Figure 3d."""
    return nn.Sequential(
        *conv_norm_act(channels, channels, 3, stride=2, groups=channels, act=None),
        *conv_norm_act(channels, out, 1, act=nn.ReLU),
    )


class Unit(nn.Module):
    """torchvision's unit: two equal branches, their outputs shuffled."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        half = out // 2
        self.stride = stride
        self.branch1 = side_branch(channels, half) if stride == 2 else nn.Sequential()
        self.branch2 = main_branch(channels if stride == 2 else half, half, half, stride)

    def forward(self, x: Tensor) -> Tensor:
        left, right = (x, x) if self.stride == 2 else x.chunk(2, 1)
        y = torch.cat((self.branch1(left), self.branch2(right)), 1)
        batch, channels, height, width = y.shape
        y = y.view(batch, 2, channels // 2, height, width)
        return y.transpose(1, 2).contiguous().view(batch, channels, height, width)


class PaperUnit(nn.Module):
    """The authors' unit: even channels pass by, odd ones are worked on. No shuffle after it."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        given = channels if stride == 2 else out // 2
        self.branch_main = main_branch(given, out // 2, out - given, stride)
        self.branch_proj = side_branch(channels, channels) if stride == 2 else None

    def forward(self, x: Tensor) -> Tensor:
        if self.branch_proj is not None:
            return torch.cat((self.branch_proj(x), self.branch_main(x)), 1)
        batch, channels, height, width = x.shape
        even, odd = x.view(batch, channels // 2, 2, height, width).unbind(2)
        return torch.cat((even, self.branch_main(odd)), 1)


class ShuffleNetV2(nn.Module):
    """(B, 3, H, W) → (B, classes), in torchvision's names."""

    def __init__(self, column: Column, classes: int) -> None:
        super().__init__()
        self.conv1 = conv_norm_act(3, column.conv1, 3, stride=2, act=nn.ReLU)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.stage2, self.stage3, self.stage4 = (
            nn.Sequential(*stage) for stage in stages(Unit, column)
        )
        self.conv5 = conv_norm_act(column.stages[-1], column.conv5, 1, act=nn.ReLU)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(column.conv5, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.conv1(x))
        x = self.conv5(self.stage4(self.stage3(self.stage2(x))))
        logits: Tensor = self.fc(self.avgpool(x).flatten(1))
        return logits


class PaperShuffleNetV2(nn.Module):
    """(B, 3, H, W) → (B, classes), in the names of the authors' code."""

    def __init__(self, column: Column, classes: int) -> None:
        super().__init__()
        self.first_conv = conv_norm_act(3, column.conv1, 3, stride=2, act=nn.ReLU)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.features = nn.Sequential(*(u for stage in stages(PaperUnit, column) for u in stage))
        self.conv_last = conv_norm_act(column.stages[-1], column.conv5, 1, act=nn.ReLU)
        self.globalpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(column.dropout)
        self.classifier = nn.Sequential(nn.Linear(column.conv5, classes, bias=False))
        init_as_megvii(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_last(self.features(self.maxpool(self.first_conv(x))))
        logits: Tensor = self.classifier(self.dropout(self.globalpool(x)).flatten(1))
        return logits


def stages(unit: type[Unit] | type[PaperUnit], column: Column) -> list[list[nn.Module]]:
    """The units of stages 2, 3 and 4, the first of each with stride 2."""
    channels, found = column.conv1, []
    for out, repeats in zip(column.stages, column.repeats, strict=True):
        found.append([unit(channels, out, 2), *(unit(out, out, 1) for _ in range(repeats - 1))])
        channels = out
    return found


RECIPES = {"paper": PaperShuffleNetV2, "torchvision": ShuffleNetV2}


def shufflenetv2(
    s: float = 1.0,
    classes: int = 1000,
    recipe: str = "paper",
    *,
    width: float = 1.0,
    depth: float = 1.0,
) -> nn.Module:
    """ShuffleNetV2 s× of Table 5; 2,278,760 parameters at s = 1 in the paper's recipe.

    `width` and `depth` scale it further. Raises ValueError for an s other than 0.5, 1, 1.5 and 2, a
    width or depth that is not positive and finite, classes below 1, or a recipe other than "paper"
    and "torchvision".
    """
    if s not in COLUMNS:
        raise ValueError(f"s must be 0.5, 1, 1.5 or 2, but {s!r} was given")
    column = scaled(COLUMNS[s], checked_width(width), checked_depth(depth))
    return RECIPES[checked_recipe(recipe, RECIPES)](column, checked_classes(classes))


shufflenetv2_x0_5 = partial(shufflenetv2, s=0.5)
shufflenetv2_x1_0 = partial(shufflenetv2, s=1.0)
shufflenetv2_x1_5 = partial(shufflenetv2, s=1.5)
shufflenetv2_x2_0 = partial(shufflenetv2, s=2.0)
