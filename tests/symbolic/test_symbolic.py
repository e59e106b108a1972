"""Symbolic sizes behave as the integers they stand for, and equal ones are one object."""

import os
import pickle
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from trees import FREE, interpreted, positive_trees, trees, values

from flopscope.errors import BadInput
from flopscope.symbolic import Polynomial, call, substitute, symbol

many = settings(max_examples=300, deadline=None)

B, C, G, H, W = (symbol(name) for name in "BCGHW")
positive = st.sampled_from([1, 2, 7, H, W, 3 * W, H + 2, H * W, (H + 1) // 2])


def evaluated(size, sizes):
    return size.evaluate(sizes) if isinstance(size, Polynomial) else size


@many
@given(trees, values)
def test_the_canonical_form_has_the_values_of_plain_integers(tree, sizes):
    value = evaluated(interpreted(tree, FREE), sizes)
    assert type(value) is int
    assert value == interpreted(tree, sizes)


@many
@given(trees, st.fixed_dictionaries(dict.fromkeys(FREE, positive)), values)
def test_substitution_commutes_with_evaluation(tree, replacements, sizes):
    inner = {name: evaluated(size, sizes) for name, size in replacements.items()}
    replaced = substitute(interpreted(tree, FREE), replacements)
    assert evaluated(replaced, sizes) == interpreted(tree, inner)


@many
@given(trees, st.sampled_from(sorted(FREE)), st.integers(1, 60), values)
def test_a_partial_substitution_leaves_the_other_symbol(tree, name, number, sizes):
    replaced = substitute(interpreted(tree, FREE), {name: number})
    left = {s.name for s in replaced.symbols()} if isinstance(replaced, Polynomial) else set()
    assert left <= FREE.keys() - {name}
    assert evaluated(replaced, sizes) == interpreted(tree, sizes | {name: number})


@many
@given(trees, trees, trees)
def test_what_arithmetic_makes_equal_is_equal(left, middle, right):
    a, b, c = (interpreted(tree, FREE) for tree in (left, middle, right))
    for one, other in [
        (a + b, b + a),
        (a * b, b * a),
        ((a + b) * c, a * c + b * c),
        ((a * b) * c, a * (b * c)),
        (a - b, -(b - a)),
        (a + b - b, a),
        ((a + b) ** 2, a**2 + 2 * a * b + b**2),
    ]:
        assert one == other
        assert hash(one) == hash(other)


@many
@given(trees, values)
def test_a_lower_bound_is_one(tree, sizes):
    size = interpreted(tree, FREE)
    low = size.lower() if isinstance(size, Polynomial) else None
    assume(low is not None)
    assert size.evaluate(sizes) >= low


def test_lower_bounds_are_found():
    wide = symbol("wide", lower=8)
    assert (3 * wide - 1).lower() == 23
    assert ((wide + 3) // 4 * H).lower() == 2
    assert (H - W).lower() is None
    assert (call(max, wide, 9) + 1).lower() is None
    assert (call(max, wide, 9, lower=9) + 1).lower() == 10


# --- floors ---------------------------------------------------------------------------------------


@many
@given(st.integers(-9, 9), st.integers(1, 9), st.integers(-9, 9), st.integers(1, 9))
def test_nested_floors_merge(inner, a, outer, b):
    nested = ((H + inner) // a + outer) // b
    assert nested == (H + inner + a * outer) // (a * b)


@many
@given(positive_trees, positive_trees, st.integers(1, 9))
def test_whole_multiples_leave_a_floor(left, right, divisor):
    q, r = interpreted(left, FREE), interpreted(right, FREE)
    assert (divisor * q + r) // divisor == q + r // divisor
    assert (divisor * q + r) % divisor == r % divisor
    assert -((-q) // divisor) == (q + divisor - 1) // divisor


def test_stages_of_halving_are_one_rounding():
    size = H
    for _ in range(5):
        size = (size + 1) // 2
    assert size == (H + 31) // 32
    assert substitute(size, {"H": 32 * H}) == H


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (4 * H // 2, 2 * H),
        (6 * H // 4, 3 * H // 2),
        ((6 * H + 1) // 4, 3 * H // 2),
        (-H // 2, -((H + 1) // 2)),
        (H // -2, -((H + 1) // 2)),
        ((H + G - 1) // G, (H - 1) // G + 1),
        ((G * H + W) // G, H + W // G),
        (2 * G * H // (2 * G), H),
        ((C + G) * H // (C + G), H),
        (0 // G, 0),
        (0 % G, 0),
        (7 % G, 7 - G * (7 // G)),
        (H / 2 // 3, H // 6),
        ((H + Fraction(1, 2)) // 1, H),
    ],
)
def test_floors_in_canonical_form(one, other):
    assert one == other


@pytest.mark.parametrize("size", [lambda: H // 0, lambda: H % 0])
def test_division_by_zero(size):
    with pytest.raises(ZeroDivisionError, match=re.escape("H divided by zero")):
        size()


def test_real_numbers_are_not_rounded_by_accident():
    width = symbol("width", lower=0, integer=False)
    message = "16·α is a real number: only rounding rules may divide it"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        16 * width // 8
    with pytest.raises(TypeError, match=r"^α is a real number: only rounding rules may divide it$"):
        H // width


# --- quotients ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (C / G * G, C),
        (C * H / (C * G), H / G),
        (H**-2, 1 / (H * H)),
        (G**-1 * G, 1),
        (0 / G, 0),
        (H * 0.75, 3 * H / 4),
        (H * 2.5 - 0.5, (5 * H - 1) / 2),
        ((C + G) * 3 * H / (C + G), 3 * H),
        ((C + G) / (2 * C + 2 * G), Fraction(1, 2)),
        (np.int64(3) * H + np.int32(1), 3 * H + 1),
        (H // np.int64(2), H // 2),
    ],
)
def test_quotients_in_canonical_form(one, other):
    assert one == other


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9))
def test_quotients_evaluate_exactly(channels, extra, groups):
    size = (C + H) / G + C / 2
    exact = Fraction(channels + extra, groups) + Fraction(channels, 2)
    assert size.evaluate({"C": channels, "H": extra, "G": groups}) == exact


def test_quotients_of_arrays_stay_integers_and_are_fractions_where_a_rest_is_left():
    size = C / G / 2 + H / 2 - Fraction(1, 2)  # no term is whole by itself
    sizes = {"C": np.array([4, 6]), "G": np.array([2, 1]), "H": np.array([3, 3])}
    value = size.evaluate(sizes)
    assert value.dtype == np.int64
    assert value.tolist() == [2, 4]
    sizes["H"] = np.array([3, 2])
    assert size.evaluate(sizes).tolist() == [2, Fraction(7, 2)]


def test_a_quotient_by_a_sum_is_refused():
    message = (
        "(H) / (C + G) cannot be written as a sum; "
        "give the quotient a name of its own and multiply by it"
    )
    with pytest.raises(BadInput, match=f"^{re.escape(message)}$"):
        H / (C + G)
    with pytest.raises(ZeroDivisionError, match=r"^H divided by zero$"):
        H / 0


# --- text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (H, "H"),
        (-H, "-H"),
        (3 - H, "-H + 3"),
        (9 * C * ((H + 1) // 2) ** 2 - 1, "9·C·⌈H/2⌉² - 1"),
        (W + H * H + H * W, "H² + H·W + W"),
        ((3 * H + 2) // 4, "⌊(3·H + 2)/4⌋"),
        ((3 * H + 3) // 4, "⌈3·H/4⌉"),
        ((H + 1) // (G + 1), "⌊(H + 1)/(G + 1)⌋"),
        (-H // 2 + 1, "-⌈H/2⌉ + 1"),
        (9 * H / 2, "9/2·H"),
        (B * C / G, "B·C·G⁻¹"),
        (2 * call(max, H, 8), "2·max(H, 8)"),
        (16 * symbol("width", 0, False), "16·α"),
        (symbol("frames") ** 2, "frames²"),
    ],
)
def test_text(size, text):
    assert str(size) == text
    assert repr(size) == f"Polynomial({text})"


# --- as an object ---------------------------------------------------------------------------------


def test_a_symbol_has_no_truth():
    with pytest.raises(TypeError, match=r"^the truth of H - 1 depends on its symbols$"):
        bool(H - 1)


def test_equal_sizes_are_one_key():
    assert len({H + 1, 1 + H, (2 * H + 2) // 2, H + W - W + 1}) == 1
    assert symbol("H", lower=2) != H
    assert H != 1


def test_what_does_not_mix():
    with pytest.raises(TypeError, match="does not support ufuncs"):
        H * np.array([1, 2])
    with pytest.raises(TypeError, match="unsupported operand"):
        H + "1"


@pytest.mark.parametrize("name", ["", "2H", "input size", "lambda", "H-1"])
def test_names_that_no_size_can_have(name):
    message = f"'{name}' cannot name a size; give letters, digits and _, as in H or C_in"
    with pytest.raises(BadInput, match=f"^{re.escape(message)}$"):
        symbol(name)


def test_a_pickled_size_is_found_by_another_process():
    """Hashes of names differ by process, so none may travel."""
    size = 3 * ((H + 1) // 2) * call(max, W, 8)
    hash(size)
    program = (
        "import pickle, sys; from flopscope.symbolic import call, symbol; "
        "size = 3 * ((symbol('H') + 1) // 2) * call(max, symbol('W'), 8); "
        "assert size in {pickle.loads(sys.stdin.buffer.read())}"
    )
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    data = pickle.dumps(size)
    subprocess.run([sys.executable, "-c", program], input=data, env=environment, check=True)
    assert pickle.loads(data) == size
