"""Sums as plain mappings from monomial to coefficient: how they add, multiply and compare.

A mapping never has a coefficient of 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import isfinite, lcm
from typing import TypeAlias

from flopscope.symbolic.atoms import ONE, Atom, Monomial, Number

Terms: TypeAlias = Mapping[Monomial, Number]


def exact(value: Number) -> Number:
    """The number, as an int if it is whole.

    >>> exact(Fraction(6, 2)), exact(Fraction(1, 2))
    (3, Fraction(1, 2))
    """
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


def simplest_fraction(value: float) -> Number:
    """The fraction of small denominator that rounds to this very float. Domain: a finite float.

    >>> simplest_fraction(2.3), simplest_fraction(88 / 24), simplest_fraction(6.0)
    (Fraction(23, 10), Fraction(11, 3), 6)
    """
    candidate = Fraction(value).limit_denominator(10**6)
    return exact(candidate if float(candidate) == value else Fraction(repr(value)))


LARGEST = 2**53
"""Integers up to this one are exact in doubles."""

FEW_BITS = 2**26
"""The largest numerator and denominator of a float whose products with sizes are exact."""


def is_few_bits(value: float | Fraction) -> bool:
    """Is it a double of so few bits that its products with sizes are exact?

    >>> is_few_bits(0.75), is_few_bits(0.7)
    (True, False)
    """
    if isinstance(value, float) and not isfinite(value):
        return False
    fraction = Fraction(value)
    few = abs(fraction.numerator) < FEW_BITS and fraction.denominator <= FEW_BITS
    return few and is_power_of_two(fraction.denominator)


def fraction_of(value: float) -> Number:
    """The fraction that stands for a float: itself where it has few bits, else the simplest one.

    >>> fraction_of(2.0**-24) == Fraction(1, 2**24), fraction_of(0.7)
    (True, Fraction(7, 10))
    """
    return exact(Fraction(value)) if is_few_bits(value) else simplest_fraction(value)


def is_power_of_two(value: Number) -> bool:
    """Is it 2ⁿ or -2ⁿ, n of either sign?"""
    above, below = abs(value.numerator), value.denominator
    return min(above, below) == 1 and max(above, below).bit_count() == 1


def constant(value: Number) -> Terms:
    """The terms of a plain number."""
    return {ONE: value} if value else {}


def add(*sums: Terms) -> dict[Monomial, Number]:
    """Σ sums.

    >>> add({ONE: 2}, {ONE: -2})
    {}
    """
    first, *others = sums or ({},)
    terms = dict(first)
    for part in others:
        for monomial, coefficient in part.items():
            _accumulate(terms, monomial, coefficient)
    return terms


def multiply(left: Terms, right: Terms) -> dict[Monomial, Number]:
    """left · right, multiplied out.

    >>> multiply({ONE: 2}, {ONE: 3}) == {ONE: 6}
    True
    """
    if len(left) == 1 and len(right) > 1:
        left, right = right, left  # a product with a single term merges no terms
    if len(right) == 1:
        ((n, d),) = right.items()
        return {monomial_product(m, n): c * d for m, c in left.items()}
    terms: dict[Monomial, Number] = {}
    for m, c in left.items():
        for n, d in right.items():
            _accumulate(terms, monomial_product(m, n), c * d)
    return terms


def monomial_product(m: Monomial, n: Monomial) -> Monomial:
    """m · n."""
    if not m or not n:
        return m or n
    powers = dict(m)
    for atom, power in n:
        total = powers.get(atom, 0) + power
        if total:
            powers[atom] = total
        else:
            del powers[atom]
    return frozenset(powers.items())


def inverse(monomial: Monomial) -> Monomial:
    """1 / monomial."""
    return frozenset((atom, -power) for atom, power in monomial)


def simple_quotient(terms: Terms, divisor: Terms) -> Terms | None:
    """q with q · divisor = terms: any sum for a divisor of one term, else one term, or None."""
    (first, coefficient), *more = divisor.items()
    inverted = {inverse(first): Fraction(1) / coefficient}
    if not more:
        return multiply(terms, inverted)
    for monomial, share in terms.items() if len(terms) == len(divisor) else ():
        quotient = multiply({monomial: share}, inverted)
        if multiply(quotient, divisor) == terms:
            return quotient
    return None


def scale(terms: Terms) -> int:
    """The least number that makes every coefficient an integer."""
    return lcm(*(c.denominator for c in terms.values()))


def denominator(terms: Terms) -> dict[Monomial, Number]:
    """The least single term that leaves no fraction and no negative power in these."""
    powers: dict[Atom, int] = {}
    for monomial in terms:
        for atom, power in monomial:
            if power < 0:
                powers[atom] = max(powers.get(atom, 0), -power)
    return {frozenset(powers.items()): scale(terms)}


def _accumulate(terms: dict[Monomial, Number], monomial: Monomial, coefficient: Number) -> None:
    total = terms.get(monomial, 0) + coefficient
    if total:
        terms[monomial] = total
    else:
        terms.pop(monomial, None)
