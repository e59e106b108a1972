"""The shape of each operator's outputs, in closed form, because onnx does not compute with symbols.

A rule gives the shape of the first output, or one for each output. It raises Undecided to leave the
shape to onnx's inference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flopscope.onnxgraph import einsum
from flopscope.onnxgraph.recurrent import RECURRENT, shapes_of_layer
from flopscope.onnxgraph.shapes import movement
from flopscope.onnxgraph.shapes.movement import Shapes
from flopscope.onnxgraph.shapes.sampled import SAMPLED
from flopscope.onnxgraph.shapes.windows import grid_of, output_of_convolution, transposed_grid_of
from flopscope.onnxgraph.tensors import NodeCall, Undecided, broadcast
from flopscope.sizes import Shape, Size


def shapes_of(call: NodeCall) -> list[Shape] | None:
    """The shapes of the call's outputs, as many as the rule knows; None if it knows none."""
    rule = SHAPES.get(call.op)
    if rule is None:
        return None
    try:
        shapes = rule(call)
    except Undecided:
        return None
    return shapes if isinstance(shapes, list) else [shapes] * OUTPUTS_ALIKE.get(call.op, 1)


def axes_of(call: NodeCall, index: int = 1) -> list[int]:
    """The axes over which a reduction goes, counted from the front; all axes if none are given."""
    rank = len(call.shape(0))
    axes = call.setting("axes", index)
    if not axes:
        return [] if call.attribute("noop_with_empty_axes", 0) else list(range(rank))
    return [axis % rank for axis in axes]


def _as_first(call: NodeCall) -> Shape:
    return call.shape(0)


def _broadcast(call: NodeCall) -> Shape:
    shapes = [call.shape(index) for index in range(len(call.inputs))]
    return broadcast(shapes, call.premises, call.path)


def _transposed(call: NodeCall) -> Shape:
    weight, groups = call.shape(1), call.attribute("group", 1)
    call.premises.same(call.shape(0)[1], weight[0], call.path)
    return (call.shape(0)[0], weight[1] * groups, *transposed_grid_of(call, weight[2:]))


def _batch_norm(call: NodeCall) -> Shape:
    shape = call.shape(0)
    call.premises.same(shape[1], call.shape(1)[0], call.path)
    return shape


def _pool(call: NodeCall) -> Shape:
    return (*call.shape(0)[:2], *grid_of(call, tuple(call.attribute("kernel_shape"))))


def _global_pool(call: NodeCall) -> Shape:
    shape = call.shape(0)
    return (*shape[:2], *(1 for _ in shape[2:]))


def _gemm(call: NodeCall) -> Shape:
    a, b = call.shape(0), call.shape(1)
    a = a[::-1] if call.attribute("transA", 0) else a
    b = b[::-1] if call.attribute("transB", 0) else b
    call.premises.same(a[1], b[0], call.path)
    return (a[0], b[1])


def _matmul(call: NodeCall) -> Shape:
    a, b = call.shape(0), call.shape(1)
    wide, tall = (a if len(a) > 1 else (1, *a)), (b if len(b) > 1 else (*b, 1))
    call.premises.same(wide[-1], tall[-2], call.path)
    leading = [shape for shape in (wide[:-2], tall[:-2]) if shape]
    batch = broadcast(leading, call.premises, call.path) if leading else ()
    rows = (wide[-2],) if len(a) > 1 else ()
    return (*batch, *rows, *((tall[-1],) if len(b) > 1 else ()))


def _reduction(call: NodeCall) -> Shape:
    return _without(call, axes_of(call))


def _extremum_place(call: NodeCall) -> Shape:
    return _without(call, [call.axis(0)])


def _without(call: NodeCall, axes: list[int]) -> Shape:
    kept = call.attribute("keepdims", 1)
    sizes: list[Size] = []
    for axis, size in enumerate(call.shape(0)):
        if axis not in axes:
            sizes.append(size)
        elif kept:
            sizes.append(1)
    return tuple(sizes)


OUTPUTS_ALIKE: Mapping[str, int] = {"MaxPool": 2, "Dropout": 2, "TopK": 2}
"""Operators whose second output has the shape of the first."""

AS_FIRST = """
    Abs Acos Acosh Asin Asinh Atan Atanh Bernoulli BitwiseNot Cast CastLike Ceil Celu Clip
    Cos Cosh CumProd CumSum DequantizeLinear Dropout Elu Erf Exp EyeLike Floor Gelu
    GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf
    IsNaN LRN LayerNormalization LeakyRelu Log LogSoftmax LpNormalization
    MeanVarianceNormalization Mish Neg Not PRelu QuantizeLinear RMSNormalization
    RandomNormalLike RandomUniformLike Reciprocal Relu ReverseSequence Round Scatter
    ScatterElements ScatterND Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign
    Sqrt Swish Tan Tanh TensorScatter ThresholdedRelu Trilu
""".split()
"""Operators whose output has the shape of their first input."""

BROADCAST = """
    Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less
    LessOrEqual Max Mean Min Mod Mul Or Pow Sub Sum Where Xor
""".split()
"""Operators whose output has the common shape of all their inputs."""

SHAPES: Mapping[str, Callable[[NodeCall], Shapes]] = {
    "ArgMax": _extremum_place,
    "ArgMin": _extremum_place,
    "AveragePool": _pool,
    "BatchNormalization": _batch_norm,
    "Conv": output_of_convolution,
    "ConvTranspose": _transposed,
    "Einsum": einsum.output_of,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_pool,
    "GlobalLpPool": _global_pool,
    "GlobalMaxPool": _global_pool,
    "LpPool": _pool,
    "MatMul": _matmul,
    "MaxPool": _pool,
    "ReduceL1": _reduction,
    "ReduceL2": _reduction,
    "ReduceLogSum": _reduction,
    "ReduceLogSumExp": _reduction,
    "ReduceMax": _reduction,
    "ReduceMean": _reduction,
    "ReduceMin": _reduction,
    "ReduceProd": _reduction,
    "ReduceSum": _reduction,
    "ReduceSumSquare": _reduction,
    **SAMPLED,
    **movement.MOVEMENT,
    **dict.fromkeys(RECURRENT, shapes_of_layer),
    **dict.fromkeys(AS_FIRST, _as_first),
    **dict.fromkeys(BROADCAST, _broadcast),
}
"""The rule of each operator. For an operator that is not here, onnx's inference gives the
shapes."""
