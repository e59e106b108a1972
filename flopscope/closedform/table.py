"""Formulas that are tables: an expression for each value of a size, without a law that connects
them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flopscope.sizes import equal
from flopscope.symbolic import Atom, Call, Polynomial, Term, add_all


def table_rows(value: Any) -> tuple[Term, Mapping[int, Term]] | None:
    """(s, {n: expression}) of Σ expression · [s = n]; None for any other value.

    >>> from flopscope.symbolic import symbol
    >>> n, C = symbol("n"), symbol("C")
    >>> size, rows = table_rows(equal(n, 1) * C + equal(n, 4) * (C + 7))
    >>> print(size, *(f"{number}: {row}" for number, row in rows.items()), sep="; ")
    n; 1: C; 4: C + 7
    """
    if not isinstance(value, Polynomial):
        return None
    rows: dict[tuple[Term, int], list[Term]] = {}
    for monomial, coefficient in value.terms.items():
        cases = [(atom, case) for atom, power in monomial if power == 1 and (case := _case(atom))]
        if len(cases) != 1:
            return None
        ((chosen, case),) = cases
        rest = frozenset((atom, power) for atom, power in monomial if atom is not chosen)
        rows.setdefault(case, []).append(Polynomial({rest: coefficient}))
    sizes = {size for size, _ in rows}
    if len(sizes) != 1 or len(rows) < 2:
        return None
    return sizes.pop(), {n: add_all(parts) for (_, n), parts in sorted(rows.items(), key=_number)}


def _case(atom: Atom) -> tuple[Term, int] | None:
    """(s, n) of [s = n]."""
    if isinstance(atom, Call) and atom.function is equal:
        size, number = atom.arguments
        if isinstance(size, Polynomial) and isinstance(number, int):
            return size, number
    return None


def _number(row: tuple[tuple[Term, int], list[Term]]) -> int:
    return row[0][1]
