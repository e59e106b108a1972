"""How large the intermediate integers of a formula can become, told before any of them is computed.

int64 arithmetic wraps without a warning. A program computes sums and products, floors of them, and
rounding rules; each step here gives a number that no partial result of that step exceeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import ceil
from typing import Any

from flopscope.sizes import Size
from flopscope.sizes.rules import rule_of
from flopscope.symbolic import ONE, Atom, Call, Floor, Monomial, Number, Polynomial, Symbol, factors


def largest_intermediate(value: Size, largest: Mapping[str, Number]) -> int:
    """A number that no integer in the program of `value` exceeds, with every |symbol| up to
    `largest`.

    Domain: a formula whose values are integers, divisors at least 1. Raises TypeError for a
    rounding rule whose row states no bound.

    >>> from flopscope.symbolic import symbol
    >>> largest_intermediate(symbol("H") ** 2 - 3 * symbol("H"), {"H": 10})
    130
    """
    bounds = _Bounds(largest)
    bounds.of_sum(value)
    return bounds.largest


class _Bounds:
    """Bounds of atoms, and the largest bound of any integer on the way."""

    def __init__(self, symbols: Mapping[str, Number]) -> None:
        self._symbols = symbols
        self._atoms: dict[Atom, Number] = {}
        self.largest = 0

    def of_sum(self, value: Size) -> int:
        """The bound Σ |c| · Π |atom|^power over one denominator, with factors of 0 taken as 1.

        No partial sum or product exceeds it, nor does a numerator before it is divided.
        """
        below = value.denominator() if isinstance(value, Polynomial) else value.denominator
        if isinstance(below, Polynomial):
            self.of_sum(below)
        bound = sum(self._integers(m, c) for m, c in _terms(value * below))
        return self._met(bound)

    def of_argument(self, value: Size) -> Number:
        """A bound of a rounding rule's argument, in which integers are multiplied first and then
        real numbers."""
        bound: Number = 0
        for monomial, coefficient in _terms(value):
            whole, real = factors(monomial)
            above = frozenset((atom, power) for atom, power in whole if power > 0)
            product: Number = self._met(
                self._integers(above, coefficient if isinstance(coefficient, int) else 1)
            )
            if isinstance(coefficient, Fraction):
                product *= abs(coefficient)
            for atom, power in real:
                product *= Fraction(self._atom(atom)) ** power
            bound += product
        self._met(bound)
        return bound

    def _integers(self, monomial: Iterable[tuple[Atom, int]], coefficient: Number) -> int:
        bound = abs(int(coefficient))
        for atom, power in monomial:
            bound *= max(1, ceil(self._atom(atom))) ** power
        return bound

    def _met(self, bound: Number) -> int:
        self.largest = max(self.largest, ceil(bound))
        return ceil(bound)

    def _atom(self, atom: Atom) -> Number:
        if isinstance(atom, Symbol):
            return self._symbols[atom.name]
        if atom not in self._atoms:
            self._atoms[atom] = self._floor(atom) if isinstance(atom, Floor) else self._call(atom)
        return self._atoms[atom]

    def _floor(self, atom: Floor) -> int:
        """A bound of a floor: |⌊P/d⌋| ≤ |P|/d + 1. In the program d contains the denominator of
        P."""
        bound = self.of_sum(atom.numerator)
        self.of_sum(atom.divisor * atom.numerator.denominator())
        return bound // (atom.divisor if isinstance(atom.divisor, int) else 1) + 1

    def _call(self, atom: Call) -> Number:
        rule = rule_of(atom)
        if rule.bound is None:
            raise TypeError(f"no bound of {atom.function.__name__} is known")
        bounds = [self.of_argument(a) for a in atom.arguments]
        for place in rule.divides_by:  # a quotient is largest where its divisor is least
            bounds[place] = _least(atom.arguments[place])
        bound = rule.bound(*bounds)
        self._met(bound)
        return bound


def _terms(value: Size) -> Iterable[tuple[Monomial, Number]]:
    return value.terms.items() if isinstance(value, Polynomial) else ((ONE, value),)


def _least(value: Size) -> Number:
    low = value.lower() if isinstance(value, Polynomial) else abs(value)
    if not low or low < 0:
        raise TypeError(f"no bound of a quotient by {value} is known")
    return Fraction(low)


def magnitude(array: Any) -> int | Fraction:
    """The largest |element|, exactly; 0 for an empty array."""
    if not array.size:
        return 0
    exact = Fraction if array.dtype.kind == "f" else int
    return max(exact(array.max()), -exact(array.min()))
