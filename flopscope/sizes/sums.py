"""Sums and products of sizes, which are exact for any dtype: a wrapped number is never returned."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from flopscope.errors import BadInput, Overflow
from flopscope.sizes.kinds import INT64_MAX, Shape, Size, is_array, is_symbolic, widened
from flopscope.symbolic import Polynomial, add_all


def product(factors: Iterable[Size]) -> Size:
    """Π factors, exact. Raises Overflow where an array product could leave 64 bits.

    >>> product((3, 224, 224))
    150528
    """
    factors = tuple(factors)
    kinds = set(map(type, factors))
    if kinds <= UNBOUNDED:
        return _of_sizes(factors) if Polynomial in kinds else math.prod(factors)
    return math.prod(_exact(factors, math.prod))


UNBOUNDED = frozenset({int, Polynomial})
"""Types that cannot overflow, which are the common case."""


def _of_sizes(factors: tuple[Size, ...]) -> Size:
    """The product of numbers and polynomials. Numbers, which are cheap to multiply, come first; in
    doubles the order is that of the code."""
    sizes = [factor for factor in factors if type(factor) is not int]
    if any(size.is_double for size in sizes):
        return math.prod(factors)
    number = math.prod(factor for factor in factors if type(factor) is int)
    return math.prod(sizes) if number == 1 else math.prod(sizes, start=number)


def scaled(amount: Size, by: Size) -> Size:
    """amount · by, exact. For the common case of 1 it is the amount itself.

    >>> scaled(224, 3)
    672
    """
    return amount if isinstance(by, int) and by == 1 else product((amount, by))


def total(terms: Iterable[Size]) -> Size:
    """Σ terms, exact. Raises Overflow where an array sum could leave 64 bits.

    >>> total([1, 2, 3])
    6
    """
    terms = tuple(terms)
    kinds = set(map(type, terms))
    if not kinds <= UNBOUNDED:
        terms = _exact(terms, sum)
    return add_all(terms) if Polynomial in kinds else sum(terms)


def elements(shape: Shape) -> Size:
    """Number of elements of a tensor of this shape.

    >>> elements((2, 3, 4))
    24
    """
    return product(shape)


def _exact(values: tuple[Size, ...], combine: Callable[[list[int]], int]) -> tuple[Size, ...]:
    """The values with every array in a dtype in which `combine` is exact.

    int64 arithmetic wraps without a warning, so its largest possible result is computed first, with
    Python's integers. Arrays of dtype object hold Python's integers and need no bound.
    """
    arrays = [value for value in values if is_array(value)]
    if arrays and any(map(is_symbolic, values)):
        raise BadInput("a size is an array and another a symbol; bind the symbols first")
    if any(array.dtype == object for array in arrays):
        return tuple(value.astype(object) if is_array(value) else value for value in values)
    if arrays and (bound := combine([_largest(value) for value in values])) > INT64_MAX:
        raise Overflow(
            f"these arrays allow a count of up to {min(bound, 10**300):.3g}, beyond 64-bit "
            f"integers ({INT64_MAX:.3g}); pass smaller sizes, or arrays of dtype=object for "
            "unbounded integers"
        )
    return tuple(map(widened, values))


def _largest(value: Any) -> int:
    """The largest magnitude in the values, at least 1, so that no part of a product exceeds the
    whole."""
    if not is_array(value):
        magnitude: int = math.ceil(abs(value))
    elif value.size:
        magnitude = max(int(value.max()), -int(value.min()))  # NumPy's abs wraps at the least
    else:
        magnitude = 1
    return max(1, magnitude)
