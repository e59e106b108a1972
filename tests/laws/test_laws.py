"""Each law against counts at numbers, made without it, and how laws are written.

A right side is a SymPy expression; numbers put into it must give what the ledgers of concrete
blocks and networks count, exactly.
"""

import json
from fractions import Fraction
from functools import cache, partial
from itertools import pairwise, product
from math import ceil, isqrt, log, prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.mathtext import MathTextParser
from relations import derived, put, right

from flopscope.analytic import regnet
from flopscope.analytic.blocks import (
    conv_bn_act,
    fused_mbconv,
    inverted_residual,
    separable_conv,
    standard_conv,
)
from flopscope.analytic.efficientnet import efficientnet
from flopscope.analytic.ghostnet import ghost_module, without_ghosts
from flopscope.analytic.mobileone import mobileone, repmixer
from flopscope.analytic.operators import conv2d
from flopscope.analytic.regnet import Stage, anynet, regnet_block, regnet_stages
from flopscope.analytic.resnet import bottleneck
from flopscope.analytic.shufflenetv1 import shufflenet_unit
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import record
from flopscope.analytic.wtconv import wtconv
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput, UnknownName
from flopscope.laws import LAWS, law
from flopscope.laws.parts import Law, Worked
from flopscope.present.equation import text
from flopscope.present.laws import FORMATS, FORMATS_OF_ALL, LawPage
from flopscope.present.render import render
from reference_models.mobileone import MobileOneBlock, RepMixer
from reference_models.wtconv import WTConv2d

PAGE = Path(__file__).parents[2] / "docs" / "laws.md"
NAMES = (
    *LAWS,
    "width-law:mobilenetv3_small",
    "resolution-law:ghostnetv2_100",
    "attention-conv:mobilevit_xxs",
    "compound-scaling:regnety_800mf",
)

each_law = pytest.mark.parametrize("name", NAMES)
PROFILE = settings(deadline=None, max_examples=20)
odd = st.sampled_from([3, 5, 7])
few = st.integers(1, 9)


def rows(worked: Worked) -> list[dict[str, Any]]:
    return [dict(zip(worked.columns, row, strict=True)) for row in worked.rows]


def macs(block: Any, *shape: int) -> int:
    return int(record(block, shape).macs())


def count(model: str, *size: int) -> int:
    variant = parse(model)
    return int(variant.ledger(size or variant.resolution()).macs())


# --- separable-ratio ------------------------------------------------------------------------------


@PROFILE
@given(few, few, odd, few, few, st.integers(1, 3))
def test_separable_ratio(c_in: int, c_out: int, k: int, h: int, w: int, b: int) -> None:
    shape = (b, c_in, h, w)
    separable = macs(lambda x: separable_conv(x, c_out, k), *shape)
    standard = macs(lambda x: standard_conv(x, c_out, k), *shape)
    ratio = put(derived("separable-ratio").statement.right, K=k, C_out=c_out)
    assert ratio == sympy.Rational(separable, standard)


def test_mobilenets_widths_are_those_of_its_layers() -> None:
    table = rows(derived("separable-ratio").worked[0])
    assert [row["C_out"] for row in table] == [64, 128, 256, 512, 1024]
    assert all(row["r"] == Fraction(1, 9) + Fraction(1, row["C_out"]) for row in table)


# --- width-law, resolution-law --------------------------------------------------------------------


def of_network(found: Law) -> sympy.Expr:
    """The statement, with what its steps say put into it."""
    return found.statement.right.subs({step.left: step.right for step in found.steps})


# Widths at which nothing is rounded.
@pytest.mark.parametrize(
    ("model", "widths"),
    [
        ("mobilenetv1", (1, 0.5, 0.25)),
        ("mobilenetv2", (1,)),
        ("efficientnet_b0", (1, 2, 3)),
        ("efficientnet_b4", (1, 2)),
    ],
)
def test_width_law(model: str, widths: tuple[float, ...]) -> None:
    found = of_network(derived(f"width-law:{model}"))
    for size, width in product((96, 224), widths):
        assert put(found, R=size, width=width) == count(f"{model}:width={width}", size, size)


@pytest.mark.parametrize(
    ("model", "sizes"),
    [("mobilenetv2", (32, 224)), ("efficientnet_b2", (96, 288)), ("ghostnetv2_100", (64, 192))],
)
def test_resolution_law(model: str, sizes: tuple[int, ...]) -> None:
    found = of_network(derived(f"resolution-law:{model}"))
    for size in sizes:
        ratio = sympy.Rational(size, 320)
        assert put(found, R=320, rho=ratio) == count(model, size, size)


def test_the_laws_of_networks_say_where_no_size_is_rounded() -> None:
    assert derived("resolution-law:mobilenetv1").domain == "H = W = ρ·R, a multiple of 32"
    assert derived("resolution-law:ghostnetv2_100").domain == "H = W = ρ·R, a multiple of 64"
    assert derived("width-law:mobilenetv2").domain == (
        "H = W = R, a multiple of 32; widths not rounded; α ≤ 1"
    )


def test_tables_of_the_laws_of_networks() -> None:
    widths = rows(derived("width-law:mobilenetv1").worked[0])
    assert [row["MACs"] for row in widths] == [
        count(f"mobilenetv1:width={width}") for width in (1, 0.75, 0.5, 0.25)
    ]
    assert all(row["law"] == pytest.approx(float(row["of those at 1"])) for row in widths)
    sides = rows(derived("resolution-law:mobilenetv1").worked[0])
    assert [row["MACs"] for row in sides] == [
        count("mobilenetv1", side, side) for side in (224, 192, 160, 128)
    ]
    assert all(row["law"] == pytest.approx(float(row["of those at 224"])) for row in sides)


