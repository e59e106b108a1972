"""An ONNX file as a protobuf message. It is checked and never run, and no other file is opened.

Weights that lie in files of their own (external data) are not read, because their shapes are in the
model.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from onnx import (
    AttributeProto,
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    load_model_from_string,
)
from onnx.inliner import inline_local_functions

from flopscope.errors import BadInput

LIMIT = 2**31 - 1
"""The bytes of the largest protobuf message, which an ONNX file is."""

NODES = 100_000
"""The most operators after functions are written out. A small file can define very many of them."""

DEPTH = 100
"""The most functions that call each other in turn: protobuf's own limit on nesting."""


def load(path: Path) -> ModelProto:
    """The model in the file, its local functions inlined.

    Raises BadInput for a file that is not ONNX, is too large, or names files outside its folder.
    """
    if not path.is_file():
        raise BadInput(f"there is no file {path}; give the path of an ONNX model")
    if (size := path.stat().st_size) > LIMIT:
        raise BadInput(
            f"{path} has {size:,} bytes, but an ONNX file has at most {LIMIT:,}; "
            "give a model that keeps its weights in external data"
        )
    model = parsed(path)
    _check_tensors(model, path)
    return _without_functions(model, path) if model.functions else model


def all_nodes(graph: GraphProto | FunctionProto) -> Iterator[NodeProto]:
    """Every node, including those of control-flow bodies."""
    for node in graph.node:
        yield node
        for body in bodies(node):
            yield from all_nodes(body)


def bodies(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs in a node's attributes: the branches of an If, the body of a Loop or Scan."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def graphs(model: ModelProto) -> Iterator[GraphProto]:
    """The main graph, and those in the attributes of any node."""
    yield model.graph
    for part in (model.graph, *model.functions):
        for node in all_nodes(part):
            yield from bodies(node)


def parsed(path: Path) -> ModelProto:
    try:
        model = load_model_from_string(path.read_bytes())
    except DecodeError:
        model = ModelProto()
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}; give a readable file") from error
    if not model.HasField("graph") or not _is_text(model):
        raise BadInput(
            f"{path} is not a whole ONNX file; give one as torch.onnx.export and others write it"
        )
    _make_printable(model)
    return model


def _make_printable(message: Message) -> None:
    """Replace control characters in every name, because messages and tables show names on a
    terminal."""
    for field, value in message.ListFields():
        repeated = not isinstance(value, str | bytes | Message) and hasattr(value, "__len__")
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in value if repeated else [value]:
                _make_printable(inner)
        elif field.type == FieldDescriptor.TYPE_STRING and field.name != "doc_string":
            if repeated:
                value[:] = map(_printable, value)
            else:
                setattr(message, field.name, _printable(value))


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _is_text(message: Message) -> bool:
    """Is every string of the message UTF-8? Protobuf gives other strings as bytes."""
    for field, value in message.ListFields():
        values = [value] if isinstance(value, str | bytes | Message) else value
        if field.type == FieldDescriptor.TYPE_STRING and any(isinstance(v, bytes) for v in values):
            return False
        if field.type == FieldDescriptor.TYPE_MESSAGE and not all(map(_is_text, values)):
            return False
    return True


def _without_functions(model: ModelProto, path: Path) -> ModelProto:
    """The model with every call of a local function replaced by its nodes, unless they are too
    many."""
    functions = {(f.domain, f.name, f.overload): f for f in model.functions}
    known: dict[Any, int] = {}

    def size(part: GraphProto | FunctionProto, depth: int) -> int:
        return sum(call_size(node, depth) for node in all_nodes(part))

    def call_size(node: NodeProto, depth: int) -> int:
        key = (node.domain, node.op_type, node.overload)
        if key not in functions:
            return 1
        if depth == DEPTH:
            raise BadInput(
                f"{path} has functions that call each other more than {DEPTH} deep; "
                "give a model without recursion"
            )
        if key not in known:
            known[key] = size(functions[key], depth + 1)
        return known[key]

    if (nodes := size(model.graph, 0)) > NODES:
        raise BadInput(
            f"{path} has {nodes:,} operators once its functions are written out, but at most "
            f"{NODES:,} are read; give a smaller model"
        )
    return inline_local_functions(model)


def _check_tensors(model: ModelProto, path: Path) -> None:
    """Refuse locations outside the model's folder, sparse tensors and impossible sizes."""
    for tensor in _tensors(model):
        if min(tensor.dims, default=0) < 0:
            raise BadInput(
                f"tensor '{tensor.name}' of {path} has a size of {min(tensor.dims)}; "
                "sizes are integers from 0"
            )
        if tensor.data_location == TensorProto.EXTERNAL:
            _check_location(tensor, path)
    for graph in graphs(model):
        for sparse in graph.sparse_initializer:
            raise BadInput(
                f"tensor '{sparse.values.name}' of {path} is stored sparse, which is not "
                "supported; give a model that stores it dense"
            )


def _check_location(tensor: TensorProto, path: Path) -> None:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    folder = path.parent.resolve()
    if not _inside(location) or not (folder / location).resolve().is_relative_to(folder):
        raise BadInput(
            f"tensor '{tensor.name}' of {path} lies at '{location}', which is not inside the "
            "model's folder; give a model whose external data lie beside it"
        )


def _inside(location: str) -> bool:
    """By its text alone, is it a relative path that stays below its starting folder?"""
    flavours = (PurePosixPath(location), PureWindowsPath(location))
    absolute = any(flavour.anchor for flavour in flavours)
    climbs = any(".." in flavour.parts for flavour in flavours)
    return location.isprintable() and bool(location) and not absolute and not climbs


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    for graph in graphs(model):
        yield from graph.initializer
    for part in (model.graph, *model.functions):
        for node in all_nodes(part):
            for attribute in node.attribute:
                if attribute.type == AttributeProto.TENSOR:
                    yield attribute.t
                yield from attribute.tensors
