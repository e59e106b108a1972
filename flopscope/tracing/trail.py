"""What a trace decides on its way, and so where its formulas hold.

Branches on sizes follow the example input. A comparison that the symbols' bounds settle is no
branch; the others are remembered, and so is every size that torch or the network turned into a
number.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flopscope.sizes import is_symbolic
from flopscope.symbolic import Polynomial


@dataclass(frozen=True)
class Question:
    """difference = 0, or difference ≥ 0, or the negation of it."""

    difference: Polynomial
    equality: bool
    negated: bool = False

    def __str__(self) -> str:
        sign = ("≠" if self.negated else "=") if self.equality else ("<" if self.negated else "≥")
        return f"{self.difference} {sign} 0"

    def answer(self, values: Mapping[str, int]) -> bool:
        """The answer at these sizes."""
        number = self.difference.evaluate(values)
        return bool(number == 0 if self.equality else number >= 0) is not self.negated


@dataclass(frozen=True)
class Fixed:
    """A size that became the number it has at the example, and the line of code that asked for
    it."""

    value: Polynomial
    number: int | float
    where: str


@dataclass
class Trail:
    """The example's sizes by symbol, the answers it gave, and the sizes it fixed."""

    example: Mapping[str, int]
    answers: dict[Question, bool] = field(default_factory=dict)
    fixed: dict[Polynomial, Fixed] = field(default_factory=dict)

    def settle(self, question: Question) -> bool:
        """The answer at the example, remembered."""
        return self.answers.setdefault(question, question.answer(self.example))

    def fix(self, value: Any) -> Any:
        """The number at the example; a symbolic size is remembered with its caller."""
        if not is_symbolic(value):
            return value
        if value not in self.fixed:
            self.fixed[value] = Fixed(value, value.evaluate(self.example), _caller())
        return self.fixed[value].number


def settled(difference: Any, *, equality: bool) -> bool | None:
    """difference = 0 or ≥ 0, where bounds or arithmetic settle it for all sizes; else None."""
    if not is_symbolic(difference):
        return bool(difference == 0 if equality else difference >= 0)
    low, high = difference.lower(), (-difference).lower()
    positive, negative = low is not None and low > 0, high is not None and high > 0
    if equality:
        return False if positive or negative else None
    if low is not None and low >= 0:
        return True
    return False if negative else None


def _caller() -> str:
    """file:line of the innermost frame that is neither torch's nor ours."""
    for frame in reversed(traceback.extract_stack()):
        inside = "/torch/" in frame.filename or "/flopscope/tracing/" in frame.filename
        if not inside:
            return f"{frame.filename}:{frame.lineno}"
    return "unknown"
