"""Python's floats on sizes: every step is rounded to a double, in the order of the code.

0.7 is not seven tenths: 90 · 0.7 is 62.99999999999999, whose int is 62. So arithmetic with a float
stays a call that waits for numbers, and computes what the code computes. Only where doubles are
exact, halves and quarters of sizes, is the result a polynomial again; up to LARGEST, as are all
integers in doubles.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flopscope.symbolic.atoms import Call
from flopscope.symbolic.polynomial import Polynomial, Term, call, product, summed
from flopscope.symbolic.terms import fraction_of, is_few_bits, is_power_of_two

LARGEST = 2**53
"""Integers up to this one are doubles."""


def plus(a: Any, b: Any) -> Any:
    """a + b in doubles.

    >>> plus(0.1, 0.2)
    0.30000000000000004
    """
    if not _symbolic(a, b):
        return _numbers(operator.add, a, b)
    if (result := _exactly(operator.add, a, b)) is not None:
        return result
    x, y = term(a), term(b)
    if (total := _in_one_step(x, y)) is not None:
        return total
    x, y = _size_first(x, y)
    return _real(plus, x, y, lower=_lowest(operator.add, x, y))


def minus(a: Any, b: Any) -> Any:
    """a - b in doubles.

    >>> minus(0.3, 0.1)
    0.19999999999999998
    """
    if not _symbolic(a, b):
        return _numbers(operator.sub, a, b)
    if (result := _exactly(operator.sub, a, b)) is not None:
        return result
    x, y = term(a), term(b)
    if x == y:
        return 0
    if (total := _in_one_step(x, -y)) is not None:
        return total
    low = _least(x)
    least = None if low is None or isinstance(y, Polynomial) else math.floor(low - y)
    return _real(minus, x, y, lower=least)


def times(a: Any, b: Any) -> Any:
    """a · b in doubles.

    >>> times(90, 0.7)
    62.99999999999999
    """
    if not _symbolic(a, b):
        return _numbers(operator.mul, a, b)
    if (result := _exactly(operator.mul, a, b)) is not None:
        return result
    x, y = term(a), term(b)
    for one, other in ((x, y), (y, x)):
        if one == 1:
            return other
        scales = not isinstance(one, Polynomial) and is_power_of_two(one) and _is_scaled(other)
        if scales or (_is_whole_product(one) and _is_real_atom(other)):
            return product(one, other)
    x, y = _size_first(x, y)
    return _real(times, x, y, lower=_lowest(operator.mul, x, y))


def over(a: Any, b: Any) -> Any:
    """a / b in doubles: of two integers the double nearest to their quotient.

    >>> over(88, 24)
    3.6666666666666665
    """
    if not _symbolic(a, b):
        return _divided(a, b)
    if (result := _exactly(operator.truediv, a, b)) is not None:
        return result
    x, y = term(a), term(b)
    if y == 1:
        return x
    if not isinstance(y, Polynomial) and is_power_of_two(y) and _is_scaled(x):
        return product(x, Fraction(1) / y)
    if x == y and _positive(y):
        return 1
    low, below = _least(x), _least(y)
    least = None
    if low is not None and below is not None and low >= 0 and below >= 0:
        least = 0 if isinstance(y, Polynomial) else math.floor(low / y)
    return _real(over, x, y, lower=least)


def floor_over(a: Any, b: Any) -> Any:
    """a // b of floats, a float too.

    >>> floor_over(1.0, 0.1)
    9.0
    """
    if not _symbolic(a, b):
        return _by_one(lambda x, y: float(x) // float(y), a, b)
    if is_exact(a) and is_exact(b) and _positive(term(b)):
        x, y = term(a), term(b)
        return x // y
    return _real(floor_over, term(a), term(b), lower=_sign_kept(a, b))


def rest(a: Any, b: Any) -> Any:
    """a % b of floats.

    >>> rest(1.0, 0.1)
    0.09999999999999995
    """
    if not _symbolic(a, b):
        return _by_one(lambda x, y: float(x) % float(y), a, b)
    if is_exact(a) and is_exact(b) and _positive(term(b)):
        x, y = term(a), term(b)
        return x - y * (x // y)
    return _real(rest, term(a), term(b), lower=0 if _positive(term(b)) else None)


def power(a: Any, b: Any) -> Any:
    """a ** b of floats. Domain: a ≥ 0.

    >>> power(64, 0.5)
    8.0
    """
    if not _symbolic(a, b):
        return _by_one(lambda x, y: float(x) ** float(y), a, b)
    y = term(b)
    if is_exact(a) and isinstance(y, int) and 0 <= y <= 4:
        return term(a) ** y
    return _real(power, term(a), y, lower=0 if _sign_kept(a, a) == 0 else None)


def rounded_to(value: Any, digits: int) -> Any:
    """round(value, digits), a float.

    >>> rounded_to(2.675, 2)
    2.67
    """
    if not _symbolic(value):
        return _by_one(lambda x: round(float(x), int(digits)), value)
    return _real(rounded_to, value, digits, lower=None)


def order(a: Any, b: Any) -> Any:
    """1 where a > b, 0 where they are equal, -1 where a < b: how code that compares sees them.

    >>> order(90 * 0.7, 63), order(2.0, 2)
    (-1, 0)
    """
    if not _symbolic(a, b):
        return _by_one(lambda x, y: (x > y) - (x < y), a, b, whole=True)
    return call(order, term(a), term(b), lower=-1)


# --- functions of math ------------------------------------------------------------------------


def _of_math(function: Callable[[float], float], grows: bool) -> Callable[[Any], Any]:
    """The function of Python's math on numbers, one by one; `grows` where it is monotone from 1."""

    def of_size(value: Any) -> Any:
        if not _symbolic(value):
            return _by_one(function, value)
        low = _least(value) if grows else None
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
"""Of one number each, under the names that they have in Python's math."""


