"""The rows that torch's operators become in a ledger, as one literal table.

Rules of products are in `matrices.py`, those of what is done to each element in `elementwise.py`.
An operator that is only known to multiply no matrices is in `productless.PRODUCTLESS`: its row is
unknown only to readings of all acts. One that is in no table, nor in `costless.COSTLESS`, is of
unknown kind, and every reading over it is a lower bound.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from flopscope.facts import Function, Interpolation, Kind, Reduction
from flopscope.sizes import elements
from flopscope.tracing.calls import Facts, OperatorCall, Rows, Rule, shape_of
from flopscope.tracing.node import size_value
from flopscope.tracing.operators.convolutions import window_of
from flopscope.tracing.operators.elementwise import ELEMENTWISE
from flopscope.tracing.operators.matrices import DISTANCES, MATRICES

# --- norms and softmax ------------------------------------------------------------------------


def _batch_norm(call: OperatorCall) -> Facts:
    x, weight, bias, mean, variance = call.args[:5]
    if call.name == "native_batch_norm" and call.args[5]:
        return Facts(
            Kind.BATCH_NORM_TRAINING,
            (x,),
            (weight, bias),
            (mean, variance),
            groups=shape_of(x)[1],
        )
    return Facts(Kind.BATCH_NORM, (x,), (weight, bias), (mean, variance))


def _layer_norm(call: OperatorCall) -> Facts:
    x, normalised, weight, bias = call.args[:4]
    leading = shape_of(x)[: x.dim() - len(normalised)]
    return Facts(Kind.LAYER_NORM, (x,), (weight, bias), groups=elements(leading))


def _group_norm(call: OperatorCall) -> Facts:
    x, weight, bias, batch, _, _, groups = call.args[:7]
    groups = size_value(batch) * size_value(groups)
    return Facts(Kind.GROUP_NORM, (x,), (weight, bias), groups=groups)


def _rms_norm(call: OperatorCall) -> Facts:
    x, normalised, weight = call.args[:3]
    leading = shape_of(x)[: x.dim() - len(normalised)]
    return Facts(Kind.RMS_NORM, (x,), (weight,), groups=elements(leading))


def _softmax(kind: Kind) -> Rule:
    def rule(call: OperatorCall) -> Facts:
        x, dim = call.args[:2]
        shape = list(shape_of(x))
        del shape[dim : dim + 1 or None]
        return Facts(kind, (x,), groups=elements(tuple(shape)))

    return rule


# --- reductions -------------------------------------------------------------------------------


def _reduction(function: Reduction) -> Rule:
    def rule(call: OperatorCall) -> Facts:
        groups = elements(call.output)
        return Facts(Kind.REDUCTION, (call.args[0],), groups=groups, function=function)

    return rule


def _mean(call: OperatorCall) -> Facts:
    """The mean over the last two dimensions of a map is global pooling."""
    x, dimensions = call.args[0], call.argument(1)
    if x.dim() == 4 and dimensions and {d % 4 for d in dimensions} == {2, 3}:
        return Facts(Kind.GLOBAL_POOL, (x,))
    groups = elements(call.output)
    return Facts(Kind.REDUCTION, (x,), groups=groups, function=Reduction.MEAN)


def _vector_norm(call: OperatorCall) -> Rows:
    """A norm of a tensor, of each of its columns (norm), or of the difference of two tensors
    (dist)."""
    order = call.argument(2 if call.name == "dist" else 1, 2, "p")
    order = 2 if order is None else order
    if order not in DISTANCES:
        return None
    functions, reduction = DISTANCES[order]
    x, groups = call.args[0], elements(call.output)
    whole = tuple(map(size_value, x.shape))
    steps = [Facts(Kind.ELEMENTWISE, function=f, output=whole, follows=True) for f in functions]
    if call.name == "dist":
        both = torch.broadcast_shapes(x.shape, call.args[1].shape)
        whole = tuple(map(size_value, both))
        steps = [step._replace(output=whole) for step in steps]
        steps.insert(0, Facts(Kind.ADD, call.tensors, output=whole))
    steps.append(Facts(Kind.REDUCTION, groups=groups, function=reduction, follows=True))
    return (steps[0]._replace(inputs=call.tensors, follows=False), *steps[1:])


def _running(function: Reduction) -> Rule:
    """A running sum, product or extremum, which has the same acts as one over all elements."""

    def rule(call: OperatorCall) -> Facts:
        x, dim = call.args[:2]
        along = dim % x.dim() if x.dim() else 0
        groups = elements(tuple(n for d, n in enumerate(shape_of(x)) if d != along))
        return Facts(Kind.REDUCTION, (x,), groups=groups, function=function)

    return rule


def _extrema(call: OperatorCall) -> Rows:
    """aminmax: the smallest and the largest."""
    one = Facts(
        Kind.REDUCTION,
        (call.args[0],),
        groups=elements(call.output),
        function=Reduction.EXTREMUM,
    )
    return one, one


def _counted(call: OperatorCall) -> Rows:
    """count_nonzero: how many elements are not 0."""
    x = call.args[0]
    truths = Facts(Kind.COMPARE, (x,), output=shape_of(x), element="bool")
    return truths, Facts(
        Kind.REDUCTION, groups=elements(call.output), function=Reduction.SUM, follows=True
    )


SCATTERED: Mapping[str, Reduction] = {
    "sum": Reduction.SUM,
    "prod": Reduction.PRODUCT,
    "amax": Reduction.EXTREMUM,
    "amin": Reduction.EXTREMUM,
}


def _scattered(call: OperatorCall) -> Facts | None:
    """Each element of the source is combined with what is there already. A mean depends on the
    number of combined elements, which is not known."""
    function = SCATTERED.get(call.args[4])
    if function is None or not call.kwargs.get("include_self", True):
        return None
    return Facts(Kind.REDUCTION, (call.args[3],), groups=0, function=function)


def _index_put(call: OperatorCall) -> Rows:
    accumulated = call.argument(3, False, "accumulate")
    return _scattered_sum(2)(call) if accumulated else ()


def _scattered_sum(source: int) -> Rule:
    """Each element of the source is added once to what is there already, including the first of a
    group."""
    return lambda call: Facts(
        Kind.REDUCTION, (call.args[source],), groups=0, function=Reduction.SUM
    )


# --- pooling, interpolation, joining, look-ups ----------------------------------------------------


def _max_pool(call: OperatorCall) -> Facts:
    kernel, stride = call.args[1], call.argument(2) or call.args[1]
    window = window_of(kernel, stride, call.argument(3, (0, 0)), call.argument(4, (1, 1)))
    return Facts(Kind.MAX_POOL, (call.args[0],), window=window)


def _avg_pool(call: OperatorCall) -> Facts:
    kernel, stride = call.args[1], call.argument(2) or call.args[1]
    window = window_of(kernel, stride, call.argument(3, (0,) * len(kernel)), (1,) * len(kernel))
    padded = any(not isinstance(p, int) or p > 0 for p in window.padding)
    # a window is summed in the same way if argument 6 gives another divisor
    inside = padded and not call.argument(5, True, "count_include_pad")
    kind = Kind.AVERAGE_POOL_INSIDE if inside else Kind.AVERAGE_POOL
    return Facts(kind, (call.args[0],), window=window)


def _adaptive_pool(function: Reduction) -> Rule:
    def rule(call: OperatorCall) -> Facts:
        x, grid = call.args[:2]
        if function is Reduction.MEAN and all(isinstance(n, int) and n == 1 for n in grid):
            return Facts(Kind.GLOBAL_POOL, (x,))
        return Facts(Kind.ADAPTIVE_POOL, (x,), function=function)

    return rule


def _resize(mode: Interpolation) -> Rule:
    return lambda call: Facts(Kind.RESIZE, (call.args[0],), function=mode)


SAMPLED: Mapping[tuple[int, int], Interpolation] = {
    (0, 2): Interpolation.BILINEAR,
    (0, 3): Interpolation.TRILINEAR,
    (1, 2): Interpolation.NEAREST,
    (1, 3): Interpolation.NEAREST,
}
"""The interpolation by torch's number for the mode of a grid sample and the axes of its map."""


