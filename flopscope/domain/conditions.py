"""Conditions on the symbols of a formula, recorded while a network is built.

For numbers, a broken condition raises at once (`checks`). For symbols, it is kept with the ledger
and its formulas, unless the symbols' own bounds already prove it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from typing import Any, TypeAlias

from flopscope.domain.members import Members
from flopscope.domain.text import inequality_text, relation_text
from flopscope.domain.truths import anywhere, opposite, settled, substituted, symbols_of
from flopscope.sizes import Size, any_of, is_multiple, is_symbolic
from flopscope.symbolic import ONE, Polynomial, Symbol, alone


@dataclass(frozen=True, slots=True)
class AtLeast:
    """value ≥ minimum; `what` names the quantity in messages."""

    value: Size
    minimum: int
    what: str

    def breaks(self) -> Any:
        """True or False when that is known (elementwise for arrays), None while symbols decide."""
        if not is_symbolic(self.value):
            return self.value < self.minimum
        low, missing = self.value.lower(), (self.minimum - self.value).lower()
        if low is not None and low >= self.minimum:
            return False
        return True if missing is not None and missing > 0 else None

    def broken(self) -> bool | None:
        """Is it broken anywhere? None while symbols decide."""
        return anywhere(self.breaks())

    def at(self, values: Mapping[str, Any]) -> AtLeast:
        """The condition with some symbols replaced."""
        value = substituted(self.value, values)
        return AtLeast(self.minimum - 1 if value is None else value, self.minimum, self.what)

    def symbols(self) -> frozenset[Symbol]:
        """The symbols that it depends on."""
        return symbols_of(self.value)

    def __str__(self) -> str:
        return inequality_text(self.value, self.minimum)


@dataclass(frozen=True, slots=True)
class Multiple:
    """divisor divides value; `what` names the value in messages."""

    value: Size
    divisor: Size
    what: str

    def breaks(self) -> Any:
        """True or False when that is known (elementwise for arrays), None while symbols decide."""
        rest = self.value % self.divisor
        if not is_symbolic(rest):
            return rest != 0
        rounded = isinstance(self.divisor, int) and is_symbolic(self.value)
        return False if rounded and is_multiple(self.value, self.divisor) else None

    def broken(self) -> bool | None:
        """Is it broken anywhere? None while symbols decide."""
        return anywhere(self.breaks())

    def at(self, values: Mapping[str, Any]) -> Multiple:
        """The condition with some symbols replaced."""
        value, divisor = (substituted(size, values) for size in (self.value, self.divisor))
        if value is None or divisor is None or (not is_symbolic(divisor) and any_of(divisor == 0)):
            return Multiple(1, 2, self.what)
        return Multiple(value, divisor, self.what)

    def symbols(self) -> frozenset[Symbol]:
        """The symbols that it depends on."""
        return symbols_of(self.value) | symbols_of(self.divisor)

    @property
    def odd(self) -> Size | None:
        """The size that this condition requires to be odd, if it does: it then says that 2 divides
        size − 1."""
        by_two = isinstance(self.divisor, int) and self.divisor == 2
        if by_two and is_symbolic(self.value) and self.value.terms.get(ONE) == -1:
            return self.value + 1
        return None

    def __str__(self) -> str:
        return (
            f"{self.value} a multiple of {self.divisor}" if self.odd is None else f"{self.odd} odd"
        )


@dataclass(frozen=True, slots=True)
class Relation:
    """A branch that code took on its sizes: difference = 0 or difference ≥ 0, or the negation of
    one."""

    difference: Size
    equality: bool
    negated: bool = False

    def holds(self) -> Any:
        """True or False where arithmetic or bounds settle it (elementwise), None otherwise."""
        truth = settled(self.difference, equality=self.equality)
        return None if truth is None else truth != self.negated

    def breaks(self) -> Any:
        """True or False when that is known (elementwise for arrays), None while symbols decide."""
        holds = self.holds()
        return None if holds is None else opposite(holds)

    def broken(self) -> bool | None:
        """Is it broken anywhere? None while symbols decide."""
        return anywhere(self.breaks())

    def at(self, values: Mapping[str, Any]) -> Relation:
        """The condition with some symbols replaced."""
        difference = substituted(self.difference, values)
        if difference is None:
            return Relation(1, equality=True)
        return Relation(difference, self.equality, self.negated)

    def negation(self) -> Relation:
        """What holds where this one does not."""
        return Relation(self.difference, self.equality, not self.negated)

    def symbols(self) -> frozenset[Symbol]:
        """The symbols that it depends on."""
        return symbols_of(self.difference)

    def __str__(self) -> str:
        return relation_text(self.difference, equality=self.equality, negated=self.negated)


Condition: TypeAlias = AtLeast | Multiple | Relation | Members


def without_common_factors(size: Polynomial) -> Polynomial:
    """The size divided by the positive factors that all its terms share, which leaves the sign as
    it is.

    >>> from flopscope.symbolic import symbol
    >>> B, H = symbol("B"), symbol("H")
    >>> print(without_common_factors(6 * B * H - 4 * B))
    3·H - 2
    """
    divisor = gcd(*(c for c in size.terms.values() if isinstance(c, int)))
    whole = all(isinstance(c, int) for c in size.terms.values())
    first, *others = (dict(monomial) for monomial in size.terms)
    shared = {
        atom: min([power, *(m.get(atom, 0) for m in others)])
        for atom, power in first.items()
        if isinstance(atom, Symbol)
    }
    for atom, power in shared.items():
        if power > 0:
            size = size / alone(atom) ** power
    return size / divisor if whole and divisor > 1 else size


LIMIT = 2**31
"""A length that no tensor's axis has."""


def is_limit(condition: Condition) -> bool:
    """Does it only exclude sizes that no tensor has, where doubles no longer hold all integers?"""
    if not isinstance(condition, Relation) or condition.equality or condition.negated:
        return False
    size = condition.difference
    bound = size.terms.get(ONE, 0) if is_symbolic(size) else 0
    return bound >= LIMIT and (bound - size).lower() is not None
