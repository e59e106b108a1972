"""Shapes of views of the same elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch

from flopscope.tracing.shapes.fitting import (
    ShapeRule,
    axes,
    axis,
    broadcasts_to,
    demand,
    is_number,
    is_size,
    like,
    same,
    tensor_text,
    text,
)


def _view(x: torch.Tensor, shape: Any, *_: Any) -> torch.Tensor | None:
    if isinstance(shape, torch.dtype):
        return None
    shape, whole = list(shape), prod(x.shape)
    unknown = [i for i, size in enumerate(shape) if is_number(size, -1)]
    if len(unknown) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if unknown:
        known = prod(size for i, size in enumerate(shape) if i not in unknown)
        if is_number(known, 0):
            raise RuntimeError(
                f"cannot reshape into shape [{text(shape)}] because the unspecified dimension "
                "size -1 can be any value"
            )
        shape[unknown[0]] = whole // known
    demand(
        is_size(prod(shape), whole),
        lambda: f"shape [{text(shape)}] is invalid for {text(whole)} elements",
    )
    return like(x, shape)


def _as_strided(
    x: torch.Tensor, shape: Sequence[Any], strides: Sequence[Any], offset: Any = None
) -> torch.Tensor:
    """A view of any elements of the storage, which is as large as the tensor, because tensors are
    contiguous."""
    reach = 1 + (offset or 0)
    for size, stride in zip(shape, strides, strict=True):
        reach = reach + (size - 1) * stride
    demand(
        prod(x.shape) >= reach,
        lambda: f"setStorage: sizes [{text(shape)}] are out of bounds of {text(prod(x.shape))}",
    )
    return like(x, shape)


def _t(x: torch.Tensor) -> torch.Tensor:
    if x.dim() > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {x.dim()}D")
    return like(x, x.shape[::-1])


def _transpose(x: torch.Tensor, a: int, b: int) -> torch.Tensor:
    shape, a, b = list(x.shape), axis(x, a), axis(x, b)
    if shape:
        shape[a], shape[b] = shape[b], shape[a]
    return like(x, shape)


def _permute(x: torch.Tensor, order: Sequence[int]) -> torch.Tensor:
    if len(order) != x.dim() or len(axes(x, order)) != x.dim():
        raise RuntimeError(f"permute of {x.dim()} dimensions takes each of them, got {order}")
    return like(x, [x.shape[i] for i in order])


def _expand(x: torch.Tensor, shape: Sequence[Any], **_: Any) -> torch.Tensor:
    new = len(shape) - x.dim()
    if new < 0 or any(is_number(size, -1) for size in shape[:new]):
        raise RuntimeError(f"expand({tensor_text(x)}, size=[{text(shape)}]): does not fit")
    own = [None] * new + list(x.shape)
    sizes = [n if is_number(size, -1) else size for size, n in zip(shape, own, strict=True)]
    broadcasts_to(x.shape, sizes)
    return like(x, [n if same(n, size) else size for size, n in zip(sizes, own, strict=True)])


def _unsqueeze(x: torch.Tensor, dim: int) -> torch.Tensor:
    at = axis(x, dim, more=1)
    return like(x, (*x.shape[:at], 1, *x.shape[at:]))


def _squeeze(x: torch.Tensor, dims: Any = None) -> torch.Tensor:
    dims = [dims] if isinstance(dims, int) else range(x.dim()) if dims is None else dims
    gone = {d for d in axes(x, dims) if x.dim() and x.shape[d] == 1}
    return like(x, [n for d, n in enumerate(x.shape) if d not in gone])


def _repeat(x: torch.Tensor, times: Sequence[Any]) -> torch.Tensor:
    new = len(times) - x.dim()
    if new < 0:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            "tensor"
        )
    return like(x, [n * k for n, k in zip([1] * new + list(x.shape), times, strict=True)])


def _flip(x: torch.Tensor, dims: Sequence[int] = ()) -> torch.Tensor:
    axes(x, dims)
    return like(x, x.shape)


def _roll(x: torch.Tensor, _: Any, dims: Sequence[int] = ()) -> torch.Tensor:
    for dim in dims:
        axis(x, dim)
    return like(x, x.shape)


def _divides(divisor: Any, size: Any, what: str) -> None:
    demand(
        is_size(size % divisor, 0),
        lambda: f"{what} ({text(size)}) divisible by {text(divisor)}",
    )


def _pixel_shuffle(x: torch.Tensor, factor: Any) -> torch.Tensor:
    *stack, channels, height, width = x.shape
    area = factor * factor
    _divides(area, channels, "pixel_shuffle expects channels")
    return like(x, (*stack, channels // area, height * factor, width * factor))


def _pixel_unshuffle(x: torch.Tensor, factor: Any) -> torch.Tensor:
    *stack, channels, height, width = x.shape
    _divides(factor, height, "pixel_unshuffle expects sides")
    _divides(factor, width, "pixel_unshuffle expects sides")
    return like(x, (*stack, channels * factor * factor, height // factor, width // factor))


def _channel_shuffle(x: torch.Tensor, groups: Any) -> torch.Tensor:
    _divides(groups, x.shape[1], "channel shuffle expects channels")
    return like(x, x.shape)


def _real_pairs(x: torch.Tensor) -> torch.Tensor:
    return like(x, (*x.shape, 2), x.dtype.to_real())


def _complex_pairs(x: torch.Tensor) -> torch.Tensor:
    demand(is_size(x.shape[-1], 2), lambda: "Tensor must have a last dimension of size 2")
    return like(x, x.shape[:-1], x.dtype.to_complex())


def _turned(x: torch.Tensor, times: int = 1, dims: Sequence[int] = (0, 1)) -> torch.Tensor:
    """rot90."""
    return _transpose(x, *dims) if times % 2 else like(x, x.shape)


LOOKS: Mapping[str, ShapeRule] = {
    **dict.fromkeys(["view", "_unsafe_view", "reshape", "_reshape_copy"], _view),
    "as_strided": _as_strided,
    "t": _t,
    "transpose": _transpose,
    "permute": _permute,
    "expand": _expand,
    "unsqueeze": _unsqueeze,
    "squeeze": _squeeze,
    "repeat": _repeat,
    "flip": _flip,
    "roll": _roll,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    **dict.fromkeys(["channel_shuffle", "native_channel_shuffle"], _channel_shuffle),
    "view_as_real": _real_pairs,
    "view_as_complex": _complex_pairs,
    "rot90": _turned,
}
