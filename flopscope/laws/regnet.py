"""RegNet's quantised linear rule, and activations as the square root of MACs: arXiv 2003.13678,
equations 2 to 4 and figure 12.

Here widths are not fitted to multiples of 8 and of the group width. Depths are exact, except for a
block that lies half-way between two stages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any

import sympy

from flopscope.analytic import regnet
from flopscope.analytic.regnet import Stage, anynet
from flopscope.analytic.tape import record
from flopscope.closedform.sympify import sympy_symbol, to_sympy
from flopscope.laws.parts import (
    POSITIONS,
    Law,
    Step,
    Worked,
    activations,
    by_positions,
    form,
    ideal_macs,
    letter,
    macs,
    model_ledger,
    period,
)
from flopscope.ledger import Ledger
from flopscope.symbolic import symbol

G = sympy_symbol("G")
C, R, GROUP = sympy_symbol("C_in"), sympy_symbol("R"), sympy_symbol("g")
N = POSITIONS
WIDTH, M, A, ALPHA = (letter(name) for name in ("w", "M", "A", "α"))
M_1, A_1, M_BLOCK, A_BLOCK = (letter(name) for name in ("M_1", "A_1", "M_block", "A_block"))
W_0, W_A, W_M, K, J = (letter(name) for name in ("w_0", "w_a", "w_m", "k", "j"))
M_REST, A_REST = letter("M_rest"), letter("A_rest")
STAGES = (1, 2, 3, 4)

NETWORKS = tuple(
    f"regnetx_{size}"
    for size in "200mf 400mf 600mf 800mf 1.6gf 3.2gf 4.0gf 6.4gf 8.0gf 12gf 16gf 32gf".split()
)
SCALED = "regnetx_1.6gf"


def derive() -> Law:
    """At fixed depth, activations grow as the square root of MACs."""
    block = form("regnetx_bottleneck")
    work, maps = (_of_block(of(block)) for of in (macs, activations))
    network = _network()
    whole = sympy.expand(ideal_macs(network))
    elements = sympy.expand(to_sympy(network.activations().formula.idealised().expression))
    return Law(
        Step(
            "M MACs and A activations of a RegNet, from M_1 and A_1, as widths alone change",
            A / A_1,
            sympy.sqrt(M / M_1),
            "≈",
        ),
        (
            Step("MACs of a block of width w in groups of g, on n positions", M_BLOCK, work),
            Step("its activations", A_BLOCK, maps),
            Step(
                "their relation, which does not change where w and g grow alike",
                A_BLOCK / sympy.sqrt(M_BLOCK),
                sympy.factor(maps / sympy.sqrt(work)),
            ),
            Step("MACs of the network of four stages, w_i wide and d_i deep, on R×R", M, whole),
            Step("their activations", A, elements),
            Step("of M, what is not quadratic in the widths", M_REST, _other_than(2, whole)),
            Step("of A, what is not linear in them", A_REST, _other_than(1, elements)),
            *_rule(work, maps),
        ),
        f"RegNetX, bottleneck ratio 1; H = W = R, a multiple of {period(network)}; w_a > 0",
        (_published(), _scaled()),
        _LETTERS,
    )


_LETTERS = {
    "A": "activations, elements of convolutions' outputs",
    "A_1": "those of the RegNet compared with",
    "M": "MACs",
    "M_1": "those of the RegNet compared with",
    "R": "resolution",
    "d_1": "depth of stage 1",
    "d_2": "of stage 2",
    "d_3": "of stage 3",
    "d_4": "of stage 4",
    "g": "group width",
    "j": "number of the block, from 0",
    "k": "number of the stage, from 0",
    "n": "positions, of all images",
    "w": "width",
    "w_1": "width of stage 1",
    "w_2": "of stage 2",
    "w_3": "of stage 3",
    "w_4": "of stage 4",
    "w_0": "initial width",
    "w_a": "slope of the widths",
    "w_m": "ratio of a stage's width to the one before",
}


def _of_block(value: sympy.Expr) -> sympy.Expr:
    """The cost of a block in positions n, width w and group width g."""
    return sympy.factor(by_positions(value).subs(G, WIDTH / GROUP).subs(C, WIDTH))


def _network() -> Ledger:
    """An AnyNet of four free stages on a free resolution."""
    stages = [Stage(d=symbol(f"d_{i}"), w=symbol(f"w_{i}"), g=symbol("g")) for i in STAGES]
    shape = (1, 3, symbol("R"), symbol("R"))
    return record(partial(anynet, stages=stages, squeeze=False), shape)


def _other_than(degree: int, value: sympy.Expr) -> sympy.Expr:
    """The terms that do not have this degree in the widths and the group width."""
    widths = [GROUP, *(sympy_symbol(f"w_{i}") for i in STAGES)]
    scaled = sympy.expand(value.subs({w: ALPHA * w for w in widths}, simultaneous=True))
    return sympy.expand(value - scaled.coeff(ALPHA, degree))


# --- the quantised linear rule --------------------------------------------------------------------

WANTED, STAGE_WIDTH = W_0 + W_A * J, W_0 * W_M**K
"""Equations 2 and 3: the channels that block j is to have, and those of stage k."""


def _beginning() -> sympy.Expr:
    """The j at which block j lies half-way between stages k − 1 and k, in the logarithm."""
    (first,) = sympy.solve(WANTED - STAGE_WIDTH / sympy.sqrt(W_M), J)
    return first


def _rule(work: sympy.Expr, maps: sympy.Expr) -> tuple[Step, ...]:
    """What follows from w_0, w_a and w_m: where stages begin, how deep they are, and what each
    costs."""
    first = _beginning()
    depth = sympy.factor(sympy.together(first.subs(K, K + 1) - first))
    return (
        Step("channels that block j is to have", letter("u_j"), WANTED),
        Step(
            "channels of stage k, whose blocks are nearest to it in the logarithm",
            WIDTH,
            STAGE_WIDTH,
        ),
        Step("it begins with the first block from", J, first),
        Step("and is about as deep as", letter("d_k"), depth),
        Step(
            "where w outweighs g, a stage's MACs over those of the stage before",
            letter("M_k+1") / letter("M_k"),
            _growth(sympy.limit(work, GROUP, 0), depth),
        ),
        Step(
            "and its activations over those of the stage before",
            letter("A_k+1") / letter("A_k"),
            _growth(maps, depth),
        ),
    )


def _growth(block: sympy.Expr, depth: sympy.Expr) -> sympy.Expr:
    """The cost of the next stage over the cost of this one. The next one is deeper and wider, on a
    quarter of the positions."""
    stage = depth * block.subs({WIDTH: STAGE_WIDTH, N: N / 4**K})
    return sympy.simplify(stage.subs(K, K + 1) / stage)


def _depths(options: Mapping[str, Any]) -> list[int]:
    """The depths of the stages, computed from where the rule says that they begin."""
    at = {W_0: options["w0"], W_A: options["wa"], W_M: options["wm"]}
    begins = sympy.lambdify(K, _beginning().subs(at), "math")
    firsts = [0]
    while firsts[-1] < options["d"]:
        firsts.append(min(options["d"], math.ceil(begins(len(firsts)))))
    return [after - before for before, after in pairwise(firsts)]


# --- worked numbers -------------------------------------------------------------------------------


def _published() -> Worked:
    rows, points = [], []
    for model in NETWORKS:
        ledger = model_ledger(model)
        options = getattr(regnet, model.replace(".", "_")).keywords
        m, a = int(ledger.macs()), int(ledger.activations())
        depths = " + ".join(map(str, _depths(options)))
        rows.append((model, f"{depths} = {options['d']}", m, a, a / math.sqrt(m)))
        points.append((math.log(m), math.log(a)))
    return Worked(
        "RegNetX as published, with the depths that the rule gives:",
        ("Network", "Depths", "M", "A", "A/√M"),
        tuple(rows),
        note=f"Over all of them A grows as M to the power {_slope(points):.2f}.",
    )


def _slope(points: Iterable[tuple[float, float]]) -> float:
    """The slope of the best straight line, by least squares."""
    xs, ys = zip(*points, strict=True)
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    covariance = sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True))
    return float(covariance / sum((a - x) ** 2 for a in xs))


def _scaled() -> Worked:
    """The stages of one RegNet with all widths times α."""
    options = getattr(regnet, SCALED.replace(".", "_")).keywords
    stages = regnet.regnet_stages(*(options[name] for name in ("w0", "wa", "wm", "d", "g")))
    counts = {}
    for alpha in (Fraction(1, 2), Fraction(1), Fraction(2), Fraction(4)):
        wider = [s._replace(w=int(alpha * s.w), g=int(alpha * s.g)) for s in stages]
        ledger = record(partial(anynet, stages=wider, squeeze=False), (1, 3, 224, 224))
        counts[alpha] = int(ledger.macs()), int(ledger.activations())
    m_1, a_1 = counts[Fraction(1)]
    rows = [
        (str(alpha), m, a, Fraction(a, a_1), math.sqrt(m / m_1)) for alpha, (m, a) in counts.items()
    ]
    return Worked(
        f"{SCALED} with α times the widths and the group width, at its depths:",
        ("α", "M", "A", "A/A_1", "√(M/M_1)"),
        tuple(rows),
    )
