"""Sub-networks of the once-for-all MobileNetV3: arXiv 1908.09791, section 4.1.

Names and shapes are those of the networks that mit-han-lab/once-for-all gives out,
ofa/imagenet_classification/elastic_nn/networks/ofa_mbv3.py at `get_active_subnet`. Batch norms have
its epsilon 1e-5, the classifier its dropout of 0.1, convolutions its He-normal start by fan-out.

Deviation: the transforms of kernels that make a smaller kernel from the shared one belong to the
shared weights, which a sub-network does not have.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from reference_models.layers import checked_classes, init_as_torchvision, make_divisible

NONE = "-"


class Row(NamedTuple):
    """A stage: channels, stride of its first block, squeeze-and-excite, nonlinearity."""

    out: int
    s: int
    se: bool
    nl: type[nn.Module]


ROWS = (
    Row(24, 2, False, nn.ReLU),
    Row(40, 2, True, nn.ReLU),
    Row(80, 2, False, nn.Hardswish),
    Row(112, 1, True, nn.Hardswish),
    Row(160, 2, True, nn.Hardswish),
)
STEM, LAST, HEAD = 16, 960, 1280
SETTINGS = {f"k{k}e{e}": (k, e) for k in (3, 5, 7) for e in (3, 4, 6)}


def _layer(
    channels: int, out: int, kernel: int, stride: int, groups: int, act: type[nn.Module] | None
) -> nn.Sequential:
    """Convolution, norm and activation, in the authors' names."""
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    parts: OrderedDict[str, nn.Module] = OrderedDict(conv=conv, bn=nn.BatchNorm2d(out))
    if act is not None:
        parts["act"] = act()
    return nn.Sequential(parts)


class SqueezeExcite(nn.Module):
    """x · gate of the mean: 1×1 to about a quarter, ReLU, 1×1 back, hard-sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = make_divisible(channels // 4)
        self.fc = nn.Sequential(
            OrderedDict(
                reduce=nn.Conv2d(channels, squeezed, 1),
                relu=nn.ReLU(),
                expand=nn.Conv2d(squeezed, channels, 1),
                h_sigmoid=nn.Hardsigmoid(),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        gated: Tensor = x * self.fc(x.mean((2, 3), keepdim=True))
        return gated


class Block(nn.Module):
    """An inverted residual. The first block of the network does not expand."""

    def __init__(self, channels: int, row: Row, kernel: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = make_divisible(channels * expansion)
        conv: OrderedDict[str, nn.Module] = OrderedDict()
        if expansion != 1:
            conv["inverted_bottleneck"] = _layer(channels, hidden, 1, 1, 1, row.nl)
        conv["depth_conv"] = _layer(hidden, hidden, kernel, stride, hidden, row.nl)
        if row.se:
            conv["depth_conv"].add_module("se", SqueezeExcite(hidden))
        conv["point_linear"] = _layer(hidden, row.out, 1, 1, 1, None)
        self.conv = nn.Sequential(conv)
        self.shortcut = stride == 1 and channels == row.out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.shortcut else y


class OFAMobileNetV3(nn.Module):
    """(B, 3, H, W) → (B, classes): stages of (kernel, expansion) settings."""

    def __init__(self, stages: Sequence[Sequence[tuple[int, int]]], classes: int = 1000) -> None:
        super().__init__()
        self.first_conv = _layer(3, STEM, 3, 2, 1, nn.Hardswish)
        blocks = [Block(STEM, Row(STEM, 1, False, nn.ReLU), 3, 1, 1)]
        channels = STEM
        for row, settings in zip(ROWS, stages, strict=True):
            for number, (kernel, expansion) in enumerate(settings):
                stride = row.s if number == 0 else 1
                blocks.append(Block(channels, row, kernel, expansion, stride))
                channels = row.out
        self.blocks = nn.ModuleList(blocks)
        self.final_expand_layer = _layer(channels, LAST, 1, 1, 1, nn.Hardswish)
        mix = nn.Conv2d(LAST, HEAD, 1, bias=False)
        self.feature_mix_layer = nn.Sequential(OrderedDict(conv=mix, act=nn.Hardswish()))
        self.classifier = nn.Sequential(
            OrderedDict(dropout=nn.Dropout(0.1), linear=nn.Linear(HEAD, checked_classes(classes)))
        )
        init_as_torchvision(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first_conv(x)
        for block in self.blocks:
            x = block(x)
        x = self.final_expand_layer(x).mean((2, 3), keepdim=True)
        logits: Tensor = self.classifier(self.feature_mix_layer(x).flatten(1))
        return logits


def network(choices: Mapping[str, str], classes: int = 1000) -> OFAMobileNetV3:
    """The sub-network of these settings, such as {'stage1.block1': 'k3e4'}; '-' is no block."""
    stages: list[list[tuple[int, int]]] = [[] for _ in ROWS]
    for name, setting in choices.items():
        if setting != NONE:
            stages[int(name[len("stage")]) - 1].append(SETTINGS[setting])
    return OFAMobileNetV3(stages, classes)
