"""A separated formula as tables of its two groups' factors, whose products give its values exactly.

A table has a row for each choice of the first group's sizes and one for each of the second's. A
product of tables is computed in doubles, and so by BLAS, only where no sum on the way reaches 2⁵³;
in int64 where none exceeds it; in Python's integers otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flopscope.closedform.bound import largest_intermediate, magnitude
from flopscope.closedform.separated import Product, Separated
from flopscope.errors import OutsideDomain
from flopscope.sizes import INT64_MAX
from flopscope.symbolic import Atom, Polynomial, Term

DOUBLES = 2**53
"""Below this every integer is a double."""
MOST_PRODUCTS = 10**6
"""How many sums of products of remainders are made at once."""
NOT_WHOLE = "the count is not whole at these sizes: a division leaves a remainder"

Columns = Mapping[str, NDArray[Any]]
Table = NDArray[Any]
Where = Any
"""A slice or an array of indices."""


@dataclass(frozen=True)
class Factors:
    """Σ_k rows[:, k] · columns[:, k], over `below_rows` · `below_columns` where these are not None.

    `divisor` is a constant that divides every sum.
    """

    rows: Table
    columns: Table
    below_rows: Table | None
    below_columns: Table | None
    divisor: int = 1

    def grid(self, rows: Where, columns: Where) -> Table:
        """The values at each of these rows with each of these columns."""
        found = self._sum(self.rows[rows], self.columns[columns])
        if self.below_rows is None or self.below_columns is None:
            return found
        return _whole(found, self.below_rows[rows][:, None] * self.below_columns[columns])

    def pairs(self, rows: Table, columns: Table) -> Table:
        """The values at pairs of a row and a column."""
        found: Table = np.zeros(len(rows), dtype=self.rows.dtype)
        for u, v in zip(*self._lines, strict=True):
            found += u.take(rows) * v.take(columns)
        found = _divided(found, self.divisor)
        if self.below_rows is None or self.below_columns is None:
            return found
        return _whole(found, self.below_rows[rows] * self.below_columns[columns])

    @cached_property
    def _lines(self) -> tuple[list[Table], list[Table]]:
        """The factors of each product on their own, which is how they are looked up fast."""
        rows, columns = (
            [np.ascontiguousarray(k) for k in side.T] for side in (self.rows, self.columns)
        )
        return rows, columns

    def _sum(self, rows: Table, columns: Table) -> Table:
        if rows.dtype.kind == "f":
            return _divided(rows @ columns.T, self.divisor)
        found: Table = np.zeros((len(rows), len(columns)), dtype=rows.dtype)
        for k in range(rows.shape[1]):
            found += rows[:, k, None] * columns[:, k]
        return _divided(found, self.divisor)


@dataclass(frozen=True)
class Factored:
    """The largest of sums of products, as tables of int64, of Python's integers, or of doubles that
    are integers."""

    sums: tuple[Factors, ...]

    def grid(self, rows: Where, columns: Where) -> Table:
        """The values at each of these rows with each of these columns; floats that are integers,
        int64 or Python's integers."""
        return reduce(np.maximum, (each.grid(rows, columns) for each in self.sums))

    def pairs(self, rows: Table, columns: Table) -> Table:
        """The values at pairs of a row and a column, in the same types."""
        return reduce(np.maximum, (each.pairs(rows, columns) for each in self.sums))

    def keys(self, side: int) -> list[Table]:
        """The columns of the first group's tables, or of the second's: choices of sizes that have
        the same values in all of them have the same counts."""
        found: list[Table] = []
        for each in self.sums:
            below = each.below_columns if side else each.below_rows
            found += list((each.columns if side else each.rows).T)
            found += [] if below is None else [below]
        return found


def integers(values: Table) -> Table:
    """Doubles that are integers as int64; other values as they are.

    >>> integers(np.array([3.0]))
    array([3])
    """
    return values.astype(np.int64) if values.dtype.kind == "f" else values


def factored(
    found: Separated, rows: Columns, columns: Columns, number: tuple[int, int]
) -> Factored:
    """The tables at these choices of the first group's sizes and of the second's, by name; `number`
    says how many there are of each.

    Raises OutsideDomain where a constant division would leave a remainder somewhere.

    >>> from flopscope.closedform.separated import separated
    >>> from flopscope.symbolic import symbol
    >>> value = separated(symbol("C") * symbol("H") ** 2 + symbol("H"), ["C"])
    >>> at = {"C": np.array([1, 2])}, {"H": np.array([3, 4, 5])}
    >>> factored(value, *at, (2, 3)).grid(slice(None), slice(None)).astype(int).tolist()
    [[12, 20, 30], [21, 36, 55]]
    """
    sides = _Side(rows, number[0]), _Side(columns, number[1])
    return Factored(tuple(_factors(each, *sides) for each in found.sums))


