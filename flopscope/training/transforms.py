"""Images at another size, and moved a little at random."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from flopscope.training.images import Images

TURN = math.pi / 6
"""By how much an image turns at most at magnitude 1: 30°."""
SHIFT = 0.3
"""How far it moves at most, along each axis, in halves of its side: 15 % of the side."""
GROWTH = math.log(1.25)
"""The logarithm of the factor by which it grows or shrinks at most."""


def resized(images: Images, size: int) -> Images:
    """The images at this side, by bilinear interpolation, smoothed where they shrink."""
    if images.side == size:
        return images
    x = functional.interpolate(
        torch.from_numpy(images.x),
        size=(size, size),
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )
    return Images(x.numpy(), images.y)


def augmented(x: Tensor, magnitude: float) -> Tensor:
    """Each image turned, moved and scaled by random amounts, uniform up to `magnitude` times the
    most; what comes in from outside has the colour of the edge. (n, C, H, W) → (n, C, H, W).

    Magnitude 0 returns the images themselves, and draws nothing.
    """
    if magnitude == 0:
        return x
    turn, right, down, growth = (magnitude * (2 * torch.rand(len(x), 1, 1) - 1) for _ in range(4))
    scale = torch.exp(GROWTH * growth)
    cosine, sine = torch.cos(TURN * turn) * scale, torch.sin(TURN * turn) * scale
    rows, columns = _centres(x.shape[-2]).view(1, -1, 1), _centres(x.shape[-1]).view(1, 1, -1)
    across = cosine * columns - sine * rows + SHIFT * right
    along = sine * columns + cosine * rows + SHIFT * down
    grid = torch.stack((across, along), dim=-1)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _centres(number: int) -> Tensor:
    """The centres of so many pixels, the edges of the image being −1 and 1."""
    return (2 * torch.arange(number) + 1) / number - 1
