"""Operators that treat every element alike: activations, functions, and pairs of operands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isclose
from typing import Any

from flopscope.facts import Function, Kind
from flopscope.onnxgraph.tensors import NodeCall, NodeFacts
from flopscope.sizes import is_symbolic


def _activation(function: Function, **settings: float) -> Callable[[NodeCall], NodeFacts | None]:
    """The function, if every named attribute is near its usual value or is left out."""

    def rule(call: NodeCall) -> NodeFacts | None:
        near = all(isclose(call.attribute(k, v), v, rel_tol=1e-5) for k, v in settings.items())
        return NodeFacts(Kind.ACTIVATION, (call.input(0),), function=function) if near else None

    return rule


def _gelu(call: NodeCall) -> NodeFacts | None:
    tanh = call.attribute("approximate", "none") == "tanh"
    return _activation(Function.GELU_TANH if tanh else Function.GELU)(call)


def _prelu(call: NodeCall) -> NodeFacts:
    return NodeFacts(Kind.ACTIVATION, (call.input(0),), (call.input(1),), function=Function.PRELU)


def _clip(call: NodeCall) -> NodeFacts:
    bounds = [_bound(call, name, index) for index, name in enumerate(("min", "max"), start=1)]
    given = [bound for bound in bounds if bound is not None]
    if bounds == [0, 6]:
        return NodeFacts(Kind.ACTIVATION, (call.input(0),), function=Function.RELU6)
    function = Function.CLAMP if len(given) == 2 else Function.BOUND
    return NodeFacts(Kind.ELEMENTWISE, (call.input(0),), function=function)


def _bound(call: NodeCall, name: str, index: int) -> Any:
    """The number of a bound; None if there is no bound, and its tensor if the number is not
    known."""
    tensor = call.optional(index)
    if tensor is None:
        return call.attribute(name)
    return tensor if tensor.numbers is None else tensor.numbers.item()


def _elementwise(function: Function) -> Callable[[NodeCall], NodeFacts]:
    return lambda call: NodeFacts(Kind.ELEMENTWISE, (call.input(0),), function=function)


def _power(call: NodeCall) -> NodeFacts:
    x, exponent = call.input(0), call.input(1)
    known = exponent.numbers is not None and exponent.numbers.size == 1
    number = exponent.numbers.item() if known and exponent.numbers is not None else None
    function = Function.POWER if is_symbolic(number) else POWERS.get(number, Function.POWER)
    return NodeFacts(Kind.ELEMENTWISE, (x,) if known else (x, exponent), function=function)


POWERS: Mapping[Any, Function] = {
    2: Function.SQUARE,
    3: Function.CUBE,
    0.5: Function.SQRT,
    -1: Function.RECIPROCAL,
    -0.5: Function.RECIPROCAL_SQRT,
}


def _truth(call: NodeCall) -> NodeFacts:
    return NodeFacts(Kind.COMPARE, (call.input(0),))


def _pairwise(kind: Kind) -> Callable[[NodeCall], NodeFacts | None]:
    """An operation on two operands. A sum or maximum of more operands is not one row."""

    def rule(call: NodeCall) -> NodeFacts | None:
        operands = tuple(tensor for tensor in call.inputs if tensor is not None)
        return NodeFacts(kind, operands) if len(operands) == 2 else None

    return rule


ELEMENTARY = "Acos Acosh Asin Asinh Atan Atanh Cosh Sinh Tan".split()
"""Functions that count as one act each, as sine and exponential do."""

ELEMENTWISE: Mapping[str, Callable[[NodeCall], NodeFacts | None]] = {
    # activations
    "Relu": _activation(Function.RELU),
    "Clip": _clip,
    "Sigmoid": _activation(Function.SIGMOID),
    "Swish": _activation(Function.SILU, alpha=1.0),
    "ThresholdedRelu": _activation(Function.BOUND),
    "Tanh": _activation(Function.TANH),
    "Gelu": _gelu,
    "HardSigmoid": _activation(Function.HARD_SIGMOID),
    "HardSwish": _activation(Function.HARD_SWISH),
    "LeakyRelu": _activation(Function.LEAKY_RELU),
    "PRelu": _prelu,
    "Elu": _activation(Function.ELU),
    "Softplus": _activation(Function.SOFTPLUS),
    "Mish": _activation(Function.MISH),
    # functions
    "Neg": _elementwise(Function.NEGATE),
    "Abs": _elementwise(Function.ABS),
    "Floor": _elementwise(Function.ROUND),
    "Ceil": _elementwise(Function.ROUND),
    "Round": _elementwise(Function.ROUND),
    "Sign": _elementwise(Function.ROUND),
    "Pow": _power,
    "Sqrt": _elementwise(Function.SQRT),
    "Reciprocal": _elementwise(Function.RECIPROCAL),
    "Exp": _elementwise(Function.EXP),
    "Log": _elementwise(Function.LOG),
    "Erf": _elementwise(Function.ERF),
    "Sin": _elementwise(Function.SIN),
    "Cos": _elementwise(Function.SIN),
    **dict.fromkeys(ELEMENTARY, _elementwise(Function.ELEMENTARY)),
    # two operands
    "Add": _pairwise(Kind.ADD),
    "Sub": _pairwise(Kind.ADD),
    "Mul": _pairwise(Kind.MULTIPLY),
    "Div": _pairwise(Kind.DIVIDE),
    "Mod": _pairwise(Kind.DIVIDE),
    "Max": _pairwise(Kind.COMPARE),
    "Min": _pairwise(Kind.COMPARE),
    "Equal": _pairwise(Kind.COMPARE),
    "Greater": _pairwise(Kind.COMPARE),
    "GreaterOrEqual": _pairwise(Kind.COMPARE),
    "Less": _pairwise(Kind.COMPARE),
    "LessOrEqual": _pairwise(Kind.COMPARE),
    "And": _pairwise(Kind.COMPARE),
    "Or": _pairwise(Kind.COMPARE),
    "Xor": _pairwise(Kind.COMPARE),
    "BitShift": _pairwise(Kind.COMPARE),
    "BitwiseAnd": _pairwise(Kind.COMPARE),
    "BitwiseOr": _pairwise(Kind.COMPARE),
    "BitwiseXor": _pairwise(Kind.COMPARE),
    **dict.fromkeys(["BitwiseNot", "IsInf", "IsNaN", "Not"], _truth),
}
"""The rule of each operator; part of `operators.OPERATORS`."""
