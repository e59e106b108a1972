"""The questions that conditions ask about sizes. The answer is yes, no, or None while symbols
decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flopscope.errors import FlopscopeError
from flopscope.sizes import Size, any_of, is_array, is_symbolic, least, order
from flopscope.symbolic import Polynomial, Symbol, Term, substitute


def settled(difference: Any, *, equality: bool) -> Any:
    """Is difference = 0, or ≥ 0? None unless bounds or arithmetic settle it for all sizes.

    >>> from flopscope.symbolic import symbol
    >>> settled(symbol("H") - 1, equality=False), settled(symbol("H") - 2, equality=False)
    (True, None)
    """
    if not is_symbolic(difference):
        return difference == 0 if equality else difference >= 0
    low, high = least(difference), least(-difference)
    positive, negative = low is not None and low > 0, high is not None and high > 0
    if equality:
        return False if positive or negative else None
    if low is not None and low >= 0:
        return True
    return False if negative else None


def compared_doubles(value: Size) -> tuple[int, Term, Term] | None:
    """(1, a, b) of order(a, b) and (-1, a, b) of -order(a, b), which compare two doubles; None for
    other sizes."""
    for sign in (1, -1):
        found = (sign * value).sole_call(order) if is_symbolic(value) else None
        if found is not None:
            a, b = found.arguments
            return sign, a, b
    return None


def symbols_of(value: Size) -> frozenset[Symbol]:
    """The symbols that a size depends on; a number depends on none."""
    return value.symbols() if isinstance(value, Polynomial) else frozenset()


def substituted(value: Size, values: Mapping[str, Any]) -> Size | None:
    """The size with some symbols replaced; None if it has no value, which breaks a condition."""
    try:
        return substitute(value, values)
    except FlopscopeError:
        raise
    except (ArithmeticError, ValueError):
        return None


def anywhere(broken: Any) -> bool | None:
    """Is a condition broken at any place? None if that is not known."""
    return None if broken is None else any_of(broken)


def opposite(truth: Any) -> Any:
    """The negation of an answer, elementwise for arrays."""
    return ~truth if is_array(truth) else not truth
