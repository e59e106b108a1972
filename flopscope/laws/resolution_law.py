"""A network's MACs in its resolution multiplier: arXiv 1704.04861, section 3.4.

The cost of layers before the global pooling is in proportion to the number of positions, ρ²; the
cost of those after it does not change.
"""

from __future__ import annotations

from fractions import Fraction

import sympy

from flopscope.closedform.sympify import sympy_symbol
from flopscope.laws.parts import Law, Step, Worked, ideal_macs, letter, model_ledger, period
from flopscope.symbolic import symbol

RHO, R = sympy_symbol("rho"), sympy_symbol("R")
AT_1, FIXED = letter("MACs_1"), letter("fixed")
SIDE, SIDES = 224, (224, 192, 160, 128)


def derive(model: str) -> Law:
    """MACs are ρ² times those at ρ = 1, plus 1 − ρ² times those that do not depend on the grid."""
    ledger = model_ledger(model, symbol("R"))
    total = sympy.expand(ideal_macs(ledger).subs(R, RHO * R))
    fixed, at_one = total.subs(RHO, 0), total.subs(RHO, 1)
    law = RHO**2 * AT_1 + (1 - RHO**2) * FIXED
    assert sympy.expand(law.subs({AT_1: at_one, FIXED: fixed}) - total) == 0, "not quadratic in ρ"
    elasticity = sympy.cancel(RHO * sympy.diff(total, RHO) / total)
    return Law(
        Step(f"MACs of {model} at resolution multiplier ρ", letter("MACs"), law),
        (
            Step("MACs at ρ = 1", AT_1, at_one),
            Step("MACs after global poolings, of classifier and gates", FIXED, fixed),
            Step("elasticity, ∂ln MACs/∂ln ρ", letter("ε"), sympy.factor(elasticity)),
        ),
        f"H = W = ρ·R, a multiple of {period(ledger)}",
        (_worked(model, total, elasticity),),
    )


def _worked(model: str, total: sympy.Expr, elasticity: sympy.Expr) -> Worked:
    whole = int(model_ledger(model, SIDE).macs())
    rows = []
    for side in SIDES:
        at = {RHO: sympy.Rational(side, SIDE), R: SIDE}
        macs = int(model_ledger(model, side).macs())
        rows.append(
            (
                side,
                macs,
                Fraction(macs, whole),
                float(total.subs(at) / total.subs({RHO: 1, R: SIDE})),
                Fraction(side, SIDE) ** 2,
                float(elasticity.subs(at)),
            )
        )
    return Worked(
        f"{model} from R = {SIDE}, counted, and as the law says:",
        ("ρ·R", "MACs", f"of those at {SIDE}", "law", "ρ²", "ε"),
        tuple(rows),
    )
