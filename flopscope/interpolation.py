"""The polynomial through points, exact, and checked at points that did not make it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flopscope.symbolic import Polynomial


def polynomial_through(
    points: Sequence[int], values: Sequence[Any], size: Polynomial, checks: int
) -> Any:
    """The polynomial in `size` with these values, of the least degree; None where there is none.

    Newton's divided differences over all points but the last `checks`, where the polynomial must
    give the value that is there. Values are numbers or polynomials in other sizes.

    >>> from flopscope.symbolic import symbol
    >>> n, C = symbol("n"), symbol("C")
    >>> print(polynomial_through([1, 2, 3, 4], [C, 3 * C, 5 * C, 7 * C], n, checks=2))
    2·C·n - C
    """
    used = len(points) - checks
    differences = list(values[:used])
    for order in range(1, used):
        for i in range(used - 1, order - 1, -1):
            run = points[i] - points[i - order]
            differences[i] = _over(differences[i] - differences[i - 1], run)
    for i in range(used, len(points)):
        if _at(differences, points, points[i]) != values[i]:
            return None
    return _at(differences, points, size)


def _at(differences: Sequence[Any], points: Sequence[int], size: Any) -> Any:
    """Newton's form, by Horner's rule."""
    value = differences[-1]
    for difference, point in zip(differences[-2::-1], points[len(differences) - 2 :: -1],
                                 strict=True):  # fmt: skip
        value = value * (size - point) + difference
    return value


def _over(value: Any, number: int) -> Any:
    from fractions import Fraction

    from flopscope.symbolic.terms import exact

    return value / number if isinstance(value, Polynomial) else exact(Fraction(value, number))
