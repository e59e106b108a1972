"""Depthwise separable against standard convolution: arXiv 1704.04861, section 3.1."""

from __future__ import annotations

from fractions import Fraction

import sympy

from flopscope.closedform.sympify import sympy_symbol
from flopscope.laws.parts import Law, Step, Worked, form, letter, macs, model_ledger
from flopscope.ledger import kind_name

K, C_OUT = sympy_symbol("K"), sympy_symbol("C_out")
SEPARABLE, STANDARD, RATIO = letter("separable"), letter("standard"), letter("r")


def derive() -> Law:
    """The ratio of multiply-accumulates is 1/C_out + 1/K²."""
    separable, standard = macs(form("separable_conv")), macs(form("standard_conv"))
    ratio = sympy.expand(sympy.cancel(separable / standard))
    return Law(
        Step("a share r of the standard convolution's MACs remains", RATIO, ratio),
        (
            Step("a K×K convolution", STANDARD, standard),
            Step("K×K on each channel alone, then 1×1", SEPARABLE, sympy.factor(separable)),
            Step("their quotient", SEPARABLE / STANDARD, ratio),
            Step(
                "with many channels the kernel alone decides",
                sympy.Limit(RATIO, C_OUT, sympy.oo),
                sympy.limit(ratio, C_OUT, sympy.oo),
            ),
        ),
        "K odd, stride 1, centred window",
        (_mobilenet(ratio),),
    )


def _mobilenet(ratio: sympy.Expr) -> Worked:
    pointwise = [r for r in model_ledger("mobilenetv1") if kind_name(r) == "pointwise convolution"]
    rows = []
    for channels in sorted({row.output[1] for row in pointwise}):
        share = Fraction(str(ratio.subs({K: 3, C_OUT: channels})))
        rows.append((channels, share, 1 / share))
    return Worked(
        "The layers of MobileNetV1, whose kernels are 3×3:",
        ("C_out", "r", "times fewer MACs"),
        tuple(rows),
    )
