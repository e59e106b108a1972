"""What an ONNX file holds at a glance: its inputs, its operators, and what a parser may refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from onnx import ModelProto, NodeProto, TensorProto, TypeProto

from flopscope.onnxgraph.elements import NAMES
from flopscope.onnxgraph.model.files import all_nodes, load
from flopscope.onnxgraph.model.headers import OWN_DOMAINS
from flopscope.onnxgraph.model.nodes import attributes

Dims: TypeAlias = tuple[int | str, ...]
"""The sizes of an input; an open one is its name, or "" where it has none."""


@dataclass(frozen=True)
class Node:
    """An operator with its domain unless that is ONNX's own, the node's name, and its attributes
    that are numbers and texts."""

    operator: str
    name: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Overview:
    """The version of ONNX's operators, the inputs with their sizes and types, all nodes, and
    whether weights lie in files of their own."""

    opset: int
    inputs: Mapping[str, Dims]
    types: Mapping[str, str]
    nodes: tuple[Node, ...]
    external: bool

    @property
    def operators(self) -> Counter[str]:
        """How many nodes there are of each operator. One that an activation is fused into is named
        with it, as in 'com.microsoft.FusedConv with Relu'."""
        return Counter(map(_label, self.nodes))


def overview(path: Path) -> Overview:
    """Read the file. Raises BadInput for one that is not ONNX."""
    return _of_model(load(path))


def _of_model(model: ModelProto) -> Overview:
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = {value.name: value.type for value in model.graph.input if value.name not in stored}
    return Overview(
        max((e.version for e in model.opset_import if e.domain in OWN_DOMAINS), default=1),
        {name: _dims(of) for name, of in inputs.items()},
        {name: _type(of.tensor_type.elem_type) for name, of in inputs.items()},
        tuple(map(_node, all_nodes(model.graph))),
        any(t.data_location == TensorProto.EXTERNAL for t in model.graph.initializer),
    )


def _node(node: NodeProto) -> Node:
    own = node.domain in OWN_DOMAINS
    plain = {k: v for k, v in attributes(node).items() if isinstance(v, int | float | str | tuple)}
    return Node(node.op_type if own else f"{node.domain}.{node.op_type}", node.name, plain)


def _type(element: int) -> str:
    """The name of a type; that which ONNX has for it where no number is of it, as for texts."""
    return NAMES.get(element) or TensorProto.DataType.Name(element).lower()


def _dims(of: TypeProto) -> Dims:
    dims = of.tensor_type.shape.dim
    return tuple(d.dim_value if d.HasField("dim_value") else d.dim_param for d in dims)


def _label(node: Node) -> str:
    activation = node.attributes.get("activation")
    return f"{node.operator} with {activation}" if activation else node.operator
