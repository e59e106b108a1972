"""A network's MACs under compound scaling: arXiv 1905.11946, section 3.3.

The letters are the paper's: depth d = α^φ, width w = β^φ, resolution r = γ^φ, each relative to the
network itself. The law was stated for EfficientNet-B0, so B1 to B7 are compared with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import NamedTuple

import numpy as np
import sympy

from flopscope.analytic import efficientnet
from flopscope.catalog.scaling import Scaling
from flopscope.closedform.sympify import sympy_symbol
from flopscope.domain.regions import simplified
from flopscope.laws.parts import (
    Law,
    Step,
    Worked,
    coefficients,
    ideal_macs,
    letter,
    model_ledger,
    period,
    side_of,
)
from flopscope.ledger import Ledger
from flopscope.symbolic import dimension, symbol

DEPTH, WIDTH, R = sympy_symbol("depth"), letter("width"), sympy_symbol("R")
D, W, RES = letter("d"), letter("w"), letter("r")
ALPHA, BETA, GAMMA, PHI = letter("α"), letter("β"), letter("γ"), letter("φ")

FIRST = "efficientnet_b0"
"""The network for which the law was stated."""

PAPER = Scaling(*(Fraction(str(letter)) for letter in Scaling().letters))
GRID = [Fraction(n, 20) for n in range(20, 41)]
"""The grid is 1 to 2 in steps of 0.05; the paper does not state its own."""
NEAR = Fraction("0.1")
"""How far from 2 'α·β²·γ² ≈ 2' allows here; the paper's own choice is 0.08 away."""
NEAREST = 3


class Base(NamedTuple):
    """A network that is scaled: its id, image size and own coefficients, and its readings."""

    model: str
    side: int
    depth: float
    width: float
    counts: dict[str, int]


READINGS = ("macs", "params", "activations")


def derive(model: str) -> Law:
    """MACs grow as (α·β²·γ²)^φ, apart from rounding and parts that do not grow with all three."""
    free = {name: dimension(name) for name in ("depth", "width")}
    ledger, own = model_ledger(model, symbol("R"), **free), model_ledger(model)
    counts = {name: int(getattr(own, name)()) for name in READINGS}
    base = Base(model, side_of(own), *coefficients(model), counts)
    depth, width = (sympy.Rational(str(n)) for n in (base.depth, base.width))
    total = sympy.expand(ideal_macs(ledger).subs({DEPTH: depth * D, WIDTH: width * W, R: RES * R}))
    lead = D * W**2 * RES**2 * total.coeff(D * W**2 * RES**2)
    powers = {D: ALPHA**PHI, W: BETA**PHI, RES: GAMMA**PHI}
    growth = (ALPHA * BETA**2 * GAMMA**2) ** PHI
    scaled = sympy.powsimp(lead.subs(powers), combine="base", force=True)
    networks = (_networks(total),) if model == FIRST else ()
    return Law(
        Step("after φ steps MACs are multiplied by about", _at(PHI) / _at(0), growth, "≈"),
        (
            Step(
                f"MACs at depth d, width w and r times the resolution R of {model}",
                letter("MACs"),
                total,
            ),
            Step("the part that grows with all three", letter("lead"), lead),
            Step("with d = α^φ, w = β^φ, r = γ^φ", letter("lead"), scaled),
        ),
        _domain(ledger, base),
        (_exponents(base, total, lead), *networks, _search(base)),
        {
            "d": "depth, over that of the network",
            "w": "width, likewise",
            "r": "resolution, likewise",
            "α": "depth of one step",
            "β": "width of one step",
            "γ": "resolution of one step",
            "φ": "number of steps",
            "R": "resolution of the network, at r = 1",
        },
    )


def _at(steps: sympy.Expr | int) -> sympy.Expr:
    return sympy.Function("MACs")(steps)


def _domain(ledger: Ledger, base: Base) -> str:
    """The domain in the law's letters: what is not rounded, and which branches of rules are
    taken."""
    letters = {
        "depth": base.depth * symbol("d", lower=0, integer=False),
        "width": base.width * symbol("w", lower=0, integer=False),
    }
    sides = simplified(c.at(letters) for c in ledger.macs().formula.idealised().conditions)
    parts = [
        "layers and widths not rounded",
        f"H = W = r·R, a multiple of {period(ledger)}",
        *map(str, sides),
    ]
    return "; ".join(parts)


