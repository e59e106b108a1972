"""Formulas: exact at every size, the same however they are run, honest about where they hold."""

from __future__ import annotations

import pickle
import re
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from trees import FREE, interpreted, trees, values
from variants import with_width

import flopscope as fs
from flopscope import sizes as rules
from flopscope.analytic.named_blocks import NAMED_BLOCKS
from flopscope.answers.formula import QUANTITIES, symbolic_ledger
from flopscope.catalog.variant import parse
from flopscope.closedform import Formula
from flopscope.closedform.bound import largest_intermediate
from flopscope.closedform.program import expression as expression_of
from flopscope.closedform.program import program, source
from flopscope.closedform.text import expression_lines, one_line
from flopscope.conventions import CONVENTIONS
from flopscope.domain import AtLeast, Members, Multiple, Relation
from flopscope.errors import BadInput, OutsideDomain, Overflow, UnboundSymbols, UnknownName
from flopscope.quantities import formulas
from flopscope.sizes import (
    INT64_MAX,
    make_divisible,
    maximum,
    round_half_even,
    round_repeats,
    truncate,
    where_below,
)
from flopscope.symbolic import Call, Floor, Polynomial, call, symbol

many = settings(max_examples=150, deadline=None)
few = settings(max_examples=10, deadline=None)

B, C, G, H, K, W = (symbol(name) for name in "BCGHKW")
ALPHA = symbol("width", lower=0, integer=False)


VARIANTS = with_width()
each_variant = pytest.mark.parametrize("variant", VARIANTS)
each_form = pytest.mark.parametrize("form", NAMED_BLOCKS)


DISTINCT = [name for name, row in formulas().items() if not row.dtype or name == "traffic"]
"""What others are multiples or shares of, in bytes or joules of a type."""


@cache
def free_ledger(name):
    return symbolic_ledger(name, () if name in NAMED_BLOCKS else ("width", "classes"))


@cache
def formula(name, quantity):
    found = QUANTITIES[quantity](free_ledger(name))
    return Formula(found.expression, found.unit, found.convention, found.conditions, name)


def every_formula():
    for name in (*VARIANTS, *NAMED_BLOCKS):
        for quantity in DISTINCT:
            yield formula(name, quantity)


def executed(text, name, **given_sizes):
    """A printed function, run as it stands, with the imports that it names."""
    namespace = {}
    exec(text, namespace)
    return namespace[name](**given_sizes)


ONLY = {"efficientformer_attention": {"H": 7, "W": 7}}
"""Blocks that take one size alone."""


def within(exact: Formula, sizes):
    sizes = sizes | ONLY.get(exact.name, {})
    return {s.name: sizes[s.name] for s in exact.symbols}


widths = (
    st.sampled_from([0.35, 0.1, 0.05, 0.75, 1.0, 1.4])
    | st.integers(1, 200).map(lambda n: n / 100)
    | st.floats(0.02, 3)
)
designs = st.fixed_dictionaries(
    {
        "B": st.integers(1, 5),
        "H": st.integers(1, 300),
        "W": st.integers(1, 300),
        "width": widths,
        "classes": st.integers(1, 2000),
    }
)
blocks = st.fixed_dictionaries(
    {
        "B": st.integers(1, 3),
        "H": st.integers(1, 40),
        "W": st.integers(1, 40),
        "C_in": st.integers(1, 9),
        "C_out": st.integers(1, 9),
        "C_hid": st.integers(1, 9).map(lambda n: 4 * n),
        "C_se": st.integers(1, 9),
        "K": st.sampled_from([1, 3, 5, 7]),
        "d": st.sampled_from([1, 3, 5]),
        "s": st.integers(2, 4),
        "t": st.integers(2, 6),
        "tokens": st.integers(1, 50),
    }
)

# --- values ---------------------------------------------------------------------------------------


@each_variant
@few
@given(design=designs)
def test_a_formula_equals_the_ledger_at_every_size(variant, design):
    height, wide, batch = (design[name] for name in "HWB")
    options = {name: design[name] for name in ("width", "classes")}
    ledger = parse(variant).ledger((height, wide), batch, **options)
    for quantity in DISTINCT:
        value = formula(variant, quantity).at(**design)
        assert type(value) is int
        assert value == QUANTITIES[quantity](ledger).expression, quantity


@each_form
@few
@given(sizes=blocks, groups=st.integers(1, 4))
def test_a_block_equals_its_polynomial(form, sizes, groups):
    """The program of at() against the value of the expression, which shares no code with it."""
    multiples = {"C_in": 2 * groups, "C_out": groups * sizes["s"], "C_hid": groups}
    sizes = sizes | {name: n * sizes[name] for name, n in multiples.items()}
    sizes |= {"G": groups, "heads": groups} | ONLY.get(form, {})
    least = {s.name: s.lower for s in NAMED_BLOCKS[form].ledger().symbols()}
    sizes = {name: max(size, least.get(name, 1)) for name, size in sizes.items()}
    for quantity in DISTINCT:
        exact = formula(form, quantity)
        value = exact.at(**sizes)
        assert type(value) is int
        expression = exact.expression
        assert value == (
            expression.evaluate(sizes) if isinstance(expression, Polynomial) else expression
        )


@each_variant
@few
@given(columns=st.lists(designs, min_size=1, max_size=5), quantity=st.sampled_from(["macs", "all"]))
def test_arrays_equal_numbers_element_by_element(variant, columns, quantity):
    exact = formula(variant, quantity)
    arrays = {name: np.array([design[name] for design in columns]) for name in columns[0]}
    counted = exact.at(**arrays)
    assert counted.dtype == np.int64
    assert counted.tolist() == [exact.at(**design) for design in columns]


