"""What monomials are made of: symbols, floors, and rounding rules that wait for numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from flopscope.alphabet import MULTIPLIERS, text_of

if TYPE_CHECKING:
    from flopscope.symbolic.polynomial import Polynomial, Term

Number: TypeAlias = int | Fraction
Monomial: TypeAlias = "frozenset[tuple[Atom, int]]"
"""A product Π atom^power, without powers of zero."""

ONE: Monomial = frozenset()
"""The empty product, which is the key of a sum's constant."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A free size. `lower` is its least valid value, or for a real symbol a bound that it exceeds.

    `own` says that a reader's file gave the name, which is then written as it is and not by the
    alphabet's letter.
    """

    name: str
    lower: int = 1
    integer: bool = True
    own: bool = field(default=False, compare=False)

    def __hash__(self) -> int:
        return hash(self.name)  # a string keeps its hash, which every product needs

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
        """A lower bound; None if none is known."""
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
        """The P for which this floor equals ⌈P/divisor⌉, if its constant term shows that; else
        None."""
        constant = self.numerator.terms.get(ONE, 0)
        if isinstance(self.divisor, int) and self.divisor > 1 and constant == self.divisor - 1:
            ceiling: Polynomial = self.numerator - constant
            return ceiling
        return None

    def __str__(self) -> str:
        ceiling = self.as_ceiling()
        numerator, left, right = (self.numerator, *"⌊⌋") if ceiling is None else (ceiling, *"⌈⌉")
        return f"{left}{_bracketed(numerator)}/{_divisor(self.divisor)}{right}"


@dataclass(frozen=True, slots=True)
class Call:
    """function(*arguments), opaque until the arguments are numbers.

    The function that rounds numbers is kept itself, so that a formula that is evaluated at a width
    rounds as the network's own code does, with arguments computed in floating point as there.
    `lower` bounds its value from below (None if unknown); `integer` says that the value is an
    integer.
    """

    function: Callable[..., Any]
    arguments: tuple[Term, ...]
    lower: int | None = None
    integer: bool = True

    def symbols(self) -> frozenset[Symbol]:
        """Every symbol in its arguments."""
        symbolic = (a for a in self.arguments if not isinstance(a, int | Fraction))
        return frozenset().union(*(a.symbols() for a in symbolic))

    @property
    def is_double(self) -> bool:
        """Is it a result of Python's arithmetic of floats?"""
        return not self.integer and self.function.__module__ == "flopscope.symbolic.doubles"

    @property
    def binds(self) -> int:
        """The precedence of its operator: 1 for a sum, 2 for a product, 3 for a function call."""
        return SIGNS.get(self.function.__name__, ("", 3))[1] if self.is_double else 3

    def __str__(self) -> str:
        if self.binds < 3:
            return self._in_signs(*SIGNS[self.function.__name__])
        arguments = map(argument_text if self.is_double else str, self.arguments)
        return f"{self.function.__name__}({', '.join(arguments)})"

    def _in_signs(self, sign: str, binds: int) -> str:
        """The text of an operation on a and b, with brackets around operands that would otherwise
        be split, since code works from the left."""
        left, right = self.arguments
        return f"{_operand(left, binds)}{sign}{_operand(right, binds + 1)}"


Atom: TypeAlias = Symbol | Floor | Call

SIGNS: Mapping[str, tuple[str, int]] = {
    "plus": (" + ", 1),
    "minus": (" - ", 1),
    "times": ("·", 2),
    "over": ("/", 2),
}
"""How arithmetic of floats is written, with the precedence of its operator."""


def _operand(value: Term, binds: int) -> str:
    """The text of an operand, in brackets if the precedence of its operator is too low."""
    text = argument_text(value)
    return text if _binding(value) >= binds and not text.startswith("-") else f"({text})"


def _binding(value: Term) -> int:
    if isinstance(value, int | Fraction):
        return 3
    if len(value.terms) > 1:
        return 1
    ((monomial, coefficient),) = value.terms.items()
    if len(monomial) != 1 or coefficient != 1:
        return 2
    ((atom, power),) = monomial
    if power < 0:
        return 2
    return atom.binds if isinstance(atom, Call) and power == 1 else 3


def argument_text(value: Term) -> str:
    """The text of an operand in doubles. A fraction is written as the float that stands for it in
    code."""
    return repr(float(value)) if isinstance(value, Fraction) else str(value)


def _divisor(value: Polynomial | int) -> str:
    """The text of a divisor, in brackets unless it is one number or one size."""
    return str(value) if isinstance(value, int) or _binding(value) == 3 else f"({value})"


def _bracketed(value: Polynomial | int) -> str:
    several = not isinstance(value, int) and len(value.terms) > 1
    return f"({value})" if several else str(value)
