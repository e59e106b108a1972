"""Which results of floating-point arithmetic can be treated as a fraction, and up to which sizes.

A double differs from the fraction for which it is computed. Yet its floor, or whether it exceeds an
integer, can be the same for all sizes below a bound: int(H / 3) is ⌊H/3⌋, and int(H · 0.9) is
⌊9·H/10⌋, but int(H · 0.7) is not ⌊7·H/10⌋ at H = 90.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

from flopscope.symbolic.doubles import order, over, times
from flopscope.symbolic.exactness import is_exact, is_one_product, sole_double, term
from flopscope.symbolic.polynomial import Polynomial, Term
from flopscope.symbolic.text import is_double


class Nearness(Enum):
    """How near a double is to its fraction."""

    EXACT = "equal to it"
    QUOTIENT = "the nearest double"
    PRODUCT = "equal where the fraction is a double; else less than 2⁻⁵² of it away"


@dataclass(frozen=True)
class Near:
    """A double near numerator/divisor, which are integers, with the divisor above 0."""

    numerator: Term
    divisor: Term
    how: Nearness

    def limits(self) -> Iterator[Term]:
        """The sizes that must not exceed LARGEST, so that no integer lies between double and
        fraction.

        Halves and quarters need no limit, because all sizes are assumed to be integers that doubles
        hold.
        """
        if self.how is not Nearness.EXACT:
            yield self.numerator * (2 if self.how is Nearness.PRODUCT else 1)


def near(value: Any) -> Near | None:
    """The fraction to which a size in floating point is near, if there is one.

    >>> from flopscope.symbolic import symbol
    >>> found = near(over(symbol("H"), 3))
    >>> print(found.numerator, found.divisor)
    H 3
    >>> near(times(symbol("H"), 0.7)) is None, near(times(symbol("H"), 0.9)) is None
    (True, False)
    """
    if is_exact(value):
        size = term(value)
        below = size.denominator() if isinstance(size, Polynomial) else size.denominator
        return Near(size * below, below, Nearness.EXACT)
    found = sole_double(value)
    if found is None or found.function not in (over, times):
        return None
    a, b = found.arguments
    return _of_quotient(a, b) if found.function is over else _of_product(a, b) or _of_product(b, a)


def _of_quotient(a: Term, b: Term) -> Near | None:
    if not (is_exact(a) and is_exact(b)):
        return None
    above, below = near(a), near(b)
    assert above is not None
    assert below is not None
    numerator = above.numerator * below.divisor
    divisor = below.numerator * above.divisor
    if not isinstance(divisor, Polynomial) and divisor < 0:
        numerator, divisor = -numerator, -divisor
    return Near(numerator, divisor, Nearness.QUOTIENT) if _positive(divisor) else None


def _of_product(size: Term, factor: Term) -> Near | None:
    """size · n/d, if the double of n/d is so near to n/d that the product is exact whenever a
    double can hold it: at most 2⁻⁵⁴ of n/d away, which is less than half the distance of two
    doubles."""
    if isinstance(factor, Polynomial) or not is_exact(size) or is_exact(factor):
        return None
    fraction = Fraction(factor)
    off = abs(Fraction(float(fraction)) - fraction)
    if fraction <= 0 or off * 2**54 > fraction:
        return None
    own = near(size)
    assert own is not None
    numerator, divisor = own.numerator * fraction.numerator, own.divisor * fraction.denominator
    return Near(numerator, divisor, Nearness.PRODUCT)


def near_product(value: Any) -> Polynomial | None:
    """size · n/d if a double is one product of a size and a number above 0; else None."""
    found = sole_double(value)
    if found is None or found.function is not times:
        return None
    for size, factor in (found.arguments, found.arguments[::-1]):
        if isinstance(size, Polynomial) and is_exact(size) and not isinstance(factor, Polynomial):
            product: Polynomial = size * Fraction(factor)
            return product if factor > 0 else None
    return None


def apart(a: Any, b: Any) -> tuple[Term, tuple[Term, ...]] | None:
    """A difference with the sign of a − b, and the sizes that must not exceed LARGEST for that;
    None if there is none.

    >>> from flopscope.symbolic import symbol
    >>> difference, limits = apart(over(symbol("H"), 3), 2)
    >>> print(difference, "|", *limits)
    H - 6 | 4·H 24
    """
    x, y = near(a), near(b)
    if x is None or y is None:
        return None
    kinds = {x.how, y.how}
    if Nearness.PRODUCT in kinds and Nearness.EXACT not in kinds:
        return None  # equal fractions may have different doubles
    left, right = x.numerator * y.divisor, y.numerator * x.divisor
    if kinds == {Nearness.EXACT}:
        return left - right, ()
    return left - right, (4 * left, 4 * right)


def signed_difference(a: Any, b: Any) -> tuple[Term, tuple[Term, ...]]:
    """A value with the sign of a - b, as code that compares doubles sees it, and the limits for
    that.

    >>> from flopscope.symbolic import symbol
    >>> print(signed_difference(times(symbol("H"), 0.7), 3)[0])
    order(H·0.7, 3)
    """
    if not any(map(_is_real, (a, b))):
        return a - b, ()
    if (found := apart(a, b)) is not None:
        return found
    a, b = term(a), term(b)
    plain = any(map(is_exact, (a, b))) and all(map(_is_plain, (a, b)))
    return (a - b if plain else order(a, b)), ()


def _is_real(value: Any) -> bool:
    """Is it a float, or symbolic and not a sum of integers?"""
    if not isinstance(value, Polynomial):
        return isinstance(value, float)
    fractions = any(isinstance(c, Fraction) for c in value.terms.values())
    return fractions or not all(atom.integer for atom in value.atoms())


def _is_plain(value: Any) -> bool:
    """Is it one product of a multiplier and sizes?"""
    atoms = value.atoms() if isinstance(value, Polynomial) else ()
    return is_one_product(value) and not any(map(is_double, atoms))


def _positive(value: Term) -> bool:
    low = value.lower() if isinstance(value, Polynomial) else value
    return low is not None and low > 0
