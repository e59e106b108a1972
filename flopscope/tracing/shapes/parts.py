"""Shapes of parts of tensors, and of tensors that are put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from flopscope.tracing.shapes.fitting import (
    ShapeRule,
    at_example,
    axis,
    broadcasts_to,
    demand,
    is_number,
    is_size,
    larger,
    like,
    promoted,
    smaller,
    text,
)

# --- parts --------------------------------------------------------------------------------------


def _select(x: torch.Tensor, dim: int, index: Any) -> torch.Tensor:
    if not x.dim():
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    at = axis(x, dim)
    size = x.shape[at]
    inside = size >= index + 1 if at_example(index >= 0) else size >= -index
    if not inside:
        raise IndexError(
            f"select(): index {text(index)} out of range for tensor of size "
            f"[{text(x.shape)}] at dimension {at}"
        )
    return like(x, (*x.shape[:at], *x.shape[at + 1 :]))


def _slice(
    x: torch.Tensor, dim: int = 0, start: Any = None, stop: Any = None, step: Any = 1
) -> torch.Tensor:
    if not x.dim():
        raise RuntimeError("slice() cannot be applied to a 0-dim tensor.")
    at, shape = axis(x, dim), list(x.shape)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    first, last = (_place(end, shape[at], missing) for end, missing in ((start, 0), (stop, None)))
    length = larger(last - first, 0)
    shape[at] = (length + step - 1) // step
    return like(x, shape)


def _place(end: Any, size: Any, missing: int | None) -> Any:
    """The end of a slice as a position from 0 to size."""
    if end is None or is_number(end, 2**63 - 1):
        return size if missing is None else missing
    end = end + size if end < 0 else end
    return smaller(larger(end, 0), size)


def _split(x: torch.Tensor, size: Any, dim: int = 0) -> list[torch.Tensor]:
    """Parts of a size, and a last one of what is left. There are as many as at the example."""
    whole = x.shape[axis(x, dim)]
    number = 1
    while at_example(whole > size * number):
        if at_example(size <= 0):
            raise RuntimeError(f"split expects split_size be positive, but got {text(size)}")
        number += 1
    left = whole - size * (number - 1)
    if number > 1:
        demand(left >= 1, lambda: "another number of parts")
    demand(left <= size, lambda: "another number of parts")
    return _split_with_sizes(x, [size] * (number - 1) + [left], dim)


def _split_with_sizes(x: torch.Tensor, sizes: Sequence[Any], dim: int = 0) -> list[torch.Tensor]:
    at = axis(x, dim)
    demand(
        is_size(sum(sizes), x.shape[at]),
        lambda: f"split sizes {text(sizes)} do not add up to {text(x.shape[at])}",
    )
    for size in sizes:
        demand(size >= 0, lambda: f"split sizes {text(sizes)} must not be negative")
    return [like(x, (*x.shape[:at], size, *x.shape[at + 1 :])) for size in sizes]


def _unbind(x: torch.Tensor, dim: int = 0) -> list[torch.Tensor]:
    return [_select(x, dim, i) for i in range(int(x.shape[axis(x, dim)]))]


def _diagonal(x: torch.Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> torch.Tensor:
    a, b = axis(x, dim1), axis(x, dim2)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    rows, columns = x.shape[a], x.shape[b]
    rows, columns = (rows, columns - offset) if offset >= 0 else (rows + offset, columns)
    length = larger(smaller(rows, columns), 0)
    return like(x, [*(n for d, n in enumerate(x.shape) if d not in (a, b)), length])


def _on_diagonal(x: torch.Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> torch.Tensor:
    """diag_embed: the last dimension as the diagonal of two new ones."""
    *stack, length = x.shape
    new = {dim % (x.dim() + 1) for dim in (dim1, dim2)}
    rest = iter(stack)
    side = length + abs(offset)
    return like(x, [side if d in new else next(rest) for d in range(x.dim() + 1)])


def _windows_of(x: torch.Tensor, dim: int, size: Any, step: Any) -> torch.Tensor:
    """Tensor.unfold."""
    at, shape = axis(x, dim), list(x.shape)
    whole = shape[at] if shape else 1
    demand(
        whole >= size,
        lambda: (
            f"maximum size for tensor at dimension {at} is {text(whole)} but size is {text(size)}"
        ),
    )
    shape[at : at + 1] = [(whole - size) // step + 1]
    return like(x, (*shape, size) if x.dim() else (size,))


# --- put together -------------------------------------------------------------------------------


def _cat(parts: Sequence[torch.Tensor], dim: int = 0) -> torch.Tensor:
    dtype = promoted(parts)
    parts = [p for p in parts if not (p.dim() == 1 and is_number(p.shape[0], 0))] or parts[:1]
    first, at = parts[0], axis(parts[0], dim)
    shape = list(first.shape)
    for part in parts[1:]:
        if part.dim() != first.dim():
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {first.dim()} and {part.dim()}"
            )
        for d, size in enumerate(part.shape):
            if d != at:
                _joined(shape[d], size, at)
        shape[at] = shape[at] + part.shape[at]
    return like(first, shape, dtype)


def _joined(a: Any, b: Any, at: int) -> None:
    demand(
        is_size(b, a),
        lambda: f"Sizes of tensors must match except in dimension {at}: {text(a)} and {text(b)}",
    )


def _equal(first: torch.Tensor, other: torch.Tensor) -> None:
    demand(
        first.dim() == other.dim() and all(map(is_size, first.shape, other.shape)),
        lambda: (
            f"stack expects each tensor to be equal size, but got [{text(first.shape)}] and "
            f"[{text(other.shape)}]"
        ),
    )


def _stack(parts: Sequence[torch.Tensor], dim: int = 0) -> torch.Tensor:
    first, *others = parts
    at = axis(first, dim, more=1)
    for part in others:
        _equal(first, part)
    return like(first, (*first.shape[:at], len(parts), *first.shape[at:]), promoted(parts))


def _block_diagonal(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    blocks = [(1,) * (2 - part.dim()) + tuple(part.shape) for part in parts]
    shape = [sum(rows) for rows in zip(*blocks, strict=True)]
    return like(parts[0], shape, promoted(parts))


def _copied(x: torch.Tensor, source: torch.Tensor, *_: Any) -> torch.Tensor:
    broadcasts_to(source.shape, x.shape)
    return like(x, x.shape)


def _replaced(x: torch.Tensor, source: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
    demand(
        source.dim() == part.dim() and all(map(is_size, source.shape, part.shape)),
        lambda: (
            f"expected src to have a size equal to the slice of self. src size = "
            f"[{text(source.shape)}], slice size = [{text(part.shape)}]"
        ),
    )
    return like(x, x.shape)


def _with_slice(x: torch.Tensor, source: torch.Tensor, *place: Any, **_: Any) -> torch.Tensor:
    return _replaced(x, source, _slice(x, *place))


def _with_selection(x: torch.Tensor, source: torch.Tensor, *place: Any) -> torch.Tensor:
    return _replaced(x, source, _select(x, *place))


PARTS: Mapping[str, ShapeRule] = {
    "select": _select,
    "slice": _slice,
    **dict.fromkeys(["split", "unsafe_split"], _split),
    **dict.fromkeys(["split_with_sizes", "unsafe_split_with_sizes"], _split_with_sizes),
    "unbind": _unbind,
    "diagonal": _diagonal,
    "diag_embed": _on_diagonal,
    "block_diag": _block_diagonal,
    "unfold": _windows_of,
    "cat": _cat,
    "stack": _stack,
    "copy": _copied,
    "slice_scatter": _with_slice,
    "select_scatter": _with_selection,
}
