"""A wavelet convolution against large kernels: arXiv 2407.05848, section 3.3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial

import sympy

from flopscope.analytic import named_blocks, wtconvnext
from flopscope.analytic.tape import record
from flopscope.analytic.wtconv import wtconv
from flopscope.closedform.sympify import sympy_symbol
from flopscope.facts import Operator
from flopscope.laws.parts import (
    Law,
    Step,
    Worked,
    form,
    ideal_macs,
    letter,
    macs,
    model_ledger,
    trainable,
)
from flopscope.ledger import Ledger
from flopscope.sizes import Shape, Size

B, C, H, W, K = (sympy_symbol(name) for name in ("B", "C_in", "H", "W", "K"))
C_OUT = sympy_symbol("C_out")
F, LEVELS, LEVEL, N = letter("F"), letter("L"), letter("l"), letter("n")
P, M = letter("P"), letter("M")
SIZES = ("tiny", "small", "base")


def derive() -> Law:
    """The receptive field 2^L·K doubles with every level, while every level has the same number of
    weights."""
    layers = [_layer(levels, named_blocks.K, named_blocks.INPUT) for levels in (1, 2, 3)]
    weights = _linear([sympy.factor(trainable(layer) / C) for layer in layers])
    first, share, base = _geometric([_each(ideal_macs(layer)) for layer in layers])
    level = first * share ** (LEVEL - 1)
    limit = sympy.factor(first / (1 - share))
    work = base + limit * (1 - share**LEVELS)
    halving = 1 / sympy.sqrt(share)  # along each axis
    field = K * halving**LEVELS
    depthwise, dense = form("depthwise_conv"), form("standard_conv")
    kernel = trainable(depthwise).subs(K, F)
    return Law(
        Step(
            "a receptive field of F×F takes a wavelet convolution's parameters",
            P,
            C * weights.subs(LEVELS, sympy.log(F / K) / sympy.log(halving)),
        ),
        (
            Step("K positions of the map of level L are so many of the input", F, field),
            Step("trained parameters with L levels", P, C * weights),
            Step("a depthwise F×F kernel has", letter("P_dw"), kernel),
            Step(
                "and a dense one, with as many channels",
                letter("P_dense"),
                trainable(dense).subs({K: F, C_OUT: C}),
            ),
            Step(
                "MACs of level l at n positions: analysis, convolution, synthesis",
                letter("M_l"),
                C * N * level,
            ),
            Step("of L levels and the convolution of the map itself", M, C * N * work),
            Step(
                "with ever more levels",
                sympy.Limit(M, LEVELS, sympy.oo),
                C * N * sympy.factor(base + limit),
            ),
            Step("MACs of a depthwise F×F kernel", letter("M_dw"), C * N * _each(_wide(depthwise))),
            Step("of a dense one", letter("M_dense"), C * N * _each(_wide(dense).subs(C_OUT, C))),
        ),
        "K odd; H, W multiples of 2^L; other maps are rounded up at each level",
        (_levels(), _stages(), _networks()),
        {
            "F": "receptive field: positions along each axis",
            "L": "wavelet levels",
            "l": "a level, from 1 to L",
            "n": "positions of the map, of all images",
        },
    )


def _layer(levels: int, kernel: Size, shape: Shape) -> Ledger:
    return record(partial(wtconv, kernel=kernel, levels=levels), shape)


def _each(work: sympy.Expr) -> sympy.Expr:
    """The work for each position and channel."""
    return sympy.expand(work / (B * C * H * W))


def _wide(ledger: Ledger) -> sympy.Expr:
    """MACs of a convolution with F×F kernels."""
    return macs(ledger).subs(K, F)


def _linear(values: Sequence[sympy.Expr]) -> sympy.Expr:
    """The a + b·L that takes the three values at L = 1, 2, 3."""
    first, second, third = values
    step = sympy.factor(second - first)
    assert sympy.expand(third - second - step) == 0
    return sympy.expand(first - step) + LEVELS * step


def _geometric(values: Sequence[sympy.Expr]) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
    """(a, q, b) such that the three values are b + a, b + a + a·q, b + a + a·q + a·q²."""
    first, second, third = values
    share = sympy.cancel((third - second) / (second - first))
    assert share.is_number
    step = sympy.factor((second - first) / share)
    return step, share, sympy.expand(first - step)


LAYER = (1, 96, 56, 56)
"""The map of the first stage of WTConvNeXt-T at 224×224."""


def _levels() -> Worked:
    rows = []
    kernel = wtconvnext.KERNEL
    for levels in range(1, wtconvnext.LEVELS[0] + 1):
        layer = _layer(levels, kernel, LAYER)
        field = kernel * 2**levels
        depthwise, dense = _kernels(field, LAYER)
        rows.append(
            (levels, field, int(layer.trainable()), depthwise[0], int(layer.macs()), *depthwise[1:],
             dense[1])
        )  # fmt: skip
    return Worked(
        f"A layer of {LAYER[1]} channels on {LAYER[2]}×{LAYER[3]} positions, K = {kernel}, and "
        "F×F kernels:",
        ("L", "F", "P", "P_dw", "M", "M_dw", "M_dense"),
        tuple(rows),
    )


def _kernels(field: int, shape: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The parameters and MACs of a depthwise F×F convolution of a map, and of a dense one."""
    sizes = dict(zip((B, C, H, W), shape, strict=True)) | {K: field, C_OUT: shape[1]}
    ledgers = form("depthwise_conv"), form("standard_conv")
    depthwise, dense = (
        tuple(int(of(ledger).subs(sizes)) for of in (trainable, macs)) for ledger in ledgers
    )
    return (depthwise[0], depthwise[1]), (dense[0], dense[1])


def _stages() -> Worked:
    ledger = model_ledger("wtconvnext_tiny")
    plain = model_ledger("convnext_tiny")
    rows = []
    for number, levels in enumerate(wtconvnext.LEVELS, start=1):
        layer, seven = (
            network.filter(_inside(f"stage{number}.block1.{name}"))
            for network, name in ((ledger, "wt."), (plain, "dw"))
        )
        shape = tuple(int(size) for size in seven.rows[0].inputs[0])
        field = wtconvnext.KERNEL * 2**levels
        depthwise, _ = _kernels(field, shape)
        m, d = int(layer.macs()), depthwise[1]
        rows.append(
            (f"stage{number}", f"{shape[2]}×{shape[3]}", levels, field, int(seven.macs()), m, d,
             Fraction(d, m))
        )  # fmt: skip
    return Worked(
        "The layers of WTConvNeXt-T, ConvNeXt-T's 7×7 in their place, and depthwise F×F, MACs:",
        ("Stage", "Map", "L", "F", "7×7", "M", "M_dw", "M_dw/M"),
        tuple(rows),
    )


def _inside(path: str) -> Callable[[Operator], bool]:
    return lambda row: row.path.startswith(path)


def _networks() -> Worked:
    rows = []
    for size in SIZES:
        plain, wavelet = model_ledger(f"convnext_{size}"), model_ledger(f"wtconvnext_{size}")
        m, n = int(plain.macs()), int(wavelet.macs())
        p, q = int(plain.params()), int(wavelet.trainable())
        rows.append((size, m, n, Fraction(n, m), p, q, Fraction(q, p)))
    return Worked(
        "ConvNeXt and WTConvNeXt, MACs and trained parameters:",
        ("Network", "7×7 MACs", "MACs", "×", "7×7 params", "Params", "P ×"),
        tuple(rows),
    )
