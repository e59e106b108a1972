"""Shapes of convolutions, pools, interpolations and paddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch

from flopscope.sizes import conv_output, conv_transpose_output
from flopscope.tracing.shapes.fitting import (
    ShapeRule,
    demand,
    is_number,
    is_size,
    like,
    tensor_text,
    text,
)


def per_axis(option: Sequence[Any], rank: int) -> list[Any]:
    """An option for every axis, which may be given once for all axes."""
    return list(option) * (rank if len(option) == 1 else 1)


def _convolution(x: torch.Tensor, weight: torch.Tensor, bias: Any, *options: Any) -> torch.Tensor:
    stride, padding, dilation, transposed, output_padding, groups = options[:6]
    rank = weight.dim() - 2
    if x.dim() != weight.dim():
        raise RuntimeError(
            f"expected {weight.dim()}D input for a weight of {weight.dim()} dimensions, "
            f"but got {x.dim()}D"
        )
    stride, padding, dilation, extra = (
        per_axis(option, rank) for option in (stride, padding, dilation, output_padding)
    )
    axes = list(zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True))
    channels = weight.shape[0] if transposed else weight.shape[1] * groups
    demand(
        is_size(x.shape[1], channels),
        lambda: f"expected {text(channels)} input channels, but got {text(x.shape[1])}",
    )
    outputs = weight.shape[1] * groups if transposed else weight.shape[0]
    _fits_groups(weight, groups, bias, outputs)
    if transposed:
        grid = [_transposed(*axis, e) for axis, e in zip(axes, extra, strict=True)]
        return like(x, (x.shape[0], outputs, *grid))
    for size, kernel, _stride, pad, spread in axes:
        demand(
            size + 2 * pad >= spread * (kernel - 1) + 1,
            lambda: "the kernel is larger than the padded input",
        )
    return like(x, (x.shape[0], outputs, *(conv_output(*axis) for axis in axes)))


def _fits_groups(weight: torch.Tensor, groups: Any, bias: Any, outputs: Any) -> None:
    demand(
        is_number(groups, 1) or is_size(weight.shape[0] % groups, 0),
        lambda: f"a weight of {tensor_text(weight)} does not fit {text(groups)} groups",
    )
    if bias is not None:
        demand(
            bias.dim() == 1 and is_size(bias.shape[0], outputs),
            lambda: f"expected bias of {text(outputs)} elements, but got {tensor_text(bias)}",
        )


def _transposed(size: Any, kernel: Any, stride: Any, pad: Any, spread: Any, extra: Any) -> Any:
    demand(
        extra < stride or extra < spread,
        lambda: "output padding must be smaller than either stride or dilation",
    )
    length = conv_transpose_output(size, kernel, stride, pad, spread, extra)
    demand(length >= 1, lambda: "a transposed convolution leaves no element")
    return length


# --- pools --------------------------------------------------------------------------------------


def _pool(
    rank: int, x: torch.Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool
) -> torch.Tensor:
    if x.dim() not in (rank + 1, rank + 2):
        raise RuntimeError(f"expected {rank + 1}D or {rank + 2}D input, but got {x.dim()}D")
    kernel, padding, dilation = (per_axis(v, rank) for v in (kernel, padding, dilation))
    stride = per_axis(stride, rank) if stride else kernel
    for size, pad in zip(kernel, padding, strict=True):
        demand(2 * pad <= size, lambda: "pad should be at most half of the kernel size")
    axes = zip(x.shape[-rank:], kernel, stride, padding, dilation, strict=True)
    return like(x, (*x.shape[:-rank], *(_windows(*axis, ceil) for axis in axes)))


def _windows(size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool) -> Any:
    behind = stride - 1 if ceil else 0  # the last window may reach this far beyond the input
    demand(
        size + 2 * padding + behind >= dilation * (kernel - 1) + 1,
        lambda: "the pooling window is larger than the padded input",
    )
    if not ceil:
        return conv_output(size, kernel, stride, padding, dilation)
    count = conv_output(size + stride - 1, kernel, stride, padding, dilation)
    # the last window may not start in the padding after the input
    if not (count - 1) * stride >= size + padding:
        return count
    demand(count >= 2, lambda: "the pooling window is larger than the padded input")
    return count - 1


def _max_pool(rank: int) -> ShapeRule:
    def rule(
        x: torch.Tensor,
        kernel: Any,
        stride: Any = (),
        padding: Any = (0,),
        dilation: Any = (1,),
        ceil: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        values = _pool(rank, x, kernel, stride, padding, dilation, ceil)
        return values, like(values, values.shape, torch.int64)

    return rule


def _average_pool(rank: int) -> ShapeRule:
    def rule(
        x: torch.Tensor,
        kernel: Any,
        stride: Any = (),
        padding: Any = (0,),
        ceil: bool = False,
        *_: Any,
    ) -> torch.Tensor:
        if rank == 3:  # unlike other pools it refuses an input below its kernel, padded or not
            for size, own in zip(x.shape[-3:], per_axis(kernel, 3), strict=True):
                demand(size >= own, lambda: "the input is smaller than the kernel")
        return _pool(rank, x, kernel, stride, padding, (1,), ceil)

    return rule


def _adaptive_pool(x: torch.Tensor, grid: Sequence[Any]) -> torch.Tensor:
    return like(x, (*x.shape[: -len(grid)], *grid))


def _adaptive_max_pool(x: torch.Tensor, grid: Sequence[Any]) -> Any:
    values = _adaptive_pool(x, grid)
    return values, like(values, values.shape, torch.int64)


def _unpool(x: torch.Tensor, _: torch.Tensor, grid: Sequence[Any], *__: Any) -> torch.Tensor:
    return like(x, (*x.shape[: -len(grid)], *grid))


# --- windows taken apart ------------------------------------------------------------------------


def _columns(
    x: torch.Tensor, kernel: Any, dilation: Any, padding: Any, stride: Any
) -> torch.Tensor:
    """Unfold: every window as a column."""
    *batch, channels, height, width = x.shape
    count = _column_count((height, width), kernel, dilation, padding, stride)
    return like(x, (*batch, channels * prod(kernel), count))


def _column_count(grid: Any, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    for size, k, d, p in zip(grid, kernel, dilation, padding, strict=True):
        demand(size + 2 * p >= d * (k - 1) + 1, lambda: "the kernel is larger than the input")
    return prod(
        conv_output(size, k, s, p, d)
        for size, k, d, p, s in zip(grid, kernel, dilation, padding, stride, strict=True)
    )


def _from_columns(
    x: torch.Tensor, grid: Any, kernel: Any, dilation: Any, padding: Any, stride: Any
) -> torch.Tensor:
    """Fold."""
    *batch, rows, columns = x.shape
    area, count = prod(kernel), _column_count(grid, kernel, dilation, padding, stride)
    demand(
        is_size(rows % area, 0),
        lambda: f"{text(rows)} rows are not divisible by the kernel's {text(area)} elements",
    )
    demand(
        is_size(columns, count),
        lambda: f"expected {text(count)} columns, but got {text(columns)}",
    )
    return like(x, (*batch, rows // area, *grid))


# --- interpolation and padding ------------------------------------------------------------------


def _upsample(x: torch.Tensor, grid: Sequence[Any], *_: Any, **__: Any) -> torch.Tensor:
    if x.dim() != len(grid) + 2:
        raise RuntimeError(f"expected {len(grid) + 2}D input, but got {x.dim()}D")
    for size in grid:
        demand(size >= 1, lambda: "an interpolation leaves no element")
    return like(x, (*x.shape[:2], *grid))


def _pad(x: torch.Tensor, padding: Sequence[Any], *_: Any, **__: Any) -> torch.Tensor:
    return like(x, _padded(x, padding, least=0))


def _padded(x: torch.Tensor, padding: Sequence[Any], least: int) -> list[Any]:
    shape = list(x.shape)
    if len(padding) % 2 or len(padding) > 2 * len(shape):
        raise RuntimeError(f"{len(padding)} paddings do not fit {len(shape)} dimensions")
    for axis, (before, after) in enumerate(zip(padding[::2], padding[1::2], strict=True), start=1):
        shape[-axis] = shape[-axis] + before + after
        demand(shape[-axis] >= least, lambda: "a negative padding leaves no element")
    return shape


def _replication_pad(x: torch.Tensor, padding: Sequence[Any]) -> torch.Tensor:
    return like(x, _padded(x, padding, least=1))


def _reflection_pad(x: torch.Tensor, padding: Sequence[Any]) -> torch.Tensor:
    for axis, pads in enumerate(zip(padding[::2], padding[1::2], strict=True), start=1):
        for pad in pads:
            demand(x.shape[-axis] >= pad + 1, lambda: "the padding is not smaller than the input")
    return _replication_pad(x, padding)


def _grid_sample(x: torch.Tensor, grid: torch.Tensor, *_: Any) -> torch.Tensor:
    demand(
        is_size(x.shape[0], grid.shape[0]),
        lambda: (
            f"expected grid and input of one batch size, got {text(x.shape[0])} and "
            f"{text(grid.shape[0])}"
        ),
    )
    demand(
        x.dim() == grid.dim() and is_size(grid.shape[-1], x.dim() - 2),
        lambda: f"expected grid to have size {x.dim() - 2} in last dimension",
    )
    return like(x, (*x.shape[:2], *grid.shape[1:-1]))


def _affine_grid(theta: torch.Tensor, size: Sequence[Any], *_: Any) -> torch.Tensor:
    return like(theta, (size[0], *size[2:], len(size) - 2))


UPSAMPLES = """
    upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d
    upsample_trilinear3d upsample_bicubic2d _upsample_bilinear2d_aa _upsample_bicubic2d_aa
    _upsample_lanczos2d_aa
""".split()

SLIDING: Mapping[str, ShapeRule] = {
    **dict.fromkeys(["convolution", "convolution_overrideable"], _convolution),
    **{f"max_pool{rank}d_with_indices": _max_pool(rank) for rank in (2, 3)},
    **{f"avg_pool{rank}d": _average_pool(rank) for rank in (1, 2, 3)},
    **dict.fromkeys(["_adaptive_avg_pool2d", "_adaptive_avg_pool3d"], _adaptive_pool),
    **dict.fromkeys(["adaptive_max_pool2d", "adaptive_max_pool3d"], _adaptive_max_pool),
    **dict.fromkeys(["max_unpool2d", "max_unpool3d"], _unpool),
    "im2col": _columns,
    "col2im": _from_columns,
    **dict.fromkeys(UPSAMPLES, _upsample),
    "constant_pad_nd": _pad,
    **{f"replication_pad{axes}d": _replication_pad for axes in (1, 2, 3)},
    **{f"reflection_pad{axes}d": _reflection_pad for axes in (1, 2, 3)},
    **dict.fromkeys(["grid_sampler_2d", "grid_sampler_3d"], _grid_sample),
    "affine_grid_generator": _affine_grid,
}