def test_elasticity_is_the_slope_on_a_double_logarithmic_plot() -> None:
    found = derived("width-law:mobilenetv1")
    law_of, slope = of_network(found), right(found, "ε")
    below, above = (float(put(law_of, R=224, width=w)) for w in (0.4999, 0.5001))
    assert log(above / below) / log(0.5001 / 0.4999) == pytest.approx(
        float(put(slope, R=224, width=0.5)), rel=1e-6
    )


# --- grouped-shuffled -----------------------------------------------------------------------------


@PROFILE
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), few, few, st.integers(1, 3))
def test_grouped_shuffled(g: int, times: int, wide: int, h: int, w: int, b: int) -> None:
    m, c, n = g * times, g * wide, b * h * w
    shape = (b, c, h, w)
    costs = {
        "ResNet": macs(lambda x: bottleneck(x, c, hidden=m), *shape),
        "ResNeXt": macs(lambda x: bottleneck(x, c, hidden=m, groups=g), *shape),
        "ShuffleNet": macs(lambda x: shufflenet_unit(x, hidden=m, groups=g), *shape),
    }
    found, sizes = derived("grouped-shuffled"), {"C_in": c, "C_hid": m, "G": g, "n": n}
    for name, cost in costs.items():
        assert put(right(found, name.lower()), **sizes) == cost
    unit = costs["ShuffleNet"]
    assert put(found.statement.right, **sizes) == sympy.Rational(unit, costs["ResNet"])
    assert put(right(found, "shufflenet/resnext"), **sizes) == sympy.Rational(
        unit, costs["ResNeXt"]
    )
    # Section 3.2, whose c, m, g are these, for each position.
    assert costs["ResNet"] == n * (2 * c * m + 9 * m**2)
    assert costs["ResNeXt"] * g == n * (2 * c * m * g + 9 * m**2)
    assert unit * g == n * (2 * c * m + 9 * m * g)


def test_how_much_wider_a_shuffled_unit_can_be() -> None:
    found = derived("grouped-shuffled")
    wide = put(right(found, "C_wide"), C_in=64, G=2)
    unit = put(right(found, "shufflenet"), C_in=wide, C_hid=wide / 4, G=2, n=1)
    resnet = put(right(found, "resnet"), C_in=64, C_hid=16, n=1)
    assert sympy.simplify(unit - resnet) == 0
    limit = float(put(right(found, "Limit(C_wide/C_in, C_in, oo, dir='-')"), G=2))
    assert float(put(right(found, "C_wide"), C_in=10**6, G=2)) / 10**6 == (
        pytest.approx(limit, rel=1e-5)
    )
    assert float(
        put(right(found, "Limit(shufflenet/resnet, C_in, oo, dir='-')"), G=2)
    ) == pytest.approx(8 / 34)


def test_the_units_of_the_table_are_those_of_the_networks() -> None:
    for row in rows(derived("grouped-shuffled").worked[0]):
        ledger = parse(f"shufflenetv1_g{row['G']}_x1.0").ledger((224, 224))
        unit = ledger.filter(lambda r: r.path.startswith("stage3.block2."))
        assert (row["ShuffleNet"], row["whole network"]) == (int(unit.macs()), int(ledger.macs()))
        assert row["share"] == Fraction(row["ShuffleNet"], row["ResNet"])


# --- memory-access-bound --------------------------------------------------------------------------


@PROFILE
@given(st.integers(1, 40), st.integers(1, 40), few, few, st.integers(1, 3))
def test_memory_access_bound(c_in: int, c_out: int, h: int, w: int, b: int) -> None:
    ledger = record(lambda x: conv2d(x, c_out, 1), (b, c_in, h, w))
    n, m, t = b * h * w, int(ledger.macs()), int(ledger.traffic_bytes("int8"))
    # T - M/n ≥ 2√(n·M), squared, in whole numbers.
    square = (n * t - m) ** 2
    least = 4 * n**3 * m
    assert (square == least) == (c_in == c_out)
    assert square >= least
    # And the bound itself, where its root is whole.
    bound = put(derived("memory-access-bound").statement.right, n=n, M=m)
    if isqrt(n * m) ** 2 == n * m:
        assert bound == 2 * isqrt(n * m) + sympy.Rational(m, n)
    assert float(bound) <= t * (1 + 1e-12)


@PROFILE
@given(few, few, few)
def test_what_exceeds_the_bound_is_the_square(a: int, b: int, n: int) -> None:
    found = derived("memory-access-bound")
    ledger = record(lambda x: conv2d(x, b**2, 1), (1, a**2, n, 1))
    excess = right(found, "-2*sqrt(M)*sqrt(n) - M/n + T")
    m, t = int(ledger.macs()), int(ledger.traffic_bytes("int8"))
    assert put(excess, C_in=a**2, C_out=b**2, n=n) == n * (a - b) ** 2
    assert put(found.statement.right, M=m, n=n) + n * (a - b) ** 2 == t


