"""Operators that compute nothing by definition, and the inputs that only set an operator up."""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.onnxgraph.tensors import NodeCall

COSTLESS: Mapping[str, int] = {
    "Cast": 0,
    "BitCast": 0,
    "CastLike": 0,
    "CenterCropPad": 0,
    "Compress": 0,
    "ConcatFromSequence": 0,
    "Constant": 0,
    "ConstantOfShape": 0,
    "DepthToSpace": 0,
    "Dropout": 0,
    "Expand": 0,
    "EyeLike": 0,
    "Flatten": 0,
    "Gather": 0,
    "GatherElements": 0,
    "GatherND": 0,
    "Identity": 0,
    "OneHot": 0,
    "Optional": 0,
    "OptionalGetElement": 0,
    "OptionalHasElement": 0,
    "Pad": 0,
    "Range": 0,
    "Reshape": 0,
    "ReverseSequence": 0,
    "Scatter": 0,
    "ScatterElements": 0,
    "ScatterND": 0,
    "SequenceAt": 0,
    "SequenceConstruct": 0,
    "SequenceEmpty": 0,
    "SequenceErase": 0,
    "SequenceInsert": 0,
    "SequenceLength": 0,
    "Shape": 0,
    "Size": 0,
    "Slice": 0,
    "SpaceToDepth": 0,
    "Split": 0,
    "SplitToSequence": 0,
    "Squeeze": 0,
    "TensorScatter": 0,
    "Tile": 0,
    "Transpose": 0,
    "Trilu": 0,
    "Unsqueeze": 0,
    "Where": 1,
}
"""Views, copies, look-ups, padding and constants, with the input whose elements their output
has."""

SCALES = (1, 2, 4, 5, 6, 7)
"""Scales and zero points of two operands and a result."""

SETTINGS: Mapping[str, tuple[int, ...]] = {
    "Clip": (1, 2),
    "Dropout": (1, 2),
    "OneHot": (1, 2),
    "Pad": (1, 2, 3),
    "Range": (0, 1, 2),
    "Resize": (1, 2, 3),
    "Shape": (0,),
    "Size": (0,),
    "Upsample": (1,),
    "RotaryEmbedding": (1, 2),
    "com.microsoft.RotaryEmbedding": (1, 2, 3),
    "com.microsoft.GroupQueryAttention": (5, 6, 7, 8, 9),
    "ConvInteger": (2, 3),
    "MatMulInteger": (2, 3),
    "QLinearConv": SCALES,
    "QLinearMatMul": SCALES,
    "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
    "com.microsoft.QuantizeLinear": (1, 2),
    "com.microsoft.DequantizeLinear": (1, 2),
    "com.microsoft.QLinearConv": SCALES,
    "com.ms.internal.nhwc.QLinearConv": SCALES,
    "com.ms.internal.nhwc.QLinearConvTranspose": SCALES,
    "com.microsoft.QLinearAdd": SCALES,
    "com.microsoft.QLinearMul": SCALES,
    "com.microsoft.QLinearWhere": (2, 3, 5, 6, 7, 8),
    "com.microsoft.QLinearConcat": tuple(n for n in range(192) if n < 2 or n % 3 != 2),
    "com.microsoft.QGemm": (1, 2, 4, 5, 7, 8),
    "com.microsoft.MatMulInteger16": (2, 3),
    "com.microsoft.MatMulIntegerToFloat": (2, 3, 4, 5),
    "com.microsoft.DynamicQuantizeMatMul": (2, 3),
    "com.microsoft.MulInteger": (1, 3),
    "com.microsoft.QAttention": (3, 4, 6, 7),
    "com.microsoft.QEmbedLayerNormalization": tuple(range(8, 18)),
    "com.microsoft.DynamicQuantizeLSTM": tuple(range(8, 12)),
    "com.microsoft.MatMulNBits": (2, 3, 4),
    "com.microsoft.MatMulBnb4": (2,),
    "com.microsoft.MatMulFpQ4": (2,),
    "com.microsoft.GatherBlockQuantized": (2, 3),
    **{
        f"com.microsoft.QLinear{op}": (1, 2, 3, 4)
        for op in ("AveragePool", "GlobalAveragePool", "LeakyRelu", "ReduceMean", "Sigmoid",
                   "Softmax")
    },
}  # fmt: skip
"""Inputs that are bounds, scales or fill values, or of which only the shape is read. They are no
parameters."""


def is_costless(call: NodeCall) -> bool:
    """Does this call compute nothing? Dropout in training and scattered sums do compute
    something."""
    if call.op == "Dropout" and (training := call.optional(2)) is not None:
        return training.numbers is not None and not training.numbers.any()
    if call.op in ("ScatterElements", "ScatterND"):
        return bool(call.attribute("reduction", "none") == "none")
    return call.op in COSTLESS
