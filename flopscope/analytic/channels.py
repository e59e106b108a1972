"""Channels last and back, and a scale a channel: what networks with layer norms are written with.

A convolution wants (B, C, H, W), a layer norm or a linear layer over channels (B, H, W, C).
"""

from __future__ import annotations

from flopscope.analytic.tape import Feature
from flopscope.facts import Kind
from flopscope.sizes import Shape


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


def scale(x: Feature, weight: Shape, *, name: str = "scale") -> Feature:
    """x times a stored tensor of shape `weight`, broadcast to x's: (C, 1, 1) is a factor a channel.

    One multiplication an output element, no multiply-accumulate: arXiv 2103.17239, section 2.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(lambda x: scale(x, (8, 1, 1)), (1, 8, 7, 7))
    >>> ledger.params().value, ledger.macs().value
    (8, 0)
    """
    return x.tape.record(Kind.MULTIPLY, name, (x,), x.shape, weights=(("weight", weight),))