# --- what is exact ----------------------------------------------------------------------------


def is_exact(value: Any) -> bool:
    """Is the size a double itself, up to LARGEST, as code computes it?"""
    if isinstance(value, Polynomial):
        whole = all(atom.integer and power > 0 for m in value.terms for atom, power in m)
        return whole and all(is_power_of_two(c.denominator) for c in value.terms.values())
    return isinstance(value, int) or is_few_bits(value)


def term(value: Any) -> Any:
    """A float as the fraction that stands for it, exactly where it has few bits."""
    return fraction_of(value) if isinstance(value, float) else value


def is_one_product(value: Term) -> bool:
    """Is the value what code gets in one product of whole factors and at most one real number?"""
    if not isinstance(value, Polynomial):
        return True
    if len(value.terms) > 1:
        return False
    return is_exact(value) or _is_scaled(value) or _is_whole_times_real(value)


def _exactly(function: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """The exact result, where operands and result are doubles; None where they are not."""
    if not (is_exact(a) and is_exact(b)):
        return None
    if function is operator.truediv and not _divides(term(b)):
        return None
    try:
        result = function(term(a), term(b))
    except ValueError:  # a quotient that cannot be written as a sum
        return None
    return result if is_exact(result) else None


def _size_first(x: Term, y: Term) -> tuple[Term, Term]:
    """The size before the number, so that 0.7 · H is the same as H · 0.7."""
    return (x, y) if isinstance(x, Polynomial) else (y, x)


def _in_one_step(x: Term, y: Term) -> Any:
    """x + y where code rounds once, in either order, so that a sum of two summands says it."""
    if _is_zero(x) or _is_zero(y):
        return summed(x, y)
    if is_one_product(x) and is_one_product(y):
        total = summed(x, y)
        apart = isinstance(total, Polynomial) and len(total.terms) == 2
        return total if apart or (x == y and _is_scaled(x)) else None
    return None


def _divides(value: Term) -> bool:
    """Is it never 0?"""
    return _positive(value) or (not isinstance(value, Polynomial) and value != 0)


def _is_whole_product(value: Term) -> bool:
    """One product of integers."""
    if not isinstance(value, Polynomial):
        return isinstance(value, int)
    return len(value.terms) == 1 and is_exact(value) and value.denominator() == 1


def _is_real_atom(value: Term) -> bool:
    """A multiplier, or one result of floating-point arithmetic."""
    return _is_scaled(value) and set(value.terms.values()) == {1}  # type: ignore[union-attr]


def _is_scaled(value: Term) -> bool:
    """A power of two times a real number: no rounding is in the product."""
    if not isinstance(value, Polynomial) or len(value.terms) != 1:
        return False
    ((monomial, coefficient),) = value.terms.items()
    powers = list(monomial)
    alone = len(powers) == 1 and powers[0][1] == 1 and not powers[0][0].integer
    return alone and is_power_of_two(coefficient)


def _is_whole_times_real(value: Polynomial) -> bool:
    ((monomial, coefficient),) = value.terms.items()
    real = [power for atom, power in monomial if not atom.integer]
    whole = all(power > 0 for _, power in monomial)
    return isinstance(coefficient, int) and real == [1] and whole


def _is_zero(value: Any) -> bool:
    return not isinstance(value, Polynomial) and value == 0


# --- bounds -----------------------------------------------------------------------------------


def _least(value: Any) -> Any:
    return value.lower() if isinstance(value, Polynomial) else value


def _positive(value: Any) -> bool:
    low = _least(value)
    return low is not None and bool(low > 0)


def _lowest(function: Callable[[Any, Any], Any], a: Any, b: Any) -> int | None:
    """A lower bound of a function that grows in both numbers while neither is negative."""
    low, other = _least(a), _least(b)
    if low is None or other is None or min(low, other) < 0:
        return None
    return math.floor(float(function(float(low), float(other))))


def _sign_kept(a: Any, b: Any) -> int | None:
    """0 as a lower bound where neither is negative; None elsewhere."""
    lows = (_least(a), _least(b))
    return 0 if all(low is not None and low >= 0 for low in lows) else None


# --- numbers ----------------------------------------------------------------------------------


def _symbolic(*values: Any) -> bool:
    return any(isinstance(value, Polynomial) for value in values)


def _real(function: Callable[..., Any], *arguments: Any, lower: int | None) -> Polynomial:
    return call(function, *arguments, lower=lower, integer=False)


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype")


def _numbers(function: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    if not (_is_array(a) or _is_array(b)):
        return function(float(a), float(b))
    return function(_as_doubles(a), _as_doubles(b))


def _as_doubles(value: Any) -> Any:
    import numpy as np

    return np.asarray(value, dtype="float64")


def _divided(a: Any, b: Any) -> Any:
    if not (_is_array(a) or _is_array(b)):
        return a / b
    if any(map(_is_large, (a, b))):
        return _by_one(operator.truediv, a, b)
    import numpy as np

    divisor = np.asarray(b)
    if (divisor == 0).any():
        raise ZeroDivisionError("division by zero")
    return _as_doubles(a) / _as_doubles(b)


def _is_large(value: Any) -> bool:
    """Has it integers that no double holds? Python divides and compares them without rounding."""
    if not _is_array(value):
        return isinstance(value, int) and abs(value) > LARGEST
    if value.dtype == object:
        return True
    return value.dtype.kind in "iu" and bool(value.size) and int(abs(value).max()) > LARGEST


def _by_one(function: Callable[..., Any], *values: Any, whole: bool = False) -> Any:
    """Element after element in Python's own arithmetic: NumPy's rounds some functions otherwise."""
    if not any(map(_is_array, values)):
        return function(*values)
    import numpy as np

    plain = [value.astype(object) if _is_array(value) else value for value in values]
    results = np.frompyfunc(function, len(values), 1)(*plain)
    if whole:
        return _small(results)
    return np.asarray(results, dtype="float64")


def _small(results: Any) -> Any:
    """Integers in 64 bits where they fit."""
    import numpy as np

    fits = all(abs(value) < 2**63 for value in np.asarray(results).flat)
    return np.asarray(results, dtype="int64" if fits else object)


def sole_double(value: Any) -> Call | None:
    """The call of floating-point arithmetic, where the value is nothing else."""
    if isinstance(value, Polynomial) and _is_real_atom(value):
        (atom,) = value.atoms()
        return atom if isinstance(atom, Call) else None
    return None
