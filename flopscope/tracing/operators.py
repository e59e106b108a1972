"""What torch's operators are in a ledger: one literal table.

An operator that is neither here nor in `free.FREE` is a row of unknown kind: every reading over it
is a lower bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from flopscope.facts import Function, Interpolation, Kind, Reduction, Window
from flopscope.sizes import Size, elements
from flopscope.tracing.calls import Call, Facts, Rows, Rule, shape_of
from flopscope.tracing.node import size_value

# --- products ---------------------------------------------------------------------------------


def _convolution(call: Call) -> Facts:
    x, weight, bias, stride, padding, dilation, transposed, _, groups = call.args[:9]
    kernel = shape_of(weight)[2:]
    window = _window(kernel, stride, padding, dilation)
    kind = Kind.TRANSPOSED_CONVOLUTION if transposed else Kind.CONVOLUTION
    return Facts(kind, (x,), (weight, bias), window=window, groups=size_value(groups))


def _matmul(call: Call) -> Facts:
    """A linear layer where one operand is stored: the recorder says so, which knows what is."""
    return Facts(Kind.MATMUL, (call.args[0], call.args[1]))


def _addmm(call: Call) -> Rows:
    """bias + x·w: one row, or a product and an addition where the bias is no stored vector."""
    bias, x, weight = call.args[:3]
    if call.kwargs.get("beta", 1) == 0:
        return Facts(Kind.MATMUL, (x, weight))
    if call.kwargs.get("beta", 1) != 1 or call.kwargs.get("alpha", 1) != 1:
        return None
    if bias.dim() == 1:
        return Facts(Kind.LINEAR, (x,), (weight, bias))
    return Facts(Kind.MATMUL, (x, weight)), Facts(Kind.ADD, (bias,), follows=True)


def _vector_product(call: Call) -> Facts:
    """Matrix by vector, or two vectors."""
    return Facts(Kind.MATMUL, (call.args[0], call.args[1]))


# --- norms and softmax ------------------------------------------------------------------------


def _batch_norm(call: Call) -> Facts:
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


def _layer_norm(call: Call) -> Facts:
    x, normalised, weight, bias = call.args[:4]
    leading = shape_of(x)[: x.dim() - len(normalised)]
    return Facts(Kind.LAYER_NORM, (x,), (weight, bias), groups=elements(leading))


def _group_norm(call: Call) -> Facts:
    x, weight, bias, batch, _, _, groups = call.args[:7]
    groups = size_value(batch) * size_value(groups)
    return Facts(Kind.GROUP_NORM, (x,), (weight, bias), groups=groups)


def _rms_norm(call: Call) -> Facts:
    x, normalised, weight = call.args[:3]
    leading = shape_of(x)[: x.dim() - len(normalised)]
    return Facts(Kind.RMS_NORM, (x,), (weight,), groups=elements(leading))


def _softmax(kind: Kind) -> Rule:
    def rule(call: Call) -> Facts:
        x, dim = call.args[:2]
        shape = list(shape_of(x))
        del shape[dim : dim + 1 or None]
        return Facts(kind, (x,), groups=elements(tuple(shape)))

    return rule


# --- element by element -----------------------------------------------------------------------


def _function(function: Function, kind: Kind = Kind.ELEMENTWISE) -> Rule:
    return lambda call: Facts(kind, (call.args[0],), function=function)


def _activation(function: Function) -> Rule:
    return _function(function, Kind.ACTIVATION)


def _hardtanh(call: Call) -> Facts:
    """ReLU6 is a hard tanh between 0 and 6."""
    relu6 = (call.argument(1, -1), call.argument(2, 1)) == (0, 6)
    function = Function.RELU6 if relu6 else Function.CLAMP
    return Facts(Kind.ACTIVATION, (call.args[0],), function=function)


def _gelu(call: Call) -> Facts:
    tanh = call.kwargs.get("approximate", "none") == "tanh"
    function = Function.GELU_TANH if tanh else Function.GELU
    return Facts(Kind.ACTIVATION, (call.args[0],), function=function)


def _prelu(call: Call) -> Facts:
    return Facts(Kind.ACTIVATION, (call.args[0],), (call.args[1],), function=Function.PRELU)


def _elu(call: Call) -> Facts | None:
    """SELU and CELU are an ELU with scales, whose multiplications are not in its rule."""
    scaled = (call.argument(2, 1), call.argument(3, 1)) != (1, 1)
    return None if scaled else Facts(Kind.ACTIVATION, (call.args[0],), function=Function.ELU)


def _glu(call: Call) -> Rows:
    """One half times the sigmoid of the other."""
    x = call.args[0]
    gate = Facts(Kind.ACTIVATION, (x,), function=Function.SIGMOID, output=call.output)
    return gate, Facts(Kind.MULTIPLY, (x,), follows=True)


def _clamp(call: Call) -> Facts:
    bounds = [call.argument(1, None, "min"), call.argument(2, None, "max")]
    function = Function.BOUND if None in bounds else Function.CLAMP
    return Facts(Kind.ELEMENTWISE, call.tensors, function=function)


POWERS: Mapping[float, Function] = {
    2: Function.SQUARE,
    3: Function.CUBE,
    0.5: Function.SQRT,
    -1: Function.RECIPROCAL,
    -0.5: Function.RECIPROCAL_SQRT,
}
"""Powers that are something simpler."""


def _power(call: Call) -> Facts:
    exponent = call.args[1]
    number = isinstance(exponent, int | float)
    function = POWERS.get(exponent, Function.POWER) if number else Function.POWER
    return Facts(Kind.ELEMENTWISE, call.tensors, function=function)


def _pairwise(kind: Kind) -> Rule:
    def rule(call: Call) -> Facts | None:
        """`alpha` scales the second operand of a sum: its multiplication is not in the rule."""
        return Facts(kind, call.tensors) if call.kwargs.get("alpha", 1) == 1 else None

    return rule


def _multiplied_and_added(call: Call) -> Rows:
    """addcmul: x + value·a·b."""
    x, a, b = call.args[:3]
    product = Facts(Kind.MULTIPLY, (a, b))
    if call.kwargs.get("value", 1) == 1:
        return product, Facts(Kind.ADD, (x,), follows=True)
    scaled = Facts(Kind.MULTIPLY, (), follows=True)
    return product, scaled, Facts(Kind.ADD, (x,), follows=True)


def _interpolated(call: Call) -> Rows:
    """lerp: a + w·(b − a)."""
    a, b, w = call.args[:3]
    weight = (w,) if isinstance(w, torch.Tensor) else ()
    difference = Facts(Kind.ADD, (b, a))
    scaled = Facts(Kind.MULTIPLY, weight, follows=True)
    return difference, scaled, Facts(Kind.ADD, (a,), follows=True)


# --- reductions -------------------------------------------------------------------------------


def _reduction(function: Reduction) -> Rule:
    def rule(call: Call) -> Facts:
        groups = elements(call.output)
        return Facts(Kind.REDUCTION, (call.args[0],), groups=groups, function=function)

    return rule


def _mean(call: Call) -> Facts:
    """The mean over the last two dimensions of a map is global pooling."""
    x, dimensions = call.args[0], call.argument(1)
    if x.dim() == 4 and dimensions and {d % 4 for d in dimensions} == {2, 3}:
        return Facts(Kind.GLOBAL_POOL, (x,))
    groups = elements(call.output)
    return Facts(Kind.REDUCTION, (x,), groups=groups, function=Reduction.MEAN)


def _vector_norm(call: Call) -> Facts | None:
    if call.argument(1, 2) != 2:
        return None
    return Facts(
        Kind.REDUCTION, (call.args[0],), groups=elements(call.output), function=Reduction.NORM
    )


def _running_sum(call: Call) -> Facts:
    x, dim = call.args[:2]
    groups = elements(tuple(n for d, n in enumerate(shape_of(x)) if d != dim % x.dim()))
    return Facts(Kind.REDUCTION, (x,), groups=groups, function=Reduction.RUNNING_SUM)


def _index_put(call: Call) -> Rows:
    accumulated = call.argument(3, False, "accumulate")
    return _scattered_sum(2)(call) if accumulated else ()


def _scattered_sum(source: int) -> Rule:
    """Each element of the source is added once to what is there already: no group saves one."""
    return lambda call: Facts(
        Kind.REDUCTION, (call.args[source],), groups=0, function=Reduction.SUM
    )


# --- pooling, interpolation, joining, look-ups ----------------------------------------------------


def _max_pool(call: Call) -> Facts:
    kernel, stride = call.args[1], call.argument(2) or call.args[1]
    window = _window(kernel, stride, call.argument(3, (0, 0)), call.argument(4, (1, 1)))
    return Facts(Kind.MAX_POOL, (call.args[0],), window=window)


def _avg_pool(call: Call) -> Facts:
    kernel, stride = call.args[1], call.argument(2) or call.args[1]
    window = _window(kernel, stride, call.argument(3, (0,) * len(kernel)), (1,) * len(kernel))
    padded = any(not isinstance(p, int) or p > 0 for p in window.padding)
    # with a divisor of its own, argument 6, a window is added up in the same way
    inside = padded and not call.argument(5, True, "count_include_pad")
    kind = Kind.AVERAGE_POOL_INSIDE if inside else Kind.AVERAGE_POOL
    return Facts(kind, (call.args[0],), window=window)


def _adaptive_pool(function: Reduction) -> Rule:
    def rule(call: Call) -> Facts:
        x, grid = call.args[:2]
        if function is Reduction.MEAN and all(isinstance(n, int) and n == 1 for n in grid):
            return Facts(Kind.GLOBAL_POOL, (x,))
        return Facts(Kind.ADAPTIVE_POOL, (x,), function=function)

    return rule


def _resize(mode: Interpolation) -> Rule:
    return lambda call: Facts(Kind.RESIZE, (call.args[0],), function=mode)


def _concatenation(call: Call) -> Facts:
    return Facts(Kind.CONCATENATION, tuple(call.args[0]))


def _embedding(call: Call) -> Facts:
    return Facts(Kind.EMBEDDING, (call.args[1],), (call.args[0],))


def _index(call: Call) -> Facts:
    """Entries of a parameter, as of a table of relative positions; the recorder knows whether it is
    one."""
    indices = tuple(index for index in call.args[1] if index is not None)
    return Facts(Kind.EMBEDDING, indices, (call.args[0],))


def _window(kernel: Any, stride: Any, padding: Any, dilation: Any) -> Window:
    rank = len(kernel)
    return Window(*(_axes(sizes, rank) for sizes in (kernel, stride, padding, dilation)))


def _axes(value: Any, rank: int) -> tuple[Size, ...]:
    sizes = [size_value(v) for v in value] if isinstance(value, Sequence) else [size_value(value)]
    return tuple(sizes * rank if len(sizes) == 1 else sizes)


COMPARISONS = """
    eq ne lt le gt ge maximum minimum isnan isinf isfinite logical_and logical_or logical_xor
    logical_not bitwise_and bitwise_or bitwise_xor bitwise_not