@many
@given(trees, values)
def test_a_program_has_the_values_of_its_tree(tree, sizes):
    expression = interpreted(tree, FREE)
    exact = Formula(expression, "MACs", name="tree")
    given_sizes = within(exact, sizes)
    expected = interpreted(tree, sizes)
    assert exact.at(**sizes) == expected
    assert executed(exact.python(), "tree", **given_sizes) == expected
    if given_sizes:
        column = {name: np.array([size, 1]) for name, size in given_sizes.items()}
        assert exact.at(**column)[0] == expected


@many
@given(trees, values)
def test_an_expression_has_the_values_of_its_tree(tree, sizes):
    value = interpreted(tree, FREE)
    names = {name: getattr(rules, name) for name in program(value).functions}
    assert eval(expression_of(value), names | sizes) == interpreted(tree, sizes)


def test_arrays_broadcast():
    exact = Formula(B * H * W, "elements")
    counted = exact.at(B=np.array([[1], [2]]), H=np.array([3, 4, 5]), W=2)
    assert counted.tolist() == [[6, 8, 10], [12, 16, 20]]
    message = "arrays of these shapes do not broadcast: B (2,), H (3,), W ()"
    with pytest.raises(BadInput, match=f"^{re.escape(message)}$"):
        exact.at(B=np.array([1, 2]), H=np.array([3, 4, 5]), W=2)


