"""The three kinds of sizes (number, array and symbol), and questions that can be asked of each."""

from __future__ import annotations

from typing import Any, TypeAlias

from flopscope.symbolic import Polynomial

Size: TypeAlias = Any  # int | numpy.ndarray[int64] | Polynomial; numpy is not imported to say so
Real: TypeAlias = Any  # float | numpy.ndarray[float64] | Polynomial
Shape: TypeAlias = tuple[Size, ...]

INT64_MAX = 2**63 - 1
"""The largest integer that an element of an array holds."""


def is_symbolic(value: object) -> bool:
    """Does the value contain a free symbol?

    >>> from flopscope.symbolic import symbol
    >>> is_symbolic(symbol("H")), is_symbolic(224)
    (True, False)
    """
    return isinstance(value, Polynomial)


def is_array(value: object) -> bool:
    """Is the value an array or a number of NumPy? The answer does not import NumPy."""
    if not hasattr(value, "__array__") or isinstance(value, int | float):
        return False
    return hasattr(getattr(value, "dtype", None), "kind")  # a tensor of torch has no such kind


def is_concrete(value: object) -> bool:
    """Is the value one plain number?"""
    return not is_symbolic(value) and not is_array(value)


def any_of(truth: Any) -> bool:
    """Is a comparison true anywhere?

    >>> any_of(3 > 2)
    True
    """
    return bool(truth.any()) if is_array(truth) else bool(truth)


def as_count(truth: Any) -> Size:
    """True and False as 1 and 0, elementwise for arrays.

    >>> as_count(3 > 2)
    1
    """
    return truth.astype("int64") if is_array(truth) else int(truth)


def larger(a: Size, b: Size) -> Size:
    """The larger of two numbers, elementwise for arrays."""
    if is_array(a) or is_array(b):
        import numpy as np

        return np.maximum(a, b)
    return max(a, b)


def widened(value: Any) -> Any:
    """An array in int64 or float64, because narrower ones may wrap or round in the first product.

    Integers beyond 64 bits become Python's own (dtype object). Anything else stays as it is.

    >>> import numpy as np
    >>> widened(np.array([200, 100], dtype=np.uint8)) * 2
    array([400, 200])
    """
    if not is_array(value):
        return value
    if value.dtype.kind == "f":
        return value.astype("float64", copy=False)
    if value.dtype.kind == "u" and value.size and value.max() > INT64_MAX:
        return value.astype(object)
    return value.astype("int64", copy=False) if value.dtype.kind in "iub" else value
