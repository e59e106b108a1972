"""Shapes that follow from later operators, for outputs of foreign operators whose shape nothing
states.

A rule knows the shapes of an operator's output and of its stored weight, and infers the shape of
its input: a layer's input has as many positions as its output, and the width of its weight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from onnx import GraphProto, NodeProto

from flopscope.onnxgraph.model.headers import OWN_DOMAINS, StatedDimension, StoredTensor, Typed
from flopscope.onnxgraph.model.nodes import attributes
from flopscope.onnxgraph.shapes.table import AS_FIRST

Dimensions: TypeAlias = tuple[StatedDimension, ...]


class _Turned(NamedTuple):
    """One node seen from its output."""

    output: Dimensions
    weight: tuple[int, ...] | None  # the second input, where it is stored
    attributes: Mapping[str, Any]


def from_later(
    graph: GraphProto, typed: Mapping[str, Typed], held: Mapping[str, StoredTensor]
) -> dict[str, Typed]:
    """The shapes of values whose shape is open, each inferred from the output of an operator that
    reads it."""
    found: dict[str, Typed] = {}
    for node in reversed(graph.node):
        rule = RULES.get(node.op_type) if node.domain in OWN_DOMAINS else None
        if rule is None or not node.input or not node.output:
            continue
        name, output = node.input[0], node.output[0]
        later = found.get(output, typed.get(output))
        if name in held or name in found or not _is_whole(later) or _is_whole(typed.get(name)):
            continue
        dimensions = _turned(rule, node, later, held)
        if dimensions is not None and later is not None:
            element = typed[name].element_type if name in typed else 0
            found[name] = Typed(element, dimensions)
    return found


def _is_whole(value: Typed | None) -> bool:
    known = value is not None and value.dimensions is not None
    return known and value is not None and None not in (value.dimensions or ())


def _turned(
    rule: Callable[[_Turned], Dimensions | None],
    node: NodeProto,
    later: Typed | None,
    held: Mapping[str, StoredTensor],
) -> Dimensions | None:
    weight = held[node.input[1]].shape if len(node.input) > 1 and node.input[1] in held else None
    output = (later.dimensions if later is not None else None) or ()
    try:
        return rule(_Turned(output, weight, attributes(node)))
    except (LookupError, TypeError, ValueError):
        return None  # which the node's own rule will tell


def _same(node: _Turned) -> Dimensions | None:
    return node.output


def _transpose(node: _Turned) -> Dimensions | None:
    order = node.attributes.get("perm", tuple(reversed(range(len(node.output)))))
    return tuple(node.output[order.index(axis)] for axis in range(len(order)))


def _matmul(node: _Turned) -> Dimensions | None:
    weight = node.weight
    return (*node.output[:-1], weight[0]) if weight is not None and len(weight) == 2 else None


def _gemm(node: _Turned) -> Dimensions | None:
    if node.weight is None or node.attributes.get("transA", 0):
        return None
    return (node.output[0], node.weight[1 if node.attributes.get("transB", 0) else 0])


def _convolution(node: _Turned) -> Dimensions | None:
    """A convolution of stride 1 whose window takes as much off as its padding adds."""
    if node.weight is None or any(step != 1 for step in node.attributes.get("strides", ())):
        return None
    channels = node.weight[1] * node.attributes.get("group", 1)
    kernel, mode = node.weight[2:], node.attributes.get("auto_pad", "NOTSET")
    pads = node.attributes.get("pads", (0,) * (2 * len(kernel)))
    dilations = node.attributes.get("dilations", (1,) * len(kernel))
    grid: list[StatedDimension] = []
    for axis, size in enumerate(node.output[2:]):
        padded = pads[axis] + pads[axis + len(kernel)] if mode == "NOTSET" else 0
        less = dilations[axis] * (kernel[axis] - 1) - padded
        if mode.startswith("SAME") or less == 0:
            grid.append(size)
        elif isinstance(size, int):
            grid.append(size + less)
        else:
            return None
    return (node.output[0], channels, *grid)


RULES: Mapping[str, Callable[[_Turned], Dimensions | None]] = {
    **dict.fromkeys({*AS_FIRST, "BatchNormalization"} - {"PRelu"}, _same),
    "Conv": _convolution,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Transpose": _transpose,
}
"""The rule of each operator for the shape of its first input, given its first output."""
