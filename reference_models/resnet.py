"""ResNet: arXiv 1512.03385, Table 1; ResNeXt and Wide ResNet by `groups` and `width_per_group`.

Agrees with torchvision's `resnet18` to `resnet152`, and with its `resnext*` and `wide_resnet*`
where groups and widths are theirs: state dict, logits, initial weights.

Neither paper nor torchvision has width and depth coefficients; EfficientNet's rules round them. A
bottleneck is as wide as torchvision makes it, int(planes · width_per_group/64) · groups but at
least one channel a group.

Deviation from the paper and from the authors' KaimingHe/deep-residual-networks, so that
torchvision's checkpoint gives torchvision's logits: a bottleneck has its stride in the 3×3
convolution, not in the first 1×1 ("version 1.5").
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor, nn

from reference_models.layers import (
    checked_classes,
    checked_count,
    checked_depth,
    checked_width,
    make_divisible,
)

STEM = 64
WIDTHS = (64, 128, 256, 512)  # of the 3×3 convolutions in conv2_x to conv5_x
EXPANSION = 4  # of a bottleneck's last convolution


def _projection(channels: int, out: int, stride: int) -> nn.Sequential | None:
    """The shortcut's 1×1 convolution with norm, where the shape changes (option B)."""
    if stride == 1 and channels == out:
        return None
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: figure 5, left."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.out = width
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _projection(channels, self.out, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.relu(y + shortcut)
        return out


class Bottleneck(nn.Module):
    """1×1, 3×3 (in groups), 1×1 and a shortcut: figure 5, right."""

    def __init__(self, channels: int, hidden: int, out: int, stride: int, groups: int = 1) -> None:
        super().__init__()
        self.out = out
        self.conv1 = nn.Conv2d(channels, hidden, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.conv2 = nn.Conv2d(hidden, hidden, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.conv3 = nn.Conv2d(hidden, self.out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(self.out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _projection(channels, self.out, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.relu(y + shortcut)
        return out


class ResNet(nn.Module):
    """(B, 3, H, W) → (B, classes), at coefficients `width` and `depth`.

    `block` makes a block from input channels, width and stride.
    """

    def __init__(
        self,
        block: Callable[[int, int, int], BasicBlock | Bottleneck],
        depths: Sequence[int],
        classes: int,
        width: float,
        depth: float,
    ) -> None:
        super().__init__()
        width, depth = checked_width(width), checked_depth(depth)
        channels = make_divisible(STEM * width)
        self.conv1 = nn.Conv2d(3, channels, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for stage, (planes, repeats) in enumerate(zip(WIDTHS, depths, strict=True), start=1):
            blocks = []
            for number in range(math.ceil(repeats * depth)):
                stride = 2 if number == 0 and stage > 1 else 1
                made = block(channels, make_divisible(planes * width), stride)
                blocks.append(made)
                channels = made.out
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, classes)
        _init(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        logits: Tensor = self.fc(self.avgpool(x).flatten(1))
        return logits


def _init(model: nn.Module) -> None:
    """He's normal by fan-out for convolutions (arXiv 1502.01852), PyTorch's default elsewhere."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")


def _basic_blocks(
    depths: Sequence[int], classes: int = 1000, *, width: float = 1.0, depth: float = 1.0
) -> nn.Module:
    """A ResNet of basic blocks.

    Raises ValueError for a width or depth that is not positive and finite, or classes below 1.
    """
    return ResNet(BasicBlock, depths, checked_classes(classes), width, depth)


def _bottlenecks(
    depths: Sequence[int],
    classes: int = 1000,
    groups: int = 1,
    width_per_group: int = 64,
    *,
    width: float = 1.0,
    depth: float = 1.0,
) -> nn.Module:
    """A ResNet of bottlenecks.

    Raises ValueError for a width or depth that is not positive and finite, or for classes, groups
    or a width per group below 1.
    """
    groups = checked_count("groups", groups, 32)
    width_per_group = checked_count("width_per_group", width_per_group, 64)

    def block(channels: int, planes: int, stride: int) -> Bottleneck:
        of_group = max(1, int(planes * (width_per_group / 64)))
        return Bottleneck(channels, of_group * groups, EXPANSION * planes, stride, groups)

    return ResNet(block, depths, checked_classes(classes), width, depth)


# 11,689,512 and 21,797,672 parameters at width 1 and depth 1.
resnet18 = partial(_basic_blocks, (2, 2, 2, 2))
resnet34 = partial(_basic_blocks, (3, 4, 6, 3))

# 25,557,032, 44,549,160 and 60,192,808 parameters with one group of 64, at width 1 and depth 1.
resnet50 = partial(_bottlenecks, (3, 4, 6, 3))
resnet101 = partial(_bottlenecks, (3, 4, 23, 3))
resnet152 = partial(_bottlenecks, (3, 8, 36, 3))
