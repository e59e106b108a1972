"""The decisions of a trace, which say where its formulas hold.

Branches on sizes follow the example input. A comparison that the symbols' bounds settle is no
branch. All others are remembered as relations, and so is every size that torch or the network
turned into a number. Together they are the domain of the trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import Any

from flopscope.domain import Condition, Relation
from flopscope.domain.regions import simplified
from flopscope.sizes import is_symbolic
from flopscope.symbolic import (
    ONE,
    Atom,
    Floor,
    Polynomial,
    alone,
    as_code_would,
    replace_atoms,
)
from flopscope.symbolic.nearest import signed_difference
from flopscope.symbolic.terms import LARGEST
from flopscope.tracing.callers import caller, initialises


@dataclass(frozen=True)
class Fixed:
    """A size that became its number at the example, and the line of code that asked for the
    number."""

    value: Polynomial
    number: int | float
    where: str

    def __str__(self) -> str:
        return f"{self.value} = {self.number} at {self.where}"


@dataclass
class Trail:
    """The example's sizes by symbol, the relations it satisfied, and the sizes it fixed."""

    example: Mapping[str, int]
    relations: dict[Relation, None] = field(default_factory=dict)
    fixed: dict[Polynomial, Fixed] = field(default_factory=dict)
    limits: dict[Polynomial, None] = field(default_factory=dict)
    """The sizes that must not exceed 2⁵³, so that arithmetic in floats is exact where it was
    assumed to be."""
    known: dict[Any, Any] = field(default_factory=dict, repr=False)
    """Arithmetic that was done: networks ask for the same sizes again and again."""
    unnoted: int = 0
    """How many answers an initialiser was given, of which the domain learns nothing."""

    def settle(self, question: Relation) -> bool:
        """The answer at the example. The relation that holds there is remembered."""
        answer = not question.at(self.example).broken()
        if initialises():
            self.unnoted += 1
            return answer
        self.relations[question if answer else question.negation()] = None
        return answer

    def assume(self, *sizes: Any) -> None:
        """Remember that these sizes must be integers that doubles hold."""
        self.limits |= dict.fromkeys(size for size in sizes if is_symbolic(size))

    def fix(self, value: Any) -> Any:
        """The number at the example. A symbolic size is remembered with the line that asked."""
        if not is_symbolic(value):
            return value
        if value not in self.fixed and initialises():
            self.unnoted += 1
            return number_at(value, self.example)
        if value not in self.fixed:
            self.fixed[value] = Fixed(value, number_at(value, self.example), caller())
        return self.fixed[value].number

    def domain(self) -> tuple[Condition, ...]:
        """The conditions under which the same branches are taken, fixed sizes have the same values,
        and doubles hold all integers."""
        fixed = []
        for f in self.fixed.values():
            difference, limits = signed_difference(f.value, f.number)
            self.assume(*limits)
            fixed.append(Relation(difference, equality=True))
        return simplified((*self.relations, *fixed, *_limits(self.limits)))


def number_at(value: Any, example: Mapping[str, int]) -> Any:
    """The number of a size at the example; real numbers are computed as in code."""
    if not isinstance(value, Polynomial):
        return value
    whole = all(atom.integer for atom in value.atoms())
    number = value.evaluate(example) if whole else as_code_would(value, example, {})
    return float(number) if isinstance(number, Fraction) else number


def _limits(sizes: Iterable[Polynomial]) -> Iterator[Relation]:
    """The conditions that these sizes do not exceed 2⁵³. For c·H the condition is that H does not
    exceed a power of two."""
    bounds: dict[Polynomial, int] = {}
    for size in dict.fromkeys(_above(size) for size in sizes):
        factor = next(iter(size.terms.values())) if len(size.terms) == 1 else 1
        if factor > 0:
            bound = LARGEST >> ceil(factor - 1).bit_length()
            bounds[size / factor] = min(bound, bounds.get(size / factor, bound))
    for size, bound in bounds.items():
        others = (o / b * bound for o, b in bounds.items() if o != size)
        if not any(Relation(o - size, equality=False).broken() is False for o in others):
            yield Relation(bound - size, equality=False)


def _above(size: Polynomial) -> Polynomial:
    """A size above this one, of a single term if possible. Floors are taken without rounding.
    Instead of adding a constant the term is doubled, because the constant is smaller than the term
    where it matters."""

    def above(atom: Atom) -> Any:
        if isinstance(atom, Floor) and isinstance(atom.divisor, int):
            return replace_atoms(atom.numerator, above) / atom.divisor
        return alone(atom)

    falls = any(c < 0 for m, c in size.terms.items() if m)
    bounded: Polynomial = size if falls else replace_atoms(size, above)
    constant = bounded.terms.get(ONE, 0)
    rest: Polynomial = bounded - constant
    doubled: Polynomial = rest * (2 if constant > 0 and len(rest.terms) == 1 else 1)
    return doubled
