"""Values between the samples of a map, at computed positions, as loops over numbers that count.

What lies outside the map is a counting 0, and multiplied like any number.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from counting import Array, Scalar, tabulated
from oracle import conv2d


def grid_sample(x: Array, grid: Array, mode: str, *, corners: bool) -> Array:
    """x (B, C, *sizes), grid (B, *outputs, axes), the last axis of the map first in it."""
    sizes = x.shape[2:]
    out = np.empty((*x.shape[:2], *grid.shape[1:-1]), dtype=object)
    for at in np.ndindex(grid.shape[:-1]):
        batch, *place = at
        given = list(grid[at])[::-1]
        position = [_on_map(g, n, corners) for g, n in zip(given, sizes, strict=True)]
        if mode == "nearest":
            index = [round(p.rounded(lambda v: float(round(v))).value) for p in position]
            read = [_pixel(x[batch, c], index) for c in range(x.shape[1])]
        else:
            taps = _taps(position)
            read = [_weighted(x[batch, c], taps) for c in range(x.shape[1])]
        out[(batch, slice(None), *place)] = read
    return out


def deform_conv2d(
    x: Array,
    offset: Array,
    weight: Array,
    bias: Array | None,
    mask: Array | None,
    *,
    stride: int,
    padding: int,
    dilation: int,
    groups: int,
) -> Array:
    """Columns of values at moved positions first, then a convolution over them as they lie."""
    batch, channels, _, _ = x.shape
    kernel = weight.shape[2:]
    taps = kernel[0] * kernel[1]
    sets = offset.shape[1] // (2 * taps)
    rows, columns = offset.shape[2:]
    # the taps of a window side by side, so that a convolution with that stride meets each once
    spread = np.empty((batch, channels, rows * kernel[0], columns * kernel[1]), dtype=object)
    for b, s, i, j in np.ndindex(batch, sets, rows, columns):
        for k, (r, q) in enumerate(product(range(kernel[0]), range(kernel[1]))):
            moved = offset[b, 2 * (s * taps + k) : 2 * (s * taps + k) + 2, i, j]
            base = i * stride - padding + r * dilation, j * stride - padding + q * dilation
            found = _taps([m + float(at) for m, at in zip(moved, base, strict=True)])
            for c in range(s * channels // sets, (s + 1) * channels // sets):
                value = _weighted(x[b, c], found)
                if mask is not None:
                    value = value * mask[b, s * taps + k, i, j]
                spread[b, c, i * kernel[0] + r, j * kernel[1] + q] = value
    window = {"stride": kernel, "padding": (0, 0), "dilation": (1, 1), "groups": groups}
    return conv2d(spread, weight, bias, **window)


def _on_map(given: Scalar, size: int, corners: bool) -> Scalar:
    """From -1 to 1 to a place on the map: between the centres of the corners, or their edges."""
    span = size - 1 if corners else size
    return given * (span / 2) + (size - 1) / 2


def _taps(position: list[Scalar]) -> list[tuple[list[int], Scalar]]:
    """The samples around a position, each with its weight."""
    below = [p.rounded(lambda v: float(math.floor(v))) for p in position]
    rest = [p - low for p, low in zip(position, below, strict=True)]
    shares = [(1.0 - r, r) for r in rest]
    weights = {(side,): shares[0][side] for side in (0, 1)}
    for share in shares[1:]:
        weights = {(*at, side): w * share[side] for at, w in weights.items() for side in (0, 1)}
    return [
        ([int(low.value) + side for low, side in zip(below, at, strict=True)], weight)
        for at, weight in weights.items()
    ]


def _weighted(channel: Array, taps: list[tuple[list[int], Scalar]]) -> Scalar:
    first, *others = (_pixel(channel, index) * weight for index, weight in taps)
    for other in others:
        first = first + other
    return first


def _pixel(channel: Array, index: list[int]) -> Scalar:
    inside = all(0 <= i < n for i, n in zip(index, channel.shape, strict=True))
    zero = Scalar(0.0, channel.flat[0].tally)
    return channel[tuple(index)] if inside else zero


def multiplied(x: Array, y: Array) -> Array:
    return tabulated(x.shape, lambda *at: x[at] * y[at])