""".split()
DIVISIONS = "div true_divide floor_divide remainder fmod".split()

OPERATORS: Mapping[str, Rule] = {
    "convolution": _convolution,
    "addmm": _addmm,
    "mm": _matmul,
    "bmm": _matmul,
    "baddbmm": _addmm,
    "mv": _vector_product,
    "dot": _vector_product,
    "native_batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": _batch_norm,
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    "_fused_rms_norm": _rms_norm,
    "_softmax": _softmax(Kind.SOFTMAX),
    "_safe_softmax": _softmax(Kind.SOFTMAX),
    "_log_softmax": _softmax(Kind.LOG_SOFTMAX),
    "relu": _activation(Function.RELU),
    "hardtanh": _hardtanh,
    "sigmoid": _activation(Function.SIGMOID),
    "silu": _activation(Function.SILU),
    "tanh": _activation(Function.TANH),
    "gelu": _gelu,
    "hardsigmoid": _activation(Function.HARD_SIGMOID),
    "hardswish": _activation(Function.HARD_SWISH),
    "leaky_relu": _activation(Function.LEAKY_RELU),
    "_prelu_kernel": _prelu,
    "elu": _elu,
    "glu": _glu,
    "softplus": _activation(Function.SOFTPLUS),
    "mish": _activation(Function.MISH),
    "log_sigmoid_forward": _activation(Function.LOG_SIGMOID),
    "clamp": _clamp,
    "clamp_min": _function(Function.BOUND),
    "clamp_max": _function(Function.BOUND),
    "neg": _function(Function.NEGATE),
    "abs": _function(Function.ABS),
    **dict.fromkeys(["floor", "ceil", "round", "trunc", "sign"], _function(Function.ROUND)),
    "square": _function(Function.SQUARE),
    "pow": _power,
    "sqrt": _function(Function.SQRT),
    "rsqrt": _function(Function.RECIPROCAL_SQRT),
    "reciprocal": _function(Function.RECIPROCAL),
    **dict.fromkeys(["exp", "exp2", "expm1"], _function(Function.EXP)),
    **dict.fromkeys(["log", "log1p", "log2", "log10"], _function(Function.LOG)),
    "erf": _function(Function.ERF),
    "sin": _function(Function.SIN),
    "cos": _function(Function.SIN),
    "add": _pairwise(Kind.ADD),
    "sub": _pairwise(Kind.ADD),
    "rsub": _pairwise(Kind.ADD),
    "mul": _pairwise(Kind.MULTIPLY),
    **dict.fromkeys(DIVISIONS, _pairwise(Kind.DIVIDE)),
    **dict.fromkeys(COMPARISONS, _pairwise(Kind.COMPARE)),
    "addcmul": _multiplied_and_added,
    "lerp": _interpolated,
    "mean": _mean,
    "sum": _reduction(Reduction.SUM),
    "prod": _reduction(Reduction.PRODUCT),
    **dict.fromkeys(
        ["amax", "amin", "max", "min", "argmax", "argmin", "all", "any"],
        _reduction(Reduction.EXTREMUM),
    ),
    **dict.fromkeys(["var", "var_mean"], _reduction(Reduction.VARIANCE)),
    **dict.fromkeys(["std", "std_mean"], _reduction(Reduction.DEVIATION)),
    "linalg_vector_norm": _vector_norm,
    "logsumexp": _reduction(Reduction.LOG_SUM_EXP),
    "cumsum": _running_sum,
    "col2im": _scattered_sum(0),
    "index_add": _scattered_sum(3),
    "index_put": _index_put,
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
    "cat": _concatenation,
    "embedding": _embedding,
    "index": _index,
}
"""The rule of each operator, under its name without overload or trailing underscore."""
