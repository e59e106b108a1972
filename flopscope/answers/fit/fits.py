"""Exact coefficients of given functions, computed from values at points; further points serve as
checks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from flopscope.symbolic.atoms import Number
from flopscope.symbolic.terms import exact

Vector: TypeAlias = Mapping[Hashable, Number]
"""Several numbers that are fitted together; one that is missing is 0."""

PRIME = 2**61 - 1
"""If no fit exists modulo this prime there is none at all, and the test costs much less there."""


@dataclass(frozen=True)
class Fit:
    """A vector of coefficients for each function, and the indices of the points from which they
    were computed."""

    coefficients: tuple[Vector, ...]
    used: tuple[int, ...]

    def at(self, row: Sequence[Number]) -> Vector:
        """The vector at a point where the functions have these values. Its zeros are left out."""
        total: dict[Hashable, Number] = {}
        for value, coefficients in zip(row, self.coefficients, strict=True):
            for key, coefficient in coefficients.items():
                total[key] = total.get(key, 0) + value * coefficient
        return without_zeros(total)


def without_zeros(vector: Vector) -> Vector:
    """The numbers that are not zero, whole ones as ints."""
    return {key: exact(Fraction(value)) for key, value in vector.items() if value}


def fit(rows: Sequence[Sequence[Number]], vectors: Sequence[Vector], checks: int) -> Fit | None:
    """Coefficients with which functions, whose values at each point are a row, give the vectors.

    None where no coefficients do, where the points do not tell the functions apart, and where fewer
    than `checks` points are left that did not make them.

    >>> found = fit([(1, 1), (1, 2), (1, 3)], [{"a": 5}, {"a": 7}, {"a": 9}], checks=1)
    >>> found.coefficients, found.used
    (({'a': 3}, {'a': 2}), (0, 1))
    >>> fit([(1, 1), (1, 2), (1, 3)], [{"a": 5}, {"a": 7}, {"a": 8}], checks=1) is None
    True
    """
    width = len(rows[0]) if rows else 0
    if len(rows) < width + checks:
        return None
    used = _independent(rows, vectors)
    if used is None or len(used) < width:
        return None
    inverse = _inverse([[Fraction(x) for x in rows[place]] for place in used])
    if inverse is None:
        return None
    made = Fit((), used)
    for line in inverse:
        vector = Fit(tuple(vectors[place] for place in used), used).at(line)
        made = Fit((*made.coefficients, vector), used)
    agrees = all(made.at(row) == without_zeros(v) for row, v in zip(rows, vectors, strict=True))
    return made if agrees else None


def contradict(rows: Sequence[Sequence[Number]], vectors: Sequence[Vector]) -> bool:
    """Is it certain that no coefficients give these vectors? This is a cheap test before a fit.

    >>> contradict([(1,), (1,)], [{"a": 5}, {"a": 6}])
    True
    """
    return _independent(rows, vectors) is None


def _independent(
    rows: Sequence[Sequence[Number]], vectors: Sequence[Vector]
) -> tuple[int, ...] | None:
    """The first points that tell as many functions apart as can be; None where the vectors, summed
    up with weights, contradict each other. Modulo a prime."""
    keys = list(dict.fromkeys(key for vector in vectors for key in vector))
    weights = {key: pow(3, 7 * place + 5, PRIME) for place, key in enumerate(keys)}
    width = len(rows[0])
    kept: list[tuple[int, list[int]]] = []
    used: list[int] = []
    for place, (row, vector) in enumerate(zip(rows, vectors, strict=True)):
        total = sum(weights[key] * _modulo(value) for key, value in vector.items()) % PRIME
        line = [*map(_modulo, row), total]
        for pivot, other in kept:
            factor = line[pivot]
            if factor:
                line = [(x - factor * y) % PRIME for x, y in zip(line, other, strict=True)]
        first = next((i for i, x in enumerate(line) if x), None)
        if first == width:
            return None
        if first is not None:
            scale = pow(line[first], -1, PRIME)
            kept.append((first, [x * scale % PRIME for x in line]))
            used.append(place)
    return tuple(used)


def _modulo(value: Number) -> int:
    if isinstance(value, int):
        return value % PRIME
    return value.numerator * pow(value.denominator, -1, PRIME) % PRIME


def _inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]] | None:
    """The inverse by elimination; None for a matrix that has none."""
    size = len(matrix)
    lines = [[*line, *(Fraction(i == j) for j in range(size))] for i, line in enumerate(matrix)]
    for column in range(size):
        pivot = next((i for i in range(column, size) if lines[i][column]), None)
        if pivot is None:
            return None
        lines[column], lines[pivot] = lines[pivot], lines[column]
        scale = lines[column][column]
        lines[column] = [x / scale for x in lines[column]]
        for i, line in enumerate(lines):
            if i != column and (factor := line[column]):
                lines[i] = [x - factor * y for x, y in zip(line, lines[column], strict=True)]
    return [line[size:] for line in lines]
