"""Layers and tables whose numbers lie packed in bytes: made floats, then used.

A parameter is one of the numbers, not one of the bytes, and takes as many bits as it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flopscope.facts import Kind
from flopscope.onnxgraph.drafts import Draft, Expansion, shape_of
from flopscope.onnxgraph.pieces import MS
from flopscope.onnxgraph.tensors import Call, Facts, Tensor, Undecided
from flopscope.sizes import Shape

Given = Sequence[Tensor | None]


def _few_bits(call: Call, draft: Draft) -> Given:
    """(packed − zero point)·scale is the matrix (N, K); a zero point left out is a usual one."""
    weight = draft.packed(call.input(1), _matrix(call), call.attribute("bits", 4))
    weight = draft.row(Facts(Kind.ADD, (weight,), buffers=_held(call.optional(3))), _matrix(call))
    return [_layer(call, draft, weight, call.input(2), call.optional(5))]


def _from_a_table(call: Call, draft: Draft) -> Given:
    """Four bits choose one of sixteen numbers, which is scaled."""
    weight = draft.packed(call.input(1), _matrix(call), 4)
    return [_layer(call, draft, weight, call.input(2), None)]


def _stated(call: Call, draft: Draft) -> Given:
    """The shape (K, N) is an input, and the scales lie among the numbers."""
    numbers = call.input(2).numbers
    if numbers is None:
        raise Undecided
    inner, outer = (int(n) for n in numbers)
    weight = draft.packed(call.input(1), (outer, inner), 4)
    return [_layer(call, draft, weight, None, None, (outer, inner))]


def _layer(
    call: Call,
    draft: Draft,
    weight: Tensor,
    scale: Tensor | None,
    bias: Tensor | None,
    shape: Shape = (),
) -> Tensor:
    shape = shape or _matrix(call)
    weight = draft.row(Facts(Kind.MULTIPLY, (weight,), buffers=_held(scale)), shape)
    *positions, width = call.shape(0)
    call.premises.same(width, shape[1], call.path)
    return draft.row(Facts(Kind.LINEAR, (call.input(0),), (weight, bias)), (*positions, shape[0]))


def _matrix(call: Call) -> Shape:
    return (call.attribute("N"), call.attribute("K"))


def _held(tensor: Tensor | None) -> tuple[Tensor, ...]:
    return (tensor._replace(learnt=False),) if tensor is not None and tensor.stored else ()


def _looked_up(call: Call, draft: Draft) -> Given:
    """Rows of a packed table, made floats."""
    table, indices, bits = call.input(0), call.input(1), call.attribute("bits", 4)
    *outer, last = call.shape(0)
    wide = (*outer, last * (8 // bits) if table.element == BYTES else last)
    table = draft.packed(table, wide, bits) if table.stored else table._replace(shape=wide)
    rows = draft("Gather", table, indices, axis=call.attribute("gather_axis", 0))
    shape = shape_of(rows)
    rows = draft.row(Facts(Kind.ADD, (rows,), buffers=_held(call.optional(3))), shape)
    scale = call.input(2)
    facts = Facts(Kind.MULTIPLY, (rows,), buffers=_held(scale))
    return [draft.row(facts, shape, scale.element)]


BYTES = 2
"""onnx's number of unsigned bytes as elements, in which smaller numbers are packed."""

PACKED: Mapping[str, Expansion] = {
    f"{MS}MatMulNBits": _few_bits,
    f"{MS}MatMulBnb4": _from_a_table,
    f"{MS}MatMulFpQ4": _stated,
    f"{MS}GatherBlockQuantized": _looked_up,
}
"""The expansion of each operator on packed numbers."""
