"""A Ghost module against the convolution that it replaces: arXiv 1911.11907, section 3.2."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial

import sympy

from flopscope.analytic import ghostnet, named_blocks
from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.tape import record
from flopscope.closedform.sympify import sympy_symbol
from flopscope.facts import Operator
from flopscope.laws.parts import (
    Law,
    Step,
    Worked,
    form,
    letter,
    macs,
    model_ledger,
    params,
    weights,
)
from flopscope.ledger import Ledger

RATIO, D, K = sympy_symbol("s"), sympy_symbol("d"), sympy_symbol("K")
C_IN = sympy_symbol("C_in")
R, CONV, GHOST = letter("r"), letter("conv"), letter("ghost")
NETWORKS = ("ghostnet_050", "ghostnet_100", "ghostnet_130")


def derive() -> Law:
    """The convolution costs r = s/(1 + (s − 1)·d²/(C_in·K²)) times as much."""
    plain = record(lambda x: conv_bn_act(x, named_blocks.C_OUT, named_blocks.K), named_blocks.INPUT)
    module = form("ghost_module")
    conv, ghost = macs(plain), macs(module)
    ratio = _ratio(conv, ghost)
    shortfall = 1 + sympy.factor(RATIO / ratio - 1)
    return Law(
        Step("the convolution has r times the multiply-accumulates", R, ratio),
        (
            Step("a K×K convolution", CONV, conv),
            Step(
                "C_out/s maps by a K×K convolution, the others by d×d operations on these",
                GHOST,
                sympy.factor(ghost),
            ),
            Step("their quotient", CONV / GHOST, ratio),
            Step("it falls short of s by the factor", RATIO / R, shortfall),
            Step("with d = K, as the paper approximates", R, sympy.cancel(ratio.subs(D, K))),
            Step(
                "with many channels",
                sympy.Limit(R, C_IN, sympy.oo),
                sympy.limit(ratio, C_IN, sympy.oo),
            ),
            Step(
                "the weights of the convolutions have the same quotient",
                letter("r_weights"),
                _ratio(weights(plain), weights(module)),
            ),
            Step(
                "and the parameters, with the batch norms on either side",
                letter("r_params"),
                _ratio(params(plain), params(module)),
            ),
        ),
        "s divides C_out; K, d odd; stride 1",
        (_stages(shortfall), _networks()),
        {"r": "how many times less a Ghost module costs"},
    )


def _ratio(plain: sympy.Expr, ghost: sympy.Expr) -> sympy.Expr:
    """The quotient, cancelled, with (s − 1)·d² kept together below."""
    above, below = sympy.fraction(sympy.cancel(plain / ghost))
    return sympy.factor(above) / sympy.collect(below, D**2)


def _plain(model: str) -> Ledger:
    """The network without Ghost modules, with the same width and on the same image."""
    width = getattr(ghostnet, model).keywords["width"]
    image = model_ledger(model).rows[0].inputs[0]
    return record(partial(ghostnet.without_ghosts, width=width), image)


def _stages(shortfall: sympy.Expr) -> Worked:
    sides = _plain("ghostnet_100"), model_ledger("ghostnet_100")
    rows = []
    for stage in range(1, len(ghostnet.STAGES) + 1):
        plain, ghost = (int(s.filter(_in_modules(f"stage{stage}.")).macs()) for s in sides)
        rows.append((f"stage{stage}", plain, ghost, Fraction(plain, ghost)))
    plain, ghost = (int(side.filter(_in_modules("")).macs()) for side in sides)
    return Worked(
        "The modules of GhostNet (K = 1, d = 3, s = 2) and 1×1 convolutions in their place, MACs:",
        ("Stage", "1×1", "Ghost", "r"),
        (*rows, ("all", plain, ghost, Fraction(plain, ghost))),
        note=f"Narrow inputs save less: here s/r = {shortfall.subs({K: 1, D: 3, RATIO: 2})}.",
    )


def _in_modules(stage: str) -> Callable[[Operator], bool]:
    return lambda row: (
        row.path.startswith(stage) and (".ghost1." in row.path or ".ghost2." in row.path)
    )


def _networks() -> Worked:
    rows = []
    for model in NETWORKS:
        plain, ghost = _plain(model), model_ledger(model)
        m, n = int(plain.macs()), int(ghost.macs())
        p, q = int(plain.params()), int(ghost.params())
        rows.append((model, m, n, Fraction(m, n), p, q, Fraction(p, q)))
    return Worked(
        "Whole networks, with 1×1 convolutions and with Ghost modules:",
        ("Network", "MACs", "Ghost MACs", "r", "Params", "Ghost params", "r_params"),
        tuple(rows),
    )
