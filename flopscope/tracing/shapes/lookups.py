"""Shapes of elements that are looked up by tensors of indices, and of tensors that are written to
at such places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch

from flopscope.tracing.shapes.alike import stretched
from flopscope.tracing.shapes.fitting import (
    ShapeRule,
    axis,
    broadcast,
    broadcasts_to,
    demand,
    is_size,
    like,
    tensor_text,
    text,
)


def _index(x: torch.Tensor, indices: Sequence[torch.Tensor | None]) -> torch.Tensor | None:
    """Look-ups by indices. The dimensions of the indices replace those that are looked up if these
    are neighbours, and otherwise come first. Masks are left to torch."""
    shape = _indexed(x, indices)
    return None if shape is None else like(x, shape)


def _indexed(x: torch.Tensor, indices: Sequence[torch.Tensor | None]) -> list[Any] | None:
    places = [d for d, index in enumerate(indices) if index is not None]
    found = [index for index in indices if index is not None]
    if any(index.dtype in (torch.bool, torch.uint8) for index in found):
        return None
    if len(indices) > x.dim():
        raise IndexError(f"too many indices for tensor of dimension {x.dim()}")
    try:
        shape = broadcast(*(index.shape for index in found))
    except RuntimeError as error:
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast: {error}"
        ) from None
    if places != list(range(places[0], places[-1] + 1)):
        return [*shape, *(n for d, n in enumerate(x.shape) if d not in places)]
    return [*x.shape[: places[0]], *shape, *x.shape[places[-1] + 1 :]]


def _index_put(
    x: torch.Tensor, indices: Sequence[torch.Tensor | None], values: torch.Tensor, *_: Any
) -> torch.Tensor:
    shape = _indexed(x, indices)
    if shape is not None:
        broadcasts_to(values.shape, shape)
    return like(x, x.shape)


def _index_select(x: torch.Tensor, dim: int, index: torch.Tensor) -> torch.Tensor:
    at = axis(x, dim)
    if index.dim() > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if not x.dim():
        return like(x, ())
    return like(x, (*x.shape[:at], prod(index.shape), *x.shape[at + 1 :]))


def _gather(x: torch.Tensor, dim: int, index: torch.Tensor, **__: Any) -> torch.Tensor:
    at = axis(x, dim)
    _fits("gather", index, x, except_at=at)
    return like(x, index.shape)


def _fits(name: str, index: torch.Tensor, x: torch.Tensor, except_at: int | None = None) -> None:
    """Demand that an index is nowhere larger than the tensor. A number counts as a vector of one
    element."""
    own, other = (list(t.shape) or [1] for t in (index, x))
    if len(own) != len(other):
        raise RuntimeError(
            f"{name}(): index and tensor have {len(own)} and {len(other)} dimensions"
        )
    for d, (size, limit) in enumerate(zip(own, other, strict=True)):
        demand(
            d == except_at or size <= limit,
            lambda: f"{name}(): index {tensor_text(index)} is larger than {tensor_text(x)}",
        )


def _scatter(
    x: torch.Tensor, dim: int, index: torch.Tensor, source: Any = None, *_: Any, **__: Any
) -> torch.Tensor:
    at = axis(x, dim)
    _fits("scatter", index, x, except_at=at)
    if isinstance(source, torch.Tensor) and (source.dim() or index.dim()):
        _fits("scatter", index, source)
    return like(x, x.shape)


def _index_add(
    x: torch.Tensor, dim: int, index: torch.Tensor, source: torch.Tensor, *_: Any, **__: Any
) -> torch.Tensor:
    """index_copy: a whole slice is written for each index."""
    at = axis(x, dim)
    expected = [prod(index.shape) if d == at else n for d, n in enumerate(x.shape)]
    fits = source.dim() == x.dim() and all(
        is_size(a, b) for a, b in zip(source.shape, expected, strict=True)
    )
    demand(
        fits or not x.dim(),
        lambda: f"the source [{text(source.shape)}] does not fit [{text(expected)}]",
    )
    return like(x, x.shape)


def _index_copy(
    x: torch.Tensor, dim: int, index: torch.Tensor, source: torch.Tensor
) -> torch.Tensor:
    at, count = axis(x, dim), prod(index.shape)
    if source.dim() and not is_size(count, source.shape[at] if source.dim() > at else 1):
        raise IndexError(
            f"index_copy_(): Number of indices ({text(count)}) should be equal to "
            f"source.size(dim) ({text(source.shape[at])})"
        )
    return _index_add(x, dim, index, source)


def _buckets(x: Any, _: Any, **kwargs: Any) -> torch.Tensor:
    """bucketize: a number for each element."""
    small = kwargs.get("out_int32", False)
    return like(x, x.shape, torch.int32 if small else torch.int64)


def _found(edges: torch.Tensor, x: torch.Tensor, **kwargs: Any) -> torch.Tensor:
    """searchsorted: in one row of boundaries, or in one row for each row of values."""
    fits = edges.dim() == 1 or (
        edges.dim() == x.dim() and all(map(is_size, edges.shape[:-1], x.shape[:-1]))
    )
    demand(
        fits,
        lambda: f"boundaries {tensor_text(edges)} do not fit values {tensor_text(x)}",
    )
    return _buckets(x, edges, **kwargs)


def _index_fill(x: torch.Tensor, dim: int, index: torch.Tensor, _: Any) -> torch.Tensor:
    axis(x, dim)
    if index.dim() > 1:
        raise IndexError("index_fill_(): Index has to be a vector/scalar")
    return like(x, x.shape)


def _take(x: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    return like(x, index.shape)


def _embedding(weight: torch.Tensor, index: torch.Tensor, *_: Any) -> torch.Tensor:
    if weight.dim() != 2:
        raise RuntimeError("'weight' must be 2-D")
    return like(weight, (*index.shape, weight.shape[1]))


def _bags(weight: torch.Tensor, index: torch.Tensor, starts: torch.Tensor, *options: Any) -> Any:
    """embedding_bag: the sum or mean of the entries of each bag, and what its backward pass
    needs."""
    ends = len(options) > 4 and options[4] is True  # the last start is the end of the last bag
    bags = starts.shape[0] - 1 if ends else starts.shape[0]
    rest = like(index, index.shape), like(starts, (bags,)), like(starts, (0,))
    return like(weight, (bags, weight.shape[1])), *rest


LOOKUPS: Mapping[str, ShapeRule] = {
    "index": _index,
    **dict.fromkeys(["index_put", "_index_put_impl", "_unsafe_index_put"], _index_put),
    "_unsafe_index": _index,
    "index_select": _index_select,
    "gather": _gather,
    **dict.fromkeys(["scatter", "scatter_add"], _scatter),
    "scatter_reduce": lambda x, dim, index, source, *_, **__: _scatter(x, dim, index, source),
    "index_add": _index_add,
    "index_copy": _index_copy,
    "masked_scatter": stretched,
    "bucketize": _buckets,
    "searchsorted": _found,
    "index_fill": _index_fill,
    "take": _take,
    "embedding": _embedding,
    **dict.fromkeys(["_embedding_bag", "_embedding_bag_forward_only"], _bags),
}