def test_where_traffic_is_least_and_how_it_grows() -> None:
    found = derived("memory-access-bound")
    assert put(right(found, "C_in"), M=49 * 64, n=49) == 8
    # A million positions are nearly infinitely many.
    ledger = record(lambda x: conv2d(x, 48, 1), (1, 8, 10_000, 10_000))
    m, t = int(ledger.macs()), int(ledger.traffic_bytes("int8"))
    over = t / float(put(found.statement.right, M=m, n=10**8))
    assert over == pytest.approx(
        float(put(right(found, "Limit(T/(2*sqrt(M)*sqrt(n) + M/n), n, oo, dir='-')"), q=6)),
        rel=1e-5,
    )


def test_tables_of_the_bound() -> None:
    paper, networks = map(rows, derived("memory-access-bound").worked)
    for row in paper:
        c_in, c_out = map(int, row["C_in, C_out"].split(", "))
        assert row["M"] == c_in * c_out * 3136
        assert row["T"] == (c_in + c_out) * 3136 + c_in * c_out
    (shuffle,) = [row for row in networks if row["Network"] == "shufflenetv2_x1.0"]
    work = moved = 0
    least = 0.0
    for r in parse("shufflenetv2_x1.0").ledger((224, 224)):
        if r.window and r.window.kernel == (1, 1):
            (_, c, h, w), k = r.inputs[0], r.output[1]
            work, moved = work + h * w * c * k, moved + h * w * (c + k) + c * k
            least += 2 * h * w * (c * k) ** 0.5 + c * k
    assert (shuffle["M"], shuffle["T"], shuffle["least T"]) == (work, moved, round(least))


# --- compound-scaling -----------------------------------------------------------------------------


def scaled(d: float, w: float, size: int) -> int:
    return macs(partial(efficientnet, depth=d, width=w), 1, 3, size, size)


@pytest.mark.parametrize(("d", "w", "r"), [(1, 1, 1), (2, 1, 1), (3, 2, 1), (1, 3, 2)])
def test_the_formula_is_exact_where_nothing_is_rounded(d: int, w: int, r: int) -> None:
    total = right(derived("compound-scaling"), "MACs")
    assert put(total, d=d, w=w, r=r, R=224) == scaled(d, w, 224 * r)


def test_the_leading_part_is_what_counts_differ_by() -> None:
    """Differences in d, twice in w, and in r² leave 6 · c of a term c·d·w²·r² and nothing else."""
    signs = {1: 1, 2: -2, 3: 1}
    difference = sum(
        (-1) ** (d + r) * sign * scaled(d, w, 224 * r)
        for d, r in product((1, 2), repeat=2)
        for w, sign in signs.items()
    )
    lead = right(derived("compound-scaling"), "lead", 0)
    assert 6 * put(lead, d=1, w=1, r=1, R=224) == difference


