"""A network's MACs in its width multiplier: arXiv 1704.04861, section 3.3.

Almost every layer has α times the channels on both sides and costs α² times as much. The other
layers correct the law, part by part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import sympy

from flopscope.closedform.sympify import sympy_symbol
from flopscope.domain.regions import simplified
from flopscope.facts import Kind, Operator
from flopscope.laws.parts import Law, Step, Worked, ideal_macs, letter, model_ledger, period
from flopscope.ledger import kind_name
from flopscope.symbolic import dimension, symbol

ALPHA, R = sympy_symbol("width"), sympy_symbol("R")
AT_1 = letter("MACs_1")
SIDE, ALPHAS = 224, ("1", "3/4", "1/2", "1/4")


def derive(model: str) -> Law:
    """MACs are α² times those at α = 1, plus a correction for each part.

    The correction for a part is part(α) − α²·part(1), which is 0 if its cost is quadratic in α.
    """
    alpha = dimension("width")
    ledger = model_ledger(model, symbol("R"), width=alpha)
    total = sympy.expand(ideal_macs(ledger))
    corrections = {
        name: _rising(part - ALPHA**2 * part.subs(ALPHA, 1))
        for name, belongs in _PARTS.items()
        if (part := ideal_macs(ledger.filter(belongs))) != 0
    }
    named = {letter(name): added for name, added in corrections.items() if added != 0}
    law = sympy.Add(ALPHA**2 * AT_1, *named)
    at_one = total.subs(ALPHA, 1)
    assert sympy.expand(law.subs(named).subs(AT_1, at_one) - total) == 0, "the parts are not all"
    elasticity = sympy.cancel(ALPHA * sympy.diff(total, ALPHA) / total)
    return Law(
        Step(f"MACs of {model} at width multiplier α", letter("MACs"), law),
        (
            Step("MACs at α = 1", AT_1, at_one),
            *(
                Step(f"added by the {_WORDS.get(name.name, name.name)}", name, added)
                for name, added in named.items()
            ),
            Step("elasticity, ∂ln MACs/∂ln α", letter("ε"), sympy.factor(elasticity)),
        ),
        "; ".join(
            [
                f"H = W = R, a multiple of {period(ledger)}",
                "widths not rounded",
                *map(str, simplified(ledger.macs().formula.idealised().conditions)),
            ]
        ),
        (_worked(model, total, elasticity),),
    )


_PARTS: Mapping[str, Callable[[Operator], bool]] = {
    "stem": lambda row: row.path.startswith("stem."),
    "depthwise": lambda row: kind_name(row) == "depthwise convolution",
    "grouped": lambda row: (
        kind_name(row) == "grouped convolution" and not row.path.startswith("stem.")
    ),
    "gates": lambda row: ".se." in row.path,
    "head": lambda row: row.path.startswith("head.") and row.path != "head.classifier",
    "classifier": lambda row: row.path == "head.classifier",
    "pointwise": lambda row: (
        row.kind is Kind.CONVOLUTION
        and kind_name(row) == "pointwise convolution"
        and ".se." not in row.path
        and not row.path.startswith("head.")
    ),
    "linear": lambda row: row.kind is Kind.LINEAR and not row.path.startswith("head."),
    "attention": lambda row: row.kind is Kind.MATMUL,
    "transposed": lambda row: row.kind is Kind.TRANSPOSED_CONVOLUTION,
}
"""Disjoint parts that cover every multiply-accumulate of the networks, which the law checks."""


_WORDS: Mapping[str, str] = {
    "depthwise": "depthwise part",
    "grouped": "grouped part",
    "pointwise": "pointwise part",
    "linear": "linear layers before the head",
    "attention": "products of attention",
    "transposed": "transposed convolutions",
}
"""The words for parts in a sentence, where these are not their names."""


def _rising(correction: sympy.Expr) -> sympy.Expr:
    """The value factored in 1 − α rather than α − 1, because the correction is positive below α =
    1."""
    factored = sympy.factor(correction)
    factors = sympy.Mul.make_args(-factored)
    if ALPHA - 1 not in factors:
        return factored
    return sympy.Mul(*(1 - ALPHA if f == ALPHA - 1 else f for f in factors), evaluate=False)


def _worked(model: str, total: sympy.Expr, elasticity: sympy.Expr) -> Worked:
    counts = {text: model_ledger(model, SIDE, width=float(Fraction(text))) for text in ALPHAS}
    rows = []
    for text, ledger in counts.items():
        at = {ALPHA: sympy.Rational(text), R: SIDE}
        macs = int(ledger.macs())
        rows.append(
            (
                text,
                macs,
                Fraction(macs, int(counts["1"].macs())),
                float(total.subs(at) / total.subs({ALPHA: 1, R: SIDE})),
                Fraction(text) ** 2,
                float(elasticity.subs(at)),
            )
        )
    return Worked(
        f"{model} at {SIDE}×{SIDE}, counted with its rounded widths, and as the law says:",
        ("α", "MACs", "of those at 1", "law", "α²", "ε"),
        tuple(rows),
    )
