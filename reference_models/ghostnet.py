"""GhostNet: arXiv 1911.11907, Table 1, with the width multiplier of its section 4.

Agrees with timm's `ghostnet_050`, `ghostnet_100` and `ghostnet_130`, or its `GhostNet` of any
width: state dict, logits, initial weights, dropout. The authors' code is huawei-noah/
Efficient-AI-Backbones ghostnet_pytorch/ghostnet.py, equal in structure.

Every width is the multiple of 4 nearest to α · c, by `make_divisible`; the layer after the pooling
keeps its 1280 channels. No code of the family has a depth multiplier; here it scales the rows of
one output width as timm does in MobileNetV3, by `scaled_rows`.

Deviation: pooling, in the gates and before the head, and dropout are layers, where timm calls
functions.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reference_models.layers import (
    checked_classes,
    checked_depth,
    checked_width,
    conv_norm_act,
    make_divisible,
    scaled_rows,
)


class Row(NamedTuple):
    """A line of Table 1: kernel, #exp, #out, SE, stride."""

    kernel: int
    exp: int
    out: int
    se: bool
    stride: int
    given: int  # channels of its input

    def again(self) -> "Row":
        """The row as it is repeated: at stride 1, on its own output, expanded in the same ratio."""
        return self._replace(given=self.out, exp=self.out * self.exp // self.given, stride=1)


# Table 1 between the first convolution and the last, by output channels.
TABLE_1 = (
    (Row(3, 16, 16, False, 1, 16),),
    (Row(3, 48, 24, False, 2, 16), Row(3, 72, 24, False, 1, 24)),
    (Row(5, 72, 40, True, 2, 24), Row(5, 120, 40, True, 1, 40)),
    (
        Row(3, 240, 80, False, 2, 40),
        Row(3, 200, 80, False, 1, 80),
        Row(3, 184, 80, False, 1, 80),
        Row(3, 184, 80, False, 1, 80),
    ),
    (Row(3, 480, 112, True, 1, 80), Row(3, 672, 112, True, 1, 112)),
    (
        Row(5, 672, 160, True, 2, 112),
        Row(5, 960, 160, False, 1, 160),
        Row(5, 960, 160, True, 1, 160),
        Row(5, 960, 160, False, 1, 160),
        Row(5, 960, 160, True, 1, 160),
    ),
)
STEM, LAST, HEAD = 16, 960, 1280


class GhostModule(nn.Module):
    """One map in `ratio` comes from a convolution, and depthwise convolutions make the others from
    these: Figure 2.

    Where `ratio` does not divide the maps, they are cut from the next multiple.
    """

    def __init__(
        self,
        channels: int,
        out: int,
        act: type[nn.Module] | None,
        kernel: int = 1,
        ratio: int = 2,
        cheap_kernel: int = 3,
    ) -> None:
        super().__init__()
        primary = (out + ratio - 1) // ratio
        cheap = primary * (ratio - 1)
        self.out = out
        self.primary_conv = conv_norm_act(channels, primary, kernel, act=act)
        self.cheap_operation = conv_norm_act(primary, cheap, cheap_kernel, groups=primary, act=act)

    def forward(self, x: Tensor) -> Tensor:
        x = self.primary_conv(x)
        return torch.cat((x, self.cheap_operation(x)), 1).narrow(1, 0, self.out)


class SqueezeExcite(nn.Module):
    """x · gate(x): global mean, 1×1 to a quarter, ReLU, 1×1 back, hard sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = make_divisible(channels / 4, 4)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.conv_reduce = nn.Conv2d(channels, squeezed, 1)
        self.act1 = nn.ReLU(inplace=True)
        self.conv_expand = nn.Conv2d(squeezed, channels, 1)
        self.gate = nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        gated: Tensor = x * self.gate(
            self.conv_expand(self.act1(self.conv_reduce(self.avgpool(x))))
        )
        return gated


Expand = Callable[[int, int, type[nn.Module]], nn.Module]
"""Makes a bottleneck's first module from its input channels, its output channels, and ReLU."""


def shortcut(channels: int, out: int, row: Row) -> nn.Sequential:
    """Depthwise and 1×1 convolutions with norms, or nothing where stride and widths let the input
    be added."""
    if row.stride == 1 and channels == out:
        return nn.Sequential()
    stride, kernel = row.stride, row.kernel
    return nn.Sequential(
        *conv_norm_act(channels, channels, kernel, stride=stride, groups=channels, act=None),
        *conv_norm_act(channels, out, 1, act=None),
    )


class Bottleneck(nn.Module):
    """Ghost module; at stride 2 a depthwise convolution; gate; Ghost module without activation.

    The shortcut is the input where stride and widths let it: Figure 3.
    """

    def __init__(self, channels: int, hidden: int, out: int, row: Row, expand: Expand) -> None:
        super().__init__()
        self.ghost1 = expand(channels, hidden, nn.ReLU)
        self.halves = row.stride == 2
        if self.halves:
            self.conv_dw, self.bn_dw = conv_norm_act(
                hidden, hidden, row.kernel, stride=2, groups=hidden, act=None
            )
        self.se = SqueezeExcite(hidden) if row.se else nn.Identity()
        self.ghost2 = GhostModule(hidden, out, None)
        self.shortcut = shortcut(channels, out, row)

    def forward(self, x: Tensor) -> Tensor:
        y = self.ghost1(x)
        if self.halves:
            y = self.bn_dw(self.conv_dw(y))
        y = self.ghost2(self.se(y))
        z: Tensor = self.shortcut(x) + y
        return z


class LastConv(nn.Module):
    """1×1, norm, ReLU."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv, self.bn1, self.act = conv_norm_act(channels, out, 1, act=nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.act(self.bn1(self.conv(x)))
        return y


def groups(depth: float) -> Iterator[list[Row]]:
    """The rows of the bottlenecks, grouped as timm names them: one that halves the map by itself,
    then all up to the next such one."""
    group: list[Row] = []
    for rows in TABLE_1:
        first, *others = scaled_rows(rows, Row.again, depth)
        if first.stride == 2:
            yield from (group, [first])
            group = others
        else:
            group = [*group, first, *others]
    yield group


Make = Callable[[int, int, int, Row], nn.Module]
"""Makes a bottleneck from the channels of its input, its hidden channels, those of its output, and
its row."""


class GhostNet(nn.Module):
    """(B, 3, H, W) → (B, classes).

    `make` makes a bottleneck. An argument says whether its input has the height of the first map,
    which is half the image's: in Table 1 the inputs of the first two have.
    """

    def __init__(
        self, width: float, depth: float, classes: int, make: Callable[[bool], Make]
    ) -> None:
        super().__init__()
        channels = make_divisible(STEM * width, 4)
        self.conv_stem, self.bn1, self.act1 = conv_norm_act(3, channels, 3, stride=2, act=nn.ReLU)
        stages: list[nn.Module] = []
        large = True
        for rows in groups(depth):
            blocks: list[nn.Module] = []
            for row in rows:
                hidden, out = (make_divisible(c * width, 4) for c in (row.exp, row.out))
                blocks.append(make(large)(channels, hidden, out, row))
                channels, large = out, large and row.stride == 1
            stages.append(nn.Sequential(*blocks))
        last = make_divisible(LAST * width, 4)
        stages.append(nn.Sequential(LastConv(channels, last)))
        self.blocks = nn.Sequential(*stages)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.conv_head = nn.Conv2d(last, HEAD, 1)
        self.act2 = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(HEAD, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.act1(self.bn1(self.conv_stem(x))))
        x = self.act2(self.conv_head(self.avgpool(x))).flatten(1)
        logits: Tensor = self.classifier(self.dropout(x))
        return logits


def ghostnet(width: float = 1.0, classes: int = 1000, *, depth: float = 1.0) -> nn.Module:
    """GhostNet of any positive width and depth; 5,182,508 parameters at width 1 and depth 1.

    Raises ValueError for a width or depth that is not positive and finite, or classes below 1.
    """
    width, depth, classes = checked_width(width), checked_depth(depth), checked_classes(classes)
    return GhostNet(width, depth, classes, lambda large: partial(Bottleneck, expand=GhostModule))


ghostnet_050 = partial(ghostnet, width=0.5)
ghostnet_100 = partial(ghostnet, width=1.0)
ghostnet_130 = partial(ghostnet, width=1.3)
