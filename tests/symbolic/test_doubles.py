"""Sizes in floating point: every step what Python computes, for ints, arrays, symbols and code."""

from __future__ import annotations

import math
from contextlib import suppress
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flopscope import sizes
from flopscope.closedform import Formula
from flopscope.domain import Relation
from flopscope.domain.one_size import members
from flopscope.errors import BadInput, OutsideDomain, Overflow
from flopscope.sizes import enclosed, is_symbolic, least, nearest_whole, truncate
from flopscope.symbolic import Symbol, doubles, substitute, symbol
from flopscope.symbolic.nearest import Nearness, near, signed_difference
from flopscope.symbolic.terms import LARGEST

H, W, T = symbol("H"), symbol("W"), symbol("T")

BACK = 120 / 88
"""At 88 int(size * BACK) is 119."""

FLOATS = (0.7, 1.4, 120 / 88, 0.1, 0.3, 0.9, 1.1, 0.75, 0.5, 2.5, 1 / 3, 0.29, 3.3, 600.0, 1e-3)
SIZES = (1, 2, 3, 7, 9, 10, 11, 20, 45, 60, 64, 88, 90, 100, 121, 1000, 1024, 4095, 2**20, 2**40)

STEPS = {
    "times": (lambda x, f: x * f, doubles.times),
    "reflected": (lambda x, f: f * x, lambda x, f: doubles.times(f, x)),
    "plus": (lambda x, f: x + f, doubles.plus),
    "minus": (lambda x, f: x - f, doubles.minus),
    "over": (lambda x, f: x / f, doubles.over),
    "under": (
        lambda x, f: f / (abs(x) + 1),
        lambda x, f: doubles.over(f, doubles.plus(_absolute(x), 1)),
    ),
    "floor": (lambda x, f: x // f, doubles.floor_over),
    "rest": (lambda x, f: x % f, doubles.rest),
    "int": (lambda x, f: int(x), lambda x, f: truncate(x)),
    "round": (lambda x, f: round(x), lambda x, f: nearest_whole(x)),
    "root": (lambda x, f: math.sqrt(abs(x)), lambda x, f: doubles.sqrt(_absolute(x))),
}
"""Code on numbers, and the same on sizes."""


def _absolute(value):
    return abs(value) if not is_symbolic(value) else sizes.maximum(value, -value)


chains = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from(FLOATS)), max_size=5)


def by_code(chain, size):
    for name, number in chain:
        size = STEPS[name][0](size, number)
    return int(size)


def by_size(chain, size):
    for name, number in chain:
        size = STEPS[name][1](size, number)
    return truncate(size)


@given(chains, st.sampled_from(SIZES))
def test_a_chain_is_what_code_computes(chain, size):
    value = by_size(chain, H)
    found = value.evaluate({"H": size}) if is_symbolic(value) else value
    assert found == by_code(chain, size)


@given(chains)
def test_ints_arrays_generated_code_and_parts_agree(chain):
    value = by_size(chain, H)
    assume(is_symbolic(value))
    formula = Formula(3 * value * H + 1, "MACs")
    numbers = [formula.at(H=size) for size in SIZES[:-1]]
    assert numbers == [3 * by_code(chain, size) * size + 1 for size in SIZES[:-1]]
    assert formula.at(H=np.array(SIZES[:-1], dtype=object)).tolist() == numbers
    with suppress(Overflow):
        assert formula.at(H=np.array(SIZES[:-1])).tolist() == numbers
    namespace: dict = {}
    exec(formula.python(), namespace)
    assert [namespace["count"](H=size) for size in SIZES[:-1]] == numbers
    halves = formula.subs(H=2 * T)
    assert [halves.at(T=size) for size in (3, 45, 44) if halves.symbols] == [
        formula.at(H=2 * size) for size in (3, 45, 44) if halves.symbols
    ]


@pytest.mark.parametrize(
    ("size", "number", "value"),
    [(90, 0.7, 62), (88, BACK, 119), (45, 1.4, 62), (3, 0.1, 0)],
)
def test_a_float_is_not_the_fraction_that_was_meant(size, number, value):
    assert truncate(H * number).evaluate({"H": size}) == int(size * number) == value


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 2**40))
def test_what_is_taken_for_a_fraction_is_one_below_its_limit(above, below, size):
    """int(size · (a/b)) and int(size / b) where they became canonical floors."""
    compared = 0
    for value, code in (
        (doubles.times(H, above / below), size * (above / below)),
        (doubles.over(H, below), size / below),
        (doubles.over(above * H, below), above * size / below),
    ):
        found = near(value)
        if found is None or any(limit.evaluate({"H": size}) > LARGEST for limit in found.limits()):
            continue
        exact = Fraction(found.numerator.evaluate({"H": size}), found.divisor)
        if found.how is Nearness.EXACT and exact > LARGEST:
            continue
        assert int(code) == math.floor(exact)
        assert math.ceil(code) == math.ceil(exact)
        compared += 1
    assume(compared)


