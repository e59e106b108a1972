"""Quantised operators as they are defined: numbers become floats, the operator runs on floats, and
its result is quantised again.

QLinearConv is DequantizeLinear of its operands, Conv, and QuantizeLinear of the result, so that a
network costs the same in both of the forms that quantisers write. Integer products subtract zero
points and multiply. Scales and zero points are settings, not parameters. A weight has its stored
elements and type; work on weights alone is done ahead and does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from onnx import TensorProto

from flopscope.facts import Function, Kind
from flopscope.onnxgraph.expansions.attention import projected_attention
from flopscope.onnxgraph.expansions.drafts import Draft, Expansion, Tensors
from flopscope.onnxgraph.expansions.shared import MS, NHWC, channels_first, channels_last, window
from flopscope.onnxgraph.tensors import NodeCall, NodeFacts, Tensor, shape_of

# --- numbers to floats and back ------------------------------------------------------------------


def dequantised(draft: Draft, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
    """(x − zero)·scale. For a stored tensor this is done ahead, and the result is still the stored
    weight."""
    element = scale.element or TensorProto.FLOAT
    if _is_ahead(x):
        return x._replace(element=element, numbers=None)
    shape = shape_of(x)
    if zero is not None:
        x = draft.row(NodeFacts(Kind.ADD, (x,)), shape, TensorProto.INT32)
    return draft.row(NodeFacts(Kind.MULTIPLY, (x,)), shape, element)


def quantised(draft: Draft, x: Tensor, zero: Tensor | None, element: int) -> Tensor:
    """x divided by its scale, rounded, plus zero, and clamped to the bounds of the type."""
    if _is_ahead(x):
        return x._replace(element=element, numbers=None)
    shape = shape_of(x)
    x = draft.row(NodeFacts(Kind.DIVIDE, (x,)), shape)
    x = draft.row(NodeFacts(Kind.ELEMENTWISE, (x,), function=Function.ROUND), shape)
    if zero is not None:
        x = draft.row(NodeFacts(Kind.ADD, (x,)), shape)
    return draft.row(NodeFacts(Kind.ELEMENTWISE, (x,), function=Function.CLAMP), shape, element)


def _is_ahead(x: Tensor) -> bool:
    return x.source is None and x.stored is not None


def _element(call: NodeCall, zero: int) -> int:
    stated = call.attribute("output_dtype", 0)
    tensor = call.optional(zero)
    return int(stated) or (tensor.element if tensor is not None else TensorProto.UINT8)


def _dequantize(call: NodeCall, draft: Draft) -> Tensors:
    return [dequantised(draft, call.input(0), call.input(1), call.optional(2))]


def _quantize(call: NodeCall, draft: Draft) -> Tensors:
    return [quantised(draft, call.input(0), call.optional(2), _element(call, 2))]


def _dynamic(call: NodeCall, draft: Draft) -> Tensors:
    """The scale is the range of the numbers, and of 0, over 255."""
    return dynamically(draft, call.input(0))


def dynamically(draft: Draft, x: Tensor) -> list[Tensor]:
    """The numbers, their scale and their zero point, as in onnx's definition."""
    zero = draft.scalar(0.0)
    low = draft("Min", draft("ReduceMin", x, keepdims=0), zero)
    high = draft("Max", draft("ReduceMax", x, keepdims=0), zero)
    scale = draft("Div", draft("Sub", high, low), draft.scalar(255.0))
    place = draft("Sub", zero, draft("Div", low, scale))
    bounded = draft("Clip", place, zero, draft.scalar(255.0))
    point = draft("Cast", draft("Round", bounded), to=int(TensorProto.UINT8))
    return [quantised(draft, x, point, TensorProto.UINT8), scale, point]


# --- layers of quantised numbers -----------------------------------------------------------------


def _operand(call: NodeCall, draft: Draft, place: int) -> Tensor:
    """Floats of the three inputs from this place on: numbers, scale, zero point."""
    return dequantised(draft, call.input(place), call.input(place + 1), call.optional(place + 2))


def _result(call: NodeCall, draft: Draft, y: Tensor, scale: int) -> list[Tensor]:
    zero = call.optional(scale + 1)
    element = zero.element if zero is not None else call.input(0).element
    return [quantised(draft, y, zero, element)]


def _convolution(op: str, *, last: bool = False) -> Expansion:
    def rule(call: NodeCall, draft: Draft) -> Tensors:
        behind = last or call.attribute("channels_last", 0)
        x, weight = _operand(call, draft, 0), _operand(call, draft, 3)
        x = channels_first(draft, x) if behind else x
        bias = call.optional(8)
        if bias is not None:
            bias = dequantised(draft, bias, call.input(4))
        y = draft(op, x, weight, bias, **window(call))
        return _result(call, draft, channels_last(draft, y) if behind else y, 6)

    return rule


