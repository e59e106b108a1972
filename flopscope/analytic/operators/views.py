"""The same tensor in another shape: views, which have no row.

A convolution wants (B, C, H, W), a layer norm or a linear layer over channels (B, H, W, C).
"""

from __future__ import annotations

from flopscope.analytic.tape import Feature
from flopscope.sizes import elements


def flatten(x: Feature) -> Feature:
    """(B, C, H, W) → (B, C·H·W): another view of the same tensor, no row."""
    return Feature(x.tape, (x.batch, elements(x.shape[1:])), x.source)


def channels_last(x: Feature) -> Feature:
    """(B, C, H, W) → (B, H, W, C): another view of the same tensor, no row.

    >>> from flopscope.analytic.tape import Tape
    >>> channels_last(Feature(Tape(), (1, 96, 56, 28))).shape
    (1, 56, 28, 96)
    """
    batch, channels, *grid = x.shape
    return Feature(x.tape, (batch, *grid, channels), x.source)


def channels_first(x: Feature) -> Feature:
    """(B, H, W, C) → (B, C, H, W): another view of the same tensor, no row.

    >>> from flopscope.analytic.tape import Tape
    >>> channels_first(Feature(Tape(), (1, 56, 28, 96))).shape
    (1, 96, 56, 28)
    """
    batch, *grid, channels = x.shape
    return Feature(x.tape, (batch, channels, *grid), x.source)
