"""The operators of a graph that write elements at other places, as rows of data movement.

A graph has no strides, so that every operator which changes the order of elements, takes a part of
them or repeats them writes a new tensor. Those that only change a shape are views: reshapes,
squeezes, flattenings. Operators on stored tensors and on shapes are done before the network runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

from flopscope.facts import Kind, Movement
from flopscope.onnxgraph.tensors import NodeCall, NodeFacts, Tensor
from flopscope.sizes import Shape

MoveRule: TypeAlias = Callable[[NodeCall, Shape], NodeFacts | None]
"""From a call and the shape of a result to the row; None for a view."""


def _moved(x: Tensor, movement: Movement, *others: Tensor | None) -> NodeFacts:
    computed = tuple(t for t in others if t is not None and t.source is not None)
    return NodeFacts(Kind.MOVE, (x, *computed), function=movement)


def _whole(movement: Movement, call: NodeCall, shape: Shape) -> NodeFacts:
    """It reads all of its input, and what else is computed: places, and what is put there."""
    return _moved(call.input(0), movement, *call.inputs[1:])


def _seen(movement: Movement, call: NodeCall, shape: Shape) -> NodeFacts | None:
    """It reads the elements that it writes, as the result shows them; a view if these are all
    elements in their order."""
    x = call.input(0)
    if shape == x.shape and movement is not Movement.PERMUTE:
        return None
    return _moved(x._replace(shape=shape), movement)


def _transposed(call: NodeCall, shape: Shape) -> NodeFacts | None:
    order = [*call.attribute("perm", reversed(range(len(shape))))]
    return None if order == sorted(order) else _seen(Movement.PERMUTE, call, shape)


def _gathered(call: NodeCall, shape: Shape) -> NodeFacts | None:
    """One known place is a part of the input; several are a gather."""
    places = call.optional(1)
    one = places is not None and places.numbers is not None and places.shape == ()
    rule = partial(_seen, Movement.SLICE) if one else partial(_whole, Movement.GATHER)
    return rule(call, shape)


def _repeated(call: NodeCall, shape: Shape) -> NodeFacts | None:
    x = call.input(0)
    return None if shape == x.shape else _moved(x, Movement.REPEAT)


def _padded(call: NodeCall, shape: Shape) -> NodeFacts | None:
    x = call.input(0)
    return None if shape == x.shape else _moved(x, Movement.PAD)


_PERMUTE = partial(_whole, Movement.PERMUTE)
_GATHER = partial(_whole, Movement.GATHER)
_SCATTER = partial(_whole, Movement.SCATTER)
_SLICE = partial(_seen, Movement.SLICE)

MOVES: Mapping[str, MoveRule] = {
    "CenterCropPad": _padded,
    "Compress": _GATHER,
    "DepthToSpace": _PERMUTE,
    "Expand": _repeated,
    "Gather": _gathered,
    "GatherElements": _GATHER,
    "GatherND": _GATHER,
    "Pad": _padded,
    "ReverseSequence": partial(_whole, Movement.FLIP),
    "ScatterElements": _SCATTER,
    "ScatterND": _SCATTER,
    "Slice": _SLICE,
    "SpaceToDepth": _PERMUTE,
    "Split": _SLICE,
    "TensorScatter": _SCATTER,
    "Tile": _repeated,
    "Transpose": _transposed,
    "Trilu": partial(_whole, Movement.COPY),
}
"""The costless operators that move elements. Sequences of tensors are lists of views."""


def move_of(call: NodeCall, shape: Shape | None) -> NodeFacts | None:
    """The row of this result of a costless call; None where it is a view, or where what it shows
    is stored, or its shape is not known."""
    data = call.optional(0)
    if call.op not in MOVES or shape is None or data is None or data.shape is None:
        return None
    return None if data.source is None else MOVES[call.op](call, shape)
