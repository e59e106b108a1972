"""The types of elements of operators' results, where the file does not state them."""

from __future__ import annotations

from collections.abc import Mapping

from onnx import TensorProto

from flopscope.facts import FLOAT32
from flopscope.onnxgraph.tensors import NodeCall

RESULTS: Mapping[str, int] = {
    **dict.fromkeys(
        ["And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN"], TensorProto.BOOL
    ),
    **dict.fromkeys(["Less", "LessOrEqual", "Not", "Or", "Xor"], TensorProto.BOOL),
    **dict.fromkeys(["ArgMax", "ArgMin", "NonZero", "Shape", "Size"], TensorProto.INT64),
    **dict.fromkeys(["ConvInteger", "MatMulInteger"], TensorProto.INT32),
}
"""Operators whose result has a type that does not depend on their inputs."""

NAMES: Mapping[int, str] = {
    TensorProto.FLOAT: "float32",
    TensorProto.DOUBLE: "float64",
    TensorProto.FLOAT16: "float16",
    TensorProto.BFLOAT16: "bfloat16",
    TensorProto.COMPLEX64: "complex64",
    TensorProto.COMPLEX128: "complex128",
    TensorProto.BOOL: "bool",
    TensorProto.INT8: "int8",
    TensorProto.UINT8: "uint8",
    TensorProto.INT16: "int16",
    TensorProto.UINT16: "uint16",
    TensorProto.INT32: "int32",
    TensorProto.UINT32: "uint32",
    TensorProto.INT64: "int64",
    TensorProto.UINT64: "uint64",
    TensorProto.INT4: "int4_packed",
    TensorProto.UINT4: "uint4_packed",
    TensorProto.FLOAT4E2M1: "float4_e2m1_packed",
    TensorProto.FLOAT8E4M3FN: "float8_e4m3fn",
    TensorProto.FLOAT8E4M3FNUZ: "float8_e4m3fnuz",
    TensorProto.FLOAT8E5M2: "float8_e5m2",
    TensorProto.FLOAT8E5M2FNUZ: "float8_e5m2fnuz",
    **{  # only in releases newer than the oldest that is supported
        getattr(TensorProto, f"{sign.upper()}INT2"): f"{sign}int2_packed"
        for sign in ("", "u")
        if hasattr(TensorProto, f"{sign.upper()}INT2")
    },
}
"""The names that a ledger uses for the types."""


def name_of(element: int) -> str:
    """The name of a type by onnx's number; float32 if it is not known."""
    return NAMES.get(element, FLOAT32)


LIKE: Mapping[str, int] = {"DequantizeLinear": 1, "Gather": 0, "QuantizeLinear": 2, "Where": 1}
"""Operators whose result has the type of another input than the first."""


def result_type(call: NodeCall, name: str) -> int:
    """The type of this output's elements; 0 if it is not known."""
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
