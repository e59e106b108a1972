"""MobileNetV2: arXiv 1801.04381, Table 2.

Agrees with torchvision's `mobilenet_v2(width_mult=...)`: state dict, logits, initial weights,
dropout. The authors' code is tensorflow/models research/slim/nets/mobilenet/mobilenet_v2.py.

Every width is the multiple of 8 nearest to α · c, by `make_divisible`; the last convolution keeps
its 1280 channels below α = 1 and grows above, as in the published checkpoints. A depth multiplier d
makes ⌈n·d⌉ of n blocks, the rule of EfficientNet and of timm's `_gen_mobilenet_v2`.

Deviations from the authors' code, so that torchvision's checkpoint gives torchvision's logits:
batch-norm epsilon 1e-5 instead of 1e-3, symmetric padding instead of SAME. The initial weights are
torchvision's too, where the authors draw all from one truncated normal.
"""

import math
from typing import NamedTuple

from torch import Tensor, nn

from reference_models.layers import (
    Classifier,
    checked_classes,
    checked_depth,
    checked_width,
    conv_norm_act,
    init_as_torchvision,
    make_divisible,
)


class Row(NamedTuple):
    """A line of Table 2: expansion t, output channels c, repeats n, stride s of the first."""

    t: int
    c: int
    n: int
    s: int


STEM, LAST = 32, 1280

# Table 2 between the first convolution and the last.
TABLE_2 = (
    Row(t=1, c=16, n=1, s=1),
    Row(t=6, c=24, n=2, s=2),
    Row(t=6, c=32, n=3, s=2),
    Row(t=6, c=64, n=4, s=2),
    Row(t=6, c=96, n=3, s=1),
    Row(t=6, c=160, n=3, s=2),
    Row(t=6, c=320, n=1, s=1),
)


class InvertedResidual(nn.Module):
    """Expand 1×1 (unless t = 1), depthwise k×k, project 1×1 without activation: Table 1.

    The input is added where the stride is 1 and the widths are equal. At small widths that includes
    first blocks of a row: rounding makes 32·α and 16·α equal at α = 0.25.
    """

    def __init__(self, channels: int, out: int, stride: int, t: int, kernel: int = 3) -> None:
        super().__init__()
        hidden = channels * t
        layers: list[nn.Module] = []
        if t != 1:
            layers.append(conv_norm_act(channels, hidden, 1, act=nn.ReLU6))
        layers += [
            conv_norm_act(hidden, hidden, kernel, stride=stride, groups=hidden, act=nn.ReLU6),
            nn.Conv2d(hidden, out, 1, bias=False),
            nn.BatchNorm2d(out),
        ]
        self.conv = nn.Sequential(*layers)
        self.shortcut = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.shortcut else y


def mobilenetv2(width: float = 1.0, classes: int = 1000, *, depth: float = 1.0) -> nn.Module:
    """MobileNetV2 of any positive width and depth; 3,504,872 parameters at width 1 and depth 1.

    Raises ValueError for a width or depth that is not positive and finite, or classes below 1.
    """
    width, depth, classes = checked_width(width), checked_depth(depth), checked_classes(classes)
    channels = make_divisible(STEM * width)
    last = make_divisible(LAST * max(1.0, width))
    features: list[nn.Module] = [conv_norm_act(3, channels, 3, stride=2, act=nn.ReLU6)]
    for row in TABLE_2:
        out = make_divisible(row.c * width)
        for repeat in range(math.ceil(row.n * depth)):
            stride = row.s if repeat == 0 else 1
            features.append(InvertedResidual(channels, out, stride, row.t))
            channels = out
    features.append(conv_norm_act(channels, last, 1, act=nn.ReLU6))
    classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes))
    model = Classifier(nn.Sequential(*features), classifier)
    init_as_torchvision(model)
    return model
