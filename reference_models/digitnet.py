"""A small network for images of digits, with an operator and a width to choose in each layer.

It is nobody's published network; searches choose it and build it here. Names of parameters are
those of its supernets in `digitsupernets.py`, apart from what these share.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

STEM, CLASSES = 16, 10
STRIDES = (1, 1, 2, 1)
WIDTHS = (8, 16, 24)
KERNELS = {"conv3": 3, "sep5": 5, "sep3": 3, "point": 1}
SEPARABLE = ("sep5", "sep3")


def stem() -> nn.Sequential:
    """3×3 at stride 2, norm, ReLU: half the image's side."""
    conv = nn.Conv2d(1, STEM, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(STEM), nn.ReLU())


class Operator(nn.Module):
    """One convolution, or a depthwise and a pointwise one; then a norm, and no activation."""

    def __init__(self, name: str, channels: int, width: int, stride: int) -> None:
        super().__init__()
        kernel = KERNELS[name]
        near = {"stride": stride, "padding": kernel // 2, "bias": False}
        if name in SEPARABLE:
            self.conv = nn.Sequential(
                nn.Conv2d(channels, channels, kernel, groups=channels, **near),
                nn.Conv2d(channels, width, 1, bias=False),
            )
        else:
            self.conv = nn.Sequential(nn.Conv2d(channels, width, kernel, **near))
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(self.conv(x))
        return y


class DigitNet(nn.Module):
    """(B, 1, H, W) → (B, 10)."""

    def __init__(self, choices: Mapping[str, Any]) -> None:
        super().__init__()
        self.stem = stem()
        layers, channels = [], STEM
        for layer, stride in enumerate(STRIDES, start=1):
            width = choices[f"width{layer}"]
            operator = Operator(choices[f"op{layer}"], channels, width, stride)
            layers.append(nn.Sequential(operator, nn.ReLU()))
            channels = width
        self.layers = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.classifier(self.pool(self.layers(self.stem(x))).flatten(1))
        return y


def network(choices: Mapping[str, Any]) -> nn.Module:
    """The network of these choices: op1, width1, op2 and so on."""
    return DigitNet(choices)
