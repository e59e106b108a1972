"""Conditions on one size, solved exactly for all of its infinitely many values.

A condition in one symbol s asks for the sign of a polynomial in s and floors of s. If s = p·k + r,
and p is a multiple of every divisor, the floors are polynomials in k, and the sign does not change
beyond a bound on the roots. So the sizes that satisfy the condition are a finite set and, beyond
it, whole residue classes modulo p.

Roundings of floats have no period. For these, a polynomial below or above settles the sign.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import lcm
from typing import Any

from flopscope.domain.conditions import AtLeast, Condition, Multiple
from flopscope.domain.members import Members
from flopscope.domain.truths import compared_doubles
from flopscope.sizes import enclosed
from flopscope.symbolic import Call, Floor, Polynomial, Symbol, alone
from flopscope.symbolic.polynomial import product, summed

LONGEST_PERIOD = 2**12
LARGEST_SIZE = 2**16
"""Conditions with a longer period, or that settle at larger sizes, are left as they are."""

HIGHEST_DEGREE = 6


@cache
def members(s: Symbol, conditions: tuple[Condition, ...]) -> Members | None:
    """The values of s that satisfy all conditions, or None if one of them is of another form.

    >>> from flopscope.domain import Relation
    >>> from flopscope.symbolic import symbol
    >>> H = symbol("H")
    >>> print(members(Symbol("H"), (Relation(H - 33, False), Relation(H % 32, True))))
    H multiple of 32, at least 64
    """
    import numpy as np

    periods = [_period(condition) for condition in conditions]
    modulus = lcm(*(period or 1 for period in periods))
    if None in periods or modulus > LONGEST_PERIOD:
        return None
    bounds = [_settled_from(condition, s, modulus) for condition in conditions]
    # beyond `settled` the answer depends on the residue alone, so one more period shows all answers
    settled = max([s.lower, *(bound for bound in bounds if bound is not None)])
    if None in bounds or settled > LARGEST_SIZE:
        return None
    sizes = np.arange(s.lower, settled + modulus).astype(object)
    allowed = np.ones(len(sizes), dtype=bool)
    for condition in conditions:
        allowed &= ~np.broadcast_to(condition.at({s.name: sizes}).breaks(), allowed.shape)
    return _described(alone(s), [int(n) for n in sizes[allowed]], settled, modulus)


def _described(value: Polynomial, allowed: list[int], settled: int, modulus: int) -> Members:
    residues = frozenset(n % modulus for n in allowed if n >= settled)
    modulus, residues = _shortest(modulus, residues)
    least = settled
    others = {n for n in allowed if n < settled}
    if residues:
        inside = set(allowed)
        while least - 1 >= 1 and ((least - 1) in inside) == ((least - 1) % modulus in residues):
            least -= 1
            others.discard(least)
        while least % modulus not in residues:
            least += 1
    return Members(value, least, modulus, residues, frozenset(others))


def _shortest(modulus: int, residues: frozenset[int]) -> tuple[int, frozenset[int]]:
    """The same members with the least modulus."""
    for shorter in range(1, modulus):
        if modulus % shorter == 0:
            folded = frozenset(r % shorter for r in residues)
            if len(folded) * (modulus // shorter) == len(residues):
                return shorter, folded
    return modulus, residues


def _measure(condition: Condition) -> Any:
    """The size whose sign, or divisibility, a condition is about."""
    if isinstance(condition, AtLeast):
        return condition.value - condition.minimum
    return condition.value if isinstance(condition, Multiple) else condition.difference  # type: ignore[union-attr]


@cache
def _period(condition: Condition) -> int | None:
    """A multiple of every divisor in a condition of one symbol; None for calls and other forms."""
    if isinstance(condition, Members):
        return condition.modulus
    if _has_calls(condition):
        return 1 if _enclosed_from(condition) is not None else None
    divisors = list(_divisors(_measure(condition)))
    if isinstance(condition, Multiple):
        divisors.append(condition.divisor if isinstance(condition.divisor, int) else None)
    return None if None in divisors else lcm(*(d for d in divisors if d is not None))


def _has_calls(condition: Condition) -> bool:
    """Does it contain a rounding rule, at any depth?"""
    return not isinstance(condition, Multiple) and _calls_in(_measure(condition))


def _calls_in(value: object) -> bool:
    if not isinstance(value, Polynomial):
        return False
    inner = (a.numerator for a in value.atoms() if isinstance(a, Floor))
    return any(isinstance(a, Call) for a in value.atoms()) or any(map(_calls_in, inner))


def _enclosed_from(condition: Condition) -> int | None:
    """A size from which on polynomials that enclose the measure settle its sign; None if there is
    no such size."""
    value = _compared(_measure(condition))
    for up, sign in ((False, 1), (True, -1)):
        bound = enclosed(value, up=up)
        if isinstance(bound, Polynomial) and (size := _positive_from(sign * bound)) is not None:
            return size
    return None


def _compared(value: Polynomial) -> Polynomial:
    """The difference a − b for a comparison of a with b, which has the same sign."""
    if (found := compared_doubles(value)) is None:
        return value
    sign, a, b = found
    difference: Polynomial = summed(product(a, sign), product(b, -sign))
    return difference


def _positive_from(value: Polynomial) -> int | None:
    """A size from which on a polynomial of one symbol is above 0, by Cauchy's bound on its
    roots."""
    powers = {sum(power for _, power in m): Fraction(c) for m, c in value.terms.items()}
    highest = max(powers)
    if highest == 0 or powers[highest] <= 0:
        return None
    return 2 + int(max(map(abs, powers.values())) / powers[highest])


def _divisors(value: object) -> Iterator[int | None]:
    """The divisors of floors; those of nested floors are multiplied by the outer ones."""
    if not isinstance(value, Polynomial):
        return
    for atom in value.atoms():
        if isinstance(atom, Floor) and isinstance(atom.divisor, int):
            yield atom.divisor
            for divisor in _divisors(atom.numerator):
                yield None if divisor is None else divisor * atom.divisor
        elif not isinstance(atom, Symbol):
            yield None
    for coefficient in value.terms.values():
        if isinstance(coefficient, Fraction):
            yield coefficient.denominator


def _degree(value: object) -> int | None:
    """The degree in k of a value at s = p·k + r; None where a power is negative."""
    if not isinstance(value, Polynomial):
        return 0
    degrees = [0]
    for monomial in value.terms:
        degree = 0
        for atom, power in monomial:
            own = _degree(atom.numerator) if isinstance(atom, Floor) else 1
            if own is None or power < 0:
                return None
            degree += own * power
        degrees.append(degree)
    return max(degrees)


def _settled_from(condition: Condition, s: Symbol, modulus: int) -> int | None:
    """A size from which on the answer depends on s modulo `modulus` alone."""
    if isinstance(condition, Members):
        return max([condition.least, *(n + 1 for n in condition.others)])
    if isinstance(condition, Multiple):
        return s.lower
    if _has_calls(condition):
        return _enclosed_from(condition)
    value = _measure(condition)
    degree = _degree(value)
    if degree is None or degree > HIGHEST_DEGREE:
        return None
    return modulus * (_root_bound(value, s, modulus, degree) + 1)


def _root_bound(value: Any, s: Symbol, modulus: int, degree: int) -> int:
    """The k from which on no polynomial k ↦ value(p·k + r) changes its sign, by Cauchy's bound on
    roots.

    The coefficients, times degree!, come from the values at k = 0 … degree by Newton's forward
    differences.
    """
    import numpy as np

    if not isinstance(value, Polynomial):
        return 0
    sizes = np.arange(modulus * (degree + 1)).astype(object)
    differences = np.broadcast_to(value.evaluate({s.name: sizes}), sizes.shape)
    differences = differences.reshape(degree + 1, modulus)
    coefficients = np.zeros((degree + 1, modulus), dtype=object)
    for own, falling in enumerate(_falling_factorials(degree)):
        for power, factor in enumerate(falling):
            coefficients[power] += factor * differences[0]
        if own < degree:
            differences = differences[1:] - differences[:-1]
    bound = 0
    largest = np.zeros(modulus, dtype=object)
    for power in range(degree + 1):
        leading = abs(coefficients[power])
        if (real := leading != 0).any():  # the last such one is the residue's leading coefficient
            bound = max(bound, 2 + int(max(largest[real] / leading[real])))
        largest = np.maximum(largest, leading)
    return bound


def _falling_factorials(degree: int) -> list[list[int]]:
    """Coefficients, from the constant up, of degree!/i! · k(k−1)…(k−i+1) for each i.

    >>> _falling_factorials(2)
    [[2], [0, 2], [0, -1, 1]]
    """
    rows: list[list[Fraction]] = [[Fraction(1)]]
    for i in range(degree):
        shifted, scaled = [Fraction(0), *rows[-1]], [-i * c for c in rows[-1]] + [Fraction(0)]
        rows.append([(a + b) / (i + 1) for a, b in zip(shifted, scaled, strict=True)])
    factor = lcm(*(c.denominator for row in rows for c in row))
    return [[int(factor * c) for c in row] for row in rows]
