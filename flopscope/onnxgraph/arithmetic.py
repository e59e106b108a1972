"""The arithmetic that a graph does on shapes, carried out on Python's numbers and polynomials.

Arrays hold Python objects, which NumPy moves and `sizes` computes with. If symbols leave something
open, Undecided is raised, and the tensor is a constant whose numbers are not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from flopscope.errors import BadInput
from flopscope.onnxgraph.model.headers import INTEGERS, SMALL, StoredTensor
from flopscope.onnxgraph.tensors import NodeCall, Undecided
from flopscope.onnxgraph.truths import Open, both, decided, either, equal, less, negation
from flopscope.sizes import (
    ceiled,
    elements,
    floor_div,
    floored,
    is_symbolic,
    maximum,
    truncate,
)

Numbers: TypeAlias = np.ndarray

LONG = 2**63


def numbers_of(call: NodeCall) -> tuple[Numbers, ...] | None:
    """The numbers of the call's outputs if they are known before any input is, else None.

    Nothing is computed ahead with learnt tensors, except with single numbers, because exporters
    store factors like this.
    """
    rule = NUMBERS.get(call.op)
    learnt = any(t is not None and t.learnt and elements(t.shape or ()) != 1 for t in call.inputs)
    if rule is None or (learnt and call.op not in ("Shape", "Size")):
        return None
    try:
        result = rule(call)
    except (Undecided, BadInput, ArithmeticError, IndexError, TypeError, ValueError):
        return None
    parts = result if isinstance(result, tuple) else (result,)
    return parts if all(map(_is_held, parts)) else None


def _is_held(numbers: Numbers) -> bool:
    """Are the numbers few, and does each fit into 64 bits? Otherwise a few nodes could make them
    endlessly long."""
    if numbers.size > SMALL:
        return False
    return all(is_symbolic(n) or not isinstance(n, int) or -LONG <= n < LONG for n in numbers.flat)


def boxed(value: Any) -> Numbers:
    """The values as an array of Python objects."""
    return np.array(value, dtype=object)


def _input(call: NodeCall, index: int) -> Numbers:
    if (numbers := call.input(index).numbers) is None:
        raise Undecided
    return numbers


# --- one number at a time ------------------------------------------------------------------------


def _each(function: Callable[..., Any], operands: int) -> Callable[[NodeCall], Numbers]:
    apply = np.frompyfunc(function, operands, 1)
    return lambda call: boxed(apply(*(_input(call, index) for index in range(operands))))


def _divide(call: NodeCall) -> Numbers:
    """Integers are divided as in C, toward zero."""
    rule = _toward_zero if call.input(0).integer else lambda a, b: a / b
    return boxed(np.frompyfunc(rule, 2, 1)(_input(call, 0), _input(call, 1)))


def _toward_zero(a: Any, b: Any) -> Any:
    if is_symbolic(a) or is_symbolic(b):
        return floor_div(a, b)
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _cast(call: NodeCall) -> Numbers:
    """Numbers are truncated to integers, and taken as they are for floats and booleans."""
    to = call.attribute("to")
    if to in INTEGERS:
        return boxed(np.frompyfunc(_whole, 1, 1)(_input(call, 0)))
    return _input(call, 0)


def _whole(value: Any) -> Any:
    return truncate(value) if is_symbolic(value) else int(value)


def _floor(value: Any) -> Any:
    return floored(value) if is_symbolic(value) else float(math.floor(value))


def _ceiling(value: Any) -> Any:
    return ceiled(value) if is_symbolic(value) else float(math.ceil(value))


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is only applied to plain numbers."""

    def apply(*values: Any) -> Any:
        if any(map(is_symbolic, values)):
            raise Undecided
        return function(*values)

    return apply


def _power(base: Any, exponent: Any) -> Any:
    if is_symbolic(exponent) or exponent > 64 or (is_symbolic(base) and exponent != int(exponent)):
        raise Undecided
    return base ** int(exponent) if is_symbolic(base) else base**exponent


def _smaller(a: Any, b: Any) -> Any:
    return a if maximum(a, b) == b else b if maximum(a, b) == a else _undecided()


def _undecided() -> Any:
    raise Undecided


# --- arrays that are moved -----------------------------------------------------------------------


def _concat(call: NodeCall) -> Numbers:
    parts = [_input(call, index) for index in range(len(call.inputs))]
    return np.concatenate(parts, axis=call.attribute("axis", 0))


def _gather(call: NodeCall) -> Numbers:
    indices = _input(call, 1).astype(int)
    return boxed(np.take(_input(call, 0), indices, axis=call.attribute("axis", 0)))


def _slice(call: NodeCall) -> Numbers:
    data = _input(call, 0)
    starts, ends = call.setting("starts", 1), call.setting("ends", 2)
    axes = call.setting("axes", 3, range(len(starts)))
    steps = call.setting("steps", 4, [1] * len(starts))
    where = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        size = data.shape[axis]
        end = None if step < 0 and end < -size else end  # below the first element
        where[axis] = slice(start, end, step)
    return data[tuple(where)]


