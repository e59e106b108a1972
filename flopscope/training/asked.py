"""What searches and training are asked for, checked before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple

from flopscope.brief import shown
from flopscope.errors import BadInput


class Rule(NamedTuple):
    """Which numbers an argument may be: in words, as a function, and one of them."""

    words: str
    holds: Callable[[float], bool]
    such: float


FROM_0_TO_1 = ("from 0 to 1", lambda value: 0 <= value <= 1)
BELOW_1 = ("from 0 to below 1", lambda value: 0 <= value < 1)
FROM_0 = ("from 0", lambda value: value >= 0)
ABOVE_0 = ("above 0", lambda value: value > 0)

RULES: Mapping[str, Rule] = {
    "alpha": Rule(*FROM_0_TO_1, 0.5),
    "cost_weight": Rule(*FROM_0, 0.5),
    "dropout": Rule(*BELOW_1, 0.2),
    "ema": Rule("between 0 and 1", lambda value: 0 < value < 1, 0.99),
    "magnitude": Rule(*FROM_0_TO_1, 0.5),
    "momentum": Rule(*BELOW_1, 0.9),
    "rate": Rule(*ABOVE_0, 0.1),
    "stochastic_depth": Rule(*BELOW_1, 0.1),
    "temperature": Rule(*ABOVE_0, 4),
    "warmup": Rule(*FROM_0, 1),
    "weight_decay": Rule(*FROM_0, 0.0005),
}
"""The rule of each argument that is a number."""


def number(name: str, value: Any) -> float:
    """A finite number that keeps the rule of this argument.

    >>> number("alpha", 1)
    1.0
    """
    rule = RULES[name]
    known = not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
    if not known or not rule.holds(float(value)):
        raise BadInput(
            f"{name} {shown(value)} is not a number {rule.words}; give one such as {rule.such:g}"
        )
    return float(value)


def whole(name: str, value: Any, least: int) -> int:
    """An integer that is large enough.

    >>> whole("epochs", 3, 1)
    3
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        such = max(least, 1) * 5
        raise BadInput(
            f"{name} {shown(value)} is not an integer from {least}; give one such as {such}"
        )
    return int(value)
