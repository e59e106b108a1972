"""Convolutions of maps (B, C, H, W)."""

from __future__ import annotations

from flopscope.analytic.operators.windows import Pair, grid_of, pair, require_groups, window_over
from flopscope.analytic.tape import Feature
from flopscope.facts import Kind, Weight
from flopscope.sizes import Shape, Size, conv_transpose_output, exact_div, maximum


def conv2d(
    x: Feature,
    channels: Size,
    kernel: Pair,
    *,
    stride: Pair = 1,
    padding: Pair | None = None,
    dilation: Pair = 1,
    groups: Size = 1,
    bias: bool = False,
    filters: Weight | None = None,
    name: str = "conv",
) -> Feature:
    """Convolution: (B, C_in, H, W) → (B, channels, H_out, W_out), weight (channels, C_in/groups,
    K_h, K_w).

    Depthwise is groups = C_in, pointwise is kernel 1. Without `padding` the window is centred,
    dilation·(K−1)/2, so that H_out = ⌈H/stride⌉; an even span has no centre and needs `padding`.
    `filters` is a stored tensor in the place of a weight of its own.

    Domain: groups divides C_in and channels; the padded input holds the dilated kernel. Raises
    OutsideDomain otherwise, and for sizes below 1.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(lambda x: conv2d(x, 32, 3, stride=2), (1, 3, 224, 224))
    >>> ledger.rows[0].output, ledger.macs().value, ledger.params().value
    ((1, 32, 112, 112), 10838016, 864)
    """
    window = window_over(x, kernel, stride, padding, dilation)
    require_groups(x, groups, x.channels, channels)
    grid = grid_of(x, window)
    shape = (channels, exact_div(x.channels, groups), *window.kernel)
    return x.tape.record(
        Kind.CONVOLUTION,
        name,
        (x,),
        (x.batch, channels, *grid),
        weights=_weights(shape, channels, bias, filters),
        window=window,
        groups=groups,
    )


def conv_transpose2d(
    x: Feature,
    channels: Size,
    kernel: Pair,
    *,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    dilation: Pair = 1,
    groups: Size = 1,
    bias: bool = False,
    filters: Weight | None = None,
    name: str = "conv_transpose",
) -> Feature:
    """Transposed convolution: (B, C_in, H, W) → (B, channels, H_out, W_out), weight (C_in,
    channels/groups, K_h, K_w).

    H_out = (H−1)·stride − 2·padding + dilation·(K−1) + output_padding + 1. Raises OutsideDomain
    where groups does not divide both channel counts, output_padding is below neither stride nor
    dilation,
    or an output size is below 1.

    >>> from flopscope.analytic.tape import record
    >>> record(lambda x: conv_transpose2d(x, 8, 2, stride=2), (1, 4, 7, 7)).rows[0].output
    (1, 8, 14, 14)
    """
    window = window_over(x, kernel, stride, padding, dilation)
    require_groups(x, groups, x.channels, channels)
    extra = pair(output_padding)
    for s, d, e in zip(window.stride, window.dilation, extra, strict=True):
        x.tape.at_least(e, 0, lambda: "output padding")
        room = maximum(s, d) - e
        x.tape.at_least(room, 1, lambda: "the larger of stride and dilation less output padding")
    grid = tuple(conv_transpose_output(*axis) for axis in zip(x.grid, *window, extra, strict=True))
    for size in grid:
        x.tape.at_least(size, 1, lambda: "output size of the transposed convolution")
    shape = (x.channels, exact_div(channels, groups), *window.kernel)
    return x.tape.record(
        Kind.TRANSPOSED_CONVOLUTION,
        name,
        (x,),
        (x.batch, channels, *grid),
        weights=_weights(shape, channels, bias, filters),
        window=window,
        groups=groups,
    )


def _weights(
    shape: Shape, channels: Size, bias: bool, filters: Weight | None
) -> tuple[tuple[str, Shape] | Weight, ...]:
    weight = filters or ("weight", shape)
    return (weight, ("bias", (channels,))) if bias else (weight,)
