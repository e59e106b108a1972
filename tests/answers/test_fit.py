"""Sizes that code wants as numbers: equal to modules built at numbers, or refused; never wrong."""

import math
from fractions import Fraction
from functools import cache
from pathlib import Path

import blocks
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flopscope as fs
from flopscope.answers.derive import derive
from flopscope.answers.fit import Form, fit, turns
from flopscope.cli import main
from flopscope.errors import OutsideDomain
from flopscope.sizes import floor_log2
from flopscope.symbolic import symbol
from flopscope.tracing import trace

FILE = str(Path(blocks.__file__))
FARTHEST = 65536


def values(derivation, quantity, **sizes):
    """Of every piece that has these sizes in its domain; there is at most one."""
    found = []
    for piece in derivation.pieces:
        try:
            found.append(piece.formulas[quantity].at(**sizes))
        except OutsideDomain:
            continue
    assert len(found) <= 1
    return found


def counted(module, *shape):
    ledger = trace(module, shape).ledger
    return ledger.macs().value, ledger.params().value


# --- rules of real code ---------------------------------------------------------------------------


@cache
def channel_kernel():
    return derive(f"{FILE}:ChannelKernel", ("channels=C",), ("B,C,H,W",))


@cache
def heads():
    return derive(f"{FILE}:Heads", ("dim=C",), ("B,T,C",), example={"C": 512})


@cache
def sparse():
    return derive(f"{FILE}:Sparse", ("dim=C", "depth=n"), ("B,T,C",))


@pytest.mark.parametrize("C", [1, 2, 7, 8, 31, 32, 127, 128, 129, 511, 512, 2047, 2048, 3000])
def test_a_kernel_that_grows_with_the_logarithm(C):
    macs, params = counted(blocks.ChannelKernel(C), 2, C, 3, 5)
    assert values(channel_kernel(), "macs", B=2, C=C, H=3, W=5) == [macs]
    assert values(channel_kernel(), "params", C=C) == [params]


