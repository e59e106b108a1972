"""F.interpolate on free sizes, which torch's compiled code does not accept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional as F

from flopscope.errors import BadInput
from flopscope.tracing.callers import caller

UPSAMPLES: Mapping[tuple[str, int], Callable[..., Any]] = {
    ("nearest", 3): torch.ops.aten.upsample_nearest1d.default,
    ("nearest", 4): torch.ops.aten.upsample_nearest2d.default,
    ("nearest", 5): torch.ops.aten.upsample_nearest3d.default,
    ("nearest-exact", 3): torch.ops.aten._upsample_nearest_exact1d.default,
    ("nearest-exact", 4): torch.ops.aten._upsample_nearest_exact2d.default,
    ("nearest-exact", 5): torch.ops.aten._upsample_nearest_exact3d.default,
    ("linear", 3): torch.ops.aten.upsample_linear1d.default,
    ("bilinear", 4): torch.ops.aten.upsample_bilinear2d.default,
    ("trilinear", 5): torch.ops.aten.upsample_trilinear3d.default,
    ("bicubic", 4): torch.ops.aten.upsample_bicubic2d.default,
}
"""The operators by mode and rank of the input."""

ANTIALIASED: Mapping[tuple[str, int], Callable[..., Any]] = {
    ("bilinear", 4): torch.ops.aten._upsample_bilinear2d_aa.default,
    ("bicubic", 4): torch.ops.aten._upsample_bicubic2d_aa.default,
}


def interpolated(
    input: torch.Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> torch.Tensor:
    """F.interpolate, with its sizes computed here. The mode `area` is adaptive pooling, as in
    torch."""
    axes = input.shape[2:]
    if size is not None:
        grid = list(size) if isinstance(size, Sequence) else [size] * len(axes)
    else:
        given = isinstance(scale_factor, Sequence)
        scales = list(scale_factor) if given else [scale_factor] * len(axes)
        grid = [_scaled(n, scale) for n, scale in zip(axes, scales, strict=True)]
    if mode == "area":
        pools: tuple[Callable[..., torch.Tensor], ...] = (
            F.adaptive_avg_pool1d,
            F.adaptive_avg_pool2d,
            F.adaptive_avg_pool3d,
        )
        return pools[len(axes) - 1](input, grid)
    operators = ANTIALIASED if antialias else UPSAMPLES
    if (mode, input.dim()) not in operators:
        how = f"{mode}, antialiased" if antialias else mode
        raise BadInput(
            f"the interpolation at {caller()} ({how}, of {input.dim()} dimensions) takes no free "
            "sizes; give numbers for them"
        )
    corners = () if mode.startswith("nearest") else (bool(align_corners),)
    result: torch.Tensor = operators[mode, input.dim()](input, grid, *corners)
    return result


def _scaled(size: Any, scale: Any) -> Any:
    """⌊size · scale⌋, exact where the scale is a whole number."""
    whole = isinstance(scale, float) and scale.is_integer()
    return size * int(scale) if whole else torch.sym_int(size * scale)
