"""MobileNetV1: arXiv 1704.04861, Table 1, with the width multiplier α of its section 3.3.

Agrees with timm's `mobilenetv1_100` and `_gen_mobilenet_v1`: state dict, logits, initial weights.
torchvision has no MobileNetV1; the authors' code is tensorflow/models research/slim/nets/
mobilenet_v1.py.

Recipes differ in the rounding of α · channels alone, and not at α = 1:

* paper: max(⌊α·c⌋, 8), as in the authors' code.
* timm: the nearest multiple of 8, by `make_divisible`.

A depth multiplier d repeats the layers of a stage ⌈n·d⌉ times, the rule of EfficientNet and of
timm's `_gen_mobilenet_v1`.

Deviations:

* From the table: the last depthwise layer has stride 1. Its row prints s2, but the map stays 7×7.
* From the authors' code, so that timm's checkpoint gives timm's logits: batch-norm epsilon 1e-5
  instead of 1e-3, symmetric padding instead of SAME, no dropout (there 0.001). ReLU6 is in both.
  The initial weights are timm's too.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from reference_models.layers import (
    checked_classes,
    checked_depth,
    checked_recipe,
    checked_width,
    init_as_timm,
    make_divisible,
)


class Stage(NamedTuple):
    """Pairs of lines of Table 1: a 3×3 depthwise convolution, then a 1×1 to `out`.

    Stride of the first pair, the others have 1; outputs; number of pairs.
    """

    stride: int
    out: int
    repeats: int


STEM = 32

# Table 1 between the first convolution and the pooling, grouped as timm names its blocks.
STAGES = (
    Stage(1, 64, 1),
    Stage(2, 128, 2),
    Stage(2, 256, 2),
    Stage(2, 512, 6),
    Stage(2, 1024, 2),
)


def truncate(value: float) -> int:
    """max(⌊value⌋, 8): the channel rule of the authors' code."""
    return max(int(value), 8)


WIDTH_RULES: dict[str, Callable[[float], int]] = {"paper": truncate, "timm": make_divisible}


class SeparableBlock(nn.Module):
    """Depthwise 3×3, norm, ReLU6; pointwise 1×1, norm, ReLU6. No shortcut."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.act1 = nn.ReLU6(inplace=True)
        self.conv_pw = nn.Conv2d(channels, out, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.act2 = nn.ReLU6(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act1(self.bn1(self.conv_dw(x)))
        x = self.act2(self.bn2(self.conv_pw(x)))
        return x


class MobileNetV1(nn.Module):
    """(B, 3, H, W) → (B, classes)."""

    def __init__(
        self, width: float, depth: float, classes: int, rule: Callable[[float], int]
    ) -> None:
        super().__init__()
        channels = rule(STEM * width)
        self.conv_stem = nn.Conv2d(3, channels, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.act1 = nn.ReLU6(inplace=True)
        stages = []
        for stage in STAGES:
            blocks, out = [], rule(stage.out * width)
            for repeat in range(math.ceil(stage.repeats * depth)):
                blocks.append(SeparableBlock(channels, out, 1 if repeat else stage.stride))
                channels = out
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, classes)
        init_as_timm(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act1(self.bn1(self.conv_stem(x)))
        x = self.avgpool(self.blocks(x))
        logits: Tensor = self.classifier(x.flatten(1))
        return logits


def mobilenetv1(
    width: float = 1.0, classes: int = 1000, recipe: str = "paper", *, depth: float = 1.0
) -> nn.Module:
    """MobileNetV1 α of any positive width and depth; 4,231,976 parameters at width 1 and depth 1.

    Raises ValueError for a width or depth that is not positive and finite, classes below 1, or a
    recipe other than "paper" and "timm".
    """
    width, depth, classes = checked_width(width), checked_depth(depth), checked_classes(classes)
    return MobileNetV1(width, depth, classes, WIDTH_RULES[checked_recipe(recipe, WIDTH_RULES)])
