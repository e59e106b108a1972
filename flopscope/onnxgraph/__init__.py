"""An ONNX graph is read into a ledger from shapes and names alone; no weights are read, and nothing
is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from onnx import ModelProto

from flopscope.ledger import Ledger
from flopscope.onnxgraph.model.files import all_nodes, load
from flopscope.onnxgraph.model.headers import (
    OWN_DOMAINS,
    check,
    detach,
    inferred,
    leave_open,
    override,
    set_apart,
    values_of,
)
from flopscope.onnxgraph.model.sizing import Names, input_shapes, names_of
from flopscope.onnxgraph.reader import Reader
from flopscope.onnxgraph.shapes.backwards import from_later
from flopscope.sizes import Shape

QUANTISED: Mapping[str, tuple[int, ...]] = {
    "ConvInteger": (0, 1),
    "DequantizeLinear": (0,),
    "MatMulInteger": (0, 1),
    "MatMulInteger16": (0, 1),
    "MatMulIntegerToFloat": (0, 1),
    "QGemm": (0, 3, 6),
    "QLinearConv": (0, 3, 8),
    "QLinearConvTranspose": (0, 3, 8),
    "QLinearMatMul": (0, 3),
}
"""Operators whose stored integers are weights and not indices, with the places of these inputs."""


@dataclass(frozen=True)
class Graph:
    """The ledger of a graph, and the shapes of its inputs by name, in order."""

    ledger: Ledger
    inputs: Mapping[str, Shape]


def read(
    path: str | PathLike[str],
    shapes: Sequence[Shape] = (),
    sizes: Mapping[str, int] | None = None,
    named: Mapping[str, Shape] | None = None,
) -> Graph:
    """Read what the graph in an ONNX file does on the given shapes, or on those that it states.

    `named` has shapes by the inputs' names, `shapes` those of all other inputs, in order or none,
    of integers and symbols; `sizes` gives named sizes their values. Named sizes without a value
    stay free, and what must hold for them becomes a condition of the ledger. Weights are never
    read. Raises BadInput for a file that is incomplete, that onnx's checker refuses, or that leaves
    sizes open; UnknownName for an input or a size that does not occur.
    """
    path = Path(path)
    model = load(path)
    set_apart(model)
    leave_open(model)
    held = detach(model, path)
    check(model, path)
    names = Names(sizes or {}, names_of(model, held))
    inputs = input_shapes(model, list(held), (shapes, named or {}), names, path)
    override(model, inputs)
    graph = inferred(model, path)
    reader = Reader(_opset(model), names, _quantised(model))
    reader.learn(values_of(graph))
    reader.learn(from_later(graph, values_of(graph), held))
    reader.hold(held)
    reader.feed(inputs)
    reader.walk(graph)
    names.check_met()
    return Graph(reader.ledger(), inputs)


def _opset(model: ModelProto) -> int:
    return max(
        (entry.version for entry in model.opset_import if entry.domain in OWN_DOMAINS), default=1
    )


def _quantised(model: ModelProto) -> frozenset[str]:
    return frozenset(
        name
        for node in all_nodes(model.graph)
        for place, name in enumerate(node.input)
        if place in QUANTISED.get(node.op_type, ())
    )