def test_the_logarithm_is_a_floor_and_stated_as_far_as_it_was_compared():
    assert (
        values(channel_kernel(), "macs", B=1, C=128, H=1, W=1) == [128 * 128 + 128 * 5] == [17_024]
    )
    (piece,) = channel_kernel().pieces
    C = symbol("C")
    kernel = 2 * ((floor_log2(C) + 1) // 4) + 1
    assert piece.formulas["params"].expression == C**2 + kernel
    assert [str(condition) for condition in piece.conditions] == [f"C ≤ {FARTHEST}"]
    with pytest.raises(
        OutsideDomain, match=rf"^outside the domain \(C ≤ {FARTHEST}\); given: C=65537$"
    ):
        piece.formulas["params"].at(C=FARTHEST + 1)


@pytest.mark.parametrize("C", [1, 63, 64, 65, 127, 128, 511, 512, 513, 1000, 2048])
def test_a_layer_for_every_64_channels(C):
    macs, params = counted(blocks.Heads(C), 1, 3, C)
    assert values(heads(), "macs", B=1, T=3, C=C) == [macs]
    assert values(heads(), "params", C=C) == [params]


def test_the_traced_example_is_among_the_sizes():
    (piece,) = heads().pieces
    C = symbol("C")
    assert piece.formulas["params"].expression == C**2 + 4096 * (C // 64)
    assert not piece.conditions
    assert values(heads(), "macs", B=1, T=1, C=512) == [294_912]
    assert ", 512, " in heads().notes[-1]


@pytest.mark.parametrize("n", [1, 7, 8, 15, 16, 17, 64, 100])
def test_every_eighth_layer_attends(n):
    macs, params = counted(blocks.Sparse(6, n), 1, 5, 6)
    assert values(sparse(), "macs", B=1, T=5, C=6, n=n) == [macs]
    assert values(sparse(), "params", C=6, n=n) == [params]


def test_every_eighth_layer_is_a_floor():
    B, C, T, n = map(symbol, "BCTn")
    assert sparse().formula("macs").expression == B * C**2 * T * n + 2 * B * C * T**2 * (n // 8)
    assert values(sparse(), "macs", B=1, C=16, T=10, n=16) == [16 * 16 * 16 * 10 + 2 * 2 * 1600]


def test_every_third_and_a_domain_that_grows_with_the_depth():
    found = derive(f"{FILE}:Shrinking", ("channels=C", "depth=n"))
    (piece,) = found.pieces
    assert [str(condition) for condition in piece.conditions] == ["H - 2·n ≥ 1", "W - 2·n ≥ 1"]
    for n in (1, 9, 33):
        macs, params = counted(blocks.Shrinking(2, n), 1, 2, 70, 67)
        assert values(found, "macs", B=1, C=2, H=70, W=67, n=n) == [macs]
        assert values(found, "params", C=2, n=n, H=70, W=67) == [params]
    assert values(found, "macs", B=1, C=2, H=70, W=66, n=33) == []


def test_steps_of_two_periods_are_found_where_the_code_shows_them():
    found = derive(f"{FILE}:Groups", ("dim=C",), ("B,T,C",), example={"C": 64})
    C = symbol("C")
    assert found.formula("params").expression == C * (C // 2) + C + 36 * (C // 16)
    for size in (1, 15, 16, 100, 1023, 1024):
        macs, params = counted(blocks.Groups(size), 1, 1, size)
        assert values(found, "params", C=size) == [params] == [macs]


# --- several sizes --------------------------------------------------------------------------------


def grid(inner, outer):
    rows, columns = len(range(inner)), len(range(outer))
    return blocks.OneLayer(rows * columns + 3 * columns**2 + rows // 4)


def one_rule(rule):
    def make(**sizes):
        return blocks.OneLayer(rule(*(len(range(size)) for size in sizes.values())))

    return make


def test_two_sizes_that_must_be_numbers():
    n, m = symbol("n"), symbol("m")
    found = fs.derive(grid, {"inner": n, "outer": m}, ("B", "T", 1), example={"n": 2, "m": 3})
    (piece,) = found.pieces
    assert piece.formulas["params"].expression == n * m + 3 * m**2 + n // 4
    assert not piece.conditions
    assert found.notes[-1].startswith("interpolated in m and n from ")


@pytest.mark.parametrize("shift", range(4))
def test_a_step_in_one_of_two_sizes_is_where_it_is(shift):
    """At every shift that a period has."""
    n, m = symbol("n"), symbol("m")
    rule = one_rule(lambda x, y: x * y + 5 * y * sum(i % 4 == shift for i in range(x)))
    found = fs.derive(rule, {"x": n, "y": m}, ("B", "T", 1), example={"n": 2, "m": 3})
    assert found.formula("params").expression == n * m + 5 * m * ((n + 3 - shift) // 4)


def test_three_sizes_that_must_be_numbers():
    a, b, c = map(symbol, "abc")
    rule = one_rule(lambda x, y, z: x * y * z + 2 * x + z**2)
    given = {"x": a, "y": b, "z": c}
    found = fs.derive(rule, given, ("B", "T", 1), example={"a": 2, "b": 3, "c": 4})
    assert found.formula("params").expression == a * b * c + 2 * a + c**2


def test_what_is_no_law_in_two_sizes_is_one_in_one_of_them():
    n, m = symbol("n"), symbol("m")
    rule = one_rule(lambda x, y: x * y + math.gcd(x, 2 * y + 1))
    found = fs.derive(rule, {"x": n, "y": m}, ("B", "T", 1), example={"n": 4, "m": 1})
    for x in (1, 2, 3, 4, 5, 6, 12, 99, 1000):
        for y in (1, 2, 3, 4, 7):
            assert values(found, "params", n=x, m=y) in ([], [x * y + math.gcd(x, 2 * y + 1)])
    assert values(found, "params", n=4, m=1) == [5]
    assert found.notes[-1] in ("all of this for m = 1 only", "all of this for n = 4 only")


def test_an_odd_size_that_must_be_a_number():
    found = derive(f"{FILE}:Folded", ("kernel_size=K",), ("B,T,1",), example={"half_K": 1})
    (piece,) = found.pieces
    odd = ", ".join(map(str, range(3, 36, 2)))
    assert piece.formulas["params"].domain == f"K one of {odd}; K odd"
    assert found.notes[-1].startswith("no law in K was found: the formulas hold at K = 3, 5, 7, ")
    assert piece.formulas["params"].text().startswith("  K =  3:  8\n  K =  5:  32\n")
    for K in (3, 5, 15):
        assert values(found, "params", K=K) == [2**K]
    assert values(found, "params", K=2) == values(found, "params", K=37) == []


def test_a_network_of_other_conditions_at_every_depth_is_a_piece_each():
    found = derive(f"{FILE}:Halving", ("depth=n",), ("B,1,H,W",))
    for depth in (1, 2, 3, 7):
        macs, params = counted(blocks.Halving(depth), 2, 1, 137, 200)
        assert values(found, "macs", B=2, H=137, W=200, n=depth) == [macs]
        assert values(found, "params", H=137, W=200, n=depth) == [params]
    assert values(found, "macs", B=2, H=127, W=200, n=7) == []


# --- what is no law -------------------------------------------------------------------------------


def test_without_a_law_the_formula_is_a_table(capsys):
    found = derive(f"{FILE}:Doubling", ("depth=n",), ("B,1",))
    for n in range(1, 18):
        (params,) = values(found, "params", n=n)
        assert params == sum(2**i * 2 ** (i + 1) + 2 ** (i + 1) for i in range(n))
    assert values(found, "params", n=18) == []
    tried = f"{', '.join(map(str, range(1, 17)))} and 17"
    assert found.notes[-1] == f"no law in n was found: the formulas hold at n = {tried} only"
    assert found.formula("params").domain == "n one of 1…17"
    assert main(["formula", f"{FILE}:Doubling", "--arg", "depth=n", "--input", "B,1"]) == 0
    printed = capsys.readouterr().out
    assert "\n  n =  1:  2·B\n  n =  2:  10·B\n" in printed
    assert "\n  n = 17:  11,453,508,264\n" in printed


def test_a_threshold_that_no_trace_sees_is_found():
    found = fs.derive(
        one_rule(lambda c: 3 * c + (5 * c if c > 300 else 0)), {"c": symbol("c")}, ("B", "T", 1)
    )
    texts = [[str(c) for c in piece.conditions] for piece in found.pieces]
    assert texts == [["c ≤ 300"], ["c ≥ 301", f"c ≤ {FARTHEST}"]]
    assert [str(p.formulas["params"].expression) for p in found.pieces] == ["3·c", "8·c"]


def test_sizes_at_which_the_module_raises_are_outside():
    def make(c):
        number = len(range(c))
        assert number % 12 == 0
        return blocks.OneLayer(number // 12 + number)

    found = fs.derive(make, {"c": symbol("c")}, ("B", "T", 1), example={"c": 48})
    (piece,) = found.pieces
    assert [str(condition) for condition in piece.conditions] == ["c multiple of 12"]
    assert values(found, "params", c=1200) == [1300]
    assert values(found, "params", c=1201) == []
    assert "; the module raises at c = 1, 2, 3, " in found.notes[-1]


@pytest.mark.parametrize(
    "exponent",
    [
        lambda c: np.log2(c),
        lambda c: np.log(c * 1.0) / np.log(2.0),
    ],
)
def test_logarithms_of_numpy_ask_for_numbers_as_python_s_do(exponent):
    found = fs.derive(
        lambda c: blocks.OneLayer(int(exponent(c)) + 1), {"c": symbol("c")}, ("B", "T", 1)
    )
    for size in (1, 2, 3, 7, 8, 9, 40, 255, 256, 257, 1000, 1024):
        assert values(found, "params", c=size) in ([], [int(exponent(size)) + 1])
    assert values(found, "params", c=40) == [int(exponent(40)) + 1]


RULES = {
    "powers": lambda c, m, r, t: r * c**3 + m * c + t,
    "every": lambda c, m, r, t: t * c + sum(i % m == r % m for i in range(c)),
    "two": lambda c, m, r, t: c + sum(i % (m % 7 + 2) == 1 for i in range(c)) + 3 * (c // 3),
    "groups": lambda c, m, r, t: c * c + t * c * (c // (8 * m)),
    "log": lambda c, m, r, t: c * (int(math.log2(c) / (r % 3 + 1) + 0.5) + 1) + t,
    "levels": lambda c, m, r, t: sum(2**i for i in range(int(math.log2(c)))) + t,
    "threshold": lambda c, m, r, t: c * m + (c * r + 1 if c > t else 1),
    "window": lambda c, m, r, t: c * m + (r * c if t < c <= 2 * t else 1),
    "divisible": lambda c, m, r, t: c + max(8, int(c * 0.25 + 4) // 8 * 8),
    "least": lambda c, m, r, t: c * max(t, c // 4),
    "few": lambda c, m, r, t: c + (t if c in (2, m) else 0),
    "root": lambda c, m, r, t: c + math.isqrt(c),
    "parity": lambda c, m, r, t: c * m if c % 2 else c + t,
}
"""Of a size, a period, a shift and a threshold."""

EXPLORING = settings.get_current_profile_name() == "explore"


@settings(max_examples=200 if EXPLORING else 5)
@given(
    name=st.sampled_from(sorted(RULES)),
    period=st.integers(2, 12),
    shift=st.integers(0, 11),
    bound=st.sampled_from([1, 2, 3, 5, 8, 20, 64, 100, 255, 256, 300, 512, 1000]),
    multiple=st.sampled_from([1, 1, 2, 8]),
    far=st.lists(st.integers(1, 5000), min_size=30, max_size=30),
)
def test_any_rule_is_right_or_refused(name, period, shift, bound, multiple, far):
    def make(c):
        number = len(range(c))
        assert number % multiple == 0
        return blocks.OneLayer(RULES[name](number, period, shift, bound))

    example = 6 * multiple
    found = fs.derive(
        make, {"c": symbol("c")}, ("B", "T", 1), quantities=("params",), example={"c": example}
    )
    for size in (example, *range(1, 40), 63, 64, 65, 127, 128, 255, 256, 257, 512, 1024, *far):
        value = values(found, "params", c=size)
        if size % multiple:
            assert value == []
        else:
            assert value in ([], [RULES[name](size, period, shift, bound)])
    assert values(found, "params", c=example) != []


# --- the arithmetic under it ----------------------------------------------------------------------


def test_a_fit_is_exact_or_none():
    rows = [(1, Fraction(n, 3)) for n in range(5)]
    found = fit(rows, [{"a": n, "b": 2} for n in range(5)], checks=3)
    assert found is not None
    assert (found.coefficients, found.used) == (({"b": 2}, {"a": 3}), (0, 1))
    assert found.at((1, 10)) == {"a": 30, "b": 2}
    assert fit(rows, [{"a": n, "b": 2 + n // 4} for n in range(5)], checks=3) is None
    assert fit(rows, [{"a": n} for n in range(5)], checks=4) is None  # too few are left to check
    assert fit([(1, 2)] * 4, [{"a": 1}] * 4, checks=1) is None  # the points are one and the same


def test_a_form_is_compared_where_its_steps_turn():
    C = symbol("C")
    step = (C + 60) // 64
    assert list(turns(Form((step,), (step,)), "C", 1, 200, 9)) == [3, 4, 67, 68, 131, 132, 195, 196]
    level = (floor_log2(C) + 1) // 4
    form = Form((level,), (level,), bounded=True)
    assert list(turns(form, "C", 1, 4096, 9)) == [7, 8, 127, 128, 2047, 2048]


@given(st.integers(1, 2**62))
def test_the_logarithm_is_exact(value):
    expected = max(power for power in range(63) if 2**power <= value)
    assert floor_log2(value) == expected
    assert list(floor_log2(np.array([1, value]))) == [0, expected]
    formula = fs.closedform.Formula(floor_log2(symbol("C")) + 7, "parameters")
    assert formula.at(C=value) == expected + 7
    assert list(formula.at(C=np.array([1, value]))) == [7, expected + 7]
