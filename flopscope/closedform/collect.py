"""A closed form collected for reading: a sum over the stages' grids, with short names for
roundings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import NamedTuple

from flopscope.sizes import Size
from flopscope.sizes.rules import rule_of
from flopscope.symbolic import (
    ONE,
    Atom,
    Call,
    Floor,
    Monomial,
    Number,
    Polynomial,
    Symbol,
    Term,
    alone,
    display_order,
    replace_atoms,
)

GRID = frozenset(("H", "W"))
"""The symbols that make up a stage's grid."""


class GridTerm(NamedTuple):
    """One summand, grid · coefficient. The coefficient has neither H nor W."""

    grid: Monomial
    coefficient: Term


class Collected(NamedTuple):
    """common · Σ grid · coefficient / below."""

    common: Monomial
    terms: tuple[GridTerm, ...]
    below: Monomial = ONE


class Definition(NamedTuple):
    """A short name for an atom. The atom's own arguments are written with earlier names."""

    name: str
    atom: Floor | Call


def collect(value: Size) -> Collected:
    """The value as a common factor times a sum over grids, finest grid first.

    >>> from flopscope.symbolic import symbol
    >>> B, H = symbol("B"), symbol("H")
    >>> len(collect(B * H * 3 + B * H * 4 + B * ((H + 1) // 2)).terms)
    2
    """
    if not isinstance(value, Polynomial):
        return Collected(ONE, (GridTerm(ONE, value),))
    below = _below(value)
    value = value * Polynomial({below: 1}) if below else value
    if not isinstance(value, Polynomial):
        return Collected(ONE, (GridTerm(ONE, value),), below)
    common = common_monomial(value)
    grids: dict[Monomial, dict[Monomial, Number]] = {}
    for monomial, coefficient in _without(value, common).items():
        grid = frozenset((atom, power) for atom, power in monomial if _spans_grid(atom))
        grids.setdefault(grid, {})[monomial - grid] = coefficient
    finest_first = sorted(grids, key=_coarseness)
    terms = tuple(GridTerm(grid, _term(grids[grid])) for grid in finest_first)
    return Collected(common, terms, below)


def common_monomial(value: Polynomial) -> Monomial:
    """The largest monomial without grid symbols that divides every term.

    >>> from flopscope.symbolic import symbol
    >>> B, C, H = symbol("B"), symbol("C"), symbol("H")
    >>> print(Polynomial({common_monomial(3 * B * C * H + B * H): 1}))
    B
    """
    first, *others = (dict(monomial) for monomial in value.terms)
    shared = {}
    for atom, power in first.items():
        least = min([power, *(monomial.get(atom, 0) for monomial in others)])
        if least > 0 and not _spans_grid(atom):
            shared[atom] = least
    return frozenset(shared.items())


def _below(value: Polynomial) -> Monomial:
    """The monomial that all terms are divided by; fractions among the coefficients stay."""
    denominator = value.denominator()
    return next(iter(denominator.terms)) if isinstance(denominator, Polynomial) else ONE


def _without(value: Polynomial, common: Monomial) -> dict[Monomial, Number]:
    taken = dict(common)

    def rest(monomial: Monomial) -> Monomial:
        powers = ((atom, power - taken.get(atom, 0)) for atom, power in monomial)
        return frozenset((atom, power) for atom, power in powers if power)

    return {rest(monomial): coefficient for monomial, coefficient in value.terms.items()}


def _term(terms: dict[Monomial, Number]) -> Term:
    return terms[ONE] if set(terms) == {ONE} else Polynomial(terms)


def _spans_grid(atom: Atom) -> bool:
    return any(s.name in GRID for s in atom.symbols())


def _coarseness(grid: Monomial) -> tuple[float, str]:
    """The key that orders the finest grid first, by size at one large input, and constants last."""
    size = 1.0
    for atom, power in grid:
        size *= max(_number_at(atom, LARGE), 1.0) ** power
    return (-size, " ".join(sorted(str(atom) for atom, _ in grid)))


LARGE = (10**9, 10**9 + 7, 10**6, 1024)
"""Sizes at which atoms are compared. The first at which an atom has a value counts."""


def _number_at(atom: Atom, sizes: Iterable[int]) -> float:
    """The value of an atom with all symbols at the first of these sizes at which it has one;
    infinite where it has none, because a divisor is 0."""
    for size in sizes:
        try:
            return float(alone(atom).evaluate({s.name: size for s in atom.symbols()}))
        except (ArithmeticError, ValueError):
            continue
    return inf


class Namer:
    """Gives the wanted atoms short names, and keeps the names' definitions in order of use.

    `name(atom, n)` names an atom that is the n-th of its kind. Arguments are named before the atoms
    that use them.
    """

    def __init__(
        self, wanted: Callable[[Atom], bool], name: Callable[[Floor | Call, int], str]
    ) -> None:
        self._wanted = wanted
        self._name = name
        self._names: dict[Atom, Polynomial] = {}
        self.definitions: list[Definition] = []

    def __call__(self, value: Size) -> Size:
        """The value written with the names."""
        if isinstance(value, Polynomial):
            new = (a for a in value.atoms() if not isinstance(a, Symbol) and a not in self._names)
            for atom in sorted(new, key=_reading_order):
                self._visit(atom)
        return replace_atoms(value, lambda atom: self._names.get(atom, alone(atom)))

    def _visit(self, atom: Atom) -> None:
        if isinstance(atom, Symbol) or atom in self._names:
            return
        inner = _with_arguments(atom, self)
        if self._wanted(atom):
            number = 1 + sum(type(d.atom) is type(atom) for d in self.definitions)
            name = self._name(atom, number)
            self.definitions.append(Definition(name, inner))
            self._names[atom] = alone(Symbol(name, integer=atom.integer))
        else:
            self._names[atom] = alone(inner)


def _with_arguments(atom: Floor | Call, change: Callable[[Size], Size]) -> Floor | Call:
    if isinstance(atom, Floor):
        numerator = change(atom.numerator)
        constant = not isinstance(numerator, Polynomial)  # ⌊7/G⌋
        above = Polynomial({ONE: numerator}) if constant else numerator
        return Floor(above, change(atom.divisor))
    return Call(atom.function, tuple(change(a) for a in atom.arguments), atom.lower, atom.integer)


def _reading_order(atom: Atom) -> tuple[bool, float, bool, str]:
    """The key that orders atoms by their value where every symbol is near its least, so that small
    numbers of channels come first, as in the network.

    Atoms without a value there, because a divisor is 0, come late. Atoms that ask whether two sizes
    are equal come last.
    """
    agreement = isinstance(atom, Call) and rule_of(atom).asks is not None
    try:
        size = float(alone(atom).evaluate({s.name: s.lower + 1 for s in atom.symbols()}))
    except (ArithmeticError, ValueError):
        size = inf
    return (agreement, size, *display_order(atom))
