"""A rounding rule is one row: what the house knows of it follows from the row alone."""

from __future__ import annotations

import numpy as np
import pytest

from flopscope import sizes
from flopscope.closedform import Formula
from flopscope.closedform.bound import largest_intermediate
from flopscope.errors import Overflow
from flopscope.sizes.choices import equal
from flopscope.sizes.enclosing import least
from flopscope.sizes.rounding import ceil_div
from flopscope.sizes.rules import RULES, UNKNOWN, SizeRule, rule_of, shown_arguments
from flopscope.symbolic import Call, call, symbol

C, H = symbol("C"), symbol("H")


def next_multiple(value, divisor=8):
    """The least multiple of `divisor` that is not below `value`: a rule that no network has."""
    if sizes.is_symbolic(value):
        return call(next_multiple, value, divisor, lower=divisor)
    return -(-value // divisor) * divisor


ROW = SizeRule(
    bound=lambda value, divisor: value + divisor,
    ideal=lambda value, _divisor: value,
    within=(0, 0),
    share=1,
    step=lambda _value, divisor: divisor,
    written=lambda value, divisor: (value,) if divisor == 8 else (value, divisor),
    javascript="(v, d = 8) => Math.ceil(v / d) * d",
)


@pytest.fixture
def with_the_row(monkeypatch):
    monkeypatch.setitem(RULES, "next_multiple", ROW)


@pytest.mark.usefixtures("with_the_row")
def test_a_new_rule_is_one_row():
    formula = Formula(9 * next_multiple(3 * C) * H, "MACs")
    assert formula.at(C=5, H=2) == 9 * 16 * 2
    assert largest_intermediate(formula.expression, {"C": 5, "H": 2}) == 9 * (15 + 8) * 2
    assert str(formula.idealised().expression) == "27·C·H"
    assert formula.text() == "  9 · c₁ · H\n\n  with\n    c₁ = next_multiple(3·C)"
    assert formula.latex() == (
        r"9 c_{1} H \quad\text{with}\quad c_{1} = \operatorname{next\_multiple}(3 C)"
    )


@pytest.mark.usefixtures("with_the_row")
def test_a_new_rule_is_written_in_python_with_the_module_that_has_it():
    source = Formula(next_multiple(3 * C, 16) * H, "MACs").python()
    assert source == (
        f"from {__name__} import next_multiple\n\n\ndef count(*, C, H):\n"
        '    """MACs; domain: C, H ≥ 1."""\n'
        "    c1 = next_multiple(3 * C, 16)\n"
        "    return c1 * H"
    )


@pytest.mark.usefixtures("with_the_row")
def test_arrays_stay_in_64_bits_where_the_row_bounds_them():
    formula = Formula(next_multiple(C) * H, "MACs")
    counted = formula.at(C=np.array([5, 9]), H=3)
    assert (counted.dtype, counted.tolist()) == (np.dtype("int64"), [24, 48])
    with pytest.raises(Overflow):
        formula.at(C=np.array([2**40]), H=2**40)


@pytest.mark.usefixtures("with_the_row")
def test_symbols_are_decided_by_the_row():
    """By `step`, by `share` and by `within`, each of which knows what bounds of symbols do not."""
    assert str(ceil_div(next_multiple(C), 4)) == "1/4·next_multiple(C, 8)"
    assert equal(next_multiple(C), C - 1) == 0
    assert least(next_multiple(C) - C + 1) == 1


def test_without_the_row_nothing_is_known_of_it():
    wide = next_multiple(3 * C)
    (atom,) = wide.atoms()
    assert rule_of(atom) is UNKNOWN
    assert shown_arguments(atom) == (3 * C, 8)
    with pytest.raises(TypeError, match=r"^no bound of next_multiple is known$"):
        largest_intermediate(wide, {"C": 5})
    with pytest.raises(TypeError, match=r"^no idealised form of next_multiple$"):
        Formula(wide, "MACs").idealised()
    assert str(ceil_div(wide, 4)) == "⌈next_multiple(3·C, 8)/4⌉"
    assert least(wide - 3 * C) is None
    assert Formula(wide, "MACs").at(C=np.array([5])).dtype == np.dtype(object)


@pytest.mark.parametrize("name", RULES)
def test_every_row_is_of_a_function_of_sizes_and_says_something(name):
    assert getattr(sizes, name).__name__ == name
    row = RULES[name]
    assert row.bound is not None
    assert row.javascript
    assert "%" not in row.javascript  # there it is a remainder
    assert row.ideal is None or row.side is None


@pytest.mark.parametrize(
    ("name", "arguments", "written"),
    [
        ("make_divisible", (20, 8, 8), (20, 8)),
        ("make_divisible", (20, 8, 16), (20, 8, 16)),
        ("nearest_multiple", (20, 8), (20, 8)),
        ("round_half_even", (20, 0), (20,)),
        ("round_half_even", (20, 1), (20, 1)),
        ("maximum", (20, 8, 16), (20, 8, 16)),
    ],
)
def test_what_is_written_gives_the_same_number(name, arguments, written):
    function = getattr(sizes, name)
    assert shown_arguments(Call(function, arguments)) == written
    assert function(*written) == function(*arguments)
