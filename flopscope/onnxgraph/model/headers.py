"""A model without its weights: what is stored in which shape, and what onnx infers from that.

The main graph's weights become inputs of the model, which onnx then checks and whose shapes it
infers. So onnx sees only tensors of at most `SMALL` elements, and never looks for external data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto, defs, numpy_helper
from onnx.checker import ValidationError, check_model
from onnx.helper import make_tensor_value_info
from onnx.shape_inference import InferenceError, infer_shapes

from flopscope.errors import BadInput
from flopscope.onnxgraph.model.files import all_nodes, bodies, graphs
from flopscope.sizes import Shape, Size, is_symbolic

OWN_DOMAINS = ("", "ai.onnx")
"""The names of onnx's own domain."""

SMALL = 4096
"""The most elements of a tensor whose numbers are read, such as shapes, indices, bounds and
scales."""

INTEGERS = frozenset(
    [
        TensorProto.INT8,
        TensorProto.UINT8,
        TensorProto.INT16,
        TensorProto.UINT16,
        TensorProto.INT32,
        TensorProto.UINT32,
        TensorProto.INT64,
        TensorProto.UINT64,
    ]
)
"""Element types whose division is that of integers."""

INDICES = INTEGERS - {TensorProto.INT8, TensorProto.UINT8} | {TensorProto.BOOL, TensorProto.STRING}
"""Element types of shapes, indices and masks; tensors of the others are learnt."""

StatedDimension: TypeAlias = int | str | None


class StoredTensor(NamedTuple):
    """A tensor that the model holds: its element type, its shape and, if it is small, its
    numbers."""

    element_type: int
    shape: tuple[int, ...]
    numbers: np.ndarray | None


class Typed(NamedTuple):
    """What onnx says of a value. A dimension is a number, a name, or open."""

    element_type: int
    dimensions: tuple[StatedDimension, ...] | None


def stored_tensor(tensor: TensorProto) -> StoredTensor:
    """A tensor's header, with its numbers if they are few and lie in the model."""
    shape = tuple(tensor.dims)
    near = tensor.data_location != TensorProto.EXTERNAL
    few = near and int(np.prod(shape, dtype=object)) <= SMALL
    numbers = few and tensor.data_type != TensorProto.STRING
    try:
        return StoredTensor(tensor.data_type, shape, _plain(tensor) if numbers else None)
    except (LookupError, ValueError, TypeError) as error:
        raise BadInput(
            f"tensor '{tensor.name}' does not hold the {shape} numbers that it says; "
            "give a whole model"
        ) from error


def detach(model: ModelProto, path: Path) -> dict[str, StoredTensor]:
    """Take the initialisers out of the main graph, and make inputs of the large ones.

    Raises BadInput for external data anywhere else: only the main graph's may be left unread.
    """
    graph = model.graph
    held = {tensor.name: stored_tensor(tensor) for tensor in graph.initializer}
    small = [tensor for tensor in graph.initializer if held[tensor.name].numbers is not None]
    names = {value.name for value in graph.input}
    del graph.initializer[:]
    graph.initializer.extend(small)
    here = {tensor.name for tensor in small}
    for name, (element_type, shape, _) in held.items():
        if name not in here | names:
            graph.input.append(make_tensor_value_info(name, element_type, shape))
    _refuse_other_external(model, path)
    return held


def override(model: ModelProto, shapes: Mapping[str, Shape]) -> None:
    """Give the named inputs these shapes.

    The shapes that the file states for inner values belong to its own input shapes. They are kept
    if the given shapes only put a size for each name, and dropped if they change numbers.
    """
    graph = model.graph
    sizes = _replaced([value for value in graph.input if value.name in shapes], shapes)
    for value in graph.input:
        if value.name in shapes:
            _state(value, shapes[value.name])
    if sizes is None:
        del graph.value_info[:]
        for value in graph.output:
            value.type.tensor_type.ClearField("shape")
        return
    for value in (*graph.output, *graph.value_info):
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param in sizes:
                _state_size(dimension, sizes[dimension.dim_param])


def _replaced(
    values: Sequence[ValueInfoProto], shapes: Mapping[str, Shape]
) -> dict[str, Size] | None:
    """The size that each name of these inputs now has; None if the given shapes change a number."""
    sizes: dict[str, Size] = {}
    for value in values:
        stated = typed(value).dimensions
        for old, new in zip(stated or (), shapes[value.name], strict=False):
            known = sizes.setdefault(old, new) if isinstance(old, str) else old
            if known != new:
                return None
        if stated is None:
            return None
    return sizes


LATER = "ai.onnx.later"
"""The domain for operators that onnx's own set has, but not yet in the version that the file
states."""

