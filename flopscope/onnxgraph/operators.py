"""The rows that onnx's operators become in a ledger, as one literal table.

An operator that is neither here nor in `costless.COSTLESS`, or whose rule does not know this use,
becomes a row of unknown kind. Every reading over it is a lower bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from flopscope.facts import Interpolation, Kind, Reduction
from flopscope.onnxgraph.elementwise import ELEMENTWISE
from flopscope.onnxgraph.expansions.products import einsum, gemm, matmul
from flopscope.onnxgraph.shapes.movement import resize_factors, resize_sizes
from flopscope.onnxgraph.shapes.table import axes_of
from flopscope.onnxgraph.shapes.windows import window_of
from flopscope.onnxgraph.tensors import NodeCall, NodeFacts, Tensor
from flopscope.sizes import elements

# --- layers --------------------------------------------------------------------------------------


def _convolution(kind: Kind) -> Callable[[NodeCall], NodeFacts | None]:
    def rule(call: NodeCall) -> NodeFacts | None:
        x, weight, bias = call.input(0), call.input(1), call.optional(2)
        window = window_of(call, call.shape(1)[2:])
        groups = call.attribute("group", 1)
        return NodeFacts(kind, (x,), (weight, bias), window=window, groups=groups)

    return rule


def _batch_norm(call: NodeCall) -> NodeFacts | None:
    x, scale, shift, mean, variance = (call.input(index) for index in range(5))
    if call.attribute("training_mode", 0):
        return None
    return NodeFacts(Kind.BATCH_NORM, (x,), (scale, shift), (mean, variance))


def _layer_norm(kind: Kind) -> Callable[[NodeCall], NodeFacts]:
    def rule(call: NodeCall) -> NodeFacts:
        groups = elements(call.shape(0)[: call.axis(-1)])
        return NodeFacts(kind, (call.input(0),), _affine(call), groups=groups)

    return rule


def _group_norm(call: NodeCall) -> NodeFacts:
    """Instance norm is group norm with as many groups as channels."""
    batch, channels = call.shape(0)[:2]
    groups = channels if call.op == "InstanceNormalization" else call.attribute("num_groups")
    return NodeFacts(Kind.GROUP_NORM, (call.input(0),), _affine(call), groups=batch * groups)


def _affine(call: NodeCall) -> tuple[Tensor | None, ...]:
    """The scale and shift of a norm. Constants of 1 and 0, with which exporters fill the operator,
    do not count."""
    scale, shift = call.optional(1), call.optional(2)
    idle = _all_are(scale, 1) and _all_are(shift, 0)
    return () if idle else (scale, shift)


def _all_are(tensor: Tensor | None, number: int) -> bool:
    if tensor is None:
        return True
    return tensor.constant and tensor.numbers is not None and bool((tensor.numbers == number).all())


def _softmax(kind: Kind) -> Callable[[NodeCall], NodeFacts]:
    """Softmax over one axis, or before operator set 13 over all axes from that one on."""

    def rule(call: NodeCall) -> NodeFacts:
        x, shape = call.input(0), call.shape(0)
        axis = call.axis(-1 if call.opset >= 13 else 1)
        groups = shape[:axis] + (shape[axis + 1 :] if call.opset >= 13 else ())
        return NodeFacts(kind, (x,), groups=elements(groups))

    return rule


def _max_pool(call: NodeCall) -> NodeFacts:
    window = window_of(call, tuple(call.attribute("kernel_shape")))
    return NodeFacts(Kind.MAX_POOL, (call.input(0),), window=window)


def _average_pool(call: NodeCall) -> NodeFacts:
    """Unlike torch, onnx leaves the padding out of the mean unless an attribute includes it."""
    window = window_of(call, tuple(call.attribute("kernel_shape")))
    padded = any(not isinstance(p, int) or p > 0 for p in window.padding)
    inside = padded and not call.attribute("count_include_pad", 0)
    kind = Kind.AVERAGE_POOL_INSIDE if inside else Kind.AVERAGE_POOL
    return NodeFacts(kind, (call.input(0),), window=window)


def _global_pool(call: NodeCall) -> NodeFacts:
    return NodeFacts(Kind.GLOBAL_POOL, (call.input(0),))


def _global_max_pool(call: NodeCall) -> NodeFacts:
    return NodeFacts(Kind.ADAPTIVE_POOL, (call.input(0),), function=Reduction.EXTREMUM)


def _resize(call: NodeCall) -> NodeFacts:
    """Interpolation over the spatial axes of a map (B, C, …), which has 1, 2 or 3 of them."""
    shape, new = call.shape(0), resize_sizes(call)
    scales = resize_factors(call) or [1.0, 1.0]
    mode = call.attribute("mode", "nearest")
    method = INTERPOLATIONS.get((mode, len(shape) - 2 if mode != "nearest" else 0))
    odd = (
        call.attribute("antialias", 0)
        or call.attribute("coordinate_transformation_mode", "") == "tf_crop_and_resize"
    )
    if method is None or odd or new[:2] != shape[:2] or list(scales[:2]) != [1, 1]:
        method = Interpolation.VARYING
    return NodeFacts(Kind.RESIZE, (call.input(0),), function=method)


INTERPOLATIONS: Mapping[tuple[str, int], Interpolation] = {
    ("nearest", 0): Interpolation.NEAREST,
    ("linear", 1): Interpolation.LINEAR,
    ("linear", 2): Interpolation.BILINEAR,
    ("linear", 3): Interpolation.TRILINEAR,
    ("cubic", 2): Interpolation.BICUBIC,
}
"""The interpolation by mode and number of spatial axes. The nearest sample is the same for any
number of axes."""


def _grid_sample(call: NodeCall) -> NodeFacts:
    """GridSample with zeros as padding. The work for other paddings, and for cubic weights, is not
    stated."""
    mode = MODES.get(str(call.attribute("mode", "linear")), "")
    function = INTERPOLATIONS.get((mode, len(call.shape(0)) - 2 if mode != "nearest" else 0))
    known = function in SAMPLED and call.attribute("padding_mode", "zeros") == "zeros"
    inputs = (call.input(0), call.input(1))
    return NodeFacts(
        Kind.GRID_SAMPLE, inputs, function=function if known else Interpolation.VARYING
    )


MODES = {"linear": "linear", "bilinear": "linear", "nearest": "nearest"}
SAMPLED = (Interpolation.NEAREST, Interpolation.BILINEAR, Interpolation.TRILINEAR)


def _deformable_convolution(call: NodeCall) -> NodeFacts | None:
    """DeformConv of maps (B, C, H, W); inputs are the map, the kernel, offsets, bias and mask."""
    x, weight, offset, bias, mask = (call.optional(index) for index in range(5))
    if x is None or weight is None or offset is None or len(call.shape(1)) != 4:
        return None
    window = window_of(call, call.shape(1)[2:])
    inputs = (x, offset) if mask is None else (x, offset, mask)
    groups = call.attribute("group", 1)
    kind = Kind.DEFORMABLE_CONVOLUTION
    return NodeFacts(kind, inputs, (weight, bias), window=window, groups=groups)


def _gather(call: NodeCall) -> NodeFacts | None:
    """A look-up of rows of a stored table by computed numbers. Any other gather only moves
    elements."""
    table, indices = call.input(0), call.input(1)
    lookup = table.stored and len(call.shape(0)) == 2 and call.axis(0) == 0
    if not lookup or indices.source is None:
        return None
    return NodeFacts(Kind.EMBEDDING, (indices,), (table,))


# --- over groups of elements ---------------------------------------------------------------------


def _reduction(function: Reduction) -> Callable[[NodeCall], NodeFacts]:
    def rule(call: NodeCall) -> NodeFacts:
        shape, axes = call.shape(0), axes_of(call)
        groups = elements(tuple(n for axis, n in enumerate(shape) if axis not in axes))
        return NodeFacts(Kind.REDUCTION, (call.input(0),), groups=groups, function=function)

    return rule


def _mean(call: NodeCall) -> NodeFacts:
    """The mean over the last two axes of a map is global pooling."""
    if len(call.shape(0)) == 4 and sorted(axes_of(call)) == [2, 3]:
        return _global_pool(call)
    return _reduction(Reduction.MEAN)(call)


def _extremum_place(call: NodeCall) -> NodeFacts:
    return _along(call, call.axis(0), Reduction.EXTREMUM)


def _largest(call: NodeCall) -> NodeFacts:
    """Hardmax: 1 in the place of the largest element, 0 elsewhere. Older operator sets have another
    default axis."""
    return _along(call, call.axis(-1 if call.opset >= 13 else 1), Reduction.EXTREMUM)


def _running_sum(call: NodeCall) -> NodeFacts:
    axis = np.ravel(call.setting("", 1)).item()
    return _along(call, axis % len(call.shape(0)), Reduction.RUNNING_SUM)


def _along(call: NodeCall, axis: int, function: Reduction) -> NodeFacts:
    shape = call.shape(0)
    groups = elements(shape[:axis] + shape[axis + 1 :])
    return NodeFacts(Kind.REDUCTION, (call.input(0),), groups=groups, function=function)


def _concatenation(call: NodeCall) -> NodeFacts:
    return NodeFacts(Kind.CONCATENATION, tuple(t for t in call.inputs if t is not None))


OPERATORS: Mapping[str, Callable[[NodeCall], NodeFacts | None]] = {
    "Conv": _convolution(Kind.CONVOLUTION),
    "ConvTranspose": _convolution(Kind.TRANSPOSED_CONVOLUTION),
    "DeformConv": _deformable_convolution,
    "GridSample": _grid_sample,
    "Gemm": gemm,
    "MatMul": matmul,
    "Einsum": einsum,
    "Gather": _gather,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm(Kind.LAYER_NORM),
    "RMSNormalization": _layer_norm(Kind.RMS_NORM),
    "GroupNormalization": _group_norm,
    "InstanceNormalization": _group_norm,
    "Softmax": _softmax(Kind.SOFTMAX),
    "LogSoftmax": _softmax(Kind.LOG_SOFTMAX),
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_pool,
    "GlobalMaxPool": _global_max_pool,
    "Resize": _resize,
    "Upsample": _resize,
    "Concat": _concatenation,
    **ELEMENTWISE,
    # groups of elements
    "ReduceSum": _reduction(Reduction.SUM),
    "ReduceMean": _mean,
    "ReduceMax": _reduction(Reduction.EXTREMUM),
    "ReduceMin": _reduction(Reduction.EXTREMUM),
    "ReduceProd": _reduction(Reduction.PRODUCT),
    "ReduceL2": _reduction(Reduction.NORM),
    "ReduceLogSumExp": _reduction(Reduction.LOG_SUM_EXP),
    "ArgMax": _extremum_place,
    "Hardmax": _largest,
    "ArgMin": _extremum_place,
    "CumSum": _running_sum,
}
"""The rule of each operator in onnx's own domain. A rule returns None for a use of its operator
that it does not know."""
