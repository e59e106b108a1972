"""Functions of Python's math between integers, kept for symbols: integers of any size, exact."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

from flopscope.symbolic.polynomial import Polynomial, call

LARGEST_BITS = 2**12
"""Of an integer power: far beyond any size, and computed at once."""


def whole_power(a: Any, b: Any) -> Any:
    """a ** b of integers. Domain: b ≥ 0.

    >>> whole_power(2, 70) - 2**70
    0
    """
    if _symbolic(a, b):
        return call(whole_power, a, b, lower=1 if _least(a) >= 1 else None)
    return _by_one(_whole_power, a, b)


def isqrt(value: Any) -> Any:
    """⌊√value⌋ of an integer ≥ 0.

    >>> isqrt(99)
    9
    """
    if _symbolic(value):
        return call(isqrt, value, lower=math.isqrt(max(0, _least(value))))
    return _by_one(math.isqrt, value)


def gcd(*values: Any) -> Any:
    """The greatest common divisor of integers.

    >>> gcd(12, 18)
    6
    """
    if _symbolic(*values):
        return call(gcd, *values, lower=1 if max(map(_least, values)) >= 1 else 0)
    return _by_one(math.gcd, *values)


def lcm(*values: Any) -> Any:
    """The least common multiple of integers: the product over the greatest common divisor.

    >>> lcm(12, 18)
    36
    """
    if not _symbolic(*values):
        return _by_one(math.lcm, *values)
    return reduce(lambda a, b: a * b // gcd(a, b), values)


def rounded_to_tens(value: Any, digits: Any) -> Any:
    """round(value, digits) of an integer, to tens where digits is -1.

    >>> rounded_to_tens(25, -1), rounded_to_tens(35, -1)
    (20, 40)
    """
    if _symbolic(value):
        return call(rounded_to_tens, value, digits, lower=0 if _least(value) >= 0 else None)
    return _by_one(round, value, digits)


def _whole_power(a: int, b: int) -> int:
    if b < 0 or b * int(a).bit_length() > LARGEST_BITS:
        raise OverflowError(f"{a} to the power of {b} is not a size")
    power: int = int(a) ** int(b)
    return power


def _symbolic(*values: Any) -> bool:
    return any(isinstance(value, Polynomial) for value in values)


def _least(value: Any) -> int:
    low = value.lower() if isinstance(value, Polynomial) else value
    return -1 if low is None else int(low)


def _by_one(function: Callable[..., int], *values: Any) -> Any:
    """Element after element, in 64 bits where all results fit."""
    if not any(hasattr(value, "dtype") for value in values):
        return function(*values)
    import numpy as np

    plain = (value.astype(object) if hasattr(value, "dtype") else value for value in values)
    results = np.asarray(np.frompyfunc(function, len(values), 1)(*plain))
    fits = all(abs(number) < 2**63 for number in results.flat)
    return results.astype("int64") if fits else results
