"""Polynomials without roundings that bound a size with roundings from below or from above.

With them, bounds decide what canonical forms cannot, such as that int(T · 0.7) is less than T for
all T.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from flopscope.sizes.kinds import Size, is_symbolic
from flopscope.sizes.rounding import is_integral
from flopscope.sizes.rules import HALF, rule_of
from flopscope.symbolic import Atom, Call, Floor, Monomial, Number, Polynomial, Symbol, add_all
from flopscope.symbolic.doubles import log, log2, log10, minus, over, plus, power, sqrt, times
from flopscope.symbolic.wholes import isqrt

SLACK = Fraction(1, 2**48)
"""A few roundings to doubles change a number by less than this part of it."""


def least(value: Size) -> int | None:
    """A lower bound, from `Polynomial.lower` or else from what is known of roundings.

    >>> from flopscope.sizes import truncate
    >>> from flopscope.symbolic import symbol
    >>> T = symbol("T")
    >>> least(T - truncate(T * 0.7))
    1
    """
    if not is_symbolic(value):
        return int(value.__floor__())
    low: int | None = value.lower()
    if low is not None or all(isinstance(atom, Symbol) for atom in value.atoms()):
        return low
    bound = enclosed(value, up=False)
    below = bound.lower_bound() if isinstance(bound, Polynomial) else bound
    if below is None:
        return None
    return int(-(-below // 1) if is_integral(value) else below // 1)


def enclosed(value: Size, *, up: bool) -> Size | None:
    """A polynomial of symbols alone that is never below the value (`up`), or never above it; None
    if unknown.

    >>> from flopscope.symbolic import symbol
    >>> print(enclosed((symbol("H") + 1) // 2, up=True))
    1/2·H + 1/2
    """
    if not isinstance(value, Polynomial):
        return value
    bounds = [_of_term(m, c, up) for m, c in value.terms.items()]
    known = [bound for bound in bounds if bound is not None]
    return add_all(known) if len(known) == len(bounds) else None


def _of_term(monomial: Monomial, coefficient: Number, up: bool) -> Size | None:
    sizes = {a: power for a, power in monomial if isinstance(a, Symbol) and power > 0}
    others = [(atom, power) for atom, power in monomial if atom not in sizes]
    around = Polynomial({frozenset(sizes.items()): coefficient}) if sizes else coefficient
    if not others:
        return around
    ((atom, power), *more) = others
    if more or power != 1:
        return None
    bound = _of_atom(atom, up=up if coefficient > 0 else not up)
    return None if bound is None else around * bound


def _of_atom(atom: Atom, *, up: bool) -> Size | None:
    if isinstance(atom, Floor) and isinstance(atom.divisor, int):
        inner = enclosed(atom.numerator, up=up)
        slack = 0 if up else 1 - Fraction(1, atom.divisor)
        return None if inner is None else inner / Fraction(atom.divisor) - slack
    if isinstance(atom, Call) and (found := _of_call(atom, up=up)) is not None:
        return found
    return None if up else atom.lower


def _of_call(call: Call, *, up: bool) -> Size | None:
    if (within := rule_of(call).within) is not None:
        return _rounding(up, *within, *call.arguments)
    enclosure = ENCLOSURES.get(call.function)
    return None if enclosure is None else enclosure(up, *call.arguments)


def _rounding(up: bool, below: Number, above: Number, value: Size, *minimum: Size) -> Size | None:
    inner = enclosed(value, up=up)
    if inner is None or not _is_positive(value):
        return None
    return inner + above + sum(minimum) if up else inner - below


def _product(up: bool, a: Size, b: Size) -> Size | None:
    size, factor = (b, a) if is_symbolic(b) else (a, b)
    if is_symbolic(factor) or factor <= 0 or not _is_positive(size):
        return None
    inner = enclosed(size, up=up)
    return None if inner is None else _loosened(inner * Fraction(factor), up)


def _quotient(up: bool, a: Size, b: Size) -> Size | None:
    return None if is_symbolic(b) else _product(up, a, 1 / Fraction(b))


def _sum(up: bool, a: Size, b: Size) -> Size | None:
    first, second = enclosed(a, up=up), enclosed(b, up=up)
    if first is None or second is None or not (_is_positive(a) and _is_positive(b)):
        return None
    return _loosened(first + second, up)


def _difference(up: bool, a: Size, b: Size) -> Size | None:
    """Bounds of a − b where b is a number. Each part is loosened by more than the rounding of the
    difference."""
    inner = enclosed(a, up=up)
    if inner is None or is_symbolic(b) or b < 0 or not _is_positive(a):
        return None
    return _loosened(inner, up) - Fraction(b) * (1 - SLACK if up else 1 + SLACK)


def _root(up: bool, value: Size, exponent: Size = HALF) -> Size | None:
    """√x ≤ (x + 1)/2, and so with every exponent from 0 to 1: xᵖ ≤ x + 1."""
    inner = enclosed(value, up=True)
    small = not is_symbolic(exponent) and 0 <= exponent <= 1
    if not up or inner is None or not small or not _is_positive(value):
        return None
    return _loosened((inner + 1) * (HALF if exponent == HALF else 1), up)


def _logarithm(up: bool, value: Size) -> Size | None:
    """log x and log₂ x are below x/2 + 1."""
    inner = enclosed(value, up=True)
    return None if not up or inner is None or not _is_positive(value) else inner * HALF + 1


def _loosened(value: Any, up: bool) -> Any:
    """A bound a little above, or below, a value that is not negative."""
    return value * (1 + SLACK if up else 1 - SLACK)


def _is_positive(value: Size) -> bool:
    low = value.lower() if isinstance(value, Polynomial) else value
    return low is not None and bool(low >= 0)


ENCLOSURES: Mapping[Callable[..., Any], Callable[..., Size | None]] = {
    times: _product,
    over: _quotient,
    plus: _sum,
    minus: _difference,
    sqrt: _root,
    power: _root,
    isqrt: _root,
    log: _logarithm,
    log2: _logarithm,
    log10: _logarithm,
}
"""Bounds of arithmetic in doubles, from the bounds of the operands. Those of the roundings follow
from `within` in their rows of `flopscope.sizes.rules`."""
