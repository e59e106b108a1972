"""Rules of operators on each element of one or two tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from flopscope.facts import Function, Kind, Reduction
from flopscope.tracing.calls import Facts, OperatorCall, Rows, Rule, shape_of
from flopscope.tracing.node import size_value


def _function(function: Function, kind: Kind = Kind.ELEMENTWISE) -> Rule:
    return lambda call: Facts(kind, (call.args[0],), function=function)


def _several(function: Function) -> Rule:
    return lambda call: Facts(Kind.ELEMENTWISE, call.tensors, function=function)


def _activation(function: Function) -> Rule:
    return _function(function, Kind.ACTIVATION)


def _hardtanh(call: OperatorCall) -> Facts:
    """ReLU6 is a hard tanh between 0 and 6."""
    relu6 = (call.argument(1, -1), call.argument(2, 1)) == (0, 6)
    function = Function.RELU6 if relu6 else Function.CLAMP
    return Facts(Kind.ACTIVATION, (call.args[0],), function=function)


def _gelu(call: OperatorCall) -> Facts:
    tanh = call.kwargs.get("approximate", "none") == "tanh"
    function = Function.GELU_TANH if tanh else Function.GELU
    return Facts(Kind.ACTIVATION, (call.args[0],), function=function)


def _prelu(call: OperatorCall) -> Facts:
    return Facts(Kind.ACTIVATION, (call.args[0],), (call.args[1],), function=Function.PRELU)


def _elu(call: OperatorCall) -> Rows:
    """SELU is an ELU whose result is scaled; CELU scales its input."""
    act = Facts(Kind.ACTIVATION, (call.args[0],), function=Function.ELU)
    scales = [scale for scale in (call.argument(2, 1), call.argument(3, 1)) if scale != 1]
    return (act, *(Facts(Kind.MULTIPLY, follows=True) for _ in scales))


def _steps(*steps: Kind | Function) -> Rule:
    """One act after the other on each element; the first one is on the operands."""

    def rule(call: OperatorCall) -> Rows:
        first, *others = (_act(step) for step in steps)
        return (
            first._replace(inputs=call.tensors, follows=False, output=shape_of(call.tensors[0])),
            *others,
        )

    return rule


def _act(step: Kind | Function) -> Facts:
    if isinstance(step, Kind):
        return Facts(step, follows=True)
    return Facts(Kind.ELEMENTWISE, function=step, follows=True)


def _glu(call: OperatorCall) -> Rows:
    """glu: one half times the sigmoid of the other."""
    x = call.args[0]
    gate = Facts(Kind.ACTIVATION, (x,), function=Function.SIGMOID, output=call.output)
    return gate, Facts(Kind.MULTIPLY, (x,), follows=True)


def _clamp(call: OperatorCall) -> Facts:
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


def _power(call: OperatorCall) -> Facts:
    exponent = call.args[1]
    number = isinstance(exponent, int | float)
    function = POWERS.get(exponent, Function.POWER) if number else Function.POWER
    return Facts(Kind.ELEMENTWISE, call.tensors, function=function)


def _pairwise(kind: Kind) -> Rule:
    return lambda call: Facts(kind, call.tensors)


def _sum(call: OperatorCall) -> Rows:
    """`alpha` scales the second operand, or each of its elements if it is a tensor."""
    alpha, operands = call.kwargs.get("alpha", 1), call.tensors
    if alpha == 1 or len(operands) < 2:
        return Facts(Kind.ADD, operands)
    first, second = operands
    scaled = Facts(Kind.MULTIPLY, (second,), output=shape_of(second))
    return scaled, Facts(Kind.ADD, (first,), follows=True)


def _by_a_complex_number(call: OperatorCall) -> tuple[torch.Tensor, ...]:
    """A number beside a tensor is an operand of the row only if it is complex, because it then
    costs more than a real one."""
    numbers = [a for a in call.args[:2] if isinstance(a, complex)]
    kind = torch.complex64
    return tuple(torch.empty((), dtype=kind, device="meta") for _ in numbers)


def _multiplication(call: OperatorCall) -> Facts:
    return Facts(Kind.MULTIPLY, (*call.tensors, *_by_a_complex_number(call)))


def _division(call: OperatorCall) -> Facts:
    return Facts(Kind.DIVIDE, (*call.tensors, *_by_a_complex_number(call)))


def _added_to(kind: Kind) -> Rule:
    """addcmul: x + value·a·b; addcdiv: x + value·a/b."""

    def rule(call: OperatorCall) -> Rows:
        x, a, b = call.args[:3]
        product = Facts(kind, (a, b))
        if call.kwargs.get("value", 1) == 1:
            return product, Facts(Kind.ADD, (x,), follows=True)
        scaled = Facts(Kind.MULTIPLY, (), follows=True)
        return product, scaled, Facts(Kind.ADD, (x,), follows=True)

    return rule


def _interpolated(call: OperatorCall) -> Rows:
    """lerp: a + w·(b − a)."""
    a, b, w = call.args[:3]
    weight = (w,) if isinstance(w, torch.Tensor) else ()
    difference = Facts(Kind.ADD, (b, a))
    scaled = Facts(Kind.MULTIPLY, weight, follows=True)
    return difference, scaled, Facts(Kind.ADD, (a,), follows=True)


def _soft_shrinkage(call: OperatorCall) -> Rows:
    """x − min(max(x, −λ), λ)."""
    x = call.args[0]
    bounded = Facts(Kind.ELEMENTWISE, (x,), function=Function.CLAMP)
    return bounded, Facts(Kind.ADD, (x,), follows=True)


def _logit(call: OperatorCall) -> Rows:
    """log(x/(1 − x)), with x between ε and 1 − ε if ε is given."""
    x = call.args[0]
    bounded = [] if call.argument(1, None, "eps") is None else [Function.CLAMP]
    steps: list[Kind | Function] = [*bounded, Kind.ADD, Kind.DIVIDE, Function.LOG]
    first, *others = map(_act, steps)
    return first._replace(inputs=(x,), follows=False), *others


def _fraction(call: OperatorCall) -> Rows:
    """x less its whole part."""
    x = call.args[0]
    whole = Facts(Kind.ELEMENTWISE, (x,), function=Function.ROUND)
    return whole, Facts(Kind.ADD, (x,), follows=True)


def _by_logarithm(call: OperatorCall) -> Rows:
    """xlogy: x·log(y)."""
    x, y = call.args[:2]
    if not isinstance(y, torch.Tensor):
        return Facts(Kind.MULTIPLY, (x,))
    log = Facts(Kind.ELEMENTWISE, (y,), function=Function.LOG, output=shape_of(y))
    given = (x,) if isinstance(x, torch.Tensor) else ()
    return log, Facts(Kind.MULTIPLY, given, follows=True)


def _hypotenuse(call: OperatorCall) -> Rows:
    """√(a² + b²)."""
    squares = [
        Facts(Kind.ELEMENTWISE, (x,), function=Function.SQUARE, output=shape_of(x))
        for x in call.tensors
    ]
    return (
        *squares,
        Facts(Kind.ADD, (call.tensors[0],), follows=True),
        _act(Function.SQRT),
    )


def _dropout(call: OperatorCall) -> Rows:
    """Dropout: x·mask·scale in training, nothing otherwise."""
    if not call.argument(2, True, "train"):
        return ()
    return Facts(Kind.MULTIPLY, (call.args[0],)), Facts(Kind.MULTIPLY, follows=True)


def _complex_of(call: OperatorCall) -> Facts:
    """The real and the imaginary part are joined."""
    return Facts(Kind.CONCATENATION, call.tensors)


MEANS: Mapping[int, tuple[Reduction, ...]] = {0: (), 1: (Reduction.MEAN,), 2: (Reduction.SUM,)}
"""The meaning of torch's numbers for `reduction`: none, mean, sum."""


