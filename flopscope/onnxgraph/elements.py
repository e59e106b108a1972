"""The types of elements: what each operator's result has where the file does not say."""

from __future__ import annotations

from collections.abc import Mapping

from onnx import TensorProto

from flopscope.onnxgraph.tensors import Call

RESULTS: Mapping[str, int] = {
    **dict.fromkeys(
        ["And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN"], TensorProto.BOOL
    ),
    **dict.fromkeys(["Less", "LessOrEqual", "Not", "Or", "Xor"], TensorProto.BOOL),
    **dict.fromkeys(["ArgMax", "ArgMin", "NonZero", "Shape", "Size"], TensorProto.INT64),
    **dict.fromkeys(["ConvInteger", "MatMulInteger"], TensorProto.INT32),
}
"""Operators whose result has a type of its own."""

LIKE: Mapping[str, int] = {"DequantizeLinear": 1, "Gather": 0, "QuantizeLinear": 2, "Where": 1}
"""Operators whose result has the type of another input than the first."""


def result_type(call: Call, name: str) -> int:
    """The type of that output's elements; 0 where it is not known."""
    if call.op in RESULTS:
        return RESULTS[call.op]
    if (stated := call.attribute("to", call.attribute("output_dtype"))) is not None:
        return int(stated)
    if call.op in ("TopK", "MaxPool") and name in call.outputs[1:]:
        return TensorProto.INT64
    like = call.optional(LIKE.get(call.op, 0))
    if like is None and call.op == "QuantizeLinear":
        return TensorProto.UINT8
    return like.element if like is not None else 0
