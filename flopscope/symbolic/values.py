"""Evaluation of symbols at numbers. Integers and fractions stay exact, and arrays are evaluated
elementwise.

The arguments of a rounding rule are the exception: they are computed in floating point, in the
steps of the networks' own code, because at a boundary such as 80 · 0.35 exact arithmetic would give
another network.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from flopscope.symbolic.atoms import Atom, Floor, Monomial, Number, Symbol
from flopscope.symbolic.terms import Terms, exact
from flopscope.symbolic.text import display_order, ordered

if TYPE_CHECKING:
    from flopscope.symbolic.polynomial import Term

Values = Mapping[str, Any]
"""What stands for each symbol's name: a number, an array, or another polynomial."""

Memo = dict[Atom, Any]
"""The values of atoms so far, which are shared as long as the symbols' values are the same."""


def evaluate(terms: Terms, values: Values, memo: Memo) -> Any:
    """Σ coefficient · monomial. Raises KeyError for a symbol without a value."""
    result: Any = 0
    for monomial, coefficient in terms.items():
        value: Any = coefficient
        for atom, power in monomial:
            base = _atom(atom, values, memo)
            value = value * base if power == 1 else value * base**power
        result = result + value
    return result


def quotient(numerator: Any, denominator: Any) -> Any:
    """numerator/denominator, exact. An array of integers gets fractions where a remainder is
    left."""
    if isinstance(numerator, int | Fraction) and isinstance(denominator, int | Fraction):
        return exact(Fraction(numerator) / denominator)
    if _integral(numerator) and _integral(denominator):
        whole = numerator // denominator
        left = numerator - whole * denominator != 0
        return _fractions(numerator, denominator) if left.any() else whole
    return numerator / denominator


def _integral(value: Any) -> bool:
    """Is it a whole number, or an array of such? One of dtype object can hold fractions."""
    if not hasattr(value, "dtype"):
        return isinstance(value, int)
    return value.dtype.kind in "iuO" and not any(isinstance(v, float) for v in _entries(value))


def _entries(value: Any) -> Any:
    return value.flat if value.dtype.kind == "O" else ()


def _fractions(numerator: Any, denominator: Any) -> Any:
    import numpy as np

    def divided(a: Any, b: Any) -> Number:
        return exact(Fraction(a) / Fraction(b))

    plain = (v.astype(object) if hasattr(v, "dtype") else v for v in (numerator, denominator))
    return np.frompyfunc(divided, 2, 1)(*plain)


def _atom(atom: Atom, values: Values, memo: Memo) -> Any:
    if isinstance(atom, Symbol):
        return values[atom.name]
    if atom not in memo:
        if isinstance(atom, Floor):
            numerator, divisor = atom.numerator.evaluate(values, memo), atom.divisor
            by = divisor if isinstance(divisor, int) else divisor.evaluate(values, memo)
            memo[atom] = numerator // by
        else:
            arguments = (as_code_would(a, values, memo) for a in atom.arguments)
            memo[atom] = atom.function(*arguments)
    return memo[atom]


def as_code_would(argument: Term, values: Values, memo: Memo) -> Any:
    """The value of a rounding rule's argument, in which fractions are floats as in code."""
    if isinstance(argument, int | Fraction):
        return argument if isinstance(argument, int) else float(argument)
    total: Any = None
    for monomial in in_order(argument.terms):
        value = _product(monomial, argument.terms[monomial], values, memo)
        total = value if total is None else total + value
    return total


def _product(monomial: Monomial, coefficient: Number, values: Values, memo: Memo) -> Any:
    whole, real = factors(monomial)
    result: Any = coefficient if isinstance(coefficient, int) else 1
    for atom, power in whole:
        base = _atom(atom, values, memo)
        result = result * base**power if power > 0 else result / base**-power
    symbolic = hasattr(result, "terms")
    if isinstance(coefficient, Fraction):
        result = result * (coefficient if symbolic else float(coefficient))
    for atom, power in real:
        result = result * _atom(atom, values, memo) ** power
    return result


def in_order(terms: Terms) -> list[Monomial]:
    """Monomials in the order in which code adds them up: floating-point sums depend on it."""
    if len(terms) == 1:
        return list(terms)
    return sorted(terms, key=lambda m: [(display_order(a), power) for a, power in ordered(m)])


Factors = list[tuple[Atom, int]]


def factors(monomial: Monomial) -> tuple[Factors, Factors]:
    """(integers, real numbers) in the order in which code multiplies them.

    Integers come first, with quotients last among them, so that their product is exact. A
    fractional coefficient follows, and real numbers come last.
    """
    written = list(ordered(monomial))
    whole = [(atom, power) for atom, power in written if atom.integer]
    real = [(atom, power) for atom, power in written if not atom.integer]
    return sorted(whole, key=lambda factor: factor[1] < 0), real