FOREIGN = frozenset({"SimplifiedLayerNormalization"})
"""Operators that onnxruntime writes into onnx's own domain although onnx does not define them."""


def set_apart(model: ModelProto) -> None:
    """Put operators that the file's version of onnx's set lacks into a domain of their own.

    onnxruntime writes such operators when it fuses others: for example a LayerNormalization among
    operators of set 13.
    """
    opset = max((e.version for e in model.opset_import if e.domain in OWN_DOMAINS), default=1)
    apart = [
        node
        for node in all_nodes(model.graph)
        if node.domain in OWN_DOMAINS and _is_apart(node.op_type, opset)
    ]
    for node in apart:
        node.domain = LATER
    if apart:
        model.opset_import.add(domain=LATER, version=1)


def _is_apart(name: str, opset: int) -> bool:
    if name in FOREIGN:
        return True
    if not defs.has(name):
        return False  # which onnx's checker refuses
    try:
        defs.get_schema(name, opset)
    except defs.SchemaError:
        return True
    return False


def leave_open(model: ModelProto) -> None:
    """Take outputs without a stated rank out of the graph's outputs. onnxruntime writes such files,
    and the outputs of its operators need no statement here."""
    outputs = list(model.graph.output)
    stated = [v for v in outputs if not _is_open(v)]
    if len(stated) < len(outputs):
        del model.graph.output[:]
        model.graph.output.extend(stated)
        known = {value.name for value in model.graph.value_info}
        rest = (v for v in outputs if _is_open(v) and v.name not in known)
        model.graph.value_info.extend(rest)


def _is_open(value: ValueInfoProto) -> bool:
    kind = value.type
    return kind.HasField("tensor_type") and not kind.tensor_type.HasField("shape")


def check(model: ModelProto, path: Path) -> None:
    """Raises BadInput for a model that onnx's checker refuses."""
    with _rules_of_onnx(path):
        check_model(model)


def inferred(model: ModelProto, path: Path) -> GraphProto:
    """The graph with the element types and shapes that onnx infers.

    Names that onnx makes up for sizes it cannot know are taken out again.
    """
    names = {d.dim_param for graph in graphs(model) for d in _dimensions(graph)}
    with _rules_of_onnx(path):
        known = infer_shapes(model)
    for graph in graphs(known):
        for dimension in _dimensions(graph):
            if dimension.HasField("dim_param") and dimension.dim_param not in names:
                dimension.ClearField("dim_param")
    return known.graph


def values_of(graph: GraphProto) -> dict[str, Typed]:
    """What the graph says about its values, by name."""
    return {value.name: typed(value) for value in (*graph.value_info, *graph.output, *graph.input)}


def typed(value: ValueInfoProto) -> Typed:
    """A value's element type and dimensions."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return Typed(tensor.elem_type, None)
    return Typed(
        tensor.elem_type,
        tuple(
            d.dim_value if d.HasField("dim_value") else d.dim_param or None
            for d in tensor.shape.dim
        ),
    )


@contextmanager
def _rules_of_onnx(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValidationError, InferenceError, RuntimeError, ValueError, TypeError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
        raise BadInput(
            f"{path} breaks the rules of ONNX ({reason.strip().rstrip('.')}); "
            "give a model that onnx.checker accepts"
        ) from error


def _dimensions(graph: GraphProto) -> Iterator[Any]:
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield from value.type.tensor_type.shape.dim


def _plain(tensor: TensorProto) -> np.ndarray:
    """The numbers as Python's own, so that they can be computed with symbols."""
    return numpy_helper.to_array(tensor).astype(object)


def _state(value: ValueInfoProto, shape: Shape) -> None:
    value.type.tensor_type.ClearField("shape")
    value.type.tensor_type.shape.SetInParent()
    for size in shape:
        _state_size(value.type.tensor_type.shape.dim.add(), size)


def _state_size(dimension: Any, size: Size) -> None:
    dimension.Clear()
    if not is_symbolic(size):
        dimension.dim_value = size
    elif str(size).isidentifier():
        dimension.dim_param = str(size)


def _refuse_other_external(model: ModelProto, path: Path) -> None:
    inner = [
        tensor for node in all_nodes(model.graph) for b in bodies(node) for tensor in b.initializer
    ]
    inner += [a.t for node in all_nodes(model.graph) for a in node.attribute if a.HasField("t")]
    for tensor in inner:
        if tensor.data_location == TensorProto.EXTERNAL:
            raise BadInput(
                f"tensor '{tensor.name}' of {path} is external data of a node, which cannot be "
                "left unread; give a model whose external data are initialisers of its main graph"
            )
