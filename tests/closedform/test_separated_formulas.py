"""Formulas as sums of products of tables, against the formula itself at every pair of sizes."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flopscope.catalog.variant import FREE, parse
from flopscope.closedform import lookup
from flopscope.closedform.compiled import compiled
from flopscope.closedform.factored import factored
from flopscope.closedform.separated import separated
from flopscope.errors import OutsideDomain
from flopscope.quantities import QUANTITIES
from flopscope.sizes import maximum
from flopscope.symbolic import Polynomial, symbol

C, G, H, W = (symbol(name) for name in "CGHW")
ROUNDED = (H + 1) // 2
EVERYWHERE = slice(None)


def written(value, first, rows, columns):
    """The values at each row with each column, from tables."""
    sizes = [{n: np.array(v) for n, v in side.items()} for side in (rows, columns)]
    number = tuple(len(next(iter(side.values()))) for side in sizes)
    return factored(separated(value, first), *sizes, number)


terms = st.sampled_from([C, G, C * G, C**2, H, W, ROUNDED, (W + 3) // 4, H * W, ROUNDED**2])
sums = st.lists(
    st.tuples(st.integers(-9, 9).filter(bool), st.lists(terms, min_size=1, max_size=4)),
    min_size=1,
    max_size=6,
)
sides = st.lists(st.integers(1, 40), min_size=1, max_size=4)


def total(parts):
    found = 0
    for times, factors in parts:
        term = times
        for factor in factors:
            term = term * factor
        found = found + term
    return found


def value_at(value, **sizes):
    """The value of a sum that may be a number."""
    return value.evaluate(sizes) if isinstance(value, Polynomial) else value


@settings(max_examples=60)
@given(parts=sums, c=sides, h=sides)
def test_the_products_have_the_values_of_the_sum(parts, c, h):
    value = total(parts)
    rows, columns = {"C": c, "G": c[::-1]}, {"H": h, "W": h[::-1]}
    made = written(value, ["C", "G"], rows, columns)
    pairs = list(product(zip(c, c[::-1], strict=True), zip(h, h[::-1], strict=True)))
    found = [value_at(value, C=a, G=b, H=d, W=e) for (a, b), (d, e) in pairs]
    expected = np.array(found).reshape(len(c), len(h)).tolist()
    assert made.grid(EVERYWHERE, EVERYWHERE).astype(np.int64).tolist() == expected
    i, j = np.divmod(np.arange(len(c) * len(h)), len(h))
    assert made.pairs(i, j).astype(np.int64).tolist() == np.array(expected).ravel().tolist()


def test_the_largest_of_sums_separates_where_each_does():
    value = 2 * maximum(C * H, maximum(7, C**2 * ROUNDED))
    made = written(value, ["C"], {"C": [1, 2, 5]}, {"H": [1, 4, 9]})
    expected = [[2 * max(c * h, 7, c * c * ((h + 1) // 2)) for h in (1, 4, 9)] for c in (1, 2, 5)]
    assert made.grid(EVERYWHERE, EVERYWHERE).tolist() == expected


@pytest.mark.parametrize(
    "value",
    [C * ((C * H + 1) // 2), maximum(C, H) + C, symbol("width", integer=False) * H],
    ids=["a ceiling of both", "a maximum in a sum", "a number that is not whole"],
)
def test_what_ties_both_groups_does_not_separate(value):
    assert separated(value, ["C", "width"]) is None


@pytest.mark.parametrize(
    ("largest", "kind"), [(2**17, "f"), (2**20, "i"), (2**22, "O")], ids=["float", "int64", "int"]
)
def test_the_type_is_the_fastest_that_is_exact(largest, kind):
    """C²·H is below 2⁵³, then below 2⁶³, and then beyond; an odd count beyond 2⁵³ is no double."""
    sizes = [1, largest - 1]
    made = written(C**2 * H + C * H + C, ["C"], {"C": sizes}, {"H": sizes})
    found = made.grid(EVERYWHERE, EVERYWHERE)
    assert found.dtype.kind == kind
    expected = [[c * c * h + c * h + c for h in sizes] for c in sizes]
    assert [[int(n) for n in row] for row in found] == expected


def test_a_division_without_remainder_is_exact_and_another_is_refused():
    value = C * H * (H + 1) / 2
    made = written(value, ["C"], {"C": [1, 3]}, {"H": [1, 2, 3]})
    assert made.grid(EVERYWHERE, EVERYWHERE).tolist() == [[1, 3, 6], [3, 9, 18]]
    with pytest.raises(OutsideDomain) as refused:
        written(C * H / 3, ["C"], {"C": [1, 3]}, {"H": [3, 4]})
    assert str(refused.value) == (
        "the count is not whole at these sizes: a division leaves a remainder"
    )


# --- Formula.at on a mesh -----------------------------------------------------------------------

WIDTHS, SIDES = np.arange(25, 66) / 100, np.arange(32, 512, 8)


@pytest.mark.parametrize("quantity", ["macs", "params", "activations", "traffic"])
@pytest.mark.parametrize("model", ["mobilenetv2", "efficientnet_b0", "ghostnet_100"])
def test_a_mesh_has_the_values_of_its_designs(monkeypatch, model, quantity):
    ledger = parse(model).ledger((H, W), width=FREE["width"])
    formula = QUANTITIES[quantity].formula(ledger)
    mesh = {"width": WIDTHS[:, None, None], "H": SIDES[:, None], "W": SIDES[::7]}
    sizes = {s.name: mesh.get(s.name, 1) for s in formula.symbols}
    shape = np.broadcast_shapes(*(np.shape(size) for size in sizes.values()))
    flat = {n: np.broadcast_to(size, shape).ravel() for n, size in sizes.items()}
    tabled = []
    monkeypatch.setattr(
        lookup, "_tables", lambda *a, made=lookup._tables: tabled.append(1) or made(*a)
    )
    found = formula.at(**sizes)
    assert bool(tabled) == (quantity != "params")  # parameters have one size, the width
    assert (found.dtype, found.shape) == (np.int64, shape)
    assert np.array_equal(found.ravel(), formula.at(**flat))
    assert len(tabled) <= 1  # a list of designs has no tables


@pytest.mark.parametrize("shape", [(300, 1, 1), (1, 300, 1), (300, 1, 300)])
def test_axes_that_a_size_does_not_vary_along_are_kept(shape):
    value = C * H + 1
    other = tuple(300 if n == 1 else 1 for n in shape)
    c, h = (np.arange(1, 1 + np.prod(s)).reshape(s) for s in (shape, other))
    found = compiled(value)(C=c, H=h)
    assert np.array_equal(found, c * h + 1)


def test_a_mesh_on_which_nothing_separates_is_counted_directly():
    value = (C * H + 1) // 2
    c, h = np.arange(1, 301)[:, None], np.arange(1, 301)
    assert np.array_equal(compiled(value)(C=c, H=h), (c * h + 1) // 2)


def test_a_remainder_is_refused_on_a_mesh_too():
    c, h = np.arange(2, 602, 2)[:, None], np.arange(1, 301)
    assert np.array_equal(compiled(C * H / 2)(C=c, H=h), c * h // 2)
    with pytest.raises(OutsideDomain):
        compiled(C * H / 2)(C=c + 1, H=h)
