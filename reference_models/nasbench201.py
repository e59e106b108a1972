"""Networks of NAS-Bench-201: arXiv 2001.00326, section 2; the structure of D-X-Y/AutoDL-Projects
xautodl/models/cell_infers/tiny_network.py and cell_operations.py. Weights start as PyTorch starts
them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from reference_models.layers import checked_classes

WIDTHS, CELLS, NODES = (16, 32, 64), 5, 4


class Zero(nn.Module):
    """Nothing comes through."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


def _relu_conv_norm(channels: int, out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(out))


def _operation(name: str, channels: int) -> nn.Module:
    if name == "none":
        return Zero()
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    return _relu_conv_norm(channels, channels, int(name[-1]))


class Cell(nn.Module):
    """Node i is the sum of an operation of each node before it; the last node goes out."""

    def __init__(self, choices: Mapping[str, str], channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleDict(
            {name: _operation(option, channels) for name, option in choices.items()}
        )

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x]
        for i in range(1, NODES):
            summed = self.edges[f"edge{i}_0"](nodes[0])
            for j in range(1, i):
                summed = summed + self.edges[f"edge{i}_{j}"](nodes[j])
            nodes.append(summed)
        return nodes[-1]


class Reduction(nn.Module):
    """A residual block of stride 2, its shortcut an average of 2×2 and a 1×1 convolution."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv_a = _relu_conv_norm(channels, out, 3, 2)
        self.conv_b = _relu_conv_norm(out, out, 3)
        self.downsample = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(channels, out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv_b(self.conv_a(x)) + self.downsample(x)
        return y


class NASBench201(nn.Module):
    """(B, 3, H, W) → (B, classes), for even H and W that can be halved twice."""

    def __init__(self, choices: Mapping[str, str], classes: int = 10) -> None:
        super().__init__()
        channels = WIDTHS[0]
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )
        cells: list[nn.Module] = []
        for out in WIDTHS:
            if out != channels:
                cells.append(Reduction(channels, out))
            cells += [Cell(choices, out) for _ in range(CELLS)]
            channels = out
        self.cells = nn.Sequential(*cells)
        self.lastact = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
        self.classifier = nn.Linear(channels, checked_classes(classes))

    def forward(self, x: Tensor) -> Tensor:
        x = self.lastact(self.cells(self.stem(x)))
        logits: Tensor = self.classifier(x.mean((2, 3)))
        return logits


def network(choices: Mapping[str, str], classes: int = 10) -> NASBench201:
    """The network whose cells have these operations, such as {'edge1_0': 'skip_connect'}."""
    return NASBench201(choices, classes)