def _matmul(call: NodeCall, draft: Draft) -> Tensors:
    y = draft("MatMul", _operand(call, draft, 0), _operand(call, draft, 3))
    return _result(call, draft, y, 6)


def _gemm(call: NodeCall, draft: Draft) -> Tensors:
    """A product of quantised matrices. The result stays in floats if the call has no scale for
    it."""
    names = ("alpha", "transA", "transB")
    settings = {name: call.attributes[name] for name in names if name in call.attributes}
    bias = call.optional(6)
    if bias is not None:
        bias = dequantised(draft, bias, call.input(4))
    y = draft("Gemm", _operand(call, draft, 0), _operand(call, draft, 3), bias, **settings)
    return [y] if call.optional(7) is None else _result(call, draft, y, 7)


def _pair(op: str) -> Expansion:
    def rule(call: NodeCall, draft: Draft) -> Tensors:
        y = draft(op, _operand(call, draft, 0), _operand(call, draft, 3))
        return _result(call, draft, y, 6)

    return rule


def _single(op: str, settings: Callable[[NodeCall], dict[str, Any]]) -> Expansion:
    """An operator on one operand, whose channels may be last."""

    def rule(call: NodeCall, draft: Draft) -> Tensors:
        x, behind = _operand(call, draft, 0), call.attribute("channels_last", 0)
        y = draft(op, channels_first(draft, x) if behind else x, **settings(call))
        return _result(call, draft, channels_last(draft, y) if behind else y, 3)

    return rule


def _named(*names: str) -> Callable[[NodeCall], dict[str, Any]]:
    return lambda call: {name: call.attributes[name] for name in names if name in call.attributes}


def _concatenation(call: NodeCall, draft: Draft) -> Tensors:
    parts = [_operand(call, draft, place) for place in range(2, len(call.inputs), 3)]
    return _result(call, draft, draft("Concat", *parts, axis=call.attribute("axis")), 0)


def _where(call: NodeCall, draft: Draft) -> Tensors:
    y = draft("Where", call.input(0), _operand(call, draft, 1), _operand(call, draft, 4))
    return _result(call, draft, y, 7)


# --- integer products ----------------------------------------------------------------------------


def _from(draft: Draft, x: Tensor, zero: Tensor | None) -> Tensor:
    """x less its zero point, which is subtracted ahead if x is stored."""
    if zero is None or _is_ahead(x):
        return x
    return draft.row(NodeFacts(Kind.ADD, (x,)), shape_of(x), TensorProto.INT32)


def _integer_product(draft: Draft, a: Tensor, b: Tensor, zeros: Sequence[Tensor | None]) -> Tensor:
    a, b = (_from(draft, t, zero) for t, zero in zip((a, b), zeros, strict=True))
    return draft("MatMul", a, b)._replace(element=TensorProto.INT32)


def _matmul_integer(call: NodeCall, draft: Draft) -> Tensors:
    zeros = (call.optional(2), call.optional(3))
    return [_integer_product(draft, call.input(0), call.input(1), zeros)]


def _conv_integer(call: NodeCall, draft: Draft) -> Tensors:
    x = _from(draft, call.input(0), call.optional(2))
    weight = _from(draft, call.input(1), call.optional(3))
    return [draft("Conv", x, weight, **window(call))._replace(element=TensorProto.INT32)]


def _matmul_to_float(call: NodeCall, draft: Draft) -> Tensors:
    zeros = (call.optional(4), call.optional(5))
    y = _integer_product(draft, call.input(0), call.input(1), zeros)
    return [_scaled(draft, y, call.optional(6))]


def _dynamic_matmul(call: NodeCall, draft: Draft) -> Tensors:
    numbers, _, zero = dynamically(draft, call.input(0))
    y = _integer_product(draft, numbers, call.input(1), (zero, call.optional(3)))
    return [_scaled(draft, y, call.optional(4))]


def _scaled(draft: Draft, y: Tensor, bias: Tensor | None) -> Tensor:
    """The product times both scales, which are multiplied first, plus a bias."""
    y = draft.row(NodeFacts(Kind.MULTIPLY, (y,)), shape_of(y), TensorProto.FLOAT)
    return y if bias is None else draft("Add", y, bias)


