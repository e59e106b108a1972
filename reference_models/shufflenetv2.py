"""ShuffleNetV2: arXiv 1807.11164, Table 5.

Agrees, by recipe, with
* torchvision: `shufflenet_v2_x0_5` to `shufflenet_v2_x2_0`: state dict, logits, initial weights;
* paper: megvii-model/ShuffleNet-Series ShuffleNetV2/network.py, the authors' code: state dict,
  logits, initialisation. In its units of stride 2 one branch keeps the width of the input and the
  other fills up the output; torchvision's branches give half each. That differs where a stage does
  not double its input, in stage 2. Its classifier has no bias.

Deviations: pooling is a layer, where torchvision takes a mean; in the paper's recipe it covers the
whole map, so that every resolution runs, and at 224 that is the authors' 7×7.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reference_models.layers import (
    checked_classes,
    checked_recipe,
    conv_norm_act,
    init_as_megvii,
)


class Column(NamedTuple):
    """A column of Table 5: outputs of stages 2, 3 and 4, and of conv5."""

    stages: tuple[int, int, int]
    conv5: int


# Table 5; repeats of the units in a stage, the one of stride 2 included.
COLUMNS = {
    0.5: Column((48, 96, 192), 1024),
    1.0: Column((116, 232, 464), 1024),
    1.5: Column((176, 352, 704), 1024),
    2.0: Column((244, 488, 976), 2048),
}
REPEATS = (4, 8, 4)
CONV1 = 24


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
        channels = CONV1
        self.conv1 = conv_norm_act(3, channels, 3, stride=2, act=nn.ReLU)
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
        self.first_conv = conv_norm_act(3, CONV1, 3, stride=2, act=nn.ReLU)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.features = nn.Sequential(*(u for stage in stages(PaperUnit, column) for u in stage))
        self.conv_last = conv_norm_act(column.stages[-1], column.conv5, 1, act=nn.ReLU)
        self.globalpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.2 if column is COLUMNS[2.0] else 0.0)
        self.classifier = nn.Sequential(nn.Linear(column.conv5, classes, bias=False))
        init_as_megvii(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_last(self.features(self.maxpool(self.first_conv(x))))
        logits: Tensor = self.classifier(self.dropout(self.globalpool(x)).flatten(1))
        return logits


def stages(unit: type[Unit] | type[PaperUnit], column: Column) -> list[list[nn.Module]]:
    """The units of stages 2, 3 and 4, the first of each with stride 2."""
    channels, found = CONV1, []
    for out, repeats in zip(column.stages, REPEATS, strict=True):
        found.append([unit(channels, out, 2), *(unit(out, out, 1) for _ in range(repeats - 1))])
        channels = out
    return found


RECIPES = {"paper": PaperShuffleNetV2, "torchvision": ShuffleNetV2}


def shufflenetv2(width: float = 1.0, classes: int = 1000, recipe: str = "paper") -> nn.Module:
    """ShuffleNetV2 of a width of Table 5; 2,278,760 parameters at width 1 in the paper's recipe.

    Raises ValueError for a width other than 0.5, 1, 1.5 and 2, classes below 1, or a recipe other
    than "paper" and "torchvision".
    """
    if width not in COLUMNS:
        raise ValueError(f"width must be 0.5, 1, 1.5 or 2, but {width!r} was given")
    classes = checked_classes(classes)
    return RECIPES[checked_recipe(recipe, RECIPES)](COLUMNS[width], classes)


shufflenetv2_x0_5 = partial(shufflenetv2, width=0.5)
shufflenetv2_x1_0 = partial(shufflenetv2, width=1.0)
shufflenetv2_x1_5 = partial(shufflenetv2, width=1.5)
shufflenetv2_x2_0 = partial(shufflenetv2, width=2.0)
