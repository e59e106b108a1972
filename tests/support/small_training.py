"""A small network and few images, which train in a moment."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


def small_net(classes: int = 10, *, dropout: bool = True) -> nn.Module:
    """Two convolutions and a classifier for grey images, with the same weights each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, 1, 1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), *([nn.Dropout(0.1)] if dropout else []),
            nn.Linear(32, classes),
        )  # fmt: skip


def few_images(number: int = 40, side: int = 8, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Images of noise on which the class is a bright column, and the classes."""
    y = np.arange(number) % classes
    x = np.random.default_rng(0).normal(size=(number, side, side)).astype(np.float32)
    x[np.arange(number), :, y % side] += 3
    return x, y
