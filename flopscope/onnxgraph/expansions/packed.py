"""Layers and tables whose numbers are packed into bytes and become floats when they are used.

The parameters are the packed numbers, not the bytes, and take as many bits as these have.
"""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.facts import Kind
from flopscope.onnxgraph.expansions.drafts import Draft, Expansion, Tensors
from flopscope.onnxgraph.expansions.shared import MS
from flopscope.onnxgraph.tensors import NodeCall, NodeFacts, Tensor, Undecided, shape_of
from flopscope.sizes import Shape


def _few_bits(call: NodeCall, draft: Draft) -> Tensors:
    """(packed − zero point)·scale is the matrix (N, K)."""
    weight = draft.packed(call.input(1), _matrix(call), call.attribute("bits", 4))
    return [_layer(call, draft, weight, call.optional(5))]


def _from_a_table(call: NodeCall, draft: Draft) -> Tensors:
    """Four bits choose one of sixteen numbers, which is then scaled."""
    return [_layer(call, draft, draft.packed(call.input(1), _matrix(call), 4), None)]


def _stated(call: NodeCall, draft: Draft) -> Tensors:
    """The shape (K, N) is an input, and the scales are stored among the numbers."""
    numbers = call.input(2).numbers
    if numbers is None:
        raise Undecided
    inner, outer = (int(n) for n in numbers)
    return [_layer(call, draft, draft.packed(call.input(1), (outer, inner), 4), None)]


def _layer(call: NodeCall, draft: Draft, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The layer, and unpacking as a row of its own that multiplies no matrices: how often a number
    is unpacked depends on the kernel and is not stated."""
    outer, inner = shape_of(weight)
    *positions, width = call.shape(0)
    draft.same(width, inner)
    y = draft.row(NodeFacts(Kind.LINEAR, (call.input(0),), (weight, bias)), (*positions, outer))
    return draft.row(NodeFacts(Kind.OTHER, (y,)), shape_of(y))


def _matrix(call: NodeCall) -> Shape:
    return (call.attribute("N"), call.attribute("K"))


def _looked_up(call: NodeCall, draft: Draft) -> Tensors:
    """Look-ups in a packed table, whose entries become floats."""
    table, indices, bits = call.input(0), call.input(1), call.attribute("bits", 4)
    *outer, last = call.shape(0)
    wide = (*outer, last * (8 // bits) if table.element == BYTES else last)
    table = draft.packed(table, wide, bits) if table.stored else table._replace(shape=wide)
    rows = draft("Gather", table, indices, axis=call.attribute("gather_axis", 0))
    shape = shape_of(rows)
    rows = draft.row(NodeFacts(Kind.ADD, (rows,)), shape)
    return [draft.row(NodeFacts(Kind.MULTIPLY, (rows,)), shape, call.input(2).element)]


BYTES = 2
"""onnx's number for unsigned bytes, into which smaller numbers are packed."""

PACKED: Mapping[str, Expansion] = {
    f"{MS}MatMulNBits": _few_bits,
    f"{MS}MatMulBnb4": _from_a_table,
    f"{MS}MatMulFpQ4": _stated,
    f"{MS}GatherBlockQuantized": _looked_up,
}
"""The expansion of each operator on packed numbers."""
