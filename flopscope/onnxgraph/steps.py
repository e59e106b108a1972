"""An ONNX graph as the steps that quantisation sees, and the bytes that a file stores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto
from onnx.helper import get_attribute_value

from flopscope.facts import ELEMENT_BYTES, PER_BYTE
from flopscope.onnxgraph.elements import name_of
from flopscope.onnxgraph.model.files import load
from flopscope.onnxgraph.model.nodes import path_of
from flopscope.quantising.marking import INPUT
from flopscope.quantising.steps import Role, Step, Steps, Stored

ROLES: Mapping[str, Role] = {
    "Conv": Role.LAYER,
    "ConvTranspose": Role.LAYER,
    "Gemm": Role.LAYER,
    "MatMul": Role.LAYER,
    "Add": Role.JOIN,
    "Sub": Role.JOIN,
    "Mul": Role.JOIN,
    "Sigmoid": Role.JOIN,
    "Concat": Role.JOIN,
    "GlobalAveragePool": Role.JOIN,
    "ReduceMean": Role.JOIN,
    "MaxPool": Role.FOLLOW,
    "AveragePool": Role.FOLLOW,
    "Resize": Role.FOLLOW,
    "Reshape": Role.FOLLOW,
    "Flatten": Role.FOLLOW,
    "Squeeze": Role.FOLLOW,
    "Unsqueeze": Role.FOLLOW,
    "Transpose": Role.FOLLOW,
    "Slice": Role.FOLLOW,
    "Split": Role.FOLLOW,
    "Relu": Role.FOLD,
    "Clip": Role.FOLD,
}
"""What becomes of each operator; all others run in float32."""

PAIRS = ("Add", "Sub", "Mul")
"""Operators that are joined of two computed tensors, and not of one and a stored number."""


def steps_of(model: ModelProto) -> Steps:
    """The steps of a graph whose norms are folded already."""
    graph = model.graph
    held = {tensor.name: tensor for tensor in graph.initializer}
    inputs = {value.name: f"{INPUT}{value.name}" for value in graph.input}
    steps = tuple(_step(node, held, inputs) for node in graph.node)
    constants = {name: stored_bytes(tensor) for name, tensor in held.items()}
    return Steps(steps, frozenset(value.name for value in graph.output), constants)


def _step(node: NodeProto, held: Mapping[str, TensorProto], inputs: Mapping[str, str]) -> Step:
    role = ROLES.get(node.op_type, Role.OTHER) if not node.domain else Role.OTHER
    reads = tuple(inputs.get(name, name) for name in node.input if name and name not in held)
    stored = [held[name] for name in node.input if name in held]
    passes = role in (Role.FOLLOW, Role.FOLD)  # whose stored inputs are factors or bounds
    learnt = [t for t in stored if is_learnt(t) and not passes]
    settings = tuple(t.name for t in stored if passes or not is_learnt(t))
    path = path_of(node.name).rpartition(".")[0] or path_of(node.name)
    more: dict[str, Any] = {"operator": node.op_type, "node": node.name, "settings": settings}
    if role is Role.LAYER:
        weight, bias = _operands(node, held)
        if weight is not None and len(reads) == 1:
            more |= {
                "weight": _weight(node, weight),
                "bias": None if bias is None else _stored(bias),
            }
            return Step(path, role, reads, tuple(node.output), **more)
        role = Role.PRODUCT if node.op_type == "MatMul" and len(reads) == 2 else Role.OTHER
    if role is Role.JOIN and (learnt or len(reads) < (2 if node.op_type in PAIRS else 1)):
        role = Role.OTHER
    stays = tuple(map(_stored, learnt))
    return Step(path, role, reads, tuple(filter(None, node.output)), stays=stays, **more)


def _operands(
    node: NodeProto, held: Mapping[str, TensorProto]
) -> tuple[TensorProto | None, TensorProto | None]:
    """The stored weight and bias of a layer."""
    if node.op_type == "MatMul":
        found = [held[name] for name in node.input if name in held]
        return (found[0] if len(found) == 1 else None), None
    bias = held.get(node.input[2]) if len(node.input) > 2 else None
    return held.get(node.input[1]), bias


def _weight(node: NodeProto, tensor: TensorProto) -> Stored:
    """The weight with its channels, along the axis that onnxruntime gives scales: 0 of a
    convolution and a transposed matrix, else 1."""
    given = {each.name: get_attribute_value(each) for each in node.attribute}
    first = node.op_type == "Conv" or (node.op_type == "Gemm" and given.get("transB"))
    axis = 0 if first else 1
    channels = tensor.dims[axis] if axis < len(tensor.dims) else 1
    return _stored(tensor)._replace(channels=channels, axis=axis)


def _stored(tensor: TensorProto) -> Stored:
    count = int(np.prod(tensor.dims, dtype=object))
    return Stored(tensor.name, count, 1, stored_bytes(tensor))


def is_learnt(tensor: TensorProto) -> bool:
    """Is it a tensor of several floating-point numbers, and not a setting of the graph?"""
    floats = name_of(tensor.data_type) in ("float32", "float16", "float64", "bfloat16")
    return floats and int(np.prod(tensor.dims, dtype=object)) > 1


def stored_bytes(tensor: TensorProto) -> int:
    """The bytes of a tensor's numbers."""
    count = int(np.prod(tensor.dims, dtype=object))
    element = name_of(tensor.data_type)
    return -(-count * ELEMENT_BYTES[element] // PER_BYTE.get(element, 1))


def read_steps(path: Path) -> Steps:
    """The steps of a file. Raises BadInput for a file that is not ONNX."""
    return steps_of(load(path))