def _grid_sample(call: OperatorCall) -> Rows:
    """grid_sample. Padding with the border bounds each coordinate first. The work of reflections,
    and that of bicubic weights, is not stated."""
    x, grid, mode, padding = call.args[:4]
    function = SAMPLED.get((mode, x.dim() - 2))
    if padding == 1 and function is not None:
        bounded = Facts(Kind.ELEMENTWISE, (grid,), function=Function.CLAMP, output=shape_of(grid))
        return bounded, Facts(Kind.GRID_SAMPLE, (x,), function=function, follows=True)
    known = function is not None and padding == 0
    return Facts(Kind.GRID_SAMPLE, (x, grid), function=function if known else Interpolation.VARYING)


def _concatenation(call: OperatorCall) -> Facts:
    return Facts(Kind.CONCATENATION, tuple(call.args[0]))


def _embedding(call: OperatorCall) -> Facts:
    return Facts(Kind.EMBEDDING, (call.args[1],), (call.args[0],))


def _index(call: OperatorCall) -> Facts:
    """Look-ups in a parameter; the recorder does not ask this rule about other tensors."""
    indices = tuple(index for index in call.args[1] if index is not None)
    return Facts(Kind.EMBEDDING, indices, (call.args[0],))


OPERATORS: Mapping[str, Rule] = {
    **MATRICES,
    "native_batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": _batch_norm,
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    "_fused_rms_norm": _rms_norm,
    "_softmax": _softmax(Kind.SOFTMAX),
    "_safe_softmax": _softmax(Kind.SOFTMAX),
    "_log_softmax": _softmax(Kind.LOG_SOFTMAX),
    **ELEMENTWISE,
    "mean": _mean,
    "sum": _reduction(Reduction.SUM),
    "prod": _reduction(Reduction.PRODUCT),
    **dict.fromkeys(
        ["amax", "amin", "max", "min", "argmax", "argmin", "all", "any"],
        _reduction(Reduction.EXTREMUM),
    ),
    **dict.fromkeys(["var", "var_mean"], _reduction(Reduction.VARIANCE)),
    **dict.fromkeys(["std", "std_mean"], _reduction(Reduction.DEVIATION)),
    **dict.fromkeys(["linalg_vector_norm", "norm", "dist"], _vector_norm),
    "logsumexp": _reduction(Reduction.LOG_SUM_EXP),
    "cumsum": _running(Reduction.RUNNING_SUM),
    "cumprod": _running(Reduction.PRODUCT),
    "cummax": _running(Reduction.EXTREMUM),
    "cummin": _running(Reduction.EXTREMUM),
    **dict.fromkeys(["aminmax", "_aminmax"], _extrema),
    "count_nonzero": _counted,
    "scatter_reduce": _scattered,
    "index_reduce": _scattered,
    "col2im": _scattered_sum(0),
    "index_add": _scattered_sum(3),
    **dict.fromkeys(["index_put", "_unsafe_index_put", "_index_put_impl"], _index_put),
    "scatter_add": _scattered_sum(3),
    "max_pool2d_with_indices": _max_pool,
    "max_pool3d_with_indices": _max_pool,
    "avg_pool2d": _avg_pool,
    "avg_pool3d": _avg_pool,
    "_adaptive_avg_pool2d": _adaptive_pool(Reduction.MEAN),
    "_adaptive_avg_pool3d": _adaptive_pool(Reduction.MEAN),
    "adaptive_max_pool2d": _adaptive_pool(Reduction.EXTREMUM),
    "adaptive_max_pool3d": _adaptive_pool(Reduction.EXTREMUM),
    **{
        f"{prefix}{axes}d": _resize(Interpolation.NEAREST)
        for prefix in ("upsample_nearest", "_upsample_nearest_exact")
        for axes in (1, 2, 3)
    },
    "upsample_linear1d": _resize(Interpolation.LINEAR),
    "upsample_bilinear2d": _resize(Interpolation.BILINEAR),
    "upsample_trilinear3d": _resize(Interpolation.TRILINEAR),
    "upsample_bicubic2d": _resize(Interpolation.BICUBIC),
    **dict.fromkeys(
        ["_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa", "_upsample_lanczos2d_aa"],
        _resize(Interpolation.VARYING),
    ),
    **dict.fromkeys(
        ["grid_sampler_2d", "grid_sampler_3d", "_grid_sampler_2d_cpu_fallback"], _grid_sample
    ),
    "cat": _concatenation,
    "embedding": _embedding,
    "index": _index,
}
"""The rule of each operator, under its name without overload or trailing underscore."""
