"""A node's attributes as Python values, and its name as a path."""

from __future__ import annotations

from typing import Any

from onnx import NodeProto, TensorProto
from onnx.helper import get_attribute_value

from flopscope.onnxgraph.model.headers import stored_tensor


def attributes(node: NodeProto) -> dict[str, Any]:
    """The attributes by name: numbers, text, tuples of them, tensors as `StoredTensor`, and graphs
    as they are."""
    return {attribute.name: _value(get_attribute_value(attribute)) for attribute in node.attribute}


def path_of(name: str) -> str:
    """A scoped name as a path with dots, without parts that repeat the one before.

    >>> path_of("/features/features.0/features.0.1/Conv"), path_of("model/conv/Conv2D")
    ('features.0.1.Conv', 'model.conv.Conv2D')
    """
    parts: list[str] = []
    before = ""
    for part in filter(None, name.split("/")):
        parts.append(part.removeprefix(f"{before}.") if before else part)
        before = part
    return ".".join(parts)


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, TensorProto):
        return stored_tensor(value)
    if isinstance(value, str | int | float):
        return value
    return tuple(map(_value, value)) if hasattr(value, "__iter__") else value
