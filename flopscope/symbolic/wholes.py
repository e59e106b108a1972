"""Functions of Python's math on integers, which stay calls for symbols. They are exact for integers
of any size."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

from flopscope.symbolic.exactness import any_symbolic
from flopscope.symbolic.numbers import one_by_one
from flopscope.symbolic.polynomial import Polynomial, call

LARGEST_BITS = 2**12
"""The most bits of an integer power, which is far beyond any size and still computed at once."""


def whole_power(a: Any, b: Any) -> Any:
    """a ** b of integers. Domain: b ≥ 0.

    >>> whole_power(2, 70) - 2**70
    0
    """
    if any_symbolic(a, b):
        return call(whole_power, a, b, lower=1 if _least(a) >= 1 else None)
    return one_by_one(_whole_power, a, b, whole=True)


def isqrt(value: Any) -> Any:
    """⌊√value⌋ of an integer ≥ 0.

    >>> isqrt(99)
    9
    """
    if any_symbolic(value):
        return call(isqrt, value, lower=math.isqrt(max(0, _least(value))))
    return one_by_one(math.isqrt, value, whole=True)


def gcd(*values: Any) -> Any:
    """The greatest common divisor of integers.

    >>> gcd(12, 18)
    6
    """
    if any_symbolic(*values):
        return call(gcd, *values, lower=1 if max(map(_least, values)) >= 1 else 0)
    return one_by_one(math.gcd, *values, whole=True)


def lcm(*values: Any) -> Any:
    """The least common multiple of integers: the product over the greatest common divisor.

    >>> lcm(12, 18)
    36
    """
    if not any_symbolic(*values):
        return one_by_one(math.lcm, *values, whole=True)
    return reduce(lambda a, b: a * b // gcd(a, b), values)


def rounded_to_tens(value: Any, digits: Any) -> Any:
    """round(value, digits) of an integer, to tens where digits is -1.

    >>> rounded_to_tens(25, -1), rounded_to_tens(35, -1)
    (20, 40)
    """
    if any_symbolic(value):
        return call(rounded_to_tens, value, digits, lower=0 if _least(value) >= 0 else None)
    return one_by_one(round, value, digits, whole=True)


def _whole_power(a: int, b: int) -> int:
    if b < 0 or b * int(a).bit_length() > LARGEST_BITS:
        raise OverflowError(f"{a} to the power of {b} is not a size")
    power: int = int(a) ** int(b)
    return power


def _least(value: Any) -> int:
    low = value.lower() if isinstance(value, Polynomial) else value
    return -1 if low is None else int(low)