def test_long_columns_are_counted_in_chunks():
    heights = np.arange(1, 20_001)
    counted = Formula(3 * ((H + 1) // 2) ** 2, "MACs").at(H=heights)
    assert (counted == 3 * ((heights + 1) // 2) ** 2).all()


def test_kinds_of_sizes():
    exact = formula("mobilenetv2", "macs")
    sizes = {"B": 1, "H": 97, "W": 160, "width": 0.75, "classes": 10}
    count = exact.at(**sizes)
    for alike in (
        {"H": np.int64(97), "W": np.uint8(160), "B": np.array(1)},
        {"width": Fraction(3, 4)},
        {"width": np.float32(0.75)},
    ):
        value = exact.at(**sizes | alike)
        assert type(value) is int
        assert value == count
    for alike in (
        {"H": np.array([97], dtype=np.uint8)},
        {"width": np.array([0.75], dtype=np.float32)},
        {"H": np.array([97], dtype=object)},
        {"H": np.array([97], dtype=object), "width": np.array([0.75], dtype=object)},
    ):
        assert exact.at(**sizes | alike).tolist() == [count]


def test_a_fraction_rounds_as_the_float_that_code_has():
    """80 times this very fraction is less than 28, in floating point it is 28."""
    exact = Formula(truncate(80 * ALPHA), "channels")
    assert exact.at(width=0.35) == 28
    assert exact.at(width=Fraction(0.35)) == 28


def test_single_precision_widths_are_the_numbers_they_are():
    narrow = np.array([0.35, 0.1, 1.4], dtype=np.float32)
    exact = formula("mobilenetv1:recipe=paper", "params")
    counted = exact.at(width=narrow, classes=7)
    assert counted.tolist() == [exact.at(width=float(width), classes=7) for width in narrow]


def test_no_designs_give_no_counts():
    counted = formula("mobilenetv2", "macs").at(
        B=1, H=np.zeros(0, dtype=int), W=224, width=1.0, classes=10
    )
    assert counted.dtype == np.int64
    assert counted.tolist() == []


def test_a_formula_without_symbols():
    constant = Formula(42, "MACs")
    assert constant.at() == 42
    assert constant.at(H=np.array([1, 2])) == 42
    assert constant.compiled() == 42
    assert constant.text() == "  42"
    assert constant.latex() == "42"
    assert constant.domain == "no free sizes"
    assert executed(constant.python(), "count") == 42
    assert constant.idealised().at() == 42.0


# --- overflow -------------------------------------------------------------------------------------


class Watched(int):
    """An integer that remembers the largest magnitude computed with its like."""

    largest = 0

    def __new__(cls, value):
        cls.largest = max(cls.largest, abs(value))
        return super().__new__(cls, value)


def _watch(name):
    def method(self, *others):
        result = getattr(int, name)(self, *others)
        return Watched(result) if isinstance(result, int) else result

    setattr(Watched, name, method)


for _name in ("add", "sub", "mul", "floordiv", "pow"):
    _watch(f"__{_name}__")
    _watch(f"__r{_name}__")
_watch("__neg__")


def largest_met(expression, sizes):
    """The largest integer in a run of the program, constants aside."""
    Watched.largest = 0
    written = program(expression)
    text = written.function("parts", (), f"{written.numerator}, {written.denominator}")
    namespace = {name: _watched_rule(name) for name in written.functions}
    exec(text, namespace)
    watched = {n: Watched(size) if isinstance(size, int) else size for n, size in sizes.items()}
    namespace["parts"](**watched)
    return Watched.largest


def _watched_rule(name):
    def rule(*arguments):
        value = getattr(rules, name)(*arguments)
        return Watched(value) if isinstance(value, int) else value

    return rule


@many
@given(trees, values)
def test_the_bound_is_one_for_trees(tree, sizes):
    expression = interpreted(tree, FREE)
    assume(isinstance(expression, Polynomial))
    used = {s.name: sizes[s.name] for s in expression.symbols()}
    assert largest_met(expression, used) <= largest_intermediate(expression, used)


@each_variant
@few
@given(design=designs, quantity=st.sampled_from(DISTINCT))
def test_the_bound_is_one_for_networks(variant, design, quantity):
    exact = formula(variant, quantity)
    shapes = {"H": 32, "W": 32} if {"H", "W"} <= {s.name for s in exact.symbols} else {}
    for expression in {exact.expression, exact.when(**shapes).expression}:
        sizes = design | {"H": 32 * design["H"], "W": 32 * design["W"]}
        if isinstance(expression, int):  # as the buffers of a network without norms
            continue
        used = {s.name: sizes[s.name] for s in expression.symbols()}
        bounds = {name: Fraction(size) for name, size in used.items()}
        assert largest_met(expression, used) <= largest_intermediate(expression, bounds)


@pytest.mark.parametrize(
    "expression",
    [
        C * H / G,
        C * H / G + W / 2 - Fraction(1, 2),
        (C / G + 3) // 2,
        (C * H) // (G + 1) - H,
        C * H // (C // 2 + 1),
        rules.equal(C, G) * H**3,
        where_below(ALPHA, 0.5, C**2, G) + 1,
        round_repeats(C, ALPHA) * H,
        round_repeats(C, 3 * G) ** 2,
        round_half_even(C * ALPHA) * H,
        make_divisible(C * ALPHA * Fraction(11, 3), 8) * H,
        maximum(C * H, G) - 10**6 * H,
    ],
)
def test_the_bound_is_one_for_what_networks_do_not_use_yet(expression):
    used = {s.name: 0.3 if s.name == "width" else 12 for s in expression.symbols()}
    bounds = {name: Fraction(size) for name, size in used.items()}
    assert largest_met(expression, used) <= largest_intermediate(expression, bounds)


def test_the_bound_does_not_trust_the_largest_sizes_alone():
    """A choice may fall otherwise below them, and a factor of 0 hides the others."""
    cubed = Formula(rules.equal(C, G) * H**3, "MACs")
    with pytest.raises(Overflow):
        cubed.at(C=np.array([5, 7]), G=np.array([5, 9]), H=2**22)
    falling = Formula(where_below(ALPHA, 0.5, C**2, 7), "MACs")
    with pytest.raises(Overflow):
        falling.at(width=np.array([0.3, 0.6]), C=2**32)
    assert largest_intermediate(C * H, {"C": 10**6, "H": 0}) >= 10**6


def test_a_rule_without_a_bound_is_not_guessed():
    with pytest.raises(TypeError, match=r"^no bound of min is known$"):
        largest_intermediate(call(min, H, 3), {"H": 7})


sizes_of_all_magnitudes = st.integers(0, 62).flatmap(lambda n: st.integers(2**n, 2 ** (n + 1) - 1))


@settings(max_examples=60, deadline=None)
@given(trees, st.lists(st.tuples(sizes_of_all_magnitudes, sizes_of_all_magnitudes), min_size=2))
def test_array_counts_are_exact_or_refused(tree, pairs):
    exact = Formula(interpreted(tree, FREE), "MACs")
    columns = dict(zip(FREE, np.array(pairs).T, strict=True))
    expected = [interpreted(tree, {"H": h, "W": w}) for h, w in pairs]
    used = within(exact, columns)
    assume(used)
    try:
        assert exact.at(**used).tolist() == expected
    except Overflow:
        largest = {name: int(column.max()) for name, column in used.items()}
        assert largest_intermediate(exact.expression, largest) > INT64_MAX
    boxed = {name: column.astype(object) for name, column in used.items()}
    assert exact.at(**boxed).tolist() == expected


def test_an_overflow_says_what_to_do():
    exact = Formula(9 * H**3, "MACs")
    message = (
        "the largest sizes (H=2.09715e+06) allow a count of up to 8.3e+19, beyond 64-bit integers; "
        "evaluate such sizes one at a time, or as arrays of dtype=object"
    )
    with pytest.raises(Overflow, match=f"^{re.escape(message)}$"):
        exact.at(H=np.array([1, 2**21]))
    assert exact.at(H=np.array([2**19])).tolist() == [9 * 2**57]
    assert exact.at(H=2**21) == 9 * 2**63
    assert exact.at(H=np.array([2**21], dtype=object)).tolist() == [9 * 2**63]
    assert exact.at(H=np.array([2**64 - 1], dtype=np.uint64)).tolist() == [9 * (2**64 - 1) ** 3]


def test_no_size_is_too_large_by_itself():
    assert Formula(3 * H, "MACs").at(H=np.array([2**61])).tolist() == [3 * 2**61]
    numerators_count = Formula((H * H + 1) // 10**12, "MACs")
    with pytest.raises(Overflow):
        numerators_count.at(H=np.array([2**32]))


# --- when -----------------------------------------------------------------------------------------


def rounded(expression):
    """Atoms that round, at any depth."""
    found = set()
    if isinstance(expression, Polynomial):
        for atom in expression.atoms():
            if isinstance(atom, Floor):
                found |= {atom} | rounded(atom.numerator) | rounded(atom.divisor)
            if isinstance(atom, Call):
                found |= {atom}.union(*(rounded(argument) for argument in atom.arguments))
    return found


@each_variant
@few
@given(design=designs, quantity=st.sampled_from(["macs", "activations", "traffic", "all"]))
def test_on_multiples_no_size_is_rounded(variant, design, quantity):
    exact = formula(variant, quantity)
    whole = 64 if variant == "mobilevit_xxs" else 32  # whose patches halve the last map once more
    even = exact.when(H=whole, W=whole)
    assert not any(isinstance(atom, Floor) for atom in rounded(even.expression))
    on = design | {"H": whole * design["H"], "W": whole * design["W"]}
    assert even.at(**on) == exact.at(**on)
    off = on | {"W": on["W"] + 31}
    given_sizes = ", ".join(f"{name}={size}" for name, size in off.items())
    message = f"outside the domain (W a multiple of {whole}); given: {given_sizes}"
    with pytest.raises(OutsideDomain, match=f"^{re.escape(message)}$"):
        even.at(**off)
    half = exact.when(H=4)
    assert half.at(**on | {"W": 31}) == exact.at(**on | {"W": 31})


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 40))
def test_multiples_of_any_number(multiple, divisor, height):
    exact = Formula(5 * ((H + divisor - 1) // divisor) - H // divisor, "MACs")
    size = multiple * height
    assert exact.when(H=multiple).at(H=size) == exact.at(H=size)
    assert exact.when(H=multiple).when(H=divisor).at(H=size * divisor) == exact.at(H=size * divisor)


def test_when_in_words():
    even = formula("mobilenetv2", "macs").subs(width=1.0, classes=1000).when(H=32, W=32)
    assert even.text() == "  B · (  47,751/8 · H·W\n      + 1,280,000 )"
    assert even.domain == "B, H, W ≥ 1; H, W multiples of 32"


@pytest.mark.parametrize(
    ("multiples", "message"),
    [
        ({"H": 0}, "H cannot be a multiple of 0; give a positive integer"),
        ({"H": -2}, "H cannot be a multiple of -2; give a positive integer"),
        ({"H": 2.5}, "H cannot be a multiple of 2.5; give a positive integer"),
        ({"H": True}, "H cannot be a multiple of True; give a positive integer"),
        ({"width": 8}, "width is not an integer, so it has no multiples; leave it out"),
        ({"R": 8}, "the formula has no free R; its free sizes are H, width"),
    ],
)
def test_multiples_that_no_size_has(multiples, message):
    with pytest.raises(BadInput, match=f"^{re.escape(message)}$"):
        Formula(H * make_divisible(16 * ALPHA), "MACs").when(**multiples)


# --- idealised ------------------------------------------------------------------------------------


NOTHING_ROUNDED = {
    "mobilenetv1:recipe=paper": (0.25, 0.5, 0.75, 1.0),
    "mobilenetv1:recipe=timm": (0.25, 0.5, 0.75, 1.0),
    "mobilenetv2": (1.0,),
}
"""Widths at which every channel count is a multiple of 8 already."""


@pytest.mark.parametrize("variant", NOTHING_ROUNDED)
@few
@given(design=designs, quantity=st.sampled_from(DISTINCT))
def test_the_law_is_exact_where_nothing_is_rounded(variant, design, quantity):
    exact = formula(variant, quantity)
    for width in NOTHING_ROUNDED[variant]:
        on = design | {"H": 32 * design["H"], "W": 32 * design["W"], "width": width}
        value = exact.idealised().at(**on)
        assert type(value) is float
        assert value == exact.at(**on)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9), st.integers(2, 7))
def test_floors_without_their_rounding_are_exact_on_multiples(height, channels, k, divisor):
    for size in (H, 3 * H, H + divisor):
        law = Formula((size + k % divisor) // divisor * C, "MACs").idealised()
        exact = ((size + k % divisor) // divisor * C).evaluate(
            {"H": divisor * height, "C": channels}
        )
        assert law.at(H=divisor * height, C=channels) == exact
    strided = Formula((H - 1) // G + 1, "elements").idealised()  # ⌈H/G⌉
    assert strided.at(H=divisor * height, G=divisor) == height


@each_variant
def test_the_law_is_a_polynomial_of_degree_two_in_the_width(variant):
    for quantity in ("macs", "params", "all"):
        law = formula(variant, quantity).idealised()
        assert not rounded(law.expression)
        assert not law.counts
        degree = sympy.Poly(law.sympy(), sympy.Symbol("width", positive=True)).degree()
        assert degree == 2


@pytest.mark.parametrize(
    ("variant", "domain"),
    [
        ("mobilenetv1:recipe=paper", "classes ≥ 1; α > 0; α ≥ 1/4"),
        ("mobilenetv1:recipe=timm", "classes ≥ 1; α > 0"),
        ("mobilenetv2", "classes ≥ 1; α > 0; α ≤ 1"),
        ("mobilenetv3_large:recipe=paper", "classes ≥ 1; α > 0"),
        ("mobilenetv3_large:recipe=torchvision", "classes ≥ 1; α > 0"),
        ("mobilenetv3_large:recipe=timm", "classes ≥ 1; α > 0; α ≥ 3/4"),
    ],
)
def test_the_law_says_which_sides_it_takes(variant, domain):
    assert formula(variant, "params").idealised().domain == domain


def test_the_law_of_choices():
    assert Formula(round_repeats(3, ALPHA) - 1, "layers").idealised().expression == 3 * ALPHA - 1
    assert Formula(round_half_even(C / 4) * 8, "channels").idealised().expression == 2 * C
    sides = maximum(C * ALPHA, 4 * C) + where_below(ALPHA, 2.0, H, 7) + rules.equal(C, H)
    law = Formula(sides, "channels").idealised()
    assert law.expression == 4 * C + H
    assert [str(c) for c in law.conditions] == ["-C·α + 4·C ≥ 0", "α ≤ 2"]
    with pytest.raises(
        OutsideDomain, match=r"^outside the domain \(α ≤ 2\); given: C=1, H=1, width=3$"
    ):
        law.at(C=1, H=1, width=3)
    with pytest.raises(TypeError, match=r"^no idealised form of min$"):
        Formula(call(min, H, 3), "channels").idealised()


def test_outside_the_law_it_refuses():
    law = formula("mobilenetv2", "params").idealised()
    message = "outside the domain (α ≤ 1); given: classes=10, width=1.4"
    with pytest.raises(OutsideDomain, match=f"^{re.escape(message)}$"):
        law.at(classes=10, width=1.4)


@each_variant
@few
@given(width=st.fractions(Fraction(3, 4), 1), step=st.fractions(Fraction(1, 99), Fraction(1, 2)))
def test_the_derivative_is_the_slope_of_the_law(variant, width, step):
    """Of a polynomial of degree two the central difference is the derivative, exactly."""
    law = formula(variant, "macs").idealised()
    alpha = sympy.Symbol("width", positive=True)
    sizes = {"B": 2, "H": 224, "W": 192, "classes": 10}

    def value(at):
        return law.expression.evaluate(sizes | {"width": at})

    slope = (value(width + step) - value(width - step)) / (2 * step)
    numbers = {sympy.Symbol(n, positive=True, integer=True): size for n, size in sizes.items()}
    derivative = sympy.diff(law.sympy(), alpha).subs(numbers | {alpha: sympy.Rational(width)})
    assert Fraction(int(derivative.p), int(derivative.q)) == slope


# --- real numbers ---------------------------------------------------------------------------------


@each_variant
@few
@given(design=designs, width=st.floats(0.75, 1))
def test_a_law_gives_the_same_real_number_however_it_is_run(variant, design, width):
    law = formula(variant, "macs").idealised()
    sizes = design | {"width": width}
    exact = law.expression.evaluate(sizes | {"width": Fraction(width)})
    value = law.at(**sizes)
    assert type(value) is float
    assert value == pytest.approx(float(exact), rel=1e-13)
    printed = executed(law.python(), f"{re.sub(r'[^0-9a-z]+', '_', variant)}_idealised", **sizes)
    assert printed == value
    column = law.at(**sizes | {"width": np.array([width, 1.0])})
    assert column.dtype == np.float64
    assert column[0] == pytest.approx(value, rel=1e-13)


@given(st.integers(1, 100), st.integers(1, 100))
def test_a_law_does_not_floor_what_is_not_whole(height, wide):
    law = Formula((H + 1) // 2 * ((W + 1) // 2), "elements").idealised()
    value = height * wide / 4
    assert law.at(H=height, W=wide) == value
    assert executed(law.python(), "idealised", H=height, W=wide) == value
    assert law.at(H=np.array([height]), W=wide).tolist() == [value]
    assert str(law.expression) == "1/4·H·W"


def test_a_law_of_large_arrays_does_not_wrap():
    law = Formula(H**4 * ((W + 1) // 2), "MACs").idealised()
    assert law.at(H=np.array([2**40]), W=np.array([6])).tolist() == [3 * 2.0**160]


def test_a_bare_multiplier_makes_a_real_number():
    share = Formula(3 * ALPHA * H, "MACs")
    assert not share.counts
    assert share.at(H=3, width=0.5) == 4.5
    assert share.at(H=np.array([3]), width=np.array([0.5])).tolist() == [4.5]
    assert executed(share.python(), "count", H=3, width=0.5) == 4.5


@pytest.mark.parametrize("sizes", [{"C": 7, "G": 2}, {"C": np.array([4, 7]), "G": 2}])
def test_a_count_that_is_not_whole_is_refused(sizes):
    """A condition that a formula ought to have had; a floor would be a silent error."""
    message = "the count is not whole at these sizes: a division leaves a remainder"
    with pytest.raises(OutsideDomain, match=f"^{re.escape(message)}$"):
        Formula(3 * C / G, "MACs").at(**sizes)


def test_quotients_divide_once_at_the_end():
    """No term alone is whole: 1/2 + 3/2, 4/3 + 5/3."""
    exact = Formula((C + H) / G, "MACs")
    assert exact.at(C=1, H=3, G=2) == 2
    assert exact.at(C=np.array([1, 4]), H=np.array([3, 5]), G=np.array([2, 3])).tolist() == [2, 3]
    assert executed(exact.python(), "count", C=1, H=3, G=2) == 2
    inner = Formula(((C + H) / G + 1) // 2, "MACs")
    assert inner.at(C=1, H=3, G=2) == 1
    assert inner.at(C=np.array([1]), H=np.array([3]), G=np.array([2])).tolist() == [1]


# --- text, Python, LaTeX --------------------------------------------------------------------------


def test_text_stays_within_80_columns():
    for exact in every_formula():
        forms = [exact]
        if exact.convention in ("macs", "all"):
            free = {s.name: 32 for s in exact.symbols if s.name in ("H", "W")}
            forms += [exact.when(**free), exact.idealised()]
        for form in forms:
            for line in form.text().splitlines():
                assert len(line) <= 80, line


WIDE, NARROW = make_divisible(80 * ALPHA), make_divisible(8 * ALPHA)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (9 * C * ((H + 1) // 2), "  9 · C · ⌈H/2⌉"),
        (B * C * K**2 * H * W / G, "  B·C·K² · H·W / G"),
        (B / (G * K), "  B / (G·K)"),
        ((B * H * W + B) / G, "  B · ( 1 · H·W\n      + 1 ) / G"),
        ((C + B) / G, "  (B + C) / G"),
        (-9 * C * H, "  -9 · C · H"),
        (B * (5 * H * W - 13 * H - C), "  B · (  5 · H·W\n      - 13 · H\n      - C )"),
        (C * W - G * H - 3, "  - H · G\n  + W · C\n  - 3"),
        (-7 * H * W + 10 * W, "  -  7 · H·W\n  + 10 · W"),
        (B * (C + K**2) * H * W, "  B · H·W · (K² + C)"),
        (C + 2 * G, "  C + 2·G"),
        (7 * H * W + W - 12, "     7 · H·W\n  +  1 · W\n  - 12"),
        (B * (-7 * H + 1), "  B · ( -7 · H\n      + 1 )"),
        (
            rules.equal(WIDE, NARROW) * NARROW * C + WIDE * G,
            "  C·c₁·c₃ + G·c₂\n\n  with\n    c₁ = make_divisible(8·α, 8)\n"
            "    c₂ = make_divisible(80·α, 8)\n    c₃ = equal(c₂, c₁)",
        ),
        (1234567 * H, "  1,234,567 · H"),
        (9 * H * W / 2, "  9/2 · H·W"),
        (
            B * (320 * ((H + 1) // 2) * ((W + 1) // 2) + 14832 * ((H + 3) // 4) + 7),
            "  B · (    320 · ⌈H/2⌉·⌈W/2⌉\n      + 14,832 · ⌈H/4⌉\n      +      7 )",
        ),
        (
            make_divisible(16 * ALPHA) ** 2 - make_divisible(24 * ALPHA, 8, 4),
            "  c₁² - c₂\n\n  with\n    c₁ = make_divisible(16·α, 8)\n"
            "    c₂ = make_divisible(24·α, 8, 4)",
        ),
    ],
)
def test_text(expression, text):
    assert Formula(expression, "MACs").text() == text
    assert str(Formula(expression, "MACs")) == text


def test_text_on_one_line():
    value = B * (320 * ((H + 1) // 2) * ((W + 1) // 2) + 14832 * ((H + 3) // 4) + 7)
    assert one_line(value) == "B·(320·⌈H/2⌉·⌈W/2⌉ + 14,832·⌈H/4⌉ + 7)"
    assert one_line((B * H * W + B) / G) == "B·(1·H·W + 1) / G"
    assert one_line(7) == "7"


def test_text_in_less_room():
    grid = ((H + 24) // 28) * ((W + 24) // 28)
    value = B * (123456 * grid + H)
    assert expression_lines(value, 40) == [
        "  B · ( 123,456 ·",
        "            ⌊(H + 24)/28⌋·⌊(W + 24)/28⌋",
        "      +       1 · H )",
    ]
    narrower = "\n".join(expression_lines(value, 24))
    assert max(map(len, narrower.splitlines())) <= 24
    assert "".join(narrower.split()) == "B·(123,456·⌊(H+24)/28⌋·⌊(W+24)/28⌋+1·H)"


def test_what_does_not_exist_at_small_sizes_is_named_too():
    value = C * ((B * H) // ((H + 1) // 4))
    assert one_line(value) == "C·⌊B·H/⌊(H + 1)/4⌋⌋"
    assert executed(source(value, "count", "."), "count", B=2, C=3, H=7) == 3 * 7


def by(size, modulus, least=1):
    """The multiples of a number from the least one."""
    return Members(size, least, modulus, frozenset([0]))


@pytest.mark.parametrize(
    ("conditions", "domain"),
    [
        ((), "C, G ≥ 1"),
        ((Multiple(C, G, "channels"),), "C, G ≥ 1; C a multiple of G"),
        ((Multiple(C, 8, ""), Multiple(G, 8, "")), "C, G ≥ 1; C, G multiples of 8"),
        ((Multiple(K - 1, 2, ""), AtLeast(H, 3, "")), "C, G ≥ 1; K odd; H ≥ 3"),
        ((by(C, 32),), "G ≥ 1; C a multiple of 32"),
        ((by(C, 32, least=64),), "G ≥ 1; C a multiple of 32, at least 64"),
        ((by(G, 32, least=64), by(C, 32, least=64)), "C, G multiples of 32, at least 64"),
        ((by(W, 32), by(H, 32), by(G, 8)), "C ≥ 1; G a multiple of 8; H, W multiples of 32"),
        ((Members(C, 3, 2, frozenset([1])),), "G ≥ 1; C odd, at least 3"),
        ((by(C, 1, least=2), by(G, 1, least=2)), "C, G ≥ 2"),
        ((Members(C, 7, 1, frozenset([0]), frozenset(range(1, 6))),), "C, G ≥ 1; C ≠ 6"),
        ((Members(C, 1, 1, frozenset(), frozenset([224])),), "G ≥ 1; C = 224"),
        ((Members(C, 1, 1, frozenset(), frozenset([7, 9])),), "G ≥ 1; C one of 7, 9"),
        (
            (Members(C, 64, 32, frozenset([0]), frozenset([7, 9])),),
            "G ≥ 1; C a multiple of 32, at least 64 or one of 7, 9",
        ),
        ((Members(C, 1, 64, frozenset(range(1, 9))),), "G ≥ 1; C mod 64 in {1…8}"),
        ((Relation(H - W, equality=True), by(G, 2)), "C ≥ 1; G a multiple of 2; H = W"),
    ],
)
def test_domains(conditions, domain):
    assert Formula(C * G, "MACs", None, conditions).domain == domain


def test_python_lines_are_short_and_run():
    sizes = {"B": 2, "H": 97, "W": 64, "width": 0.35, "classes": 10, "K": 3, "t": 6}
    sizes |= {"C_in": 16, "C_out": 24, "C_hid": 64, "C_se": 4, "G": 8, "d": 3, "s": 2}
    sizes |= {"heads": 4, "tokens": 50}
    for exact in every_formula():
        text = exact.python()
        assert max(map(len, text.splitlines())) <= 100
        name = re.search(r"def (\w+)\(", text)[1]
        assert executed(text, name, **within(exact, sizes)) == exact.at(**within(exact, sizes))


def test_python_of_a_network():
    head = source(
        B * (((H + 1) // 2) * (3 * make_divisible(16 * ALPHA) + 5) + (K - 1) / 2), "macs", "Words."
    )
    assert (
        head
        == '''\
from flopscope.sizes import make_divisible


def macs(*, B, H, K, width):
    """Words."""
    h2 = -(-H // 2)
    c1 = make_divisible(16 * width, 8)
    return B * (
        (10 + 6 * c1) * h2
        + (-1 + K)
    ) // 2'''
    )


def test_names_of_variables_are_no_symbols():
    taken = [symbol(name) for name in ("c1", "h2", "n1")]
    expression = call(truncate, H / 2) * ((H + 1) // 2) * ((H + 1) // 3)
    for extra in taken:
        expression = expression * extra
    exact = Formula(expression, "MACs")
    assert exact.at(H=7, c1=2, h2=3, n1=5) == 3 * 4 * 2 * 30


@pytest.mark.parametrize(
    ("name", "function"),
    [("mobilenetv2 macs", "mobilenetv2_macs"), ("2x", "count_2x"), ("", "count"), ("·", "count")],
)
def test_names_of_functions(name, function):
    assert f"def {function}(*, H):" in Formula(3 * H, "MACs", name=name).python()


def test_latex_of_a_block():
    assert formula("separable_conv", "macs").latex() == (
        r"B C_{\mathrm{in}} H W \left(C_{\mathrm{out}} + K^{2}\right)"
    )
    assert formula("grouped_conv", "params").latex() == (
        r"\frac{C_{\mathrm{in}} C_{\mathrm{out}} K^{2}}{G}"
    )
    assert Formula(B * (9 * ((H + 1) // 2) - 3), "MACs").latex() == (
        r"B \left(9 \left\lceil{\frac{H}{2}}\right\rceil - 3\right)"
    )
    assert Formula(make_divisible(16 * ALPHA) * H, "MACs").latex() == (
        r"c_{1} H \quad\text{with}\quad c_{1} = \operatorname{make\_divisible}(16 \alpha, 8)"
    )
    assert Formula(H, "MACs")._repr_latex_() == r"$\displaystyle H$"


def test_latex_is_balanced():
    for name in (*VARIANTS, *NAMED_BLOCKS):
        for exact in (formula(name, "macs"), formula(name, "params").idealised()):
            latex = exact.latex()
            assert latex.count("{") == latex.count("}")
            assert latex.count(r"\left") == latex.count(r"\right")
            assert "⌈" not in latex
            assert "**" not in latex


@each_form
def test_sympy_has_the_same_values(form):
    exact = formula(form, "macs")
    sizes = {"B": 2, "H": 9, "W": 7, "K": 3, "t": 6, "C_in": 16, "C_out": 24, "G": 8, "C_se": 4}
    used = within(exact, sizes | {"C_hid": 64, "d": 5, "s": 3, "heads": 4, "tokens": 50})
    numbers = {sympy.Symbol(n, positive=True, integer=True): size for n, size in used.items()}
    expression = (
        exact.sympy()
        .subs(numbers)
        .replace(sympy.Function("make_divisible"), lambda *a: make_divisible(*map(float, a[:1])))
    )
    assert int(expression) == exact.at(**used)


# --- what is asked of it --------------------------------------------------------------------------

AREA = Formula(9 * H * W, "MACs", "macs", (Multiple(H, 2, "H"), AtLeast(K, 3, "kernel")))


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ({"H": 2}, UnboundSymbols, "no value for W; given: H=2"),
        ({}, UnboundSymbols, "no value for H, W; given: nothing"),
        (
            {"H": 3, "W": 1},
            OutsideDomain,
            "outside the domain (H a multiple of 2); given: H=3, W=1",
        ),
        ({"H": 0, "W": 1}, OutsideDomain, "H=0 is outside the domain: H must be at least 1"),
        ({"H": True, "W": 1}, OutsideDomain, "H=True is not an integer; H takes integers from 1"),
        (
            {"H": np.bool_(True), "W": 1},
            OutsideDomain,
            "H=True is not an integer; H takes integers from 1",
        ),
        ({"H": 2.0, "W": 1}, OutsideDomain, "H=2.0 is not an integer; H takes integers from 1"),
        (
            {"H": 2, "W": 1, "K": 1},
            OutsideDomain,
            "outside the domain (K ≥ 3); given: H=2, W=1, K=1",
        ),
        (
            {"H": 2, "W": 1, "K": 0},
            OutsideDomain,
            "K=0 is outside the domain: K must be at least 1",
        ),
        (
            {"H": 2, "W": 1, "clases": 7},
            UnknownName,
            "unknown dimension 'clases'; did you mean classes or C_se?",
        ),
        (
            {"H": H, "W": np.array([1, 2])},
            BadInput,
            "H is a symbol, but other sizes are arrays; give it a number",
        ),
    ],
)
def test_sizes_that_are_refused(sizes, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        AREA.at(**sizes)


def test_sizes_that_do_not_matter_are_welcome():
    assert AREA.at(H=2, W=1, B=7, width=0.5) == 18
    assert AREA.at(H=2, W=1, K=np.array([3, 5])) == 18


def test_sizes_may_be_symbols():
    assert AREA.at(H=2 * C, W=3) == 54 * C


def test_substitution():
    narrow = AREA.subs(H=4)
    assert narrow.expression == 36 * W
    assert narrow.conditions == (AtLeast(K, 3, "kernel"),)
    assert narrow.at(W=2) == 72
    assert AREA.subs(W=H).expression == 9 * H**2
    with pytest.raises(
        OutsideDomain, match=r"^outside the domain \(H a multiple of 2\); given: H=3$"
    ):
        AREA.subs(H=3)
    with pytest.raises(OutsideDomain, match=r"^H=-2 is outside the domain: H must be at least 1$"):
        AREA.subs(H=-2)
    with pytest.raises(
        UnknownName, match=r"^unknown dimension 'clases'; did you mean classes or C_se\?$"
    ):
        AREA.subs(clases=3)
    with pytest.raises(
        BadInput, match=r"^H is an array; subs takes one size, at\(\) takes arrays$"
    ):
        AREA.subs(H=np.array([2, 4]))


def test_a_used_formula_can_be_pickled():
    exact = formula("mobilenetv2", "macs")
    sizes = {"B": 1, "H": 97, "W": 64, "width": 0.35, "classes": 10}
    count = exact.at(**sizes)
    again = pickle.loads(pickle.dumps(exact))
    assert again == exact
    assert again.at(**sizes) == count


def test_every_convention_has_a_formula():
    assert CONVENTIONS.keys() <= QUANTITIES.keys()


def test_an_option_that_is_fixed_is_not_dropped_in_silence():
    formula = fs.formula("mobilenetv2", free="width")
    assert formula.at(B=1, H=224, W=224, width=1.4) == 582_195_824
    for use in (formula.at, formula.subs):
        with pytest.raises(
            BadInput,
            match=r"^classes has one value in this formula of mobilenetv2 macs; "
            r"make the formula with classes among its free sizes$",
        ):
            use(B=1, H=224, W=224, width=1.4, classes=10)
    assert pickle.loads(pickle.dumps(formula)).fixed == formula.fixed


def test_a_size_that_was_replaced_is_not_dropped_in_silence():
    whole = fs.formula("mobilenetv2", free="width")
    formula = whole.subs(width=1)
    sizes = {"B": 1, "H": 224, "W": 224}
    assert formula == whole.subs(width=Fraction(1))
    assert formula.at(**sizes) == formula.at(**sizes, width=1.0) == 300_774_272
    for use in (formula.at, formula.subs, formula.idealised().at, copied(formula).at):
        for width, said in ((2, "2"), (np.array([1.0, 2.0]), r"\[1. 2.\]")):
            with pytest.raises(
                BadInput,
                match=r"^this formula of mobilenetv2 macs(, idealised)? has width=1 already, and "
                rf"width={said} would change nothing; give it to the one in which width is free$",
            ):
                use(**sizes, width=width)
    assert whole.at(**sizes, width=1.4) == 582_195_824


def copied(formula):
    return pickle.loads(pickle.dumps(formula))


PLAIN = Formula(9 * H * W, "MACs", "macs")


def test_a_size_that_is_free_after_it_was_replaced_can_be_given():
    assert PLAIN.subs(H=2 * H).at(H=3, W=1) == 54
    assert PLAIN.subs(H=W, W=H).at(H=3, W=1) == 27
    assert PLAIN.subs(H=2).subs(W=H).at(H=5) == 90
    with pytest.raises(BadInput, match=r"^this formula of MACs has H=W already, and H=3 would"):
        PLAIN.subs(H=W).at(H=3, W=1)


def test_a_size_that_a_formula_never_had_cannot_be_given_two_values_either():
    once = PLAIN.subs(B=2)
    assert once.at(H=1, W=1) == once.at(H=1, W=1, B=2) == 9
    with pytest.raises(BadInput, match=r"^this formula of MACs has B=2 already, and B=3 would"):
        once.at(H=1, W=1, B=3)


def test_a_ledger_and_its_readings_remember_too():
    free = symbolic_ledger("mobilenetv2", ["width"])
    ledger = free.at(width=1)
    sizes = {"B": 1, "H": 224, "W": 224}
    message = r"has width=1 already, and width=2 would change nothing; give it to the one in which"
    with pytest.raises(BadInput, match=rf"^this ledger {message} width is free$"):
        ledger.at(width=2)
    assert ledger.at(width=1) == ledger == free.at(width=1.0)
    for part in (ledger, ledger + ledger, ledger.filter(lambda row: True).repeat(2)):
        for read in (part.macs(), part.macs() + part.macs()):
            with pytest.raises(BadInput, match=rf"^this formula of MACs {message} width is free$"):
                read.formula.at(**sizes, width=2)
    # Where a part is free in the width still, the width that is given is its.
    both = (ledger + free).macs().formula
    assert both.at(**sizes, width=1.4) == 300_774_272 + 582_195_824
    assert (free.macs() + ledger.macs()).formula.at(**sizes, width=1.4) == both.at(
        **sizes, width=1.4
    )
