"""Which sizes doubles hold exactly, and what is known of other sizes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from flopscope.symbolic.atoms import Call
from flopscope.symbolic.polynomial import Polynomial, Term, summed
from flopscope.symbolic.terms import fraction_of, is_few_bits, is_power_of_two


def is_exact(value: Any) -> bool:
    """Is the size a double itself, up to LARGEST, as code computes it?"""
    if isinstance(value, Polynomial):
        whole = all(atom.integer and power > 0 for m in value.terms for atom, power in m)
        return whole and all(is_power_of_two(c.denominator) for c in value.terms.values())
    return isinstance(value, int) or is_few_bits(value)


def term(value: Any) -> Any:
    """The fraction that stands for a float, which is exact if the float has few bits."""
    return fraction_of(value) if isinstance(value, float) else value


def is_one_product(value: Term) -> bool:
    """Does code compute the value as one product of integers and at most one real number?"""
    if not isinstance(value, Polynomial):
        return True
    if len(value.terms) > 1:
        return False
    return is_exact(value) or is_scaled(value) or _is_whole_times_real(value)


def exactly(function: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """The exact result if operands and result are doubles, else None."""
    if not (is_exact(a) and is_exact(b)):
        return None
    if function is operator.truediv and not _divides(term(b)):
        return None
    try:
        result = function(term(a), term(b))
    except ValueError:  # the quotient cannot be written as a sum
        return None
    return result if is_exact(result) else None


def size_first(x: Term, y: Term) -> tuple[Term, Term]:
    """The operands with the size before the number, so that 0.7 · H is the same as H · 0.7."""
    return (x, y) if isinstance(x, Polynomial) else (y, x)


def in_one_step(x: Term, y: Term) -> Any:
    """x + y as a plain sum, if code rounds only once in either order; else None."""
    if _is_zero(x) or _is_zero(y):
        return summed(x, y)
    if is_one_product(x) and is_one_product(y):
        total = summed(x, y)
        apart = isinstance(total, Polynomial) and len(total.terms) == 2
        return total if apart or (x == y and is_scaled(x)) else None
    return None


def _divides(value: Term) -> bool:
    """Is it never 0?"""
    return is_positive(value) or (not isinstance(value, Polynomial) and value != 0)


def is_whole_product(value: Term) -> bool:
    """One product of integers."""
    if not isinstance(value, Polynomial):
        return isinstance(value, int)
    return len(value.terms) == 1 and is_exact(value) and value.denominator() == 1


def is_real_atom(value: Term) -> bool:
    """A multiplier, or one result of floating-point arithmetic."""
    return is_scaled(value) and set(value.terms.values()) == {1}  # type: ignore[union-attr]


def is_scaled(value: Term) -> bool:
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


def sole_double(value: Any) -> Call | None:
    """The call of floating-point arithmetic, if the value is nothing but one."""
    if isinstance(value, Polynomial) and is_real_atom(value):
        (atom,) = value.atoms()
        return atom if isinstance(atom, Call) else None
    return None


# --- bounds ------------------------------------------------------------------------------------


def least_of(value: Any) -> Any:
    """A lower bound of a size, or the number itself; None if none is known."""
    return value.lower() if isinstance(value, Polynomial) else value


def is_positive(value: Any) -> bool:
    """Is it known to be above 0?"""
    low = least_of(value)
    return low is not None and bool(low > 0)


def lowest(function: Callable[[Any, Any], Any], a: Any, b: Any) -> int | None:
    """A lower bound of a function that grows in both numbers while neither is negative."""
    low, other = least_of(a), least_of(b)
    if low is None or other is None or min(low, other) < 0:
        return None
    return math.floor(float(function(float(low), float(other))))


def sign_kept(a: Any, b: Any) -> int | None:
    """The lower bound 0 if neither is negative; else None."""
    lows = (least_of(a), least_of(b))
    return 0 if all(low is not None and low >= 0 for low in lows) else None


def any_symbolic(*values: Any) -> bool:
    """Does one of the values contain a symbol?"""
    return any(isinstance(value, Polynomial) for value in values)
