"""What a 1×1 convolution has to move: arXiv 1807.11164 (ShuffleNet V2), section 2, guideline G1.

The paper's B (its FLOPs) is M here, its MAC (memory access cost) is T, its h·w is n.
"""

from __future__ import annotations

import sympy

from flopscope.closedform.sympify import sympy_symbol
from flopscope.facts import Operator
from flopscope.laws.parts import (
    POSITIONS,
    Law,
    Step,
    Worked,
    by_positions,
    form,
    letter,
    macs,
    model_ledger,
    traffic,
)
from flopscope.ledger import kind_name
from flopscope.sizes import elements

B, H, W = (sympy_symbol(name) for name in "BHW")
C_IN, C_OUT = sympy_symbol("C_in"), sympy_symbol("C_out")
N = POSITIONS
M, T, Q = (letter(name) for name in "MTq")

PAIRS = ((128, 128), (90, 180), (52, 312), (36, 432))
"""Input and output channels of the paper's Table 1, on 56×56."""
NETWORKS = (
    "shufflenetv2_x1.0",
    "ghostnet_100",
    "mobilenetv1",
    "efficientnet_b0",
    "mobilenetv2",
)


def derive() -> Law:
    """T ≥ 2√(n·M) + M/n, with equality where C_in = C_out and only there."""
    moved, work = (by_positions(of(form("pointwise_conv"))) for of in (traffic, macs))
    bound = 2 * sympy.sqrt(N * M) + M / N
    excess = _squared(moved - bound.subs(M, work))
    at_fixed_work = sympy.expand(moved.subs(C_OUT, sympy.solve(work - M, C_OUT)[0]))
    (best,) = sympy.solve(sympy.diff(at_fixed_work, C_IN), C_IN)
    lopsided = (moved / bound.subs(M, work)).subs(C_OUT, Q * C_IN)
    return Law(
        Step("with M multiply-accumulates on n positions, T elements are moved", T, bound, "≥"),
        (
            Step("positions of the map", N, B * H * W),
            Step("multiply-accumulates", M, work),
            Step("elements read and written: both maps and the weights", T, moved),
            Step(
                "what exceeds the bound is a square: 0 where C_in = C_out and nowhere else",
                T - bound,
                excess,
            ),
            Step("with M and n given, T depends on one width", T, at_fixed_work),
            Step("it is least where", C_IN, best),
            Step(
                "where C_out = q·C_in and the maps outweigh the weights, T over the bound tends to",
                sympy.Limit(T / bound, N, sympy.oo),
                sympy.factor(sympy.limit(lopsided, N, sympy.oo)),
            ),
        ),
        "1×1 convolution without bias; each map and weight moved once, no cache",
        (_paper(moved, work, bound), _networks(bound)),
        {
            "M": "multiply-accumulates",
            "T": "elements moved",
            "n": "positions, of all images",
            "q": "output channels over input channels",
        },
    )


def _squared(value: sympy.Expr) -> sympy.Expr:
    """The value factored in the roots of the widths."""
    roots = {c: sympy.Symbol(f"√{c}", positive=True) for c in (C_IN, C_OUT)}
    in_roots = sympy.expand(value.subs({c: root**2 for c, root in roots.items()}))
    return sympy.factor(in_roots).subs({root: sympy.sqrt(c) for c, root in roots.items()})


def _paper(moved: sympy.Expr, work: sympy.Expr, bound: sympy.Expr) -> Worked:
    rows = []
    for c_in, c_out in PAIRS:
        at = {C_IN: c_in, C_OUT: c_out, N: 56 * 56}
        m, t = int(work.subs(at)), int(moved.subs(at))
        least = float(bound.subs({M: m, N: 56 * 56}))
        rows.append((f"{c_in}, {c_out}", m, t, round(least), t / least))
    return Worked(
        "The pairs of widths of the paper's Table 1, on 56×56, of nearly equal work:",
        ("C_in, C_out", "M", "T", "least T", "T over least"),
        tuple(rows),
    )


def _networks(bound: sympy.Expr) -> Worked:
    least = sympy.lambdify((M, N), bound, "math")
    rows = []
    for model in NETWORKS:
        ledger = model_ledger(model).filter(_is_plain_pointwise)
        moved = int(ledger.traffic_bytes("int8"))
        needed = sum(least(_work(row), _positions(row)) for row in ledger)
        rows.append((model, int(ledger.macs()), moved, round(needed), moved / needed))
    return Worked(
        "The 1×1 convolutions without bias of whole networks, at their native resolution:",
        ("Network", "M", "T", "least T", "T over least"),
        tuple(rows),
    )


def _is_plain_pointwise(row: Operator) -> bool:
    return kind_name(row) == "pointwise convolution" and len(row.weights) == 1


def _work(row: Operator) -> int:
    return int(elements(row.output)) * int(row.inputs[0][1])


def _positions(row: Operator) -> int:
    return int(elements(row.output)) // int(row.output[1])
