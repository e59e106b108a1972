"""Fused-MBConv against MBConv: arXiv 2104.00298 (EfficientNetV2), section 3.2.

Both keep the width, C_out = C_in, and have a shortcut. Neither has a gate; an inverted residual is
an MBConv without a gate.
"""

from __future__ import annotations

from fractions import Fraction

import sympy

from flopscope.analytic import efficientnetv2, named_blocks
from flopscope.analytic.blocks import fused_mbconv, inverted_residual
from flopscope.analytic.tape import record
from flopscope.closedform.sympify import sympy_symbol
from flopscope.laws.parts import (
    POSITIONS,
    Law,
    Step,
    Worked,
    activations,
    by_positions,
    letter,
    macs,
    model_ledger,
    traffic,
)
from flopscope.ledger import Ledger
from flopscope.sizes import Shape, Size

B, H, W, K, T = (sympy_symbol(name) for name in ("B", "H", "W", "K", "t"))
C = sympy_symbol("C_in")
N = POSITIONS
NETWORK = "efficientnetv2_s"


def derive() -> Law:
    """Fused-MBConv has fewer MACs at hardly any width, fewer activations at every width, and less
    traffic below n·6/(K² − 1)."""
    fused, separate = _pair(named_blocks.INPUT, named_blocks.T, named_blocks.K)
    work = [by_positions(macs(side)) for side in (fused, separate)]
    maps = [by_positions(activations(side)) for side in (fused, separate)]
    moved = [by_positions(traffic(side)) for side in (fused, separate)]
    ratio = sympy.factor(work[0] / work[1])
    narrow, width = _widest(work), _widest(moved)
    return Law(
        Step("Fused-MBConv moves fewer elements where", C, width, "<"),
        (
            Step("positions of the map", N, B * H * W),
            Step("MACs of MBConv", letter("M_mb"), sympy.factor(work[1])),
            Step("MACs of Fused-MBConv", letter("M_fused"), sympy.factor(work[0])),
            Step("their quotient", letter("M_fused") / letter("M_mb"), ratio),
            Step(
                "which grows with the width to",
                sympy.Limit(letter("M_fused") / letter("M_mb"), C, sympy.oo),
                sympy.limit(ratio, C, sympy.oo),
            ),
            Step(
                "Fused-MBConv has fewer MACs only where (at K = 3 that is below "
                f"{narrow.subs(K, 3)} of a channel, so nowhere)",
                C,
                narrow,
                "<",
            ),
            Step(
                "activations that it does without",
                letter("A_mb") - letter("A_fused"),
                sympy.factor(maps[1] - maps[0]),
            ),
            Step(
                "elements that it need not move, at n positions",
                letter("T_mb") - letter("T_fused"),
                sympy.factor(moved[1] - moved[0]),
            ),
        ),
        "stride 1, C_out = C_in, t ≥ 2, K ≥ 3, no gates; every operator reads and writes its maps",
        (_stages(width),),
        {"n": "positions, of all images"},
    )


def _pair(shape: Shape, expansion: Size, kernel: Size) -> tuple[Ledger, Ledger]:
    return (
        record(lambda x: fused_mbconv(x, x.channels, expansion=expansion, kernel=kernel), shape),
        record(
            lambda x: inverted_residual(x, x.channels, expansion=expansion, kernel=kernel), shape
        ),
    )


def _widest(pair: list[sympy.Expr]) -> sympy.Expr:
    """The width at which both sides cost the same; the first is cheaper below it."""
    (width,) = sympy.solve(sympy.cancel((pair[0] - pair[1]) / C), C)
    return sympy.cancel(width)


def _stages(width: sympy.Expr) -> Worked:
    ledger = model_ledger(NETWORK)
    rows = []
    for number, row in enumerate(efficientnetv2.S, start=1):
        if row.t == 1:
            continue
        shape = next(r.inputs[0] for r in ledger if r.path.startswith(f"stage{number}.block2."))
        pair = _pair(shape, row.t, 3)
        (m, a, t), (m_mb, a_mb, t_mb) = (
            (int(s.macs()), int(s.activations()), int(s.traffic_bytes("int8"))) for s in pair
        )
        rows.append(
            (
                f"stage{number}, {'fused' if row.fused else 'MBConv'}",
                f"{shape[2]}×{shape[3]}",
                row.c,
                float(width.subs({N: int(shape[2]) * int(shape[3]), K: 3})),
                Fraction(m, m_mb),
                Fraction(a, a_mb),
                Fraction(t, t_mb),
            )
        )
    return Worked(
        "The widths of EfficientNetV2-S for one image of its native resolution, and a block of "
        "either kind there, Fused-MBConv over MBConv:",
        ("Stage", "Map", "C_in", "C_in <", "MACs", "activations", "traffic"),
        tuple(rows),
    )
