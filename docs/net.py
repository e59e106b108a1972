"""A small network of one's own, for the pages on budgets, sweeps and frontiers."""

from typing import Any

import torch
from torch import nn


class Net(nn.Module):
    """A stem and separable convolutions whose width and number are arguments."""

    def __init__(self, width: int = 32, depth: int = 4, classes: int = 1000) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False)
        blocks = [block for _ in range(depth) for block in _separable(width)]
        self.body = nn.Sequential(*blocks)
        self.head = nn.Linear(width, classes)

    def forward(self, x: torch.Tensor) -> Any:
        return self.head(self.body(self.stem(x)).mean((2, 3)))


def _separable(width: int) -> list[nn.Module]:
    return [
        nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
        nn.Conv2d(width, width, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    ]
