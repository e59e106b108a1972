"""GhostNetV2: arXiv 2211.12905, with the width multiplier of its section 5.1.

Agrees with timm's `ghostnetv2_100`, `ghostnetv2_130` and `ghostnetv2_160`, or its `GhostNet` of
version v2 and any width: state dict, logits, initial weights, dropout. The authors' code is
huawei-noah/Efficient-AI-Backbones ghostnetv2_pytorch/model/ghostnetv2_torch.py, equal in structure.

GhostNet's network, whose first Ghost modules attend to their input from the third bottleneck on;
with another depth, wherever their input has a quarter of the image's height or less.

Deviation: pooling is a layer, where timm calls functions.
"""

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from reference_models.ghostnet import Bottleneck, GhostModule, GhostNet, Make
from reference_models.layers import checked_classes, checked_depth, checked_width


def dfc_attention(channels: int, out: int) -> nn.Sequential:
    """1×1 to the module's width, depthwise 1×5 and 5×1, each with norm and none with activation."""
    return nn.Sequential(
        nn.Conv2d(channels, out, 1, bias=False),
        nn.BatchNorm2d(out),
        nn.Conv2d(out, out, (1, 5), padding=(0, 2), groups=out, bias=False),
        nn.BatchNorm2d(out),
        nn.Conv2d(out, out, (5, 1), padding=(2, 0), groups=out, bias=False),
        nn.BatchNorm2d(out),
    )


class AttendedModule(GhostModule):
    """A Ghost module times a gate: the DFC attention of the module's input at half its size,
    sigmoid, the nearest value at full size."""

    def __init__(self, channels: int, out: int, act: type[nn.Module] | None) -> None:
        super().__init__(channels, out, act)
        self.pool = nn.AvgPool2d(2, 2)
        self.short_conv = dfc_attention(channels, out)
        self.gate_fn = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        attention = self.short_conv(self.pool(x))
        y = super().forward(x)
        return y * F.interpolate(self.gate_fn(attention), size=y.shape[-2:], mode="nearest")


def ghostnetv2(width: float = 1.0, classes: int = 1000, *, depth: float = 1.0) -> nn.Module:
    """GhostNetV2 of any positive width and depth; 6,156,908 parameters at width 1 and depth 1.

    Inputs from 33×33. Raises ValueError for a width or depth that is not positive and finite, or
    classes below 1.
    """

    def make(large: bool) -> Make:
        return partial(Bottleneck, expand=GhostModule if large else AttendedModule)

    width, depth, classes = checked_width(width), checked_depth(depth), checked_classes(classes)
    return GhostNet(width, depth, classes, make)


ghostnetv2_100 = partial(ghostnetv2, width=1.0)
ghostnetv2_130 = partial(ghostnetv2, width=1.3)
ghostnetv2_160 = partial(ghostnetv2, width=1.6)
