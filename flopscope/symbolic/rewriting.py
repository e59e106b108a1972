"""Polynomials made from polynomials: sums of many, symbols replaced, atoms replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flopscope.symbolic.atoms import Atom, Floor, Monomial, Number
from flopscope.symbolic.polynomial import Polynomial, Term, alone, product, simplest
from flopscope.symbolic.terms import add, constant
from flopscope.symbolic.values import quotient


def add_all(parts: Iterable[Term]) -> Term:
    """Σ parts in one pass: adding one by one would copy the growing sum each time.

    >>> from flopscope.symbolic import symbol
    >>> print(add_all([symbol("H"), 2, symbol("H")]))
    2·H + 2
    """
    return simplest(
        add(*(part.terms if isinstance(part, Polynomial) else constant(part) for part in parts))
    )


def substitute(value: Any, values: Mapping[str, Any]) -> Any:
    """`value` with the named symbols replaced and all others left as they are.

    >>> from flopscope.symbolic import symbol
    >>> print(substitute(symbol("H") * symbol("W"), {"H": 3}))
    3·W
    """
    if not isinstance(value, Polynomial):
        return value
    kept = {s.name: alone(s) for s in value.symbols() if s.name not in values}
    return value.evaluate(kept | dict(values))


def replace_atoms(value: Any, replacement: Callable[[Atom], Any]) -> Any:
    """`value` with every outermost atom replaced by what `replacement` says.

    >>> from flopscope.symbolic import symbol
    >>> print(replace_atoms((symbol("H") + 1) // 2 * 3, lambda atom: symbol("h")))
    3·h
    """
    if not isinstance(value, Polynomial):
        return value
    return add_all(_replaced(m, c, replacement) for m, c in value.terms.items())


def _replaced(monomial: Monomial, coefficient: Number, replacement: Callable[[Atom], Any]) -> Term:
    term: Any = coefficient
    for atom, power in monomial:
        base = replacement(atom) ** abs(power)
        term = product(term, base) if power > 0 else quotient(term, base)
    return term  # type: ignore[no-any-return]


def with_ceilings(value: Any) -> Any:
    """x − ⌊x/2⌋ as ⌈x/2⌉, where that shortens the sum: so a size padded to an even one is readable.

    >>> from flopscope.symbolic import symbol
    >>> H = symbol("H")
    >>> print(with_ceilings(H + H % 2))
    2·⌈H/2⌉
    """
    if not isinstance(value, Polynomial):
        return value
    for monomial, coefficient in value.terms.items():
        for atom, power in monomial if len(monomial) == 1 else ():
            if power == 1 and isinstance(atom, Floor) and _is_even(atom.divisor):
                whole = atom.numerator // (atom.divisor // 2)
                ceiling = -(-whole // 2)
                shorter = value - coefficient * (alone(atom) - whole) - coefficient * ceiling
                if _length(shorter) < len(value.terms):
                    return with_ceilings(shorter)
    return value


def _is_even(divisor: Term) -> bool:
    return isinstance(divisor, int) and divisor % 2 == 0


def _length(value: Any) -> int:
    return len(value.terms) if isinstance(value, Polynomial) else 1
