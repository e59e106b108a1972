"""The ONNX operators that TensorRT reads, as its parser's own table states them.

Source: onnx/onnx-tensorrt, docs/operators.md at commit 96e7811 (June 2024, release 10.1), which
says that TensorRT 10.0 reads versions 9 to 20 of ONNX's operators. Later releases may read more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

VERSION = "TensorRT 10.0"
LEAST_OPSET, MOST_OPSET = 9, 20

TYPES = frozenset(
    "float32 float16 bfloat16 float64 int32 int64 int8 uint8 bool float8_e4m3fn int4".split()
)
"""The types of inputs that it names; numbers of 64 bits are read as those of 32."""

SUPPORTED = frozenset(
    """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization
    Cast CastLike Ceil Celu Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos Cosh
    CumSum DeformConv DepthToSpace DequantizeLinear Div Dropout Einsum Elu Equal Erf Exp Expand
    EyeLike Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool
    GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization GRU
    HardSigmoid HardSwish Hardmax Identity If ImageScaler InstanceNormalization IsInf IsNaN
    LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax Loop LRN LSTM LpNormalization
    LpPool MatMul Max MaxPool Mean MeanVarianceNormalization Min Mish Mod Mul Neg
    NonMaxSuppression NonZero Not OneHot Or Pad ParametricSoftplus Pow PRelu QuantizeLinear
    RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal ReduceL1
    ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare Relu Reshape Resize ReverseSequence RNN RoiAlign Round ScaledTanh Scan
    Scatter ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax
    Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK
    Transpose Trilu Unsqueeze Upsample Where Xor
    """.split()
)
"""The operators that the table marks with Y."""

UNSUPPORTED = frozenset(
    """
    AffineGrid Bernoulli BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow
    Col2Im CenterCropPad Compress ConcatFromSequence ConvInteger DFT Det DynamicQuantizeLinear
    HammingWindow HannWindow ImageDecoder MatMulInteger MaxRoiPool MaxUnpool MelWeightMatrix
    Multinomial NegativeLogLikelihoodLoss Optional OptionalGetElement OptionalHasElement
    QLinearConv QLinearMatMul RegexFullMatch STFT SequenceAt SequenceConstruct SequenceEmpty
    SequenceErase SequenceInsert SequenceLength SequenceMap SoftmaxCrossEntropyLoss
    SplitToSequence StringConcat StringNormalizer StringSplit TfIdfVectorizer Unique
    """.split()
)
"""The operators that it marks with N."""


def _resize(given: Mapping[str, Any]) -> str:
    if given.get("mode", "nearest") not in ("nearest", "linear"):
        return f"mode {given['mode']}"
    return "antialiasing" if given.get("antialias") else ""


def _pool(given: Mapping[str, Any]) -> str:
    return "dilations" if any(size != 1 for size in given.get("dilations", ())) else ""


def _scatter(given: Mapping[str, Any]) -> str:
    return "a reduction" if given.get("reduction", "none") != "none" else ""


def _top_k(given: Mapping[str, Any]) -> str:
    return "" if given.get("sorted", 1) == 1 else "unsorted results"


RESTRICTED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "AveragePool": _pool,
    "LpPool": _pool,
    "MaxPool": _pool,
    "Resize": _resize,
    "ScatterND": _scatter,
    "TopK": _top_k,
}
"""What the table does not allow of an operator, read from its attributes; "" where it is allowed.
Restrictions on values that only a run shows, such as which inputs are stored, are not checked."""


def refusal(operator: str, attributes: Mapping[str, Any]) -> str:
    """Why TensorRT does not read a node, in words that follow its name; "" where it does.

    >>> refusal("Conv", {}), refusal("Resize", {"mode": "cubic"}), refusal("Unique", {})
    ('', 'mode cubic', 'not supported')
    """
    if operator in UNSUPPORTED:
        return "not supported"
    if operator not in SUPPORTED:
        return "not in its table"
    return RESTRICTED[operator](attributes) if operator in RESTRICTED else ""
