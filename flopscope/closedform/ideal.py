"""The idealised law behind a formula: every rounding dropped, so that a polynomial remains."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from flopscope.domain import AtLeast, Condition
from flopscope.sizes import Size
from flopscope.sizes.rules import rule_of
from flopscope.symbolic import ONE, Atom, Call, Floor, Polynomial, alone, replace_atoms


def idealise(value: Size) -> tuple[Size, tuple[Condition, ...]]:
    """The value without roundings, and the conditions under which its choices are right.

    ⌈P/d⌉ and ⌊P/d⌋ become P/d, so that the law is exact where the grid is not rounded; a rounded
    width becomes the width itself, two widths that need not agree are taken to differ, and a
    maximum becomes the side that is larger for multipliers just below 1. These choices are
    conditions of the law. Raises TypeError for a rounding rule whose idealised form is not known.

    >>> from flopscope.sizes import make_divisible, maximum
    >>> from flopscope.symbolic import dimension
    >>> width = dimension("width")
    >>> law, conditions = idealise(make_divisible(1280 * maximum(1, width)))
    >>> print(law, "where", *conditions)
    1280 where α ≤ 1
    """
    conditions: dict[Condition, None] = {}

    def ideal(atom: Atom) -> Size:
        if isinstance(atom, Floor):
            return _ideal_floor(*(replace_atoms(p, ideal) for p in (atom.numerator, atom.divisor)))
        if isinstance(atom, Call):
            arguments = [replace_atoms(argument, ideal) for argument in atom.arguments]
            return _ideal_call(atom, arguments, conditions)
        return alone(atom)

    return replace_atoms(value, ideal), _strongest(conditions)


def _ideal_floor(numerator: Size, divisor: Size) -> Size:
    """P/d for ⌊(P + k)/d⌋. With a symbolic d, ⌈P/d⌉ − 1 is written as ⌊(P − 1)/d⌋ and becomes P/d −
    1."""
    constant = numerator.terms.get(ONE, 0) if isinstance(numerator, Polynomial) else numerator
    below = int(isinstance(divisor, Polynomial) and constant == -1)
    return (numerator - constant) / divisor - below


def _ideal_call(atom: Call, arguments: list[Any], conditions: dict[Condition, None]) -> Size:
    rule = rule_of(atom)
    if rule.ideal is not None:
        return rule.ideal(*arguments)
    if rule.side is None:
        raise TypeError(f"no idealised form of {atom.function.__name__}")
    value, reasons = rule.side(*arguments)
    for difference, words in reasons:
        conditions[AtLeast(difference, 0, words)] = None
    return value


def _strongest(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """The strongest of several bounds on one quantity, without those that always hold."""
    strongest: dict[Any, tuple[Fraction, Condition]] = {}
    for condition in conditions:
        if condition.broken() is False:
            continue
        quantity, bound = _bound(condition)
        if quantity not in strongest or bound > strongest[quantity][0]:
            strongest[quantity] = (bound, condition)
    return tuple(condition for _, condition in strongest.values())


def _bound(condition: Condition) -> tuple[Any, Fraction]:
    """(Q, b) such that the condition says Q ≥ b. Q is ± a monomial where that is possible."""
    assert isinstance(condition, AtLeast)
    constant = condition.value.terms.get(ONE, 0)
    quantity = condition.value - constant
    scale = abs(next(iter(quantity.terms.values()))) if len(quantity.terms) == 1 else 1
    return quantity / scale, Fraction(condition.minimum - constant) / scale
