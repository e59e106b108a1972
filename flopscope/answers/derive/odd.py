"""Sizes that are odd because an argument's name says so. They are traced as K = 2·j + 1, and
formulas are stated in K."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flopscope.arguments import HALF
from flopscope.domain import Condition, Members
from flopscope.sizes import equal
from flopscope.symbolic import (
    Atom,
    Call,
    Polynomial,
    Symbol,
    alone,
    replace_atoms,
    substitute,
    symbol,
)


def halves(names: Iterable[str]) -> dict[str, Any]:
    """(K − 1)/2 for every j among the names."""
    return {n: (symbol(n.removeprefix(HALF)) - 1) / 2 for n in names if n.startswith(HALF)}


def in_odd(expression: Any) -> Any:
    """The expression rewritten from the halves j to the odd sizes K."""

    def case(atom: Atom) -> Any:
        if isinstance(atom, Call) and atom.function is equal:
            size, number = atom.arguments
            if isinstance(size, Polynomial) and str(size).startswith(HALF):
                return equal(symbol(str(size).removeprefix(HALF)), 2 * number + 1)
        return alone(atom)

    cases = replace_atoms(expression, case)
    names = (s.name for s in cases.symbols()) if isinstance(cases, Polynomial) else ()
    return substitute(cases, halves(names))


def condition_in_odd(condition: Condition, known: Mapping[str, Any]) -> Condition:
    """The condition rewritten from the halves j to the odd sizes K = 2·j + 1."""
    if not isinstance(condition, Members) or str(condition.value) not in known:
        return condition.at(known)
    return Members(
        symbol(str(condition.value).removeprefix(HALF)),
        2 * condition.least + 1,
        2 * condition.modulus,
        frozenset(2 * r + 1 for r in condition.residues),
        frozenset(2 * number + 1 for number in condition.others),
    )


def as_shown(s: Symbol, sizes: Iterable[int]) -> tuple[str, list[int]]:
    """The name and the numbers by which a reader knows a size."""
    if s.name.startswith(HALF):
        return s.name.removeprefix(HALF), [2 * size + 1 for size in sizes]
    return str(s), list(sizes)
