"""A symbol that takes only some integers: multiples, residue classes or a few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from flopscope.domain.text import runs_text
from flopscope.domain.truths import anywhere, opposite, symbols_of
from flopscope.sizes import Size, is_symbolic
from flopscope.symbolic import Symbol, substitute


@dataclass(frozen=True, slots=True)
class Members:
    """A symbol is one of `others`, or it is at least `least` with a remainder in `residues` modulo
    `modulus`.

    >>> from flopscope.symbolic import symbol
    >>> print(Members(symbol("H"), 64, 32, frozenset([0])))
    H multiple of 32, at least 64
    """

    value: Size
    least: int
    modulus: int
    residues: frozenset[int]
    others: frozenset[int] = frozenset()

    def breaks(self) -> Any:
        """True or False if the symbol has a value (elementwise for arrays), None if it has none."""
        if is_symbolic(self.value):
            return None
        rest = self.value % self.modulus
        fits = reduce(or_, (rest == r for r in self.residues), self.value != self.value)
        listed = reduce(or_, (self.value == n for n in self.others), self.value != self.value)
        return opposite(((self.value >= self.least) & fits) | listed)

    def broken(self) -> bool | None:
        """Is it broken anywhere? None while symbols decide."""
        return anywhere(self.breaks())

    def at(self, values: Mapping[str, Any]) -> Members:
        """The condition with its symbol replaced."""
        value = substitute(self.value, values)
        return Members(value, self.least, self.modulus, self.residues, self.others)

    def symbols(self) -> frozenset[Symbol]:
        """The symbol that it is about."""
        return symbols_of(self.value)

    def at_number(self, number: int) -> bool:
        """Is the number a member?"""
        regular = number >= self.least and number % self.modulus in self.residues
        return regular or number in self.others

    @property
    def rule(self) -> str:
        """The rule without its subject: 'multiple of 32, at least 64'."""
        parts = []
        if self.residues:
            parts.append(self._eventually())
        if self.others:
            numbers = runs_text(sorted(self.others))
            parts.append(f"= {numbers}" if len(self.others) == 1 else f"one of {numbers}")
        missing = set(range(1, self.least)) - self.others
        if len(self.residues) == self.modulus and len(missing) == 1:
            return f"≠ {missing.pop()}"
        return " or ".join(parts) or "impossible"

    def _eventually(self) -> str:
        if len(self.residues) == self.modulus:
            return f"≥ {self.least}"
        bound = f", at least {self.least}" if self.least > self.modulus else ""
        if self.residues == {0}:
            return f"multiple of {self.modulus}{bound}"
        if self.modulus == 2:
            return f"odd{bound}"
        return f"mod {self.modulus} in {{{runs_text(sorted(self.residues))}}}{bound}"

    def __str__(self) -> str:
        return f"{self.value} {self.rule}"
