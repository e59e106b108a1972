"""Python's own arithmetic on plain numbers, and on arrays element by element."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from flopscope.symbolic.terms import LARGEST


def is_numpy(value: Any) -> bool:
    """Is it an array, or a number of NumPy?"""
    return hasattr(value, "dtype")


def in_doubles(function: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """The operation on both numbers as doubles."""
    if not (is_numpy(a) or is_numpy(b)):
        return function(float(a), float(b))
    return function(_as_doubles(a), _as_doubles(b))


def _as_doubles(value: Any) -> Any:
    import numpy as np

    return np.asarray(value, dtype="float64")


def divided(a: Any, b: Any) -> Any:
    """a / b as Python divides; for two integers it is the double nearest to their quotient."""
    if not (is_numpy(a) or is_numpy(b)):
        return a / b
    if any(map(_is_large, (a, b))):
        return one_by_one(operator.truediv, a, b)
    import numpy as np

    divisor = np.asarray(b)
    if (divisor == 0).any():
        raise ZeroDivisionError("division by zero")
    return _as_doubles(a) / _as_doubles(b)


def _is_large(value: Any) -> bool:
    """Does it have integers that no double holds? Python divides and compares these without
    rounding them first."""
    if not is_numpy(value):
        return isinstance(value, int) and abs(value) > LARGEST
    if value.dtype == object:
        return True
    return value.dtype.kind in "iu" and bool(value.size) and int(abs(value).max()) > LARGEST


def one_by_one(function: Callable[..., Any], *values: Any, whole: bool = False) -> Any:
    """The operation element by element in Python's arithmetic, because NumPy rounds some functions
    differently."""
    if not any(map(is_numpy, values)):
        return function(*values)
    import numpy as np

    plain = [value.astype(object) if is_numpy(value) else value for value in values]
    results = np.frompyfunc(function, len(values), 1)(*plain)
    if whole:
        return in_64_bits(results)
    return np.asarray(results, dtype="float64")


def in_64_bits(results: Any) -> Any:
    """Integers in 64 bits if they fit, else as Python's integers."""
    import numpy as np

    fits = all(abs(value) < 2**63 for value in np.asarray(results).flat)
    return np.asarray(results, dtype="int64" if fits else object)
