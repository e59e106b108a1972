"""The relations of a derived law, found by their left sides and evaluated at numbers."""

from functools import cache
from typing import Any

import sympy

from flopscope.laws import law

derived = cache(law)


def right(found, left: str, nth: int | None = None) -> sympy.Expr:
    """The right side of the one step that has this left side, or of the nth of several."""
    sides = [step.right for step in found.steps if str(step.left) == left]
    if nth is None:
        (side,) = sides
        return side
    assert len(sides) > 1, f"{left} is on the left once; no number is needed"
    return sides[nth]


def put(expression: sympy.Expr, **values: Any) -> sympy.Expr:
    """The expression at numbers, by the names of its symbols."""
    names = {s: sympy.nsimplify(values[s.name]) for s in expression.free_symbols}
    return expression.subs(names)