def _squared_error(call: OperatorCall) -> Rows:
    """mse_loss: (x − y)², each or their mean or sum."""
    x, y = call.tensors[:2]
    whole = [
        Facts(Kind.REDUCTION, function=function, follows=True)
        for function in MEANS[call.argument(2, 1, "reduction")]
    ]
    shape = torch.broadcast_shapes(x.shape, y.shape) if whole else None
    output = None if shape is None else tuple(map(size_value, shape))
    difference = Facts(Kind.ADD, (x, y), output=output)
    return difference, _act(Function.SQUARE)._replace(output=output), *whole


COMPARISONS = """
    eq ne lt le gt ge maximum minimum isnan isinf isfinite logical_and logical_or logical_xor
    logical_not bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_left_shift
    bitwise_right_shift __lshift__ __rshift__ __ilshift__ __irshift__ fmax fmin signbit isneginf
    isposinf
""".split()
DIVISIONS = "div true_divide floor_divide remainder fmod".split()
ELEMENTARY = """
    tan sinh cosh asin acos atan asinh acosh atanh atan2 erfc
""".split()
"""Functions that count as one act each, as sine and exponential do."""

ELEMENTWISE: Mapping[str, Rule] = {
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
    # alpha·(exp(x/alpha) − 1)
    "celu": _steps(Function.ELU, Kind.MULTIPLY),
    "selu": _steps(Function.ELU, Kind.MULTIPLY),
    "threshold": _activation(Function.BOUND),
    "hardshrink": _activation(Function.CLAMP),
    "softshrink": _soft_shrinkage,
    "_add_relu": _steps(Kind.ADD, Function.RELU),
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
    **dict.fromkeys(ELEMENTARY, _several(Function.ELEMENTARY)),
    **dict.fromkeys(["add", "sub", "rsub"], _sum),
    "mul": _multiplication,
    **dict.fromkeys(["deg2rad", "rad2deg"], _pairwise(Kind.MULTIPLY)),
    **dict.fromkeys(DIVISIONS, _division),
    **dict.fromkeys(COMPARISONS, _pairwise(Kind.COMPARE)),
    "addcmul": _added_to(Kind.MULTIPLY),
    "addcdiv": _added_to(Kind.DIVIDE),
    "frac": _fraction,
    "hypot": _hypotenuse,
    "logit": _logit,
    "xlogy": _by_logarithm,
    "complex": _complex_of,
    "native_dropout": _dropout,
    "mse_loss": _squared_error,
    "lerp": _interpolated,
}
"""The rule of each operator, under its name without overload or trailing underscore."""