@pytest.mark.parametrize(
    ("model", "own", "size", "factors"),
    [
        ("resnet50", 1, 224, ((2, 1, 1), (1, 2, 2), (3, 3, 1))),
        ("convnext_tiny", 1, 224, ((2, 1, 1), (1, 2, 2))),
        ("poolformer_s12", 1, 224, ((2, 1, 1), (1, 2, 2), (3, 3, 1))),
        ("mobilevit_s", 1, 256, ((2, 1, 1), (3, 1, 2))),
        ("shufflenetv1_g3_x1.0", 1, 224, ((2, 1, 1), (1, 2, 2))),
        ("regnety_800mf", 1, 224, ((2, 1, 1), (1, 2, 2))),
        ("efficientnetv2_s", 1, 384, ((2, 1, 1), (1, 2, 1))),
        ("efficientnet_b7", 2, 600, ((1, 1, 1),)),
    ],
)
def test_it_is_a_law_of_any_network_with_width_and_depth(
    model: str, own: float, size: int, factors: tuple[tuple[int, int, int], ...]
) -> None:
    """Exact at whole factors of depth, width and resolution, but that B7's depth is 3.1."""
    found = derived(f"compound-scaling:{model}")
    total = right(found, "MACs")
    for d, w, r in factors:
        options = {"depth": d * (3 if own == 2 else 1), "width": own * w}
        ledger = parse(model).ledger((size // 32 * 32 * r,) * 2, **options)
        share = sympy.Rational(30, 31) if own == 2 else 1
        assert put(total, d=d * share, w=w, r=r, R=size // 32 * 32) == int(ledger.macs())
    exponents, search = found.worked
    assert exponents.words.startswith(f"The exponent of each coefficient at {model}")
    for row in rows(search)[:2]:
        side = round(size * Fraction(str(row["γ"])))
        options = {o.name: o.default for o in parse(model).model.options}
        scaled_to = {
            "depth": options["depth"] * row["α"],
            "width": options["width"] * row["β"],
        }
        grown = int(parse(model).ledger((side, side), **scaled_to).macs())
        assert row["MACs"] == pytest.approx(grown / count(model, size, size))


def test_where_the_law_of_a_network_holds() -> None:
    assert derived("compound-scaling:mobilenetv2").domain == (
        "layers and widths not rounded; H = W = r·R, a multiple of 32; w ≤ 1"
    )
    with pytest.raises(BadInput) as error:
        law("compound-scaling:resnet50:depth=2")
    assert str(error.value) == (
        "depth is fixed in 'resnet50:depth=2' and free at once; leave one of them out"
    )


@pytest.mark.parametrize(
    "model",
    ["resnet50:groups=32,width_per_group=4", "regnety_800mf", "shufflenetv1_g3_x1.0"],
)
def test_the_width_law_of_networks_with_grouped_convolutions(model: str) -> None:
    found = of_network(derived(f"width-law:{model}"))
    for width in (1, 2):
        name = f"{model}{',' if ':' in model else ':'}width={width}"
        assert put(found, R=224, width=width) == count(name, 224, 224)


# Widths and sides at which nothing is rounded.
@pytest.mark.parametrize(
    ("model", "side"),
    [
        ("poolformer_m36", 224),
        ("wtconvnext_base", 256),
        ("mobilevit_s", 256),
        ("efficientformer_l3", 224),
    ],
)
def test_the_width_law_of_networks_with_attention_or_wavelets(model: str, side: int) -> None:
    found = of_network(derived(f"width-law:{model}"))
    for width in (1, 0.5, 1.5):
        name = f"{model}:width={width}"
        assert put(found, R=side, width=width) == count(name, side, side)


def test_it_grows_by_the_product_to_the_power() -> None:
    found = derived("compound-scaling")
    steps = {"α": 2, "β": 3, "γ": 5, "φ": 4}
    lead = put(right(found, "lead", 0), d=2**4, w=3**4, r=5**4, R=224)
    assert put(right(found, "lead", 1), **steps, R=224) == lead
    assert put(found.statement.right, **steps) == (2 * 3**2 * 5**2) ** 4


def test_published_networks_against_the_law() -> None:
    exponents, networks, _ = derived("compound-scaling").worked
    base = count("efficientnet_b0")
    for number, row in enumerate(rows(networks)):
        assert row["Network"] == f"B{number}"
        assert row["network"] == pytest.approx(count(f"efficientnet_b{number}") / base)
        assert row["d·w²·r²"] == pytest.approx(row["d"] * row["w"] ** 2 * (row["r·R"] / 224) ** 2)
        assert 1.92027 ** row["φ"] == pytest.approx(row["d·w²·r²"], rel=1e-4)
        assert row["formula"] * row["rounding"] == pytest.approx(row["network"])
    # A thousandth more of each coefficient, of a polynomial: its exponent.
    total = right(derived("compound-scaling"), "MACs")
    for row, name in zip(rows(exponents), "dwr", strict=True):
        at = {"d": 1, "w": 1, "r": 1, "R": 224}
        above, below = (
            float(put(total, **at | {name: sympy.Rational(x)})) for x in ("1001/1000", "999/1000")
        )
        assert row["formula"] == pytest.approx(log(above / below) / log(1.001 / 0.999), rel=1e-5)


def test_the_search_is_that_of_a_plain_loop() -> None:
    search = derived("compound-scaling").worked[2]
    near = [
        (a, b, c)
        for a, b, c in product(range(20, 41), repeat=3)
        if abs(a * b * b * c * c - 2 * 20**5) * 10 <= 20**5
    ]
    assert search.note.startswith(f"{len(near)} of 9,261 points are within 0.1 of 2")
    nearer = [
        p for p in near if abs(prod((*p, *p[1:])) - 2 * 20**5) < 2 * 20**5 - 24 * 22**2 * 23**2
    ]
    assert f"the paper's is number {len(nearer) + 1} in nearness" in " ".join(search.note.split())
    base = record(partial(efficientnet, depth=1.0, width=1.0), (1, 3, 224, 224))
    for row in rows(search):
        size = round(224 * Fraction(str(row["γ"])))
        network = partial(efficientnet, depth=row["α"], width=row["β"])
        ledger = record(network, (1, 3, size, size))
        for name in ("macs", "params", "activations"):
            expected = int(getattr(ledger, name)()) / int(getattr(base, name)())
            assert row["MACs" if name == "macs" else name] == pytest.approx(expected)


# --- ghost-ratio ----------------------------------------------------------------------------------


@PROFILE
@given(few, few, st.sampled_from([1, 3, 5]), odd, st.integers(2, 5), few)
def test_ghost_ratio(c_in: int, times: int, k: int, d: int, s: int, h: int) -> None:
    c_out, shape = s * times, (2, c_in, h, 3)
    plain = record(lambda x: conv_bn_act(x, c_out, k), shape)
    ghost = record(lambda x: ghost_module(x, c_out, kernel=k, ratio=s, cheap_kernel=d), shape)
    found = derived("ghost-ratio")
    sizes = {"C_in": c_in, "K": k, "d": d, "s": s}
    ratio = put(found.statement.right, **sizes)
    assert ratio == sympy.Rational(int(plain.macs()), int(ghost.macs()))
    assert put(right(found, "s/r"), **sizes) == s / ratio
    assert put(right(found, "r_weights"), **sizes) == ratio
    assert put(right(found, "r_params"), **sizes) == sympy.Rational(
        int(plain.params()), int(ghost.params())
    )
    if d == k:
        assert put(right(found, "r"), **sizes) == ratio


@pytest.mark.parametrize(("model", "width"), [("ghostnet_050", 0.5), ("ghostnet_130", 1.3)])
def test_what_ghostnet_saves_on(model: str, width: float) -> None:
    """Each module costs C_in/2 + 9/2 a position and channel, its replacement C_in."""
    ledger = parse(model).ledger((224, 224))
    saved = 0
    for row in ledger:
        if row.path.endswith("primary_conv"):
            (_, c_in, _, _), (_, half, h, w) = row.inputs[0], row.output
            saved += h * w * (2 * half * c_in - half * c_in - 9 * half)
    plain = record(partial(without_ghosts, width=width), (1, 3, 224, 224))
    assert int(plain.macs()) == int(ledger.macs()) + saved
    (row,) = [r for r in rows(derived("ghost-ratio").worked[1]) if r["Network"] == model]
    assert (row["MACs"], row["Ghost MACs"]) == (int(plain.macs()), int(ledger.macs()))
    assert (row["Params"], row["Ghost params"]) == (int(plain.params()), int(ledger.params()))


def test_the_stages_of_ghostnet_add_up() -> None:
    *stages, whole = rows(derived("ghost-ratio").worked[0])
    for side in ("1×1", "Ghost"):
        assert sum(stage[side] for stage in stages) == whole[side]
    assert stages[0]["r"] == Fraction(2, 1) / (1 + Fraction(9, 16))  # every input has 16 channels


# --- regnet ---------------------------------------------------------------------------------------


@PROFILE
@given(few, st.integers(1, 4), few, few, st.integers(1, 3))
def test_a_block_of_a_regnet(g: int, groups: int, h: int, w: int, b: int) -> None:
    width, n = g * groups, b * h * w
    ledger = record(lambda x: regnet_block(x, width, hidden=width, groups=groups), (b, width, h, w))
    found, sizes = derived("regnet"), {"w": width, "g": g, "n": n}
    m, a = int(ledger.macs()), int(ledger.activations())
    assert put(right(found, "M_block"), **sizes) == m
    assert put(right(found, "A_block"), **sizes) == a
    relation = right(found, "A_block/sqrt(M_block)")
    assert put(relation, **sizes) ** 2 == sympy.Rational(a**2, m)
    assert put(relation, w=5 * width, g=5 * g, n=n) == put(relation, **sizes)


def anynet_of(times: int, size: int) -> tuple[int, int, dict[str, int]]:
    """MACs and activations of stages of these depths, `times` as wide; the letters' values."""
    depths, widths, g = (2, 1, 4, 3), (8, 24, 40, 48), 4
    stages = [Stage(d, times * w, times * g) for d, w in zip(depths, widths, strict=True)]
    ledger = record(lambda x: anynet(x, stages, squeeze=False), (1, 3, size, size))
    sizes = {f"d_{i}": d for i, d in enumerate(depths, start=1)}
    sizes |= {f"w_{i}": times * w for i, w in enumerate(widths, start=1)}
    return int(ledger.macs()), int(ledger.activations()), sizes | {"g": times * g, "R": size}


@pytest.mark.parametrize("size", [32, 96])
def test_a_network_of_four_stages(size: int) -> None:
    found = derived("regnet")
    rests = [right(found, f"{name}_rest") for name in "MA"]
    parts = []
    for times in (1, 3):
        m, a, sizes = anynet_of(times, size)
        assert put(right(found, "M"), **sizes) == m
        assert put(right(found, "A"), **sizes) == a
        parts.append([m - put(rests[0], **sizes), a - put(rests[1], **sizes)])
    # What is left is quadratic, and linear, in the widths.
    assert parts[1] == [9 * parts[0][0], 3 * parts[0][1]]
    assert put(derived("regnet").statement.right, M=9 * parts[0][0], M_1=parts[0][0]) == 3


PUBLISHED = [name for name in vars(regnet) if name.startswith(("regnetx_", "regnety_"))]


@cache
def beginning() -> Any:
    """The first block of stage k, as a function of w_0, w_a, w_m, k."""
    letters = sympy.symbols("w_0 w_a w_m k", positive=True)
    return sympy.lambdify(letters, right(derived("regnet"), "j"), "math")


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_rule_gives_the_published_depths(name: str) -> None:
    """Against the loop over blocks that the network is built by."""
    w0, wa, wm, d, g = (getattr(regnet, name).keywords[key] for key in ("w0", "wa", "wm", "d", "g"))
    stages = regnet_stages(w0, wa, wm, d, g)
    first = [min(d, max(0, ceil(beginning()(w0, wa, wm, k)))) for k in range(len(stages) + 1)]
    assert [after - before for before, after in pairwise(first)] == [stage.d for stage in stages]


def test_depths_and_widths_of_stages() -> None:
    found, names = derived("regnet"), {"w_0": 24, "w_a": "36.44", "w_m": "2.49"}
    for k in range(4):
        about = float(put(right(found, "d_k"), k=k, **names))
        first, following = (beginning()(24, 36.44, 2.49, k + ahead) for ahead in (0, 1))
        assert about == pytest.approx(following - first)
        width = float(put(right(found, "w"), k=k, **names))
        assert round(width / 8) * 8 == regnet_stages(24, 36.44, 2.49, 13, 8)[k].w
    assert put(right(found, "u_j"), j=12, **names) == 24 + 12 * sympy.Rational("36.44")


def test_what_a_stage_costs_over_the_one_before() -> None:
    found = derived("regnet")
    names = {"w_0": 48, "w_a": 30, "w_m": "2.5"}
    costs = []
    for k in (2, 3):
        width = put(right(found, "w"), k=k, **names)
        depth = put(right(found, "d_k"), k=k, **names)
        sizes = {"w": width, "n": sympy.Integer(4) ** -k, "g": 0}
        costs.append([depth * put(right(found, left), **sizes) for left in ("M_block", "A_block")])
    for before, after, left in zip(*costs, ("M_k+1/M_k", "A_k+1/A_k"), strict=True):
        assert sympy.simplify(after / before - put(right(found, left), w_m="2.5")) == 0


def test_tables_of_regnets() -> None:
    published, scaled_up = derived("regnet").worked
    points = []
    for row in rows(published):
        ledger = parse(row["Network"]).ledger((224, 224))
        options = getattr(regnet, row["Network"].replace(".", "_")).keywords
        stages = regnet_stages(*(options[key] for key in ("w0", "wa", "wm", "d", "g")))
        depths = " + ".join(str(stage.d) for stage in stages)
        assert row["Depths"] == f"{depths} = {options['d']}"
        assert (row["M"], row["A"]) == (int(ledger.macs()), int(ledger.activations()))
        points.append((log(row["M"]), log(row["A"])))
    slope = np.polyfit(*zip(*points, strict=True), deg=1)[0]
    assert published.note == f"Over all of them A grows as M to the power {slope:.2f}."
    middle = next(row for row in rows(scaled_up) if row["α"] == "1")
    assert middle["M"] == count("regnetx_1.6gf")


# --- fused-mbconv ---------------------------------------------------------------------------------


@PROFILE
@given(st.integers(1, 40), st.integers(2, 6), odd, st.integers(1, 4), st.integers(1, 4))
def test_fused_mbconv(c: int, t: int, k: int, h: int, b: int) -> None:
    fused, separate = (
        record(partial(block, channels=c, expansion=t, kernel=k), (b, c, h, 2))
        for block in (fused_mbconv, inverted_residual)
    )
    found, n = derived("fused-mbconv"), 2 * b * h
    sizes = {"C_in": c, "t": t, "K": k, "n": n}
    difference = int(separate.traffic_bytes("int8")) - int(fused.traffic_bytes("int8"))
    assert put(right(found, "-T_fused + T_mb"), **sizes) == difference
    assert (difference > 0) == (c < put(found.statement.right, **sizes))
    fewer = int(separate.macs()) - int(fused.macs())
    assert (fewer > 0) == (c < put(right(found, "C_in"), **sizes))
    assert put(right(found, "M_fused/M_mb"), **sizes) == sympy.Rational(
        int(fused.macs()), int(separate.macs())
    )
    without = int(separate.activations()) - int(fused.activations())
    assert put(right(found, "-A_fused + A_mb"), **sizes) == without


def test_the_stages_of_efficientnetv2() -> None:
    table = rows(derived("fused-mbconv").worked[0])
    assert [(row["Stage"], row["Map"], row["C_in"]) for row in table] == [
        ("stage2, fused", "96×96", 48),
        ("stage3, fused", "48×48", 64),
        ("stage4, MBConv", "24×24", 128),
        ("stage5, MBConv", "24×24", 160),
        ("stage6, MBConv", "12×12", 256),
    ]
    for row in table:
        assert (row["traffic"] < 1) == (row["C_in"] < row["C_in <"])


# --- how laws are written -------------------------------------------------------------------------


@each_law
@pytest.mark.parametrize("format_name", FORMATS)
def test_every_law_in_every_format(name: str, format_name: str) -> None:
    found = derived(name)
    written = render(LawPage(name, found), format_name, FORMATS)
    assert written.endswith("\n")
    assert found.statement.right.free_symbols
    if format_name == "text":
        assert max(map(len, written.splitlines())) <= 80
    if format_name == "json":
        data = json.loads(written)
        assert data["name"] == name
        assert [step["words"] for step in data["steps"]] == [step.words for step in found.steps]
    if format_name == "python":
        code = [line for line in written.splitlines() if not line.startswith("#")]
        assert len(code) == 1 + len(found.steps)
        for line in code:
            compile(line, name, "eval")


@each_law
def test_every_letter_of_a_law_is_explained_or_defined(name: str) -> None:
    found = derived(name)
    letters = json.loads(render(LawPage(name, found), "json", FORMATS))["letters"]
    defined = {symbol for step in found.steps for symbol in step.left.free_symbols}
    defined |= found.statement.left.free_symbols
    used = {
        symbol for step in (found.statement, *found.steps) for symbol in step.right.free_symbols
    }
    assert [s for s in used - defined if text(s) not in letters] == []


@each_law
def test_latex_can_be_set(name: str) -> None:
    parser = MathTextParser("path")
    data = json.loads(render(LawPage(name, derived(name)), "json", FORMATS))
    for step in (data["statement"], *data["steps"]):
        parser.parse(f"${step['latex']}$")


def test_the_page_is_what_the_program_writes() -> None:
    """Where this fails: make laws."""
    pages = [LawPage(name, derived(name)) for name in LAWS]
    assert PAGE.read_text(encoding="utf-8") == render(pages, "markdown", FORMATS_OF_ALL)


def test_all_laws_as_text_fit_a_terminal() -> None:
    pages = [LawPage(name, derived(name)) for name in LAWS]
    written = render(pages, "text", FORMATS_OF_ALL)
    assert max(map(len, written.splitlines())) <= 80
    assert all(f"\n{name}: " in written for name in LAWS)


x, y = sympy.symbols("K width", positive=True)


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        (1 / x**2, "1/K²"),
        (y - x, "α - K"),
        (-x, "-K"),
        (-x - y, "-K - α"),
        (x**2 * (1 - y) * sympy.sqrt(2), "√2·K²·(1 - α)"),
        (sympy.sqrt(x + 1), "√(K + 1)"),
        ((x * y) ** sympy.Symbol("φ"), "(K·α)^φ"),
        (sympy.Rational(12345, 7) * x, "12,345·K/7"),
        (sympy.Rational(-1, 2), "-1/2"),
        (x / (y + 1), "K/(α + 1)"),
        (sympy.Limit(y / x, x, sympy.oo), "lim K→∞ (α/K)"),
    ],
)
def test_expressions_as_text(expression: sympy.Expr, written: str) -> None:
    assert text(expression) == written


# --- what is refused ------------------------------------------------------------------------------


def test_a_bad_name() -> None:
    with pytest.raises(UnknownName) as error:
        law("ghost_ratio")
    assert str(error.value) == "unknown law 'ghost_ratio'; did you mean ghost-ratio?"
    with pytest.raises(BadInput) as refused:
        law("ghost-ratio:ghostnet_100")
    assert str(refused.value) == (
        "ghost-ratio is not a law of a network, but 'ghostnet_100' was given; leave it out"
    )


def test_a_network_whose_width_is_given_has_no_width_law() -> None:
    with pytest.raises(BadInput) as error:
        law("width-law:shufflenetv2_x1.0:width=0.5")
    assert str(error.value) == (
        "width is fixed in 'shufflenetv2_x1.0:width=0.5' and free at once; leave one of them out"
    )


# --- wavelet-conv ---------------------------------------------------------------------------------


@PROFILE
@given(few, odd, st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2))
def test_wavelet_conv(c: int, k: int, levels: int, h: int, w: int, b: int) -> None:
    """On maps that all levels halve, the three that it was derived from and one more."""
    height, width = h * 2**levels, w * 2**levels
    ledger = record(lambda x: wtconv(x, k, levels), (b, c, height, width))
    found = derived("wavelet-conv")
    sizes = {"C_in": c, "K": k, "L": levels, "n": b * height * width}
    assert put(right(found, "M"), **sizes) == int(ledger.macs())
    assert put(right(found, "P"), **sizes) == int(ledger.trainable())
    field = put(right(found, "F"), **sizes)
    again = put(found.statement.right, F=field, **sizes)
    assert sympy.simplify(again - int(ledger.trainable())) == 0
    for level in range(1, levels + 1):
        own = ledger.filter(lambda row, at=f"level{level}.": row.path.startswith(at))
        assert put(right(found, "M_l"), l=level, **sizes) == int(own.macs())
    limit = put(right(found, "Limit(M, L, oo, dir='-')"), **sizes)
    assert 0 < limit - int(ledger.macs()) <= limit * sympy.Rational(4, 3) / 4**levels