def test_seven_tenths_are_no_fraction_and_nine_tenths_are():
    assert near(H * 0.7) is None
    assert near(H * BACK) is None
    assert str(truncate(H * 0.9)) == "⌊9·H/10⌋"
    assert all(int(size * 0.9) == 9 * size // 10 for size in range(1, 10**5))
    assert str(truncate(H / 1.0 * 0.75)) == "⌊3·H/4⌋"


@given(
    st.integers(1, 2**30),
    st.integers(1, 10**4),
    st.integers(1, 10**4),
    st.sampled_from(FLOATS),
)
def test_a_comparison_is_the_one_of_code(size, a, b, number):
    questions = (
        (doubles.over(H, a), b, size / a, b),
        (doubles.over(H, a), doubles.over(b, H), size / a, b / size),
        (doubles.times(H, number), a, size * number, a),
        (doubles.times(H, number), doubles.over(H, a), size * number, size / a),
        (H, number, size, number),
    )
    for x, y, left, right in questions:
        difference, _ = signed_difference(x, y)
        found = substitute(difference, {"H": size})
        assert (found > 0, found == 0) == (left > right, left == right)


@given(chains, st.sampled_from((0, 1, 2, 5, 40)))
def test_what_encloses_a_size_encloses_it(chain, constant):
    value = T - by_size(chain, T) + constant
    for up in (False, True):
        bound = enclosed(value, up=up)
        for size in SIZES[:-1]:
            number = substitute(value, {"T": size})
            if bound is not None:
                edge = substitute(bound, {"T": size})
                assert edge >= number if up else edge <= number
    low = least(value)
    assert low is None or all(substitute(value, {"T": size}) >= low for size in SIZES[:-1])


@given(chains, st.integers(-3, 30), st.booleans(), st.booleans())
def test_conditions_with_roundings_are_solved_exactly(chain, constant, equality, negated):
    condition = Relation(T - by_size(chain, T) - constant, equality, negated)
    found = members(Symbol("T"), (condition,)) if condition.symbols() else None
    assume(found is not None)
    for size in (*range(1, 200), 500, 1000, 4096, 10**6):
        assert found.at_number(size) == (condition.at({"T": size}).broken() is False)


def test_members_of_a_rounded_product():
    least_size = members(Symbol("H"), (Relation(truncate(H * 0.7) - 3, equality=False),))
    assert str(least_size) == "H ≥ 5"
    where = members(Symbol("H"), (Relation(truncate(H * 0.7) - 3, equality=True),))
    assert str(where) == "H = 5"
    assert [size for size in range(1, 20) if int(size * 0.7) == 3] == [5]


# --- arrays divide exactly --------------------------------------------------------------------


def test_a_one_size_equality_of_fractions_is_solved_exactly():
    three_quarters = members(Symbol("H"), (Relation(3 * H / 4 - 30, equality=True),))
    assert str(three_quarters) == "H = 40"
    rounded = members(Symbol("H"), (Relation(nearest_whole(H * 0.75) - 31, equality=True),))
    assert str(rounded) == "H = 41"
    assert [n for n in range(1, 99) if round(n * 0.75) == 31] == [41]


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 12), st.integers(0, 40))
def test_array_and_number_say_the_same_of_a_fraction(a, b, divisor, constant):
    condition = Relation((a * H + b) / divisor - constant, equality=True)
    sides = np.arange(1, 200)
    assert condition.at({"H": sides}).holds().tolist() == [
        condition.at({"H": int(side)}).holds() for side in sides
    ]


# --- where there is no value ------------------------------------------------------------------


def test_a_formula_without_a_value_is_outside_its_domain():
    formula = Formula(H // (H // W), "MACs")
    assert formula.at(H=9, W=4) == 4
    message = (
        "the formula has no value at these sizes (integer division or modulo by zero); "
        "given: H=3, W=4"
    )
    with pytest.raises(OutsideDomain) as error:
        formula.at(H=3, W=4)
    assert str(error.value) == message
    with pytest.raises(OutsideDomain) as in_arrays:
        formula.at(H=np.array([9, 3]), W=4)
    assert str(in_arrays.value) == (
        "the formula has no value at these sizes (divide by zero encountered in floor_divide); "
        "given: H=[9 3], W=4"
    )
    with pytest.raises(OutsideDomain) as put_in:
        formula.subs(H=3, W=4)
    assert str(put_in.value) == message
    assert "⌊H/⌊H/W⌋⌋" in formula.text()  # though there is no value at one large size of all
    assert Relation(H // (H // W) - 1, equality=False).at({"H": 3, "W": 4}).broken() is True


def test_roots_and_logarithms_of_nothing_are_outside_the_domain():
    formula = Formula(truncate(doubles.log(H - 1)), "MACs")
    assert formula.at(H=9) == int(math.log(8))
    with pytest.raises(OutsideDomain) as error:
        formula.at(H=1)
    assert str(error.value) == (
        "the formula has no value at these sizes (math domain error); given: H=1"
    )


def test_the_kinds_of_text():
    size = truncate(H * 0.7 * 1.4)
    assert Formula(3 * size, "MACs").text().splitlines() == [
        "  3 · c₁",
        "",
        "  with",
        "    c₁ = truncate(H·0.7·1.4)",
    ]
    assert "c1 = times(H, 0.7)" in Formula(size, "MACs").python()
    assert Formula(size, "MACs").latex() == (
        r"c_{1} \quad\text{with}\quad c_{1} = \operatorname{truncate}(H 0.7 \cdot 1.4)"
    )
    assert str(Formula(truncate(H * 0.7), "MACs").idealised().expression).startswith("7/10·H")
    with pytest.raises(BadInput):
        _ = (H + 1) / (W + 1)  # without floats a quotient is exact or refused