def _exponents(base: Base, total: sympy.Expr, lead: sympy.Expr) -> Worked:
    """How fast MACs grow at the network itself, as an exponent of each coefficient."""
    at_base = {D: 1, W: 1, RES: 1, R: base.side}
    rows = []
    for coefficient, words, law in ((D, "depth d", 1), (W, "width w", 2), (RES, "resolution r", 2)):
        exponent = coefficient * sympy.diff(total, coefficient) / total
        rows.append((words, law, float(exponent.subs(at_base))))
    return Worked(
        f"The exponent of each coefficient at {base.model}, without rounding, ∂ln MACs/∂ln:",
        ("Coefficient", "law", "formula"),
        tuple(rows),
        note=f"The part that grows with all three is {float((lead / total).subs(at_base)):.1%} "
        "of its MACs.",
    )


def _networks(total: sympy.Expr) -> Worked:
    """B0 to B7 as published and by the law, each at the φ of its own d·w²·r²."""
    base = model_ledger(FIRST)
    unrounded = sympy.lambdify((D, W, RES), total.subs(R, side_of(base)))
    rows = []
    for number in range(8):
        name = f"efficientnet_b{number}"
        ledger, options = model_ledger(name), getattr(efficientnet, name).keywords
        depth, width = options["depth"], options["width"]
        res = side_of(ledger) / side_of(base)
        law = depth * width**2 * res**2
        phi = math.log(law) / math.log(PAPER.product)
        real = int(ledger.macs()) / int(base.macs())
        ideal = unrounded(depth, width, res) / unrounded(1, 1, 1)
        rows.append(
            (
                f"B{number}",
                depth,
                width,
                side_of(ledger),
                phi,
                2**phi,
                law,
                ideal,
                real,
                real / ideal,
            )
        )
    return Worked(
        "MACs of the published networks over those of B0. φ is that of d·w²·r² = (α·β²·γ²)^φ with "
        "the paper's α, β, γ. The formula rounds neither layers nor widths, the network does:",
        ("Network", "d", "w", "r·R", "φ", "2^φ", "d·w²·r²", "formula", "network", "rounding"),
        tuple(rows),
    )


def _search(base: Base) -> Worked:
    """The points of the grid near the constraint, with the counts of the closed form."""
    points = [Scaling(*point) for point in product(GRID, repeat=3)]
    near = sorted(
        (p for p in points if _distance(p) <= NEAR), key=lambda p: (_distance(p), p.letters)
    )
    grown = dict(zip(near, _grown(base, near), strict=True))
    alone = [next(p for p in near if sum(p.letters) - p.letters[n] == 2) for n in range(3)]
    shown = dict.fromkeys([PAPER, *near[:NEAREST], *alone])
    cheaper = sum(grown[p][0] < grown[PAPER][0] for p in near)
    least, most = (pick(g[0] for g in grown.values()) for pick in (min, max))
    return Worked(
        f"The constraint α·β²·γ² ≈ 2 on a grid of steps of {float(GRID[1] - 1)} from 1: "
        "the paper's choice, the points nearest to 2, and one coefficient alone; what one step "
        f"from {base.model} multiplies, layers and widths rounded:",
        ("α", "β", "γ", "α·β²·γ²", "MACs", "params", "activations"),
        tuple((*map(float, p.letters), p.product, *grown[p]) for p in shown),
        note=f"{len(near)} of {len(points):,} points are within {float(NEAR)} of 2, and the "
        f"paper's is number {near.index(PAPER) + 1} in nearness. Their real MACs are {least:.2f} "
        f"to {most:.2f} times those of {base.model}, for layers and channels come whole; "
        f"{cheaper} points cost less than the paper's. It chose among such points by accuracy, "
        "which no count can tell.",
    )


def _distance(point: Scaling) -> Fraction:
    return abs(Fraction(point.product) - 2)


def _grown(base: Base, points: list[Scaling]) -> Iterator[tuple[float, float, float]]:
    """The MACs, parameters and activations of all points at once, relative to those of the
    network."""
    sides = np.array([round(base.side * point.gamma) for point in points])
    depths = np.array([base.depth * float(point.alpha) for point in points])
    widths = np.array([base.width * float(point.beta) for point in points])
    ledger = model_ledger(base.model, sides, depth=depths, width=widths)
    readings = [
        (getattr(ledger, name)().value / count).tolist() for name, count in base.counts.items()
    ]
    yield from zip(*readings, strict=True)
