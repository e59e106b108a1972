"""Arithmetic of sizes while torch runs, by the operation's name."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flopscope.sizes import (
    is_symbolic,
    maximum,
    whole_power,
)
from flopscope.symbolic import doubles, with_ceilings
from flopscope.symbolic.exactness import term
from flopscope.tracing.trail import Trail

LARGEST_POWER = 64
"""Powers with exponents up to this are multiplied out."""


def _power(base: Any, exponent: Any) -> Any:
    plain = isinstance(exponent, int) and 0 <= exponent <= LARGEST_POWER
    return base**exponent if plain else whole_power(base, exponent)


def _absolute(value: Any) -> Any:
    for size in (value, -value):
        low = size.lower() if is_symbolic(size) else size
        if low is not None and low >= 0:
            return size
    return maximum(value, -value)


def _larger(a: Any, b: Any) -> Any:
    return maximum(term(a), term(b))


def _smaller(a: Any, b: Any) -> Any:
    return -_larger(-a, -b)


BINARY: Mapping[str, tuple[Callable[[Any, Any], Any], type | None]] = {
    "add": (lambda a, b: with_ceilings(a + b), None),
    "sub": (lambda a, b: with_ceilings(a - b), None),
    "mul": (operator.mul, None),
    "floordiv": (operator.floordiv, None),
    "int_floordiv": (operator.floordiv, int),
    "mod": (operator.mod, None),
    "truediv": (doubles.over, float),
    "float_truediv": (doubles.over, float),
    "int_truediv": (doubles.over, float),
    "pow": (_power, None),
    "pow_by_natural": (_power, int),
    "float_pow": (doubles.power, float),
    "sym_min": (_smaller, None),
    "sym_max": (_larger, None),
    "lshift": (lambda a, b: a * _power(2, b), int),
    "rshift": (lambda a, b: a // _power(2, b), int),
}
"""Arithmetic of two nodes, and the type of the result (None: int, unless one of them is a
float)."""


IN_DOUBLES: Mapping[str, Callable[[Any, Any], Any]] = {
    "add": doubles.plus,
    "sub": doubles.minus,
    "mul": doubles.times,
    "floordiv": doubles.floor_over,
    "mod": doubles.rest,
    "pow": doubles.power,
}
"""Arithmetic of two nodes where the result is a float."""


UNARY: Mapping[str, tuple[Callable[[Any], Any], type | None]] = {
    "neg": (operator.neg, None),
    "abs": (_absolute, None),
    **{f"sym_{f.__name__}": (f, float) for f in doubles.FUNCTIONS},
}
"""Arithmetic of one node; and the functions of Python's math."""


def applied(function: Callable[..., Any], trail: Trail, values: Sequence[Any], pytype: type) -> Any:
    """The result in canonical form or, if it has none, for the example's numbers."""
    if not any(map(is_symbolic, values)):
        return pytype(function(*values))
    question = (function, *values, *map(type, values))
    if question not in trail.known:
        try:
            trail.known[question] = function(*values)
        except TypeError:
            trail.known[question] = NotImplemented
    result = trail.known[question]
    if result is NotImplemented:
        return pytype(function(*map(trail.fix, values)))
    return result if is_symbolic(result) else pytype(result)