class _Side:
    """One group's sizes, and the values of its atoms so far."""

    def __init__(self, sizes: Columns, number: int) -> None:
        self.sizes, self.number = sizes, number
        self._objects = {name: array.astype(object) for name, array in sizes.items()}
        self._largest = {name: magnitude(array) for name, array in sizes.items()}
        self._memos: tuple[dict[Atom, Any], dict[Atom, Any]] = {}, {}

    def table(self, terms: Sequence[Term]) -> Table:
        """The values of these terms, a column each: int64, or Python's integers if need be."""
        wide = not all(map(self._fits, terms))
        sizes = self._objects if wide else self.sizes
        found = np.empty((self.number, len(terms)), dtype=object if wide else np.int64)
        with np.errstate(divide="raise", invalid="raise"):
            for k, term in enumerate(terms):
                if isinstance(term, Polynomial):
                    term = term.evaluate(sizes, self._memos[wide])
                found[:, k] = term
        return found

    def _fits(self, term: Term) -> bool:
        if any(array.dtype == object for array in self.sizes.values()):
            return False
        try:
            return largest_intermediate(term, self._largest) <= INT64_MAX
        except TypeError:  # no bound is known
            return False


def _factors(product: Product, first: _Side, second: _Side) -> Factors:
    rows, columns = first.table(product.rows), second.table(product.columns)
    divisor, below = product.below_columns, None
    if product.below_rows != 1 or isinstance(divisor, Polynomial):
        below = (first.table([product.below_rows])[:, 0], second.table([divisor])[:, 0])
    dtype = _dtype(rows, columns)
    if below is not None:
        whole = np.dtype(object if dtype.kind == "O" else np.int64)
        return Factors(rows.astype(whole), columns.astype(whole), *below)
    constant = int(divisor) if not isinstance(divisor, Polynomial) else 1
    if constant > 1:
        _require_whole(rows, columns, constant)
    if dtype.kind == "f" and constant & (constant - 1) == 0:  # a power of 2 divides doubles exactly
        return Factors(rows.astype(dtype) / constant, columns.astype(dtype), None, None)
    return Factors(rows.astype(dtype), columns.astype(dtype), None, None, constant)


def _dtype(rows: Table, columns: Table) -> np.dtype[Any]:
    """The type in which no sum of products of these tables is rounded or wraps."""
    if not rows.size or not columns.size:
        return np.dtype(np.int64)
    largest = [[max(int(k.max()), -int(k.min())) for k in side.T] for side in (rows, columns)]
    bound = sum(max(u, 1) * max(v, 1) for u, v in zip(*largest, strict=True))
    if bound < DOUBLES:
        return np.dtype(np.float64)
    return np.dtype(np.int64 if bound <= INT64_MAX else object)


def _require_whole(rows: Table, columns: Table, divisor: int) -> None:
    """Raises OutsideDomain where the divisor leaves a remainder, which depends on the remainders of
    the factors alone."""
    classes = [_distinct((side % divisor).astype(np.int64), divisor) for side in (rows, columns)]
    exact = np.int64 if divisor < 2**20 else object  # products of small remainders fit in 64 bits
    left, right = (side.astype(exact) for side in classes)
    step = max(1, MOST_PRODUCTS // max(1, len(right)))
    for start in range(0, len(left), step):
        if ((left[start : start + step] @ right.T) % divisor != 0).any():
            raise OutsideDomain(NOT_WHOLE)


def _distinct(remainders: Table, divisor: int) -> Table:
    """The different rows of a table of remainders."""
    if divisor ** remainders.shape[1] > INT64_MAX:
        return np.unique(remainders, axis=0)
    places = np.array([divisor**k for k in range(remainders.shape[1])], dtype=np.int64)
    _, first = np.unique(remainders @ places, return_index=True)
    found: Table = remainders[first]
    return found


def _divided(values: Table, divisor: int) -> Table:
    """Values that are multiples of the divisor, over it."""
    if divisor == 1:
        return values
    return values / divisor if values.dtype.kind == "f" else values // divisor


def _whole(values: Table, divisors: Table) -> Table:
    if (values % divisors != 0).any():
        raise OutsideDomain(NOT_WHOLE)
    quotient: Table = values // divisors
    return quotient
