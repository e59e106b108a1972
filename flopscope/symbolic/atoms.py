"""What monomials are made of: symbols, floors, and rounding rules that wait for numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from flopscope.alphabet import MULTIPLIERS, text_of

if TYPE_CHECKING:
    from flopscope.symbolic.polynomial import Polynomial, Term

Number: TypeAlias = int | Fraction
Monomial: TypeAlias = "frozenset[tuple[Atom, int]]"
"""Π atom^power, no power zero."""

ONE: Monomial = frozenset()
"""The empty product, under which a sum keeps its constant."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A free size. `lower` is its least legal value (for a real symbol, a bound it stays above).

    `own` is a name that a reader's file gave: it is written as it is, not in the alphabet's letter.
    """

    name: str
    lower: int = 1
    integer: bool = True
    own: bool = field(default=False, compare=False)

    def symbols(self) -> frozenset[Symbol]:
        """Itself."""
        return frozenset((self,))

    def __str__(self) -> str:
        plain = self.own or (self.integer and self.name in MULTIPLIERS)
        return self.name if plain else text_of(self.name)


@dataclass(frozen=True, slots=True)
class Floor:
    """⌊numerator/divisor⌋, divisor above 0; made by `//`, which reduces it first."""

    numerator: Polynomial
    divisor: Polynomial | int
    integer = True

    @property
    def lower(self) -> int | None:
        """A lower bound, None where there is none."""
        least = self.numerator.lower()
        if least is None:
            return None
        if isinstance(self.divisor, int):
            return least // self.divisor
        return 0 if least >= 0 else None

    def symbols(self) -> frozenset[Symbol]:
        """Every symbol in the numerator and the divisor."""
        found = self.numerator.symbols()
        return found if isinstance(self.divisor, int) else found | self.divisor.symbols()

    def as_ceiling(self) -> Polynomial | None:
        """P such that this floor is ⌈P/divisor⌉, when its constant term says so."""
        constant = self.numerator.terms.get(ONE, 0)
        if isinstance(self.divisor, int) and self.divisor > 1 and constant == self.divisor - 1:
            ceiling: Polynomial = self.numerator - constant
            return ceiling
        return None

    def __str__(self) -> str:
        ceiling = self.as_ceiling()
        numerator, left, right = (self.numerator, *"⌊⌋") if ceiling is None else (ceiling, *"⌈⌉")
        return f"{left}{_bracketed(numerator)}/{_bracketed(self.divisor)}{right}"


@dataclass(frozen=True, slots=True)
class Call:
    """function(*arguments), opaque until the arguments are numbers.

    The very function that rounds numbers is kept, so that a formula evaluated at a width rounds as
    the network's own code does: its arguments are then computed in floating point, as there.
    `lower` bounds its value from below (None: unknown); `integer` says that the value is one.
    """

    function: Callable[..., Any]
    arguments: tuple[Term, ...]
    lower: int | None = None
    integer: bool = True

    def symbols(self) -> frozenset[Symbol]:
        """Every symbol in its arguments."""
        symbolic = (a for a in self.arguments if not isinstance(a, int | Fraction))
        return frozenset().union(*(a.symbols() for a in symbolic))

    def __str__(self) -> str:
        return f"{self.function.__name__}({', '.join(map(str, self.arguments))})"


Atom: TypeAlias = Symbol | Floor | Call


def _bracketed(value: Polynomial | int) -> str:
    several = not isinstance(value, int) and len(value.terms) > 1
    return f"({value})" if several else str(value)
