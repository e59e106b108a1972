"""Named laws, derived by SymPy from the formulas of blocks and networks; nothing here is typed in.

A law is a statement, the formulas it was derived from, and worked cases. Sizes are taken where no
resolution is rounded (multiples of 32) and widths are idealised (make_divisible dropped), because a
law is about the trend; the exact counts are the networks' own formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import sympy

from flopscope.analytic.forms import FORMS
from flopscope.closedform.sympify import sympy_symbol, to_sympy
from flopscope.facts import Kind, Operator
from flopscope.ledger import Ledger, kind_name
from flopscope.symbolic import symbol

ALPHA = sympy_symbol("width", integer=False)
RHO = sympy_symbol("rho", integer=False)
R = sympy_symbol("R")

Network = Callable[..., Ledger]
"""A network's ledger from its input sizes, and width where it is free: `network(B, H, W)`."""


@dataclass(frozen=True)
class Step:
    """One line of a derivation: what it is, and `left = right`."""

    words: str
    left: str
    right: sympy.Expr


@dataclass(frozen=True)
class Law:
    """`statement` is the law; `steps` derive it; `cases` are worked numbers."""

    title: str
    statement: Step
    steps: tuple[Step, ...]
    cases: tuple[str, ...]
    domain: str
    source: str


def separable_ratio() -> Law:
    """MACs of a separable over a standard convolution: 1/C_out + 1/K² (arXiv 1704.04861, section
    3.1).

    >>> sorted(map(str, separable_ratio().statement.right.args))
    ['1/C_out', 'K**(-2)']
    """
    separable = _macs("separable_conv")
    standard = _macs("standard_conv")
    ratio = sympy.expand(sympy.cancel(separable / standard))
    case = ratio.subs({sympy_symbol("K"): 3, sympy_symbol("C_out"): 256})
    return Law(
        "separable over standard convolution",
        Step("the ratio of multiply-accumulates", "separable/standard", ratio),
        (
            Step("MACs of the separable convolution", "separable", sympy.factor(separable)),
            Step("MACs of the standard convolution", "standard", standard),
        ),
        (f"K = 3, C_out = 256: ratio {case}, {float(1 / case):.1f} times fewer MACs",),
        "K odd, stride 1, centred window",
        "arXiv 1704.04861, section 3.1",
    )


def width_law(network: Network, name: str) -> Law:
    """MACs in the width multiplier: α² times those at α = 1, plus what each part adds to that.

    A part whose cost is not quadratic in α corrects the law by part(α) − α²·part(1). Domain: H = W
    = R a multiple of 32, α ≤ 1 where the head's width is fixed below 1.
    """
    alpha = symbol("width", lower=0, integer=False)
    ledger = network(1, symbol("R"), symbol("R"), width=alpha)
    total = _ideal_macs(ledger)
    parts = {part: _ideal_macs(ledger.filter(partial(_is_part, part))) for part in _PARTS}
    corrections = {
        part: _rising(macs - ALPHA**2 * macs.subs(ALPHA, 1)) for part, macs in parts.items()
    }
    steps = [
        Step(f"correction of the {part}", part, c) for part, c in corrections.items() if c != 0
    ]
    at_one = total.subs(ALPHA, 1)
    law = ALPHA**2 * sympy.Symbol("MACs(1)") + sum(sympy.Symbol(step.left) for step in steps)
    assert sympy.expand(ALPHA**2 * at_one + sum(s.right for s in steps) - total) == 0
    elasticity = sympy.cancel(ALPHA * sympy.diff(total, ALPHA) / total)
    steps.insert(0, Step("MACs at α = 1", "MACs(1)", at_one))
    steps.append(Step("elasticity", "∂ln MACs/∂ln α", sympy.factor(elasticity)))
    return Law(
        f"width law of {name}",
        Step("MACs at width multiplier α", "MACs(α)", law),
        tuple(steps),
        tuple(_width_case(total, elasticity, alpha) for alpha in ("1", "3/4", "1/2", "1/4")),
        "H = W = R, a multiple of 32; make_divisible dropped; α ≤ 1",
        "arXiv 1704.04861, section 3.3",
    )


