"""Shapes of what moves elements and computes nothing: reshapes, slices, gathers, padding, resizing.

Where sizes must fit, that becomes a premise: a slice lies inside its tensor, and a reshape keeps
the number of elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from flopscope.onnxgraph.model.headers import StoredTensor
from flopscope.onnxgraph.tensors import NodeCall, Undecided, broadcast
from flopscope.sizes import Shape, Size, ceil_div, elements, floor_div, is_symbolic

Shapes: TypeAlias = "Shape | list[Shape]"

FAR = 2**31 - 1
"""A slice whose end is at least this number goes to the end of its axis."""

LARGE = 10**6
"""So does a slice whose end is at least this number, if the axis is not longer. No network cuts off
so much, but exporters of other frameworks write such ends."""


def _reshape(call: NodeCall) -> Shape:
    """0 keeps a size, and −1 takes what is left."""
    shape, wanted = call.shape(0), call.setting("shape", 1)
    keeps = not call.attribute("allowzero", 0)
    sizes = [shape[i] if keeps and _is(n, 0) else n for i, n in enumerate(wanted)]
    if sum(_is(n, -1) for n in sizes) > 1:
        raise ValueError("more than one size is left open")
    whole, rest = elements(shape), elements(tuple(n for n in sizes if not _is(n, -1)))
    where = f"elements of {call.path}"
    if not any(_is(n, -1) for n in sizes):
        call.premises.same(whole, rest, where)
        return tuple(sizes)
    if _is(rest, 0):
        raise Undecided
    call.premises.multiple(whole, rest, f"number of {where}")
    return tuple(floor_div(whole, rest) if _is(n, -1) else n for n in sizes)


def _flatten(call: NodeCall) -> Shape:
    shape = call.shape(0)
    axis = call.attribute("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    return (elements(shape[:axis]), elements(shape[axis:]))


def _transpose(call: NodeCall) -> Shape:
    shape = call.shape(0)
    return tuple(shape[axis] for axis in call.attribute("perm", reversed(range(len(shape)))))


def _squeeze(call: NodeCall) -> Shape:
    shape, axes = call.shape(0), call.setting("axes", 1)
    if axes is None:
        if any(map(is_symbolic, shape)):
            raise Undecided
        return tuple(n for n in shape if n != 1)
    gone = {axis % len(shape) for axis in axes}
    for axis in gone:
        call.premises.same(shape[axis], 1, call.path)
    return tuple(n for axis, n in enumerate(shape) if axis not in gone)


def _unsqueeze(call: NodeCall) -> Shape:
    shape, axes = call.shape(0), call.setting("axes", 1)
    rank = len(shape) + len(axes)
    new, old = {axis % rank for axis in axes}, iter(shape)
    return tuple(1 if axis in new else next(old) for axis in range(rank))


def _concat(call: NodeCall) -> Shape:
    shapes = [call.shape(index) for index in range(len(call.inputs))]
    axis = call.attribute("axis") % len(shapes[0])
    result = list(shapes[0])
    for shape in shapes[1:]:
        for place, size in enumerate(shape):
            known = result[place]
            same = place != axis
            result[place] = call.premises.same(known, size, call.path) if same else known + size
    return tuple(result)


def _split(call: NodeCall) -> list[Shape]:
    """Equal parts unless their lengths are given; the last may be smaller where onnx allows it."""
    shape, axis, parts = call.shape(0), call.axis(0), len(call.outputs)
    lengths = call.setting("split", 1)
    if lengths is None:
        size = shape[axis]
        if call.opset < 18:
            call.premises.multiple(size, parts, f"size split by {call.path}")
        chunk = ceil_div(size, parts)
        lengths = [chunk] * (parts - 1) + [size - chunk * (parts - 1)]
        call.premises.at_least(lengths[-1], 0, f"last part of {call.path}")
    return [(*shape[:axis], length, *shape[axis + 1 :]) for length in lengths]


def _slice(call: NodeCall) -> Shape:
    sizes = list(call.shape(0))
    starts, ends = call.setting("starts", 1), call.setting("ends", 2)
    axes = call.setting("axes", 3) or range(len(starts))
    steps = call.setting("steps", 4) or [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        sizes[axis] = _length(call, sizes[axis], start, end, step)
    return tuple(sizes)


def _length(call: NodeCall, size: Size, start: Size, end: Size, step: Size) -> Size:
    """The number of elements that start:end:step takes from an axis."""
    if is_symbolic(step):
        raise Undecided
    if not any(map(is_symbolic, (size, start, end))):
        return len(range(*slice(start, end, step).indices(size)))
    if step == 0:
        raise ValueError("a slice does not move")
    within = _Axis(call, size)
    if step > 0:
        first, last = within.place(start, size), within.place(end, size)
        low, high, past = 0, size, last - first
    else:  # from the last element on, down to the one before the first
        first, last = within.place(start, size - 1), within.place(end, size - 1, below=-1)
        low, high, past = -1, size - 1, first - last
    call.premises.at_least(high - last, 0, f"size {size} of {call.path} less its end {last}")
    call.premises.at_least(high - first, 0, f"size {size} of {call.path} less its start {first}")
    call.premises.at_least(first - low, 0, f"start {first} of {call.path} above {low}")
    call.premises.at_least(last - low, 0, f"end {last} of {call.path} above {low}")
    call.premises.at_least(past, 0, f"end {last} of {call.path} less its start {first}")
    return ceil_div(past, abs(step))


class _Axis(NamedTuple):
    """One axis of a slice, with places counted from the front."""

    call: NodeCall
    size: Size

    def place(self, place: Size, end: Size, below: int = 0) -> Size:
        """The place counted from the front: `end` if it is beyond every size, `below` if it is
        before the first."""
        if is_symbolic(place):
            falls = (-place).lower() is not None and place.lower() is None
            return self.size + place if falls else place
        if not is_symbolic(self.size):
            return min(max(self.size + place if place < 0 else place, below), end)
        what = f"size {self.size} of {self.call.path}"
        if place >= LARGE:
            if place < FAR:
                self.call.premises.at_least(place - end, 0, f"{what} below {place}")
            return end
        if place <= -LARGE:
            if place > -FAR:
                self.call.premises.at_least(-place - self.size, 0, f"{what} below {-place}")
            return below
        return self.size + place if place < 0 else place


def _gather(call: NodeCall) -> Shape:
    data, axis = call.shape(0), call.axis(0)
    return (*data[:axis], *call.shape(1), *data[axis + 1 :])


def _gather_nd(call: NodeCall) -> Shape:
    data, indices, batch = call.shape(0), call.shape(1), call.attribute("batch_dims", 0)
    if is_symbolic(indices[-1]):
        raise Undecided
    return (*indices[:-1], *data[batch + indices[-1] :])


def _expand(call: NodeCall) -> Shape:
    return broadcast([call.shape(0), tuple(call.setting("shape", 1))], call.premises, call.path)


def _tile(call: NodeCall) -> Shape:
    return tuple(n * m for n, m in zip(call.shape(0), call.setting("repeats", 1), strict=True))


def _pad(call: NodeCall) -> Shape:
    sizes, pads = list(call.shape(0)), call.setting("pads", 1)
    axes = call.setting("axes", 3) or range(len(sizes))
    for place, axis in enumerate(axes):
        sizes[axis] = sizes[axis] + pads[place] + pads[place + len(pads) // 2]
    return tuple(sizes)


def _depth_to_space(call: NodeCall) -> Shape:
    batch, channels, *grid = call.shape(0)
    block = call.attribute("blocksize")
    call.premises.multiple(channels, block * block, f"channels of {call.path}")
    return (batch, floor_div(channels, block * block), *(n * block for n in grid))


def _space_to_depth(call: NodeCall) -> Shape:
    batch, channels, *grid = call.shape(0)
    block = call.attribute("blocksize")
    for n in grid:
        call.premises.multiple(n, block, f"size of {call.path}")
    return (batch, channels * block * block, *(floor_div(n, block) for n in grid))


def resize_factors(call: NodeCall) -> list[Any] | None:
    """The scales of every axis, or None if sizes are given instead."""
    place = 1 if call.op == "Upsample" or call.opset < 11 else 2
    scales = call.setting("scales", place)
    return _all_axes(call, scales, 1.0) if scales else None


def resize_sizes(call: NodeCall) -> Shape:
    """The sizes of every axis: as given, or ⌊n·scale⌋."""
    if call.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Undecided
    shape, scales = call.shape(0), resize_factors(call)
    if scales is None:
        given = _all_axes(call, call.setting("sizes", 3), None)
        return tuple(n if m is None else m for n, m in zip(shape, given, strict=True))
    return tuple(_scaled(n, scale) for n, scale in zip(shape, scales, strict=True))


def _scaled(n: Size, scale: Any) -> Size:
    product = n * scale
    return product // 1 if is_symbolic(product) else math.floor(product)


def _all_axes(call: NodeCall, values: list[Any], default: Any) -> list[Any]:
    axes = call.attribute("axes")
    if axes is None:
        return values
    rank = len(call.shape(0))
    given = {axis % rank: value for axis, value in zip(axes, values, strict=True)}
    return [given.get(axis, default) for axis in range(rank)]


def _top_k(call: NodeCall) -> Shape:
    shape, axis = call.shape(0), call.axis(-1)
    (length,) = call.setting("k", 1)
    return (*shape[:axis], length, *shape[axis + 1 :])


def _one_hot(call: NodeCall) -> Shape:
    shape = call.shape(0)
    axis = call.attribute("axis", -1) % (len(shape) + 1)
    (depth,) = call.setting("depth", 1) if call.shape(1) else [call.setting("depth", 1)]
    return (*shape[:axis], depth, *shape[axis:])


def _range(call: NodeCall) -> Shape:
    start, limit, step = (call.setting("", index) for index in range(3))
    call.premises.at_least(ceil_div(limit - start, step), 0, f"length of {call.path}")
    return (ceil_div(limit - start, step),)


def _constant(call: NodeCall) -> Shape:
    (value,) = call.attributes.values()
    return tuple(value.shape) if isinstance(value, StoredTensor) else np.shape(value)


def _is(size: Size, number: int) -> bool:
    return not is_symbolic(size) and bool(size == number)


MOVEMENT: Mapping[str, Callable[[NodeCall], Shapes]] = {
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": lambda call: tuple(call.setting("shape", 0)),
    "DepthToSpace": _depth_to_space,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": lambda call: call.shape(1),
    "GatherND": _gather_nd,
    "OneHot": _one_hot,
    "Pad": _pad,
    "Range": _range,
    "Reshape": _reshape,
    "Resize": resize_sizes,
    "Shape": lambda call: (len(call.shape(0)),),
    "Size": lambda call: (),
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "TopK": _top_k,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Upsample": resize_sizes,
}
"""The rule of each operator that moves elements."""
