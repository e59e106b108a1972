"""Python's floats on sizes: every step is rounded to a double, in the order of the code.

0.7 is not seven tenths: 90 · 0.7 is 62.99999999999999, and int() of that is 62. So arithmetic with
a float stays a call that waits for numbers, and then computes what the code computes. The result is
a polynomial only if doubles are exact, as for halves and quarters of sizes; like all integers in
doubles, this holds up to LARGEST.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flopscope.symbolic.exactness import (
    any_symbolic,
    exactly,
    in_one_step,
    is_exact,
    is_positive,
    is_real_atom,
    is_scaled,
    is_whole_product,
    least_of,
    lowest,
    sign_kept,
    size_first,
    term,
)
from flopscope.symbolic.numbers import divided, in_doubles, one_by_one
from flopscope.symbolic.polynomial import Polynomial, call, product
from flopscope.symbolic.terms import is_power_of_two


def plus(a: Any, b: Any) -> Any:
    """a + b in doubles.

    >>> plus(0.1, 0.2)
    0.30000000000000004
    """
    if not any_symbolic(a, b):
        return in_doubles(operator.add, a, b)
    if (result := exactly(operator.add, a, b)) is not None:
        return result
    x, y = term(a), term(b)
    if (total := in_one_step(x, y)) is not None:
        return total
    x, y = size_first(x, y)
    return _real(plus, x, y, lower=lowest(operator.add, x, y))


def minus(a: Any, b: Any) -> Any:
    """a - b in doubles.

    >>> minus(0.3, 0.1)
    0.19999999999999998
    """
    if not any_symbolic(a, b):
        return in_doubles(operator.sub, a, b)
    if (result := exactly(operator.sub, a, b)) is not None:
        return result
    x, y = term(a), term(b)
    if x == y:
        return 0
    if (total := in_one_step(x, -y)) is not None:
        return total
    low = least_of(x)
    least = None if low is None or isinstance(y, Polynomial) else math.floor(low - y)
    return _real(minus, x, y, lower=least)


def times(a: Any, b: Any) -> Any:
    """a · b in doubles.

    >>> times(90, 0.7)
    62.99999999999999
    """
    if not any_symbolic(a, b):
        return in_doubles(operator.mul, a, b)
    if (result := exactly(operator.mul, a, b)) is not None:
        return result
    x, y = term(a), term(b)
    for one, other in ((x, y), (y, x)):
        if one == 1:
            return other
        scales = not isinstance(one, Polynomial) and is_power_of_two(one) and is_scaled(other)
        if scales or (is_whole_product(one) and is_real_atom(other)):
            return product(one, other)
    x, y = size_first(x, y)
    return _real(times, x, y, lower=lowest(operator.mul, x, y))


def over(a: Any, b: Any) -> Any:
    """a / b in doubles; for two integers it is the double nearest to their quotient.

    >>> over(88, 24)
    3.6666666666666665
    """
    if not any_symbolic(a, b):
        return divided(a, b)
    if (result := exactly(operator.truediv, a, b)) is not None:
        return result
    x, y = term(a), term(b)
    if y == 1:
        return x
    if not isinstance(y, Polynomial) and is_power_of_two(y) and is_scaled(x):
        return product(x, Fraction(1) / y)
    if x == y and is_positive(y):
        return 1
    low, below = least_of(x), least_of(y)
    least = None
    if low is not None and below is not None and low >= 0 and below >= 0:
        least = 0 if isinstance(y, Polynomial) else math.floor(low / y)
    return _real(over, x, y, lower=least)


def floor_over(a: Any, b: Any) -> Any:
    """a // b of floats, a float too.

    >>> floor_over(1.0, 0.1)
    9.0
    """
    if not any_symbolic(a, b):
        return one_by_one(lambda x, y: float(x) // float(y), a, b)
    if is_exact(a) and is_exact(b) and is_positive(term(b)):
        x, y = term(a), term(b)
        return x // y
    return _real(floor_over, term(a), term(b), lower=sign_kept(a, b))


def rest(a: Any, b: Any) -> Any:
    """a % b of floats.

    >>> rest(1.0, 0.1)
    0.09999999999999995
    """
    if not any_symbolic(a, b):
        return one_by_one(lambda x, y: float(x) % float(y), a, b)
    if is_exact(a) and is_exact(b) and is_positive(term(b)):
        x, y = term(a), term(b)
        return x - y * (x // y)
    return _real(rest, term(a), term(b), lower=0 if is_positive(term(b)) else None)


def power(a: Any, b: Any) -> Any:
    """a ** b of floats. Domain: a ≥ 0.

    >>> power(64, 0.5)
    8.0
    """
    if not any_symbolic(a, b):
        return one_by_one(lambda x, y: float(x) ** float(y), a, b)
    y = term(b)
    if is_exact(a) and isinstance(y, int) and 0 <= y <= 4:
        return term(a) ** y
    return _real(power, term(a), y, lower=0 if sign_kept(a, a) == 0 else None)


def rounded_to(value: Any, digits: int) -> Any:
    """round(value, digits), a float.

    >>> rounded_to(2.675, 2)
    2.67
    """
    if not any_symbolic(value):
        return one_by_one(lambda x: round(float(x), int(digits)), value)
    return _real(rounded_to, value, digits, lower=None)


def order(a: Any, b: Any) -> Any:
    """1 if a > b, 0 if they are equal, -1 if a < b, as code that compares doubles sees them.

    >>> order(90 * 0.7, 63), order(2.0, 2)
    (-1, 0)
    """
    if not any_symbolic(a, b):
        return one_by_one(lambda x, y: (x > y) - (x < y), a, b, whole=True)
    return call(order, term(a), term(b), lower=-1)


# --- functions of math ------------------------------------------------------------------------


def _of_math(function: Callable[[float], float], grows: bool) -> Callable[[Any], Any]:
    """The function of Python's math applied to numbers one by one. `grows` says that it is monotone
    from 1 on."""

    def of_size(value: Any) -> Any:
        if not any_symbolic(value):
            return one_by_one(function, value)
        low = least_of(value) if grows else None
        least = None if low is None or low < 1 else math.floor(function(low))
        return _real(of_size, value, lower=least)

    of_size.__name__ = of_size.__qualname__ = function.__name__
    of_size.__doc__ = f"math.{function.__name__}, elementwise for arrays, kept for symbols."
    return of_size


sqrt = _of_math(math.sqrt, grows=True)
log = _of_math(math.log, grows=True)
log2 = _of_math(math.log2, grows=True)
log10 = _of_math(math.log10, grows=True)
exp = _of_math(math.exp, grows=False)
sin = _of_math(math.sin, grows=False)
cos = _of_math(math.cos, grows=False)
tan = _of_math(math.tan, grows=False)
asin = _of_math(math.asin, grows=False)
acos = _of_math(math.acos, grows=False)
atan = _of_math(math.atan, grows=False)
sinh = _of_math(math.sinh, grows=False)
cosh = _of_math(math.cosh, grows=False)
tanh = _of_math(math.tanh, grows=False)

FUNCTIONS = (sqrt, log, log2, log10, exp, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh)
"""Functions of one number, under the names that they have in Python's math."""


def _real(function: Callable[..., Any], *arguments: Any, lower: int | None) -> Polynomial:
    return call(function, *arguments, lower=lower, integer=False)
