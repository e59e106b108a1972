"""Shapes of products of matrices and vectors, and of distances between points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from flopscope.tracing.shapes.fitting import (
    ShapeRule,
    broadcast,
    broadcasts_to,
    demand,
    is_size,
    like,
    tensor_text,
)


def _matmul(a: torch.Tensor, b: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    fits = a.dim() == b.dim() in (2, 3) and is_size(a.shape[-1], b.shape[-2])
    fits = fits and all(map(is_size, a.shape[:-2], b.shape[:-2]))
    demand(
        fits,
        lambda: (
            f"mat1 and mat2 shapes cannot be multiplied ({tensor_text(a)} and {tensor_text(b)})"
        ),
    )
    return like(a, (*a.shape[:-1], b.shape[-1]))


def _linear(x: torch.Tensor, weight: torch.Tensor, *_: Any) -> torch.Tensor:
    demand(
        is_size(x.shape[-1], weight.shape[-1]),
        lambda: (
            "mat1 and mat2 shapes cannot be multiplied "
            f"({tensor_text(x)} and {tensor_text(weight)})"
        ),
    )
    return like(x, (*x.shape[:-1], *weight.shape[:-1]))


def _addmm(bias: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *_: Any, **__: Any) -> Any:
    result = _matmul(a, b)
    broadcasts_to(bias.shape, result.shape)
    return result


def _addbmm(bias: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *_: Any, **__: Any) -> Any:
    result = like(a, _matmul(a, b).shape[1:])
    broadcasts_to(bias.shape, result.shape)
    return result


def _mv(a: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    fits = a.dim() == 2 and vector.dim() == 1 and is_size(a.shape[1], vector.shape[0])
    demand(fits, lambda: f"size mismatch, got {tensor_text(a)} and {tensor_text(vector)}")
    return like(a, a.shape[:1])


def _addmv(bias: torch.Tensor, a: torch.Tensor, vector: torch.Tensor, *_: Any, **__: Any) -> Any:
    result = _mv(a, vector)
    broadcasts_to(bias.shape, result.shape)
    return result


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    fits = a.dim() == b.dim() == 1 and is_size(a.shape[0], b.shape[0])
    demand(
        fits,
        lambda: f"inconsistent tensor size, got {tensor_text(a)} and {tensor_text(b)}",
    )
    return like(a, ())


def _addr(matrix: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *_: Any, **__: Any) -> Any:
    result = like(a, (a.shape[0], b.shape[0]))
    broadcasts_to(matrix.shape, result.shape)
    return result


def _trilinear(a: Any, b: Any, c: Any, *options: Any) -> torch.Tensor:
    """The product of three tensors, each with new dimensions of size 1, summed over some
    dimensions."""
    wide = []
    for x, new in zip((a, b, c), options[:3], strict=True):
        rest = iter(x.shape)
        wide.append([1 if d in new else next(rest) for d in range(x.dim() + len(new))])
    shape = broadcast(*wide)
    return like(a, [n for d, n in enumerate(shape) if d not in options[3]])


def _distances(a: torch.Tensor, b: torch.Tensor, *_: Any) -> torch.Tensor:
    demand(
        is_size(a.shape[-1], b.shape[-1]),
        lambda: (
            f"X1 and X2 must have the same number of columns: {tensor_text(a)} and {tensor_text(b)}"
        ),
    )
    return like(a, (*broadcast(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-2]))


PRODUCTS: Mapping[str, ShapeRule] = {
    **dict.fromkeys(["mm", "bmm"], _matmul),
    **dict.fromkeys(["addmm", "baddbmm"], _addmm),
    "addbmm": _addbmm,
    "mv": _mv,
    "addmv": _addmv,
    **dict.fromkeys(["dot", "vdot"], _dot),
    "addr": _addr,
    "_trilinear": _trilinear,
    "linear": _linear,
    **dict.fromkeys(["_cdist_forward", "_euclidean_dist"], _distances),
}
