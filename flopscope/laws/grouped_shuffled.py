"""What groups save, which a shuffle makes possible: arXiv 1707.01083 (ShuffleNet), section 3.2.

The paper's input channels c are C_in here, its bottleneck channels m are C_hid, its groups g are G.
"""

from __future__ import annotations

from fractions import Fraction

import sympy

from flopscope.closedform.sympify import sympy_symbol
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
)
from flopscope.ledger import Ledger

B, H, W, G = (sympy_symbol(name) for name in "BHWG")
C, HIDDEN = sympy_symbol("C_in"), sympy_symbol("C_hid")
N, WIDER = POSITIONS, letter("C_wide")
RESNET, RESNEXT, SHUFFLENET = letter("resnet"), letter("resnext"), letter("shufflenet")
BLOCKS = {
    RESNET: "resnet_bottleneck",
    RESNEXT: "resnext_bottleneck",
    SHUFFLENET: "shufflenet_unit",
}
QUARTER = {HIDDEN: C / 4}
"""The bottlenecks of ResNet and ShuffleNet have a quarter of their block's channels."""
GROUPS = (1, 2, 3, 4, 8)


def derive() -> Law:
    """Groups divide the 1×1 convolutions, and only the depthwise convolution remains undivided."""
    cost = {name: sympy.factor(by_positions(macs(form(block)))) for name, block in BLOCKS.items()}
    share = sympy.cancel(cost[SHUFFLENET] / cost[RESNET])
    at_quarter = sympy.factor(share.subs(QUARTER))
    return Law(
        Step(
            "a ShuffleNet unit has this share of the MACs of a ResNet bottleneck as wide",
            SHUFFLENET / RESNET,
            share,
        ),
        (
            Step("positions of the map", N, B * H * W),
            Step("ResNet's bottleneck: 1×1, 3×3, 1×1", RESNET, cost[RESNET]),
            Step("ResNeXt's, whose 3×3 is grouped", RESNEXT, cost[RESNEXT]),
            Step(
                "ShuffleNet's unit, whose 1×1 are grouped and whose 3×3 is depthwise",
                SHUFFLENET,
                cost[SHUFFLENET],
            ),
            Step(
                "against ResNeXt's with as many groups",
                SHUFFLENET / RESNEXT,
                sympy.cancel(cost[SHUFFLENET] / cost[RESNEXT]),
            ),
            Step(
                "what no number of groups divides",
                sympy.Limit(SHUFFLENET, G, sympy.oo),
                sympy.limit(cost[SHUFFLENET], G, sympy.oo),
            ),
            Step(
                "with C_hid = C_in/4, as in ResNet and ShuffleNet", SHUFFLENET / RESNET, at_quarter
            ),
            Step(
                "and with many channels",
                sympy.Limit(SHUFFLENET / RESNET, C, sympy.oo),
                sympy.limit(at_quarter, C, sympy.oo),
            ),
            *_wider(cost),
        ),
        "stride 1, identity shortcut; G divides C_in and C_hid",
        (_widths(cost),),
        {"n": "positions, of all images"},
    )


def _wider(cost: dict[sympy.Symbol, sympy.Expr]) -> tuple[Step, Step]:
    """The width at which a ShuffleNet unit costs what a ResNet bottleneck of width C_in does."""
    unit = cost[SHUFFLENET].subs(QUARTER).subs(C, WIDER)
    roots = sympy.solve(unit - cost[RESNET].subs(QUARTER), WIDER)
    (width,) = [root for root in roots if root.subs({G: 1, C: 64}) > 0]
    return (
        Step("so that at equal MACs a ShuffleNet unit can have this width", WIDER, width),
        Step(
            "which with many channels is wider by",
            sympy.Limit(WIDER / C, C, sympy.oo),
            sympy.limit(width / C, C, sympy.oo),
        ),
    )


def _widths(cost: dict[sympy.Symbol, sympy.Expr]) -> Worked:
    rows = []
    for groups in GROUPS:
        ledger = model_ledger(f"shufflenetv1_g{groups}_x1.0")
        channels, positions = _stage_3(ledger)
        at = {G: groups, C: channels, HIDDEN: channels // 4, N: positions}
        resnet, resnext, unit = (int(value.subs(at)) for value in cost.values())
        row = (groups, channels, resnet, resnext, unit, Fraction(unit, resnet))
        rows.append((*row, int(ledger.macs())))
    return Worked(
        "ShuffleNet at width 1: more groups buy wider maps at equal MACs of the network. MACs of a "
        "unit of stage 3 and of bottlenecks as wide:",
        ("G", "C_in", "ResNet", "ResNeXt", "ShuffleNet", "share", "whole network"),
        tuple(rows),
    )


def _stage_3(ledger: Ledger) -> tuple[int, int]:
    """The channels and positions of the map on which the units of stage 3 work."""
    shape = next(row.inputs[0] for row in ledger if row.path.startswith("stage3.block2."))
    return int(shape[1]), int(shape[2]) * int(shape[3])