@pytest.mark.parametrize(("kernel", "levels"), [(3, 1), (3, 2), (5, 2), (3, 3), (1, 3)])
def test_what_a_wavelet_convolution_sees(kernel: int, levels: int) -> None:
    """The input's positions that one of the output's depends on, by its gradient."""
    torch.manual_seed(0)
    layer, side = WTConv2d(1, kernel, levels), 3 * (kernel + 1) * 2**levels
    x = torch.zeros(1, 1, side, side, requires_grad=True)
    layer(x)[0, 0, side // 2, side // 2].backward()
    assert x.grad is not None
    seen = [x.grad[0, 0].abs().sum(axis).nonzero().flatten() for axis in (0, 1)]
    extents = {int(places[-1] - places[0]) + 1 for places in seen}
    field = put(right(derived("wavelet-conv"), "F"), K=kernel, L=levels)
    assert extents == {int(field)}


def test_tables_of_wavelet_convolutions() -> None:
    by_level, stages, networks = map(rows, derived("wavelet-conv").worked)
    for row in by_level:
        f = row["F"]
        assert (f, row["P_dw"]) == (5 * 2 ** row["L"], 96 * f**2)
        assert row["M_dense"] == 96 * row["M_dw"] == 96 * 56 * 56 * 96 * f**2
        assert row["M"] == macs(lambda x, n=row["L"]: wtconv(x, 5, n), 1, 96, 56, 56)
    for row, (side, channels) in zip(
        stages, ((56, 96), (28, 192), (14, 384), (7, 768)), strict=True
    ):
        assert row["7×7"] == side * side * channels * 49
        assert row["M_dw"] == side * side * channels * row["F"] ** 2
        assert row["M"] == macs(lambda x, n=row["L"]: wtconv(x, 5, n), 1, channels, side, side)
        assert row["M_dw/M"] == Fraction(row["M_dw"], row["M"])
    # the counts that the networks' families test against their public implementations
    assert [(row["MACs"], row["Params"]) for row in networks] == [
        (4_501_637_760, 30_383_656),
        (8_760_259_200, 54_015_784),
        (15_456_792_064, 93_647_592),
    ]
    assert [row["7×7 params"] for row in networks] == [28_589_128, 50_223_688, 88_591_464]


# --- token-doubling -------------------------------------------------------------------------------


def by_hand(c: int, f: int, layers: int, v: int, before: int, new: int) -> int:
    """MACs of new tokens after others: the pairs one by one, hidden ones among them."""
    pairs = sum(2 * c for _ in range(new) for _ in range(before + new))
    return layers * (new * (4 * c * c + 3 * c * f) + pairs) + new * v * c


@PROFILE
@given(c=few, f=few, layers=few, v=few, n=st.integers(2, 12), batch=few)
def test_token_doubling_at_numbers(c, f, layers, v, n, batch):
    found = derived("token-doubling")
    sizes = {"C": c, "F": f, "L": layers, "V": v, "B": batch, "n": n}
    at_once = [batch * by_hand(c, f, layers, v, 0, tokens) for tokens in (n, 2 * n)]
    steps = [batch * by_hand(c, f, layers, v, before, 1) for before in range(n)]
    assert put(right(found, "M"), **sizes) == at_once[0]
    assert put(found.statement.right, **sizes) == at_once[1] - 2 * at_once[0]
    assert put(right(found, "M_n"), **sizes) == steps[-1]
    assert put(right(found, "M_each"), **sizes) == sum(steps)
    assert put(right(found, "M - M_each"), **sizes) == at_once[0] - sum(steps)
    assert put(right(found, "E"), **sizes) == batch * 2 * layers * n * c


def test_token_doubling_says_where_attention_is_less_than_the_rest():
    found = derived("token-doubling")
    at = int(put(right(found, "n"), C=4, F=6))
    work = [put(right(found, "M_a"), B=1, C=4, L=1, n=n) for n in (at - 1, at)]
    others = [n * (4 * 4 * 4 + 3 * 4 * 6) for n in (at - 1, at)]
    assert work[0] < others[0]
    assert work[1] == others[1]


def test_token_doubling_is_worked_on_both_language_models():
    small, large = (rows(worked) for worked in derived("token-doubling").worked)
    for found, (c, f, layers) in ((small, (2048, 5632, 24)), (large, (2560, 6912, 32))):
        for row in found:
            n = row["text"] + 144
            assert row["n"] == n
            assert row["prefill"] == by_hand(c, f, layers, 32000, 0, 1) * n + (
                2 * c * layers * n * (n - 1)
            )
            assert row["decode"] == by_hand(c, f, layers, 32000, n - 1, 1)
            assert row["attention %"] == Fraction(200 * layers * c * n * n, row["prefill"])
            assert row["bytes kept"] == 2 * 2 * layers * c * n


# --- reparameterisation ---------------------------------------------------------------------------


@PROFILE
@given(few, odd, few, few, st.integers(1, 2))
def test_what_folding_saves(c: int, k: int, h: int, w: int, b: int) -> None:
    """Against the modules' own parameters, and ledgers at numbers."""
    found, sizes = derived("reparameterisation"), {"C_in": c, "K": k, "n": b * h * w}
    mixers, blocks = (
        [record(partial(of, kernel=k, form=form, **more), (b, c, h, w)) for form in NetworkForm]
        for of, more in ((repmixer, {}), (mobileone, {"channels": c}))
    )
    modules = [
        [build(form.value) for form in NetworkForm]
        for build in (
            lambda form: RepMixer(c, k, form=form),
            lambda form: MobileOneBlock(c, c, k, form=form),
        )
    ]
    for left, (train, deploy) in zip(("P_saved", "P_block"), modules, strict=True):
        saved = sum(p.numel() for p in train.parameters()) - sum(
            p.numel() for p in deploy.parameters()
        )
        assert put(right(found, left), **sizes) == saved
    for expression, (train, deploy) in (
        (found.statement.right, mixers),
        (right(found, "r_block"), blocks),
    ):
        assert put(expression, **sizes) == sympy.Rational(int(deploy.macs()), int(train.macs()))
    for form, ledger in zip(("train", "deploy"), mixers, strict=True):
        assert put(right(found, f"M_{form}"), **sizes) == int(ledger.macs())
        assert put(right(found, f"T_{form}"), **sizes) == int(ledger.traffic_bytes("int8"))
    assert [len(ledger) for ledger in mixers] == [11, 1]


@pytest.mark.parametrize(("of", "nth"), [("repmixer", 0), ("mobileone", 1)])
def test_how_much_less_a_folded_block_moves(of: str, nth: int) -> None:
    shape = (1, 4, 3000, 3000)
    block = {"repmixer": repmixer, "mobileone": partial(mobileone, channels=4)}[of]
    train, deploy = (
        int(record(partial(block, kernel=3, form=form), shape).traffic_bytes("int8"))
        for form in NetworkForm
    )
    limit = right(derived("reparameterisation"), "Limit(T_train/T_deploy, n, oo, dir='-')", nth)
    assert train / deploy == pytest.approx(float(limit), rel=1e-4)


def test_tables_of_folded_towers() -> None:
    towers, parts = map(rows, derived("reparameterisation").worked)
    whole = {row["Tower"]: row for row in towers}
    # timm 1.0.31 counts fastvit_mci1 and its reparameterized form, and fastvit_mci0
    assert whole["mobileclip_s1, image"]["P saved"] == 21_541_632 - 21_461_056
    assert whole["mobileclip_s1, image"]["M saved"] == 4_667_736_064 - 4_658_266_112
    assert sum(row["M train"] for row in parts) == 2_392_653_824
    assert sum(row["P train"] for row in parts) + 512 == 11_406_976
    saved = [sum(row[f"{of} train"] - row[f"{of} deploy"] for row in parts) for of in "PM"]
    first = whole["mobileclip_s0, image"]
    assert saved == [first["P saved"], first["M saved"]]
    mixers = next(row for row in parts if row["Blocks"] == "RepMixer")
    channels = 2 * 64 + 6 * 128 + 10 * 256
    assert mixers["P train"] - mixers["P deploy"] == 9 * channels
    for row in towers:
        model, tower = row["Tower"].split(", ")
        train, deploy = (
            parse(f"{model}:form={form.value}").ledger(parse(model).resolution())
            for form in NetworkForm
        )
        counts = [sum(r.path.startswith(f"{tower}.") for r in ledger) for ledger in (train, deploy)]
        assert [row["train"], row["deploy"]] == counts