def _split(call: NodeCall) -> tuple[Numbers, ...]:
    data, axis, parts = _input(call, 0), call.attribute("axis", 0), len(call.outputs)
    lengths = call.setting("split", 1)
    if lengths is None:
        chunk = -(-data.shape[axis] // parts)
        lengths = [chunk] * (parts - 1) + [data.shape[axis] - chunk * (parts - 1)]
    return tuple(np.split(data, np.cumsum(lengths)[:-1].astype(int), axis=axis))


def _reshape(call: NodeCall) -> Numbers:
    data = _input(call, 0)
    return data.reshape([n or data.shape[i] for i, n in enumerate(call.setting("shape", 1))])


def _squeeze(call: NodeCall) -> Numbers:
    axes = call.setting("axes", 1)
    return np.squeeze(_input(call, 0), None if axes is None else tuple(axes))


def _unsqueeze(call: NodeCall) -> Numbers:
    return np.expand_dims(_input(call, 0), tuple(call.setting("axes", 1)))


def _expand(call: NodeCall) -> Numbers:
    data = _input(call, 0)
    shape = np.broadcast_shapes(data.shape, tuple(call.setting("shape", 1)))
    return _small(shape) and np.broadcast_to(data, shape)


def _filled(call: NodeCall) -> Numbers:
    shape = tuple(_input(call, 0).tolist())
    value = call.attribute("value")
    return _small(shape) and np.full(shape, value.numbers.item() if value else 0.0, dtype=object)


def _small(shape: tuple[Any, ...]) -> Any:
    size = elements(shape)
    return (not is_symbolic(size) and size <= SMALL) or _undecided()


def _range(call: NodeCall) -> Numbers:
    start, limit, step = (_input(call, index).item() for index in range(3))
    count = max(math.ceil((limit - start) / step), 0)  # symbols have no ceiling: TypeError
    return _small((count,)) and boxed([start + i * step for i in range(count)])


def _where(call: NodeCall) -> Numbers:
    """A condition that sizes decide is asked only where the two numbers differ."""

    def choose(condition: Any, a: Any, b: Any) -> Any:
        same = isinstance(condition, Open) and equal(a, b) is True
        return a if same or decided(call, condition) else b

    operands = (_input(call, index) for index in range(3))
    return boxed(np.frompyfunc(choose, 3, 1)(*operands))


def _shape(call: NodeCall) -> Numbers:
    shape = call.shape(0)
    rank = len(shape)
    start, end = call.attribute("start", 0), call.attribute("end", rank)
    result = np.empty(rank, dtype=object)
    result[:] = shape
    return result[start:end]


def _constant(call: NodeCall) -> Numbers:
    (value,) = call.attributes.values()
    if not isinstance(value, StoredTensor):
        return boxed(value)
    return value.numbers if value.numbers is not None else _undecided()


def _reduced(ufunc: np.ufunc) -> Callable[[NodeCall], Numbers]:
    def rule(call: NodeCall) -> Numbers:
        data, axes = _input(call, 0), call.setting("axes", 1)
        kept = bool(call.attribute("keepdims", 1))
        return boxed(ufunc.reduce(data, axis=None if axes is None else tuple(axes), keepdims=kept))

    return rule


def _same(call: NodeCall) -> Numbers:
    return _input(call, 0)


NUMBERS: Mapping[str, Callable[[NodeCall], Numbers | tuple[Numbers, ...]]] = {
    "Abs": _each(_plain(abs), 1),
    "Add": _each(lambda a, b: a + b, 2),
    "And": _each(both, 2),
    "Cast": _cast,
    "Ceil": _each(_ceiling, 1),
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Div": _divide,
    "Equal": _each(equal, 2),
    "Expand": _expand,
    "Floor": _each(_floor, 1),
    "Gather": _gather,
    "Greater": _each(lambda a, b: less(b, a), 2),
    "GreaterOrEqual": _each(lambda a, b: negation(less(a, b)), 2),
    "Identity": _same,
    "Less": _each(less, 2),
    "LessOrEqual": _each(lambda a, b: negation(less(b, a)), 2),
    "Max": _each(maximum, 2),
    "Min": _each(_smaller, 2),
    "Mod": _each(lambda a, b: a % b, 2),
    "Mul": _each(lambda a, b: a * b, 2),
    "Neg": _each(lambda a: -a, 1),
    "Not": _each(negation, 1),
    "Or": _each(either, 2),
    "Pow": _each(_power, 2),
    "Range": _range,
    "ReduceProd": _reduced(np.multiply),
    "ReduceSum": _reduced(np.add),
    "Reshape": _reshape,
    "Shape": _shape,
    "Size": lambda call: boxed(elements(call.shape(0))),
    "Slice": _slice,
    "Split": _split,
    "Sqrt": _each(_plain(math.sqrt), 1),
    "Squeeze": _squeeze,
    "Sub": _each(lambda a, b: a - b, 2),
    "Transpose": lambda call: np.transpose(_input(call, 0), call.attribute("perm")),
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
"""How the numbers of each operator's output are computed. The outputs of other operators are not
known ahead."""
