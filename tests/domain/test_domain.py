"""Conditions: dropped where bounds prove them, kept where symbols decide, raised where broken."""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flopscope.domain import (
    AtLeast,
    Multiple,
    bindings,
    check_bindings,
    check_conditions,
    require,
)
from flopscope.errors import OutsideDomain, UnboundSymbols
from flopscope.sizes import make_divisible
from flopscope.symbolic import Symbol, symbol

many = settings(max_examples=200, deadline=None)

B, C, G, H, K = (symbol(name) for name in "BCGHK")
ALPHA = symbol("width", lower=0, integer=False)
SIZES = [Symbol("B"), Symbol("H", lower=2), Symbol("width", lower=0, integer=False)]


def refused(message, call, *arguments, error=OutsideDomain):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call(*arguments)


# --- conditions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition",
    [
        AtLeast(3, 3, "kernel"),
        AtLeast(np.array([3, 4]), 3, "kernel"),
        AtLeast(H, 1, "height"),
        AtLeast(H + 2 * K - 1, 2, "padded height"),
        AtLeast((H + 1) // 2, 1, "halved height"),
        AtLeast(make_divisible(16 * ALPHA, 8) - 7, 1, "channels"),
        Multiple(12, 4, "channels"),
        Multiple(np.array([12, 8]), np.array([4, 2]), "channels"),
        Multiple(4 * H, 2, "size"),
        Multiple(2 * C * G, G, "channels"),
        Multiple((C + G) * 2, C + G, "channels"),
        Multiple(0, G, "span"),
    ],
)
def test_what_bounds_prove_is_dropped(condition):
    assert require(condition) == ()
    assert condition.broken() is False


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (AtLeast(H, 3, "height"), "H ≥ 3"),
        (AtLeast(2 * H - 3, 2, "height"), "H ≥ 5/2"),
        (AtLeast(1 - ALPHA, 0, "side"), "α ≤ 1"),
        (AtLeast(H - K, 0, "height"), "H - K ≥ 0"),
        (AtLeast(H - K + 3, 1, "height"), "H - K ≥ -2"),
        (Multiple(C, G, "channels"), "C a multiple of G"),
        (Multiple(C, 8, "channels"), "C a multiple of 8"),
        (Multiple(K - 1, 2, "span"), "K odd"),
        (Multiple(K + 1, 2, "span"), "K + 1 a multiple of 2"),
    ],
)
def test_what_symbols_decide_is_kept(condition, text):
    assert require(condition) == (condition,)
    assert condition.broken() is None
    assert str(condition) == text


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (AtLeast(2, 3, "kernel"), "kernel is 2, but must be at least 3"),
        (AtLeast(np.array([4, 2, 1]), 3, "kernel"), "kernel is 2, but must be at least 3"),
        (AtLeast(-H, 0, "padding"), "padding is -H, but must be at least 0"),
        (Multiple(7, 2, "span"), "span is 7, which 2 does not divide"),
        (Multiple(2 * H + 1, 2, "span"), "span is 2·H + 1, which 2 does not divide"),
        (
            Multiple(np.array([8, 9, 7]), np.array([4, 3, 2]), "channels"),
            "channels is 7, which 2 does not divide",
        ),
        (Multiple(9, np.array([3, 4]), "channels"), "channels is 9, which 4 does not divide"),
    ],
)
def test_what_is_broken_raises_and_names_the_first_value(condition, message):
    assert condition.broken() is True
    refused(message, require, condition)


@many
@given(st.integers(-5, 5), st.integers(-9, 9), st.integers(-5, 9), st.integers(1, 30))
def test_a_proof_holds_at_every_size(factor, shift, minimum, height):
    """What is dropped or refused for symbols is so for each number they can stand for."""
    value = factor * H + shift
    for condition in (AtLeast(value, minimum, ""), Multiple(value, abs(minimum) + 1, "")):
        known = condition.broken()
        assert known in (None, condition.at({"H": height}).broken())


