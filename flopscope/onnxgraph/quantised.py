"""Quantised files: what their tensors are there for, and graphs that give inner values too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
from onnx import ModelProto, TensorProto
from onnx.checker import ValidationError
from onnx.helper import make_tensor_value_info
from onnx.version_converter import ConvertError, convert_version

from flopscope.errors import BadInput
from flopscope.onnxgraph.model.files import LIMIT, load
from flopscope.onnxgraph.steps import is_learnt, steps_of, stored_bytes
from flopscope.quantising.steps import Steps
from flopscope.quantising.terms import Terms

QUANTISES = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")

OPERATORS = 13
"""The first version of ONNX's operators in which a tensor has a scale for each channel."""

FORMAT = 4
"""The first version of ONNX's files in which a stored tensor need not be an input."""


def quantised_operator(path: Path) -> str | None:
    """The first operator of a file by which it is quantised already; None if there is none."""
    for node in load(path).graph.node:
        if node.op_type in QUANTISES or node.op_type.startswith(("QLinear", "QGemm", "QAttention")):
            return str(node.op_type)
        if node.op_type.endswith("Integer") or "NBits" in node.op_type:
            return str(node.op_type)
    return None


def in_one_file(path: Path, to: Path) -> None:
    """Write the graph again with its external data inside, in operators of a version that can be
    quantised, and its weights no longer among its inputs, where they would not be constant.

    Raises BadInput for external data that is not there, for a graph of more bytes than a file can
    have, and for operators that have no newer version.
    """
    try:
        model = onnx.load(str(path))
    except (OSError, ValueError, ValidationError) as error:
        raise BadInput(
            f"the weights of {path} lie in other files, and one of them cannot be read "
            f"({' '.join(str(error).split())}); put them beside it"
        ) from error
    if model.ByteSize() > LIMIT:
        raise BadInput(
            f"{path} has {model.ByteSize():,} bytes with its weights, and a graph that is to be "
            f"quantised has at most {LIMIT:,}; give a smaller network"
        )
    newer = _new_enough(model, path)
    stored = {tensor.name for tensor in newer.graph.initializer}
    inputs = [value for value in newer.graph.input if value.name not in stored]
    del newer.graph.input[:]
    newer.graph.input.extend(inputs)
    newer.ir_version = max(newer.ir_version, FORMAT)
    onnx.save(newer, str(to))


def _new_enough(model: ModelProto, path: Path) -> ModelProto:
    version = next((each.version for each in model.opset_import if not each.domain), OPERATORS)
    if version >= OPERATORS:
        return model
    try:
        return convert_version(model, OPERATORS)
    except (ConvertError, RuntimeError) as error:
        raise BadInput(
            f"{path} has version {version} of ONNX's operators, quantising needs {OPERATORS}, and "
            f"onnx cannot convert it ({' '.join(str(error).split())[:200]}); export it anew"
        ) from error


def named_steps(path: Path) -> Steps:
    """The steps of a file, every node of which gets a name of its own in the file."""
    model = onnx.load(str(path))
    taken: set[str] = set()
    for number, node in enumerate(model.graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.name or node.op_type}_{number}"
        taken.add(node.name)
    onnx.save(model, str(path))
    return steps_of(model)


def file_terms(path: Path) -> Terms:
    """The bytes that a quantised file stores, by what its nodes do with each tensor.

    What DequantizeLinear reads is a weight, or a bias if it is int32, with a scale and a zero
    point; QuantizeLinear reads scales and zero points too.
    """
    graph = onnx.load(str(path)).graph
    held = {tensor.name: tensor for tensor in graph.initializer}
    part = {
        name: "untouched" if is_learnt(tensor) else "constants" for name, tensor in held.items()
    }
    for node in graph.node:
        if node.op_type not in QUANTISES:
            continue
        for name, use in zip(node.input, ("weights", "scales", "zero_points"), strict=False):
            if name in held:
                bias = use == "weights" and held[name].data_type == TensorProto.INT32
                part[name] = "biases" if bias else use
    for node in graph.node:  # a factor or bound that a step reads is a setting of the graph
        if node.op_type in ("Resize", "Clip", "Slice", "Reshape"):
            part |= {name: "constants" for name in node.input[1:] if part.get(name) == "untouched"}
    sums = dict.fromkeys(("weights", "scales", "zero_points", "biases", "untouched"), 0)
    sums["constants"] = 0
    for name, tensor in held.items():
        sums[part[name]] += stored_bytes(tensor)
    return Terms(**sums)


def with_outputs(path: Path, names: Sequence[str], to: Path) -> None:
    """Write the graph again with these tensors among its results."""
    model = onnx.load(str(path))
    there = {value.name for value in model.graph.output}
    more = [make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names if n not in there]
    model.graph.output.extend(more)
    onnx.save(model, str(to))


def dequantised(path: Path, tensors: Sequence[str]) -> Mapping[str, str]:
    """For each tensor of the graph as it was, the one that has its numbers in the quantised
    file: what DequantizeLinear makes of it, or itself."""
    model: ModelProto = onnx.load(str(path))
    written = {name for node in model.graph.node for name in node.output}
    pairs = {name: f"{name}_DequantizeLinear_Output" for name in tensors}
    return {
        name: made if made in written else name
        for name, made in pairs.items()
        if made in written or name in written
    }


def node_count(path: Path) -> int:
    """The number of nodes of a file."""
    return len(onnx.load(str(path)).graph.node)