def resolution_law(network: Network, name: str) -> Law:
    """MACs in the resolution multiplier: ρ² times those at ρ = 1, plus what does not depend on the
    grid.

    Domain: ρ·R a multiple of 32.
    """
    ledger = network(1, symbol("R"), symbol("R"))
    total = sympy.expand(_ideal_macs(ledger).subs(R, RHO * R))
    fixed = total.subs(RHO, 0)
    at_one = total.subs(RHO, 1)
    law = RHO**2 * sympy.Symbol("MACs(1)") + (1 - RHO**2) * sympy.Symbol("fixed")
    assert sympy.expand(RHO**2 * at_one + (1 - RHO**2) * fixed - total) == 0
    elasticity = sympy.cancel(RHO * sympy.diff(total, RHO) / total)
    cases = (_resolution_case(total, elasticity, size) for size in (224, 192, 160, 128))
    return Law(
        f"resolution law of {name}",
        Step("MACs at resolution multiplier ρ", "MACs(ρ)", law),
        (
            Step("MACs at ρ = 1", "MACs(1)", at_one),
            Step("MACs after global pooling: classifier, squeeze-and-excitation", "fixed", fixed),
            Step("elasticity", "∂ln MACs/∂ln ρ", sympy.factor(elasticity)),
        ),
        tuple(cases),
        "H = W = ρ·R, a multiple of 32",
        "arXiv 1704.04861, section 3.4",
    )


_PARTS: Mapping[str, Callable[[Operator], bool]] = {
    "stem": lambda row: row.path.startswith("stem."),
    "depthwise part": lambda row: kind_name(row) == "depthwise convolution",
    "squeeze-and-excitation": lambda row: ".se." in row.path,
    "head": lambda row: row.path.startswith("head.") and row.path != "head.classifier",
    "classifier": lambda row: row.path == "head.classifier",
    "pointwise part": lambda row: (
        row.kind is Kind.CONVOLUTION
        and kind_name(row) == "pointwise convolution"
        and ".se." not in row.path
        and not row.path.startswith("head.")
    ),
}
"""Disjoint parts that cover every multiply-accumulate of the networks: the law asserts it."""


def _is_part(part: str, row: Operator) -> bool:
    return _PARTS[part](row)


def _macs(form: str) -> sympy.Expr:
    return to_sympy(FORMS[form].ledger().macs().value)


def _ideal_macs(ledger: Ledger) -> sympy.Expr:
    return to_sympy(ledger.macs().formula.idealised().expression)


def _rising(correction: sympy.Expr) -> sympy.Expr:
    """Factored, with 1 − α rather than α − 1: the correction is positive below α = 1."""
    factored = sympy.factor(correction)
    factors = sympy.Mul.make_args(-factored)
    if ALPHA - 1 not in factors:
        return factored
    return sympy.Mul(*(1 - ALPHA if f == ALPHA - 1 else f for f in factors), evaluate=False)


def _width_case(total: sympy.Expr, elasticity: sympy.Expr, alpha: str) -> str:
    at = {ALPHA: sympy.Rational(alpha), R: 224}
    share = total.subs(at) / total.subs({ALPHA: 1, R: 224})
    square = float(sympy.Rational(alpha)) ** 2
    return _case(f"α = {alpha}, R = 224", share, f"α² = {square:.4f}", elasticity.subs(at))


def _resolution_case(total: sympy.Expr, elasticity: sympy.Expr, size: int) -> str:
    at: dict[Any, Any] = {RHO: sympy.Rational(size, 224), R: 224}
    share = total.subs(at) / total.subs({RHO: 1, R: 224})
    return _case(
        f"{size} from R = 224", share, f"ρ² = {(size / 224) ** 2:.4f}", elasticity.subs(at)
    )


def _case(at: str, share: sympy.Expr, law: str, elasticity: sympy.Expr) -> str:
    return f"{at}: {float(share):.4f} of the MACs ({law}), elasticity {float(elasticity):.3f}"
