"""Attention against convolution as the resolution grows: arXiv 2110.02178, section 3.

Three parts, which have all multiply-accumulates of a network, are compared: the products of
attention (queries by keys, and weights by values, both computed tensors), the convolutions, and the
linear layers (projections, MLPs and the classifier).
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy

from flopscope.closedform import Formula
from flopscope.closedform.sympify import sympy_symbol
from flopscope.errors import BadInput
from flopscope.laws.compared import PARTS
from flopscope.laws.parts import Law, Step, Worked, ideal_macs, letter, model_ledger, period
from flopscope.ledger import Ledger
from flopscope.symbolic import symbol

R = sympy_symbol("R")
ATTENTION, CONVOLUTIONS, LINEAR = letter("attention"), letter("convolutions"), letter("linear")
A_, V_, L_, K_, REST = (letter(name) for name in "avlcb")
NETWORKS = ("mobilevit_xxs", "mobilevit_xs", "mobilevit_s")


def derive(model: str) -> Law:
    """The products of attention grow as R⁴, all else as R²; from R = √(v/a) on they outweigh the
    convolutions.

    Raises BadInput for a network without attention, or whose attention does not grow like this.
    """
    numbers = _coefficients(model)
    a, v, linear, constant = (numbers[name] for name in (A_, V_, L_, K_))
    beside_convolutions, beside_all = _roots()
    whole = ATTENTION + CONVOLUTIONS + LINEAR
    values = {ATTENTION: A_ * R**4, CONVOLUTIONS: V_ * R**2, LINEAR: L_ * R**2 + K_}
    total = whole.subs(values)
    beyond = sympy.expand(total.subs(R, sympy.sqrt(2) * R) - 2 * total)
    (positive,) = sympy.solve(beyond, R)
    return Law(
        Step(f"attention's products outweigh the convolutions of {model} where", R,
             beside_convolutions, ">"),
        (
            Step("products of attention, N² for N tokens", ATTENTION, a * R**4),
            Step("convolutions", CONVOLUTIONS, v * R**2),
            Step("linear layers, the classifier among them", LINEAR, linear * R**2 + constant),
            Step("attention over R⁴", A_, a),
            Step("convolutions over R²", V_, v),
            Step("linear layers on maps over R²", L_, linear),
            Step("and the classifier, after the pooling", K_, constant),
            Step("all but attention and the classifier over R²", REST, V_ + L_),
            Step("attention outweighs all the rest where", R, beside_all, ">"),
            Step("twice the tokens, R² doubled, cost more than twice as much by",
                 letter("MACs_2N") - 2 * letter("MACs_N"), beyond),
            Step("which is above 0 where", R, positive, ">"),
        ),
        f"H = W = R, a multiple of {period(model_ledger(model, symbol('R')))}",
        (_overtaking(model), _parts(model)),
        {
            "R": "side of the square image",
            "a": "MACs of attention over R⁴",
            "v": "MACs of convolutions over R²",
            "l": "MACs of linear layers on maps over R²",
            "c": "MACs of linear layers after the pooling",
            "b": "MACs of convolutions and linear layers on maps over R²",
        },
    )  # fmt: skip


def _part(ledger: Ledger, name: str) -> Ledger:
    return ledger.filter(lambda row: row.kind in PARTS[name])


def _coefficients(model: str) -> dict[sympy.Symbol, sympy.Expr]:
    """a, v, l and c of the idealised parts. Raises BadInput where they are not of that form."""
    ledger = model_ledger(model, symbol("R"))
    parts = {name: sympy.Poly(ideal_macs(_part(ledger, name)), R) for name in PARTS}
    attention, convolutions, linear = parts.values()
    whole = sympy.expand(sum(part.as_expr() for part in parts.values()) - ideal_macs(ledger))
    assert whole == 0, "the parts are not all"
    numbers = {
        A_: attention.coeff_monomial(R**4),
        V_: convolutions.coeff_monomial(R**2),
        L_: linear.coeff_monomial(R**2),
        K_: linear.coeff_monomial(1),
    }
    stated = (A_ * R**4, V_ * R**2, L_ * R**2 + K_)
    exact = all(
        sympy.expand(part.as_expr() - law.subs(numbers)) == 0
        for part, law in zip(parts.values(), stated, strict=True)
    )
    if numbers[A_] == 0 or not exact:
        raise BadInput(
            f"{model} has no attention whose products grow with the square of the tokens; "
            f"networks that have are {', '.join(NETWORKS)}"
        )
    return numbers


def _roots() -> tuple[sympy.Expr, sympy.Expr]:
    """The R at which attention equals the convolutions, and the R at which it equals all the
    rest."""
    convolutions, rest = (_positive_root(other) for other in (V_ * R**2, REST * R**2 + K_))
    return convolutions, rest


def _positive_root(other: sympy.Expr) -> sympy.Expr:
    """The positive root of a·R⁴ = other. The signs of the terms show that there is one."""
    at_ones = dict.fromkeys((A_, V_, REST, K_), 1)
    solutions = sympy.solve(A_ * R**4 - other, R)
    (root,) = (s for s in solutions if s.subs(at_ones).is_positive)
    return root


RESTS: Mapping[str, tuple[str, ...]] = {
    "convolutions": ("conv",),
    "all the rest": ("conv", "linear"),
}


def _overtaking(model: str) -> Worked:
    rows = []
    for name in dict.fromkeys((model, *NETWORKS)):
        ledger, numbers = model_ledger(name, symbol("R")), _coefficients(name)
        for (words, parts), root in zip(RESTS.items(), _roots(), strict=True):
            ideal = float(root.subs(REST, V_ + L_).subs(numbers))
            least, always = _crossing(ledger, parts, ideal)
            rows.append((name, words, ideal, least, always))
    return Worked(
        "Where attention outweighs, as the law says, and counted at every R: the least R at which "
        "it does, and the R from which on it always does:",
        ("Network", "against", "law: R >", "least R", "always from"),
        tuple(rows),
        note="Maps of odd sides have the tokens of the next even ones, so that the count is ahead.",
    )


def _crossing(ledger: Ledger, parts: tuple[str, ...], ideal: float) -> tuple[int, int]:
    """The least R at which the count of attention exceeds that of the parts, and the least R from
    which on it always does. Beyond twice the idealised R no rounding matters."""
    import numpy as np

    sides = np.arange(1, 2 * round(ideal) + 2 * period(ledger))
    attention, *others = (_formula(ledger, part).at(R=sides) for part in ("attention", *parts))
    exceeds = attention > sum(others)
    return int(sides[exceeds.argmax()]), int(sides[~exceeds].max()) + 1


def _formula(ledger: Ledger, part: str) -> Formula:
    return _part(ledger, part).macs().formula


def _parts(model: str) -> Worked:
    ledger = model_ledger(model, symbol("R"))
    formulas = [_formula(ledger, part) for part in PARTS]
    rows = []
    for side in (256, 512, 1024, 2048):
        parts = [int(formula.at(R=side)) for formula in formulas]
        rows.append((side, *parts, 100 * parts[0] / sum(parts)))
    return Worked(
        f"The three parts of {model}, counted:",
        ("R", "attention", "convolutions", "linear", "attention %"),
        tuple(rows),
    )
