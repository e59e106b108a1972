"""Functions of Python's math and NumPy on symbolic sizes, and operators that torch's sizes lack.

On sizes each computes what the original does, with the same rounding. For other arguments it calls
the original.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any

import numpy as np
import torch

from flopscope.sizes import gcd, isqrt, lcm, rounded_to_tens
from flopscope.symbolic import doubles
from flopscope.tracing.node import SizeNode, size_or_number
from flopscope.tracing.size_arithmetic import applied

SIZES = (torch.SymInt, torch.SymFloat)


def of_sizes(function: Callable[..., Any], pytype: type, *values: Any) -> Any:
    """The function's result as another size: a symbolic int or float of torch."""
    node = next(value.node for value in values if _symbolic((value,)))
    plain = [value.node.value if _symbolic((value,)) else value for value in values]
    return size_or_number(node.trail, applied(function, node.trail, plain, pytype), pytype)


def _symbolic(values: Sequence[Any]) -> bool:
    return any(isinstance(v, SIZES) and isinstance(v.node, SizeNode) for v in values)


class _Either:
    """A function that is replaced if a symbolic size is among its arguments."""

    def __init__(self, original: Callable[..., Any], function: Callable[..., Any]) -> None:
        self._original = original
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = self._function if any(map(_has_symbols, args)) else self._original
        return function(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


def _has_symbols(value: Any) -> bool:
    return _symbolic(value if isinstance(value, list | tuple) else (value,))


def _real(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: of_sizes(function, float, *values)


def _whole(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: of_sizes(function, int, *values)


def _log(value: Any, base: Any = None) -> Any:
    """math.log, which divides by the logarithm of the second argument."""
    natural = MATH_FUNCTIONS["log"]
    over = value if isinstance(value, SIZES) else base
    if base is None:
        return of_sizes(doubles.log, float, over)
    return natural(value) / natural(base)


def _rest(a: Any, b: Any) -> Any:
    """math.fmod, which equals % if neither number is negative; that becomes a question on the
    trail."""
    if a >= 0 and b > 0:
        return torch.sym_float(a) % torch.sym_float(b)
    return -(torch.sym_float(-a) % torch.sym_float(abs(b)))


def _parts(value: Any) -> tuple[Any, Any]:
    """math.modf."""
    whole = torch.sym_float(math.trunc(value))
    return value - whole, whole


_MATH: Mapping[str, Callable[..., Any]] = {
    **{function.__name__: _real(function) for function in doubles.FUNCTIONS},
    "log": _log,
    "pow": lambda a, b: torch.sym_float(a) ** torch.sym_float(b),
    "fabs": lambda value: abs(torch.sym_float(value)),
    "fmod": _rest,
    "modf": _parts,
    "isnan": lambda value: False,
    "isinf": lambda value: False,
    "isfinite": lambda value: True,
    "isqrt": _whole(isqrt),
    "gcd": _whole(gcd),
    "lcm": _whole(lcm),
}

MATH_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    name: _Either(getattr(math, name), function) for name, function in _MATH.items()
}
"""The functions by their names in Python's math. Its floor, ceil, trunc and prod use a size's own
operators."""


def _scalar(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """A rounding of NumPy, which gives floats for integers too."""
    return lambda value, *args, **kwargs: torch.sym_float(function(value))


def _around(value: Any, decimals: int = 0) -> Any:
    """np.round, which multiplies, rounds and divides."""
    if isinstance(value, torch.SymInt) and decimals >= 0:
        return value
    if decimals == 0:
        return torch.sym_float(round(value))
    scale = 10.0 ** abs(decimals)
    scaled = value * scale if decimals > 0 else value / scale
    rounded = torch.sym_float(round(scaled))
    return rounded / scale if decimals > 0 else rounded * scale


_NUMPY: Mapping[str, Callable[..., Any]] = {
    **{
        name: _real(getattr(doubles, name))
        for name in "sqrt log log2 log10 exp sin cos tan sinh cosh tanh".split()
    },
    "ceil": _scalar(math.ceil),
    "floor": _scalar(math.floor),
    "trunc": _scalar(math.trunc),
    "fix": _scalar(math.trunc),
    "rint": _scalar(round),
    "round": _around,
    "around": _around,
    "abs": abs,
    "absolute": abs,
    "square": lambda value: value * value,
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "true_divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "mod": operator.mod,
    "remainder": operator.mod,
    "power": operator.pow,
    "maximum": lambda a, b: torch.sym_max(a, b),
    "minimum": lambda a, b: torch.sym_min(a, b),
    "prod": lambda values: reduce(operator.mul, values),
    "sum": sum,
}


NUMPY_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    name: _Either(getattr(np, name), function) for name, function in _NUMPY.items()
}
"""The functions by their names in NumPy, as far as code calls them with single sizes or a list of
them."""


def asking(name: str) -> Callable[..., Any]:
    """NumPy's function applied to the sizes' numbers, because NumPy does not ask a size for its
    number."""
    original = getattr(np, name)
    return _Either(original, lambda value: original(_number_of(value)))


def _number_of(value: Any) -> Any:
    return int(value) if isinstance(value, torch.SymInt) else float(value)


# --- operators ----------------------------------------------------------------------------------


def _floor_division(self: Any, other: Any) -> Any:
    """x // y; for floats as Python computes it: 1.0 // 0.1 is 9.0."""
    if isinstance(self, torch.SymInt) and isinstance(other, builtins.int | torch.SymInt):
        return self.__int_floordiv__(other)
    known = isinstance(other, builtins.int | builtins.float | torch.SymInt | torch.SymFloat)
    return of_sizes(doubles.floor_over, float, self, other) if known else NotImplemented


def _reflected_floor_division(self: Any, other: Any) -> Any:
    if isinstance(self, torch.SymInt) and isinstance(other, builtins.int):
        return self.__rint_floordiv__(other)
    known = isinstance(other, builtins.int | builtins.float)
    return of_sizes(doubles.floor_over, float, other, self) if known else NotImplemented


def _divmod(self: Any, other: Any) -> Any:
    return self // other, self % other


def _reflected_divmod(self: Any, other: Any) -> Any:
    return other // self, other % self


def _round(self: torch.SymInt, digits: int | None = None) -> Any:
    """round(x, digits), where round(x, -1) rounds to tens."""
    return self if digits is None or digits >= 0 else of_sizes(rounded_to_tens, int, self, digits)


METHODS: Sequence[tuple[type, str, Callable[..., Any]]] = (
    *(
        (kind, name, method)
        for kind in SIZES
        for name, method in (
            ("__floordiv__", _floor_division),
            ("__rfloordiv__", _reflected_floor_division),
            ("__divmod__", _divmod),
            ("__rdivmod__", _reflected_divmod),
        )
    ),
    (torch.SymInt, "__round__", _round),
)
"""Operators that torch's sizes lack, or that they define differently from Python's numbers."""


@contextmanager
def patched(methods: Sequence[tuple[type, str, Callable[..., Any]]]) -> Iterator[None]:
    """While active, the classes have these methods; afterwards they are as they were."""
    before: list[tuple[type, str, Any]] = []
    try:
        for kind, name, method in methods:
            before.append((kind, name, vars(kind).get(name)))
            setattr(kind, name, method)
        yield
    finally:
        for kind, name, old in reversed(before):
            if old is None:
                delattr(kind, name)
            else:
                setattr(kind, name, old)