def _multiply_integer(call: NodeCall, draft: Draft) -> Tensors:
    a, b = (
        _from(draft, call.input(0), call.optional(1)),
        _from(draft, call.input(2), call.optional(3)),
    )
    return [draft("Mul", a, b)]


# --- larger ones ---------------------------------------------------------------------------------


def _attention(call: NodeCall, draft: Draft) -> Tensors:
    x = dequantised(draft, call.input(0), call.input(3), call.optional(6))
    weight = dequantised(draft, call.input(1), call.input(4), call.optional(7))
    projected = draft("Add", draft("MatMul", x, weight), call.input(2))
    return projected_attention(call, draft, projected, mask=5, past=8)


def _embed_norm(call: NodeCall, draft: Draft) -> Tensors:
    """Embeddings from tables of words, positions and segments, whose entries become floats."""
    words = draft("Gather", call.input(2), call.input(0))
    batch, tokens, *_ = shape_of(words)
    total = dequantised(draft, words, call.input(8), call.input(13))
    places = draft("Slice", call.input(3), starts=[0], ends=[tokens], axes=[0])
    total = draft("Add", total, dequantised(draft, places, call.input(9), call.input(14)))
    if (segments := call.optional(1)) is not None:
        looked_up = draft("Gather", call.input(4), segments)
        total = draft("Add", total, dequantised(draft, looked_up, call.input(10), call.input(15)))
    scale = dequantised(draft, call.input(5), call.input(11), call.input(16))
    shift = dequantised(draft, call.input(6), call.input(12), call.input(17))
    normed = draft("LayerNormalization", total, scale, shift, axis=-1)
    return [normed, normed._replace(shape=(batch,), element=TensorProto.INT32)]


def _lstm(call: NodeCall, draft: Draft) -> Tensors:
    """A quantised LSTM, whose matrices are (directions, in, 4·hidden). Rounding in each step is not
    stated; it is a row of its own that multiplies no matrices."""
    matrices = [draft("Transpose", call.input(n), perm=[0, 2, 1]) for n in (1, 2)]
    rest = [call.optional(n) for n in range(3, 8)]
    states = draft.several("LSTM", 3, call.input(0), *matrices, *rest, **call.attributes)
    rounding = draft.row(NodeFacts(Kind.OTHER, (states[0],)), shape_of(states[0]))
    return [states[0]._replace(source=rounding.source), *states[1:]]


INTEGER: Mapping[str, Expansion] = {
    "MatMulInteger": _matmul_integer,
    "ConvInteger": _conv_integer,
    f"{MS}MatMulInteger16": _matmul_integer,
    f"{MS}MatMulIntegerToFloat": _matmul_to_float,
    f"{MS}DynamicQuantizeMatMul": _dynamic_matmul,
    f"{MS}MulInteger": _multiply_integer,
}

ROUNDING: Mapping[str, Expansion] = {
    "DequantizeLinear": _dequantize,
    f"{MS}DequantizeLinear": _dequantize,
    "QuantizeLinear": _quantize,
    f"{MS}QuantizeLinear": _quantize,
    "DynamicQuantizeLinear": _dynamic,
}

QUANTISED: Mapping[str, Expansion] = {
    **ROUNDING,
    "QLinearConv": _convolution("Conv"),
    f"{MS}QLinearConv": _convolution("Conv"),
    f"{NHWC}QLinearConv": _convolution("Conv", last=True),
    f"{NHWC}QLinearConvTranspose": _convolution("ConvTranspose", last=True),
    "QLinearMatMul": _matmul,
    f"{MS}QGemm": _gemm,
    f"{MS}QLinearAdd": _pair("Add"),
    f"{MS}QLinearMul": _pair("Mul"),
    f"{MS}QLinearConcat": _concatenation,
    f"{MS}QLinearWhere": _where,
    f"{MS}QLinearSigmoid": _single("Sigmoid", _named()),
    f"{MS}QLinearLeakyRelu": _single("LeakyRelu", _named("alpha")),
    f"{MS}QLinearSoftmax": _single("Softmax", _named("axis")),
    f"{MS}QLinearReduceMean": _single("ReduceMean", _named("axes", "keepdims")),
    f"{MS}QLinearGlobalAveragePool": _single("GlobalAveragePool", _named()),
    f"{MS}QLinearAveragePool": _single("AveragePool", window),
    f"{NHWC}QLinearAveragePool": _single("AveragePool", window),
    f"{MS}QAttention": _attention,
    f"{MS}QEmbedLayerNormalization": _embed_norm,
    f"{MS}DynamicQuantizeLSTM": _lstm,
    **INTEGER,
}
"""The expansion of each operator on quantised numbers."""
