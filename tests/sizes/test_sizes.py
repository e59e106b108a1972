"""Every rounding rule and choice: one result for numbers, arrays, and symbols evaluated later."""

import importlib
import math
import re
from fractions import Fraction
from math import prod

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from public_models import timm

from flopscope import sizes
from flopscope.errors import BadInput, Overflow
from flopscope.sizes import (
    INT64_MAX,
    ceil_div,
    conv_output,
    conv_transpose_output,
    elements,
    equal,
    exact_div,
    floor_div,
    make_divisible,
    maximum,
    nearest_multiple,
    pool_span,
    product,
    round_filters,
    round_half_even,
    round_repeats,
    shared_repeats,
    total,
    truncate,
    where_below,
    widened,
)
from flopscope.symbolic import Polynomial, symbol

many = settings(max_examples=200, deadline=None)

C, D, H, G = (symbol(name) for name in "CDHG")
ALPHA = symbol("width", lower=0, integer=False)

widths = (
    st.sampled_from([0.35, 0.1, 0.3, 0.7, 0.75, 1.0, 1.4, 2.3])  # 80 · 0.35 is a boundary
    | st.integers(1, 400).map(lambda n: n / 100)
    | st.floats(1e-3, 8)
)
channels = st.sampled_from([8, 16, 24, 40, 80, 320, 1280]) | st.integers(1, 2000)
counts = st.integers(1, 10_000)


def alike(rule, **given_sizes):
    """The rule on numbers, on arrays of them, and on symbols to which the numbers are given."""
    number = rule(**given_sizes)
    assert type(number) is int
    column = rule(**{name: np.array([size, size]) for name, size in given_sizes.items()})
    assert column.tolist() == [number, number]
    assert column.dtype == np.int64
    formula = rule(**{name: symbol(name, 0, type(s) is int) for name, s in given_sizes.items()})
    assert formula.evaluate(given_sizes) == number
    assert formula.evaluate({n: np.array([s]) for n, s in given_sizes.items()}).tolist() == [number]
    return number


# --- rounding -------------------------------------------------------------------------------------