def test_a_condition_after_substitution():
    condition = Multiple(C, G, "channels")
    assert condition.at({"G": 4}) == Multiple(C, 4, "channels")
    assert condition.at({"C": 6, "G": 4}).broken() is True
    assert condition.symbols() == {Symbol("C"), Symbol("G")}
    assert AtLeast(H - K, 0, "").symbols() == {Symbol("H"), Symbol("K")}
    assert AtLeast(3, 0, "").symbols() == frozenset()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"B": 1, "H": 33}, "outside the domain (H a multiple of 32); given: B=1, H=33"),
        ({"K": 2}, "outside the domain (K odd); given: K=2"),
        (
            {"B": np.array([1, 2, 3]), "H": np.array([32, 40, 48])},
            "outside the domain (H a multiple of 32); given: B=2, H=40",
        ),
        (
            {"H": np.array([[32], [40]]), "B": np.array([5, 6])},
            "outside the domain (H a multiple of 32); given: H=40, B=5",
        ),
    ],
)
def test_a_broken_condition_names_the_bindings(values, message):
    conditions = (Multiple(H, 32, "H"), Multiple(K - 1, 2, "K"))
    refused(message, check_conditions, conditions, values)


def test_conditions_that_stay_open_or_hold_are_silent():
    conditions = (Multiple(H, 32, "H"), Multiple(K - 1, 2, "K"))
    check_conditions(conditions, {"H": 64})
    check_conditions(conditions, {"H": np.array([64, 32]), "K": np.array([3, 5])})
    check_conditions(conditions, {"H": 2 * H})


# --- bindings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"H": 0}, "H=0 is outside the domain: H must be at least 2"),
        ({"H": np.array([2, 1, 0])}, "H=1 is outside the domain: H must be at least 2"),
        ({"H": 2.0}, "H=2.0 is not an integer; H takes integers from 2"),
        ({"H": True}, "H=True is not an integer; H takes integers from 2"),
        ({"H": "224"}, "H='224' is text; H takes integers from 2"),
        ({"H": Fraction(7, 2)}, "H=7/2 is not an integer; H takes integers from 2"),
        ({"H": np.array([2.0, 3.0])}, "H=[2. 3.] is not an integer; H takes integers from 2"),
        ({"H": np.arange(9) / 1}, "H=[0.0, …, 8.0] is not an integer; H takes integers from 2"),
        ({"H": np.array([True])}, "H=[ True] is not an integer; H takes integers from 2"),
        (
            {"H": np.array([2, 2.5], dtype=object)},
            "H=[2 2.5] is not an integer; H takes integers from 2",
        ),
        ({"width": 0}, "width=0 is outside the domain: width must be above 0 and finite"),
        ({"width": -0.5}, "width=-0.5 is outside the domain: width must be above 0 and finite"),
        (
            {"width": float("nan")},
            "width=nan is outside the domain: width must be above 0 and finite",
        ),
        (
            {"width": np.array([1, np.inf])},
            "width=inf is outside the domain: width must be above 0 and finite",
        ),
        ({"width": "1"}, "width='1' is text; width takes numbers above 0"),
        ({"width": 1j}, "width=1j is not a number; width takes numbers above 0"),
    ],
)
def test_values_that_no_size_has(values, message):
    refused(message, check_bindings, SIZES, {"B": 1, "H": 224, "width": 1.0} | values)


@pytest.mark.parametrize(
    "values",
    [
        {"H": 2, "width": 0.001},
        {"H": np.int32(7), "width": np.float32(0.5)},
        {"H": np.array([2, 3], dtype=np.uint8), "width": np.array([1, 2])},
        {"H": np.array([2**70], dtype=object), "width": Fraction(3, 4)},
        {"H": np.zeros(0, dtype=int), "width": 3},
        {"H": 2 * C, "width": 2 * ALPHA},
    ],
)
def test_values_that_a_size_has(values):
    check_bindings(SIZES, {"B": 1} | values)


def test_a_missing_value_is_named():
    message = "no value for B, width; given: H=224"
    refused(message, check_bindings, SIZES, {"H": 224}, error=UnboundSymbols)
    message = "no value for B; given: nothing"
    refused(message, check_bindings, [Symbol("B")], {}, error=UnboundSymbols)


def test_bindings_in_words():
    assert bindings({}) == "nothing"
    assert bindings({"B": 1, "H": np.arange(3), "W": np.arange(7)}) == "B=1, H=[0 1 2], W=[0, …, 6]"
