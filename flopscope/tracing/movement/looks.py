"""What views do to the layout of a tensor: one literal table of rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch

from flopscope.sizes import Size
from flopscope.tracing.calls import shape_of
from flopscope.tracing.movement.layouts import (
    Layout,
    in_windows,
    permuted,
    sliced,
    spread_over,
    viewed,
    with_axis,
    without,
)

LayoutRule: TypeAlias = Callable[[Layout, Sequence[Any], torch.Tensor], Layout | None]
"""From the layout of the first argument, all arguments and a result, to the result's layout; None
where no view of the elements is such a result."""


def _is_one(size: Size) -> bool:
    return isinstance(size, int) and size == 1


def _same(layout: Layout, args: Sequence[Any], result: torch.Tensor) -> Layout:
    return layout


def _view(layout: Layout, args: Sequence[Any], result: torch.Tensor) -> Layout | None:
    if args[0].dim() == result.dim() and args[0].dtype != result.dtype:
        return layout
    return viewed(layout, shape_of(args[0]), shape_of(result))


def _transposed(layout: Layout, args: Sequence[Any], result: torch.Tensor) -> Layout:
    axes = [*range(layout.rank)]
    a, b = (axis % layout.rank for axis in args[1:3]) if len(args) > 2 else (-2, -1)
    axes[a], axes[b] = axes[b], axes[a]
    return permuted(layout, axes)


def _t(layout: Layout, args: Sequence[Any], result: torch.Tensor) -> Layout:
    return permuted(layout, [*range(layout.rank)][::-1])


def _permuted(layout: Layout, args: Sequence[Any], result: torch.Tensor) -> Layout:
    return permuted(layout, args[1])


def _unsqueezed(layout: Layout, args: Sequence[Any], result: torch.Tensor) -> Layout:
    return with_axis(layout, args[1] % result.dim())


def _squeezed(layout: Layout, args: Sequence[Any], result: torch.Tensor) -> Layout:
    given = args[1] if len(args) > 1 else range(layout.rank)
    axes = [axis % layout.rank for axis in ([given] if isinstance(given, int) else given)]
    for axis in sorted((a for a in axes if args[0].shape[a] == 1), reverse=True):
        layout = without(layout, axis, gap=False)
    return layout


def _selected(layout: Layout, args: Sequence[Any], result: torch.Tensor) -> Layout:
    return without(layout, args[1] % layout.rank, gap=True)


def _unbound(layout: Layout, args: Sequence[Any], result: torch.Tensor) -> Layout:
    axis = args[1] if len(args) > 1 else 0
    return without(layout, axis % layout.rank, gap=True)


def _sliced(layout: Layout, args: Sequence[Any], result: torch.Tensor) -> Layout:
    axis = (args[1] if len(args) > 1 else 0) % layout.rank
    if shape_of(args[0])[axis] == shape_of(result)[axis]:
        return layout
    if _is_one(shape_of(result)[axis]):
        return with_axis(without(layout, axis, gap=True), axis)
    step = args[4] if len(args) > 4 else 1
    return sliced(layout, axis, step=not (isinstance(step, int) and step == 1))


def _split(layout: Layout, args: Sequence[Any], result: torch.Tensor) -> Layout:
    axis = (args[2] if len(args) > 2 else 0) % layout.rank
    part = shape_of(result)[axis]
    if shape_of(args[0])[axis] == part:
        return layout
    if _is_one(part):
        return with_axis(without(layout, axis, gap=True), axis)
    return sliced(layout, axis)


def _expanded(layout: Layout, args: Sequence[Any], result: torch.Tensor) -> Layout:
    new = result.dim() - layout.rank
    pairs = zip(shape_of(args[0]), shape_of(result)[new:], strict=True)
    longer = [axis + new for axis, (before, after) in enumerate(pairs) if before != after]
    return spread_over(layout, result.dim(), [*range(new), *longer])


def _windows(layout: Layout, args: Sequence[Any], result: torch.Tensor) -> Layout:
    axis = args[1] % layout.rank
    size, (number, width) = shape_of(args[0])[axis], (shape_of(result)[n] for n in (axis, -1))
    return in_windows(layout, axis, one=number == 1, whole=bool(width == size))


LOOKS: Mapping[str, LayoutRule] = {
    **dict.fromkeys(["_unsafe_view", "reshape", "view", "unflatten", "view_as"], _view),
    **dict.fromkeys(["_conj", "_neg_view", "alias", "detach", "lift"], _same),
    **dict.fromkeys(["transpose", "swapaxes"], _transposed),
    "t": _t,
    "permute": _permuted,
    "unsqueeze": _unsqueezed,
    "squeeze": _squeezed,
    "select": _selected,
    "unbind": _unbound,
    **dict.fromkeys(["slice", "narrow"], _sliced),
    **dict.fromkeys(
        [
            *("chunk", "split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes"),
            *("unsafe_chunk", "tensor_split"),
        ],
        _split,
    ),
    "expand": _expanded,
    "unfold": _windows,
}
"""By name without overload. The result of any other view counts as contiguous."""

KEEPING = frozenset(
    (
        *("_unsafe_view", "reshape", "view", "unflatten", "view_as", "_conj", "_neg_view"),
        *("alias", "detach", "lift", "unsqueeze", "squeeze"),
    )
)
"""Views of a contiguous tensor that are contiguous. Where the result has an axis of one position,
its layout says so."""