@many
@given(st.integers(0, 10**6), st.integers(1, 500))
def test_floors_and_ceilings(a, b):
    assert alike(lambda a: floor_div(a, b), a=a) == int(Fraction(a, b).__floor__())
    assert alike(lambda a: ceil_div(a, b), a=a) == int(Fraction(a, b).__ceil__())
    assert alike(floor_div, a=a, b=b) == a // b
    assert alike(ceil_div, a=a, b=b) == -(-a // b)


@many
@given(st.integers(0, 10**4), st.integers(1, 500))
def test_an_exact_quotient(quotient, b):
    assert alike(exact_div, a=quotient * b, b=b) == quotient
    assert alike(lambda a: exact_div(a, b), a=quotient * b) == quotient


@pytest.mark.parametrize(("a", "shown"), [(7, "7"), (np.array([4, 7]), "[4 7]")])
def test_an_inexact_quotient_is_refused(a, shown):
    with pytest.raises(BadInput, match=f"^{re.escape(f'2 does not divide {shown}')}$"):
        exact_div(a, 2)


@many
@given(channels, widths)
def test_truncation(c, width):
    assert alike(lambda width: truncate(c * width), width=width) == int(c * width)


def torchvision_make_divisible(v, divisor, min_value=None):
    """torchvision/models/_utils.py, word for word."""
    if min_value is None:
        min_value = divisor
    new_v = max(min_value, int(v + divisor / 2) // divisor * divisor)
    # Make sure that round down does not go down by more than 10%.
    if new_v < 0.9 * v:
        new_v += divisor
    return new_v


def test_a_multiple_of_the_divisor_is_left_as_it_is():
    m, n = symbol("m"), symbol("n")
    assert make_divisible(8 * m, 8) == 8 * m
    assert make_divisible(16 * m * n + 8, 8) == 16 * m * n + 8
    for other in (4 * m, 8 * m + 4, 8 * m / n):
        assert make_divisible(other, 8) != other


@many
@given(channels, widths, st.sampled_from([1, 2, 4, 8, 16, 32]), st.none() | st.integers(1, 64))
def test_make_divisible_is_torchvisions(c, width, divisor, minimum):
    rounded = alike(lambda width: make_divisible(c * width, divisor, minimum), width=width)
    assert rounded == torchvision_make_divisible(c * width, divisor, minimum)


@many
@given(channels, widths, st.sampled_from([4, 8, 16]))
def test_nearest_multiple_is_timms_rounding_without_a_limit(c, width, divisor):
    """timm's EfficientNetV2 B0 to B3 ask for it."""
    timm()
    theirs = importlib.import_module("timm.models._efficientnet_builder").round_channels
    rounded = alike(lambda width: nearest_multiple(c * width, divisor), width=width)
    assert rounded == theirs(c, width, divisor, round_limit=0.0)


@pytest.mark.parametrize("value", [0.2, 0.5, 1.5, 2.5, 2.6])
def test_a_nearest_integer_may_have_a_minimum(value):
    def rounded(width):
        return round_half_even(width, 2)

    assert alike(rounded, width=value) == max(2, round(value))
    assert rounded(ALPHA).lower() == 2
    assert round_half_even(3 * C, 1) == 3 * C


@many
@given(channels, widths, st.sampled_from([0.25, 1 / 3, 88 / 24, 3.67, 6.0]))
def test_make_divisible_of_a_rounded_width(c, width, ratio):
    """Squeezed and hidden widths: a formula keeps the fraction, and rounds as the code's float."""

    def hidden(width):
        return make_divisible(make_divisible(c * width, 8) * ratio, 8)

    rounded = torchvision_make_divisible(torchvision_make_divisible(c * width, 8) * ratio, 8)
    assert alike(hidden, width=width) == rounded


def test_the_boundary_that_decides_a_network():
    """80 · 0.35 is 28 in floating point, though that very float is less than 35/100."""
    assert int(80 * Fraction(0.35)) == 27
    assert alike(lambda width: truncate(80 * width), width=0.35) == 28
    assert alike(lambda c: truncate(c * 0.29), c=100) == int(100 * 0.29) == 28


@given(st.lists(widths, min_size=1, max_size=9))
def test_single_precision_widths_count_as_the_numbers_they_are(column):
    narrow = np.array(column, dtype=np.float32)
    expected = [torchvision_make_divisible(float(width), 8) for width in narrow]
    assert make_divisible(narrow, 8).tolist() == expected
    assert truncate(1000 * widened(narrow)).tolist() == [int(1000 * float(w)) for w in narrow]


def test_what_is_a_multiple_already_stays():
    c = make_divisible(16 * ALPHA, 8)
    assert make_divisible(c, 8) == c
    assert make_divisible(6 * c * C, 8) == 6 * c * C


@pytest.mark.parametrize(
    "value",
    [
        lambda c: c / 2,
        lambda c: c + 4,
        lambda c: c * ALPHA,  # not even an integer
        lambda c: c * symbol("ratio", lower=1, integer=False),
        lambda c: c / G,
        lambda c: c - make_divisible(24 * ALPHA, 8),  # may be 0
        lambda c: c * equal(c, make_divisible(24 * ALPHA, 8)),  # may be 0
        lambda c: make_divisible(C * ALPHA, 8, 4),  # may be 4
        lambda c: make_divisible(C * ALPHA, 16, 4),
    ],
)
def test_what_need_not_be_a_multiple_is_rounded(value):
    value = value(make_divisible(16 * ALPHA, 8))
    rounded = make_divisible(value, 8)
    assert rounded.sole_call(make_divisible).arguments == (value, 8, 8)


def tpu_round_filters(filters, multiplier, divisor=8):
    """The steps of tensorflow/tpu models/official/efficientnet/efficientnet_model.py."""
    filters *= multiplier
    new_filters = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return new_filters + divisor if new_filters < 0.9 * filters else new_filters


@many
@given(channels, widths)
def test_filters(c, width):
    assert alike(lambda width: round_filters(c, width), width=width) == tpu_round_filters(c, width)
    assert alike(round_filters, filters=c, width=width) == tpu_round_filters(c, width)


@many
@given(st.integers(1, 20), widths)
def test_repeats(n, depth):
    """Up to the next whole number; one layer stays, however shallow the network."""
    layers = alike(lambda depth: round_repeats(n, depth), depth=depth)
    assert layers == math.ceil(depth * n)
    assert alike(round_repeats, repeats=n, depth=depth) == layers
    assert layers >= 1


def test_repeats_are_rounded_as_floats():
    """25 · 2.2 is more than 55 in floating point, so there is one layer more."""
    assert alike(lambda depth: round_repeats(25, depth), depth=2.2) == 56
    assert round_repeats(10, symbol("depth", lower=0, integer=False)).lower() == 1
    huge = np.array([1, 10**30], dtype=object)
    assert round_repeats(3, huge).tolist() == [3, 3 * 10**30]
    with pytest.raises(Overflow, match=r"^3e\+19 as an integer does not fit into 64 bits$"):
        round_repeats(3, np.array([1e19]))


@many
@given(st.integers(-5, 60), st.integers(1, 8), st.integers(0, 8))
def test_a_run_has_its_share_of_the_repeats(repeats, part, others):
    """In timm's floating-point steps: ties fall as they do there, whoever adds up the repeats."""
    whole = part + others
    shared = alike(lambda repeats: shared_repeats(repeats, part, whole), repeats=repeats)
    assert shared == max(1, round(part / whole * repeats))


def test_a_run_alone_has_all_repeats():
    layers = round_repeats(3, symbol("depth", lower=0, integer=False))
    assert shared_repeats(layers, 2, 2) == layers
    assert shared_repeats(layers - 1, 2, 2).lower() == 1


def test_a_part_of_a_rounded_width_is_a_multiple_too():
    c = make_divisible(16 * ALPHA, 8)
    assert make_divisible(c / 2, 4) == c / 2
    assert sizes.is_multiple(c / 4, 1)
    assert sizes.is_multiple(3 * C * c / 4, 2)
    assert not sizes.is_multiple(c / 4, 4)
    assert not sizes.is_multiple(c / 16, 1)


def test_large_values_do_not_wrap():
    with pytest.raises(Overflow, match=r"^1e\+19 as an integer does not fit into 64 bits$"):
        make_divisible(np.array([8.0, 1e19]))
    huge = np.array([8, 10**30], dtype=object)
    assert make_divisible(huge).tolist() == [8, torchvision_make_divisible(10**30, 8)]


# --- choices --------------------------------------------------------------------------------------


@many
@given(counts, counts, counts)
def test_the_largest(a, b, c):
    assert alike(lambda a, b, c: maximum(a, b, c), a=a, b=b, c=c) == max(a, b, c)
    assert alike(lambda a: maximum(a, b), a=a) == max(a, b)
    assert alike(lambda b: maximum(maximum(a, b), maximum(7, b + 1)), b=b) == max(a, 7, b + 1)


@many
@given(st.integers(1, 4), st.integers(1, 4))
def test_equality(a, b):
    assert alike(equal, a=a, b=b) == int(a == b)
    assert alike(lambda a: equal(a, b), a=a) == int(a == b)
    assert alike(lambda a, b: 1 - equal(1 - equal(a, b), 0), a=a, b=b) == int(a != b)


@many
@given(widths, st.sampled_from([0.75, 0.35, 0.1]) | widths, counts, counts)
def test_a_rule_that_changes_with_the_width(width, bound, below, otherwise):
    def rule(width):
        return where_below(width, bound, below, otherwise)

    assert alike(rule, width=width) == (below if width < bound else otherwise)
    assert alike(rule, width=bound) == otherwise


def test_choices_that_bounds_decide():
    c, wider = make_divisible(16 * ALPHA, 8), symbol("wider", lower=9)
    assert maximum(H, 3 * H, 2 * H) == 3 * H
    assert maximum(wider, 8) == wider
    assert maximum(c, 8, 4) == c
    assert maximum(maximum(H, 8), maximum(C, 8)) == maximum(H, 8, C)
    assert equal(H + 1, 1 + H) == 1
    assert equal(H, H + 1) == 0
    assert equal(6 * c, c) == 0
    assert equal(make_divisible(C * (88 / 24), 8), C) == 0  # at least 3.3 of it
    assert equal(equal(C, D), 1) == equal(C, D)
    assert equal(1 - equal(C, D), 1) == 1 - equal(C, D)
    assert equal(equal(C, D), 2) == 0


def test_choices_that_stay_open_keep_their_bounds():
    c = make_divisible(16 * ALPHA, 8)
    assert maximum(truncate(32 * ALPHA), 8).lower() == 8
    assert where_below(ALPHA, 0.75, 16, c).lower() == 8
    assert where_below(ALPHA, 0.75, H - D, c).lower() is None
    assert equal(C, D).lower() == 0
    with pytest.raises(
        TypeError, match=r"^maximum\(1, α\) is a real number: only rounding rules may divide it$"
    ):
        maximum(1, ALPHA) // 2


# --- sums and products ----------------------------------------------------------------------------

DTYPES = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "object"]


@st.composite
def arrays(draw):
    dtype = draw(st.sampled_from(DTYPES))
    ends = (-(2**70), 2**70) if dtype == "object" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    entries = st.sampled_from(ends) | st.integers(max(ends[0], -9), 120)
    return np.array(draw(st.lists(entries, min_size=3, max_size=3)), dtype=dtype)


operands = st.lists(arrays() | st.integers(-5, 2**33), min_size=1, max_size=4)


@many
@given(operands, st.sampled_from([(product, prod), (total, sum)]))
def test_array_counts_are_exact_or_refused(values, rules):
    rule, exact = rules
    columns = [v.tolist() if isinstance(v, np.ndarray) else [v] * 3 for v in values]
    expected = [exact(row) for row in zip(*columns, strict=True)]
    try:
        counted = rule(values)
    except Overflow:
        bound = exact(max(1, *map(abs, column)) for column in columns)
        assert bound > INT64_MAX
        assert not any(isinstance(v, np.ndarray) and v.dtype == object for v in values)
        return
    if any(isinstance(value, np.ndarray) for value in values):
        assert counted.tolist() == expected
    else:
        assert [counted] * 3 == expected


def test_a_narrow_array_counts_beyond_its_dtype():
    assert product((np.array([50_000], dtype=np.int32), 50_000)).tolist() == [2_500_000_000]
    assert total((np.array([200], dtype=np.uint8), 100)).tolist() == [300]
    assert elements((np.int8(100), 100, np.array([3]))).tolist() == [30_000]


def test_empty_arrays_count_nothing():
    empty = np.zeros(0, dtype=np.int64)
    assert product((empty, np.array([3]), 2**60)).tolist() == []
    assert total((empty, 5)).tolist() == []


def test_an_overflow_says_what_to_do():
    message = (
        "these arrays allow a count of up to 9.22e+18, beyond 64-bit integers (9.22e+18); "
        "pass smaller sizes, or arrays of dtype=object for unbounded integers"
    )
    with pytest.raises(Overflow, match=f"^{re.escape(message)}$"):
        product((np.array([1, 2**31]), 2**32))
    with pytest.raises(Overflow, match=f"^{re.escape(message)}$"):
        total((np.array([INT64_MAX]), 1))
    assert product((np.array([2**31]), 2**32 - 1)).tolist() == [2**63 - 2**31]
    assert product((np.array([2**31], dtype=object), 2**32)).tolist() == [2**63]
    with pytest.raises(Overflow, match=r"^these arrays allow a count of up to 1e\+300, "):
        product((np.array([2**62]),) * 20)


def test_plain_and_symbolic_sums():
    assert product(()) == 1
    assert total(()) == 0
    assert product((2**40, 2**40)) == 2**80
    assert total((H, 3, 2 * H, True)) == 3 * H + 4
    assert product((H, 3, C)) == 3 * H * C


@pytest.mark.parametrize("rule", [product, total])
def test_symbols_and_arrays_do_not_mix(rule):
    message = "a size is an array and another a symbol; bind the symbols first"
    with pytest.raises(BadInput, match=f"^{re.escape(message)}$"):
        rule((H, np.array([1, 2])))


# --- geometry -------------------------------------------------------------------------------------

windows = st.tuples(st.integers(1, 7), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3))


