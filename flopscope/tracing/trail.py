"""What a trace decides on its way, and so where its formulas hold.

Branches on sizes follow the example input. A comparison that the symbols' bounds settle is no
branch; the others are remembered as relations, and so is every size that torch or the network
turned into a number. Together they are the domain of what was traced.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from flopscope.domain import Condition, Relation
from flopscope.regions import simplified
from flopscope.sizes import is_symbolic
from flopscope.symbolic import Polynomial
from flopscope.tracing.places import caller as caller


@dataclass(frozen=True)
class Fixed:
    """A size that became the number it has at the example, and the line of code that asked for
    it."""

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
    known: dict[Any, Any] = field(default_factory=dict, repr=False)
    """Arithmetic that was done: networks ask for the same sizes again and again."""

    def settle(self, question: Relation) -> bool:
        """The answer at the example; the relation that holds there is remembered."""
        answer = not question.at(self.example).broken()
        if _initialises():
            return answer
        self.relations[question if answer else question.negation()] = None
        return answer

    def fix(self, value: Any) -> Any:
        """The number at the example; a symbolic size is remembered with its caller."""
        if not is_symbolic(value):
            return value
        if value not in self.fixed and _initialises():
            return value.evaluate(self.example)
        if value not in self.fixed:
            self.fixed[value] = Fixed(value, value.evaluate(self.example), caller())
        return self.fixed[value].number

    def domain(self) -> tuple[Condition, ...]:
        """Where the same branches are taken and the fixed sizes have the same values."""
        fixed = (
            Relation(f.value - f.number, equality=True)
            for f in self.fixed.values()
            if isinstance(f.number, int)
        )
        return simplified((*self.relations, *fixed))


INITIALISERS = frozenset(
    "reset_parameters _reset_parameters init_weights _init_weights initialize_weights "
    "_initialize_weights trunc_normal_ variance_scaling_".split()
)
"""Functions that only give weights their first values, as torch and its users call them."""


def _initialises() -> bool:
    """Is a function that only gives weights their first values running? No count depends on it."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_name in INITIALISERS or code.co_filename.endswith("torch/nn/init.py"):
            return True
        frame = frame.f_back
    return False
