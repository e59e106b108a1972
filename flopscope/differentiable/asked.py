"""What searches are asked for, checked before anything is trained."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from flopscope.brief import shown
from flopscope.errors import BadInput


def weight(name: str, value: Any) -> float:
    """The weight of the cost: a finite number from 0.

    >>> weight("cost_weight", 1)
    1.0
    """
    number = not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
    if not number or value < 0:
        raise BadInput(f"{name} {shown(value)} is not a number from 0; give one such as 0.5")
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
