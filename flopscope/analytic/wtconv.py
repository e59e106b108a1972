"""The wavelet convolution: arXiv 2407.05848, section 3; BGU-CS-VIL/WTConv wtconv/wtconv2d.py.

A level splits a map into four half-sized ones a channel: its means and its vertical, horizontal and
diagonal differences. These are convolved depthwise, and put together again from the last level up.
A kernel K at level l sees K·2^l positions, with K²·4·C weights. The Haar filters are parameters
without gradient, one tensor for all levels in each direction.
"""

from __future__ import annotations

from functools import partial

from flopscope.analytic.operators import (
    add,
    concatenate,
    conv2d,
    conv_transpose2d,
    padded,
    scale,
)
from flopscope.analytic.tape import Feature
from flopscope.facts import Weight
from flopscope.sizes import Size, ceil_div

BANDS = 4


def wtconv(x: Feature, kernel: Size, levels: int) -> Feature:
    """(B, C, H, W) → (B, C, H, W): a depthwise K×K convolution with bias on the map itself, and one
    on each of `levels` wavelet levels, each with a factor a channel.

    A map of odd size gets a row or column of zeros before it is split, which is cut off after it
    was put together, so that every map has every level. Domain: K odd, levels ≥ 1. Raises
    OutsideDomain.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(lambda x: wtconv(x, 5, 3), (1, 32, 56, 56))
    >>> ledger.macs().value, ledger.params().value, ledger.trainable().value
    (6855296, 11872, 10848)
    """
    x.tape.at_least(levels, 1, lambda: "number of wavelet levels")
    analysis, synthesis = (
        x.tape.stored(name, (BANDS * x.channels, 1, 2, 2), frozen=True)
        for name in ("wt_filter", "iwt_filter")
    )
    low, bands, grids = x, [], []
    for level in range(1, levels + 1):
        grids.append(low.grid)
        with x.tape.scope(f"level{level}"):
            split = _split(low, analysis)
            y = conv2d(split, split.channels, kernel, groups=split.channels, name="dw")
            bands.append(scale(y, (1, y.channels, 1, 1)))
        low = split.narrow(x.channels)
    upper: Feature | None = None
    for level in range(levels, 0, -1):
        with x.tape.scope(f"level{level}"):
            upper = _joined(bands.pop(), upper, synthesis, grids.pop())
    with x.tape.scope("base"):
        y = conv2d(x, x.channels, kernel, groups=x.channels, bias=True, name="dw")
        y = scale(y, (1, x.channels, 1, 1))
    assert upper is not None
    return add(y, upper)


def _split(x: Feature, filters: Weight) -> Feature:
    """(B, C, H, W) → (B, 4·C, ⌈H/2⌉, ⌈W/2⌉): the four bands of each channel, one after another."""
    height, width = (ceil_div(size, 2) for size in x.grid)
    even = padded(x, x.batch, x.channels, 2 * height, 2 * width)
    haar = partial(conv2d, kernel=2, stride=2, padding=0, filters=filters, name="analysis")
    return haar(even, BANDS * x.channels, groups=x.channels)


def _joined(
    bands: Feature, upper: Feature | None, filters: Weight, grid: tuple[Size, ...]
) -> Feature:
    """The map of which these are the bands, on its grid; what comes from the level below is added
    to the means."""
    batch, channels = bands.batch, filters.shape[0] // BANDS
    height, width = bands.grid
    low = bands.narrow(channels)
    low = low if upper is None else add(low, upper)
    parts = tuple(
        part._replace(shape=(batch, channels, count, height, width))
        for part, count in ((low, 1), (bands, BANDS - 1))
    )
    joined = concatenate(parts, axis=2).view(*bands.shape)
    haar = partial(conv_transpose2d, kernel=2, stride=2, filters=filters, name="synthesis")
    return haar(joined, channels, groups=channels).view(batch, channels, *grid)