@many
@given(st.integers(1, 64), windows)
def test_a_window_has_as_many_positions_as_fit(size, window):
    kernel, stride, padding, dilation = window
    span = dilation * (kernel - 1) + 1
    starts = range(0, size + 2 * padding - span + 1, stride)

    def positions(size):
        return conv_output(size, kernel, stride, padding, dilation)

    if len(starts):  # else the window does not fit: the result is below 1
        assert alike(positions, size=size) == len(starts)
    else:
        assert positions(size) < 1


@many
@given(st.integers(1, 64), windows, st.integers(0, 3))
def test_a_transposed_window_undoes_one(size, window, extra):
    kernel, stride, padding, dilation = window
    extra %= stride
    spread = conv_transpose_output(size, kernel, stride, padding, dilation, extra)
    assert conv_output(spread, kernel, stride, padding, dilation) == size
    assert conv_output(spread - extra - 1, kernel, stride, padding, dilation) == size - 1


@many
@given(st.integers(1, 12), st.integers(1, 6), st.integers(1, 4), st.data())
def test_elements_under_all_windows_of_a_pooling(size, kernel, stride, data):
    padding = data.draw(st.integers(0, kernel // 2))
    outputs = conv_output(size, kernel, stride, padding)
    starts = [i * stride - padding for i in range(outputs)]
    under = sum(0 <= start + tap < size for start in starts for tap in range(kernel))

    def span(size):
        return pool_span(size, conv_output(size, kernel, stride, padding), kernel, stride, padding)

    assume(outputs > 0)
    assert alike(span, size=size) == under
    free = pool_span(size, outputs, symbol("K"), stride, padding)
    assert free.evaluate({"K": kernel}) == under


def test_the_pooling_of_poolformer_is_written_without_a_maximum():
    assert str(pool_span(H, H, kernel=3, stride=1, padding=1)) == "3·H - 2"


# --- kinds ----------------------------------------------------------------------------------------


def test_kinds():
    for size, kind in [
        (3, "concrete"),
        (np.array([3]), "array"),
        (np.int64(3), "array"),
        (H, "symbolic"),
    ]:
        asked = (sizes.is_concrete(size), sizes.is_array(size), sizes.is_symbolic(size))
        assert asked == tuple(kind == name for name in ("concrete", "array", "symbolic"))


def test_widened():
    assert widened(7) == 7
    assert widened(H) is H
    assert widened(np.array([True, False])).dtype == np.int64
    assert widened(np.array([2**64 - 1, 1], dtype=np.uint64)).tolist() == [2**64 - 1, 1]
    assert isinstance(widened(np.array([1], dtype=np.uint64))[0], np.int64)
    assert widened(np.array([0.1], dtype=np.float32)).tolist() == [float(np.float32(0.1))]
    assert widened(np.array([2**70], dtype=object)).tolist() == [2**70]


def test_formulas_of_rules_are_polynomials():
    assert isinstance(make_divisible(16 * ALPHA), Polynomial)
    assert str(make_divisible(16 * ALPHA)) == "make_divisible(16·α, 8, 8)"
