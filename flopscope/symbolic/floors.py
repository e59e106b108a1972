"""The canonical form of ⌊P/d⌋: multiples of d outside, common factors cancelled, floors merged.

⌊(d·Q + R)/d⌋ = Q + ⌊R/d⌋          ⌊k·N/(k·d)⌋ = ⌊N/d⌋
⌊(⌊N/a⌋ + k)/b⌋ = ⌊(N + a·k)/(a·b)⌋      ⌊−N/d⌋ = −⌈N/d⌉
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import gcd, lcm
from types import MappingProxyType
from typing import NamedTuple

from flopscope.symbolic.atoms import ONE, Floor, Monomial, Number, Symbol
from flopscope.symbolic.terms import (
    Terms,
    add,
    constant,
    inverse,
    multiply,
    scale,
    simple_quotient,
)


class Division(NamedTuple):
    """outside + sign · ⌊numerator/divisor⌋. There is no numerator if nothing is left to round."""

    outside: Terms
    numerator: Terms = MappingProxyType({})
    divisor: int | Terms = 1
    sign: int = 1


def by_integer(terms: Terms, divisor: int) -> Division:
    """⌊terms/divisor⌋ for integer-valued terms (rational coefficients too) and divisor ≥ 1.

    >>> by_integer({ONE: 7}, 2).outside == {ONE: 3}
    True
    """
    factor = scale(terms)
    whole, divisor = {m: int(c * factor) for m, c in terms.items()}, divisor * factor
    if not _falls(whole):
        return _split(whole, divisor)
    mirrored = add({m: -c for m, c in whole.items()}, {ONE: divisor - 1})
    outside, numerator, by, sign = by_integer(mirrored, divisor)
    return Division({m: -c for m, c in outside.items()}, numerator, by, -sign)


def _falls(terms: Terms) -> bool:
    """Does it have symbols, and none with a positive coefficient? Then -⌊(d-1-P)/d⌋ is reduced
    instead."""
    return {c < 0 for m, c in terms.items() if m != ONE} == {True}


def _split(terms: Mapping[Monomial, int], divisor: int) -> Division:
    """The integer multiples of the divisor, and the rest."""
    outside: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for monomial, coefficient in terms.items():
        whole, kept = divmod(coefficient, divisor)
        if monomial != ONE and kept and abs(coefficient) < divisor:
            whole, kept = 0, coefficient  # -H stays as it is: -H + (d-1)·H reads worse
        if whole:
            outside[monomial] = whole
        if kept:
            rest[monomial] = kept
    if rest.keys() <= {ONE}:
        return Division(outside)
    division = _reduced(rest, divisor)
    return division._replace(outside=add(outside, division.outside))


def _reduced(rest: dict[Monomial, int], divisor: int) -> Division:
    """⌊rest/divisor⌋ reduced, if no coefficient is a multiple of the divisor and some term has a
    symbol."""
    if _falls(rest):
        return by_integer(rest, divisor)
    variable = {m: c for m, c in rest.items() if m != ONE}
    shift = rest.get(ONE, 0)
    common = gcd(divisor, *variable.values())
    variable = {m: c // common for m, c in variable.items()}
    shift, divisor = shift // common, divisor // common
    if divisor == 1:
        return Division(add(variable, constant(shift)))
    if (inner := _sole_floor(variable)) is not None:
        numerator, by = inner
        return by_integer(add(numerator, constant(shift * by)), by * divisor)
    return Division({}, add(variable, constant(shift)), divisor)


def by_terms(terms: Terms, divisor: Terms) -> Division:
    """⌊terms/divisor⌋ for a symbolic divisor above 0. Terms that it divides are taken out one by
    one."""
    factor = lcm(scale(terms), scale(divisor))
    terms = {m: c * factor for m, c in terms.items()}
    divisor = {m: c * factor for m, c in divisor.items()}
    parts = [terms] if len(divisor) > 1 else [{m: c} for m, c in terms.items()]
    outside: dict[Monomial, Number] = {}
    kept: dict[Monomial, Number] = {}
    for part in parts:
        quotient = simple_quotient(part, divisor)
        if quotient is not None and all(map(_is_whole, quotient, quotient.values())):
            outside.update(quotient)
        else:
            kept.update(part)
    if not kept:
        return Division(outside)
    rest, divisor = _cancelled(kept, divisor)
    if divisor.keys() != {ONE}:
        return Division(outside, rest, divisor)
    division = by_integer(rest, int(divisor[ONE]))
    return division._replace(outside=add(outside, division.outside))


def _cancelled(rest: Terms, divisor: Terms) -> tuple[Terms, Terms]:
    """Both divided by the integer and the symbols that all their terms share."""
    number = gcd(*(int(c) for c in (*rest.values(), *divisor.values())))
    monomials = [dict(monomial) for monomial in (*rest, *divisor)]
    shared = {
        atom: power
        for atom in monomials[-1]
        if isinstance(atom, Symbol) and (power := min(m.get(atom, 0) for m in monomials)) > 0
    }
    inverted: Terms = {inverse(frozenset(shared.items())): Fraction(1, number)}
    return multiply(rest, inverted), multiply(divisor, inverted)


def _is_whole(monomial: Monomial, coefficient: Number) -> bool:
    return coefficient.denominator == 1 and all(power > 0 for _, power in monomial)


def _sole_floor(variable: Terms) -> tuple[Terms, int] | None:
    """(P, a) of {⌊P/a⌋: 1} with integer a."""
    if len(variable) != 1:
        return None
    ((monomial, coefficient),) = variable.items()
    if coefficient == 1 and len(monomial) == 1:
        ((atom, power),) = monomial
        if power == 1 and isinstance(atom, Floor) and isinstance(atom.divisor, int):
            return atom.numerator.terms, atom.divisor
    return None
