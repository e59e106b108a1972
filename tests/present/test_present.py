"""Numbers as text, and tables in every format."""

import builtins
import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopscope.errors import UnknownName
from flopscope.numerals import image_size, number
from flopscope.present.numbers import (
    in_lines,
    in_units,
    in_units_briefly,
    integer,
    percent,
    ratio,
    ratio_in_three,
    short,
)
from flopscope.present.render import FORMATS, render
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import size

SCALES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def half_unit(text):
    """Half a unit of the last shown digit of what `short` wrote."""
    number, _, prefix = text.partition(" ")
    decimals = len(number.partition(".")[2])
    return Fraction(SCALES[prefix], 2 * 10**decimals)


@given(st.integers(0, 10**16))
def test_short_text_and_back_is_within_half_a_unit_of_the_last_digit(value):
    text = short(value)
    assert abs(number(text) - value) <= half_unit(text)
    assert number(integer(value)) == value


@given(st.integers(0, 10**16))
def test_bytes_that_are_printed_are_read(value):
    """In megabytes, as tables have them, with the unit of their heading."""
    exact = Fraction(value, 10**6)
    shown = in_units(10**6, value)
    read = number(f"{shown} MB", "bytes")
    error = 5000 if exact >= Fraction(1, 100) else value / 20
    assert abs(read - value) <= error
    assert number(in_units_briefly(10**6, value)) is not None


@given(st.fractions(0, 10**9))
def test_ratios_that_are_printed_are_read(value):
    error = max(value, 1) / 200 if value >= Fraction(1, 100) else value / 20
    assert abs(number(ratio_in_three(value)) - value) <= error


@given(st.integers(0, 10**16), st.integers(1, 40))
def test_numbers_on_two_lines_are_read_as_one(value, room):
    assert number(in_lines(value, room).replace("\n", "")) == value


@given(st.integers(1, 10**5), st.integers(1, 10**5))
def test_sizes_that_are_printed_are_read(height, width):
    assert image_size(size((height, width))) == (height, width)


@given(st.integers(1000, 10**15 - 10**12))
def test_short_shows_three_digits(value):
    assert len(short(value).partition(" ")[0].replace(".", "")) == 3


@given(st.integers(0, 10**12))
def test_megabytes_are_rounded_on_the_exact_integer(value):
    assert abs(Fraction(in_units(10**6, value)) * 10**6 - value) <= 5000


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_ratio_and_percent_are_rounded(part, whole):
    exact = Fraction(part, whole)
    shown = ratio(exact)
    if exact >= Fraction(1, 100):
        assert abs(Fraction(shown) - exact) <= Fraction(1, 200)
    else:
        assert abs(float(shown) - float(exact)) <= 0.05 * float(exact)
    assert abs(Fraction(percent(part, whole)) - 100 * exact) <= Fraction(1, 20)


TABLE = Table(
    [
        Column("name", "Name", numeric=False),
        Column("macs", "MACs\n(macs)", integer),
    ],
    [["<b>|_a&", 1234], ["none", None], ["total", 1234]],
    "50% of_it",
    ["[1] a note"],
    total=True,
)
DOCUMENT = Document([TABLE], {"schema": "x/1", "macs": 1234})


def test_markdown():
    assert render(DOCUMENT, "markdown") == (
        "**50% of_it**\n\n"
        "| Name | MACs (macs) |\n| --- | ---: |\n"
        "| &lt;b>\\|_a& | 1,234 |\n| none |  |\n| total | 1,234 |\n\n[1] a note  \n"
    )


def test_latex_escapes_and_rules_the_total():
    text = render(DOCUMENT, "latex")
    assert r"$<$b$>$$|$\_a\& & 1,234 \\" in text
    assert text.index(r"\midrule", text.index("none")) < text.index("total")
    assert "\n\\item 50\\% of\\_it\n\\item[1] a note\n" in text


def test_html_escapes_what_a_name_may_hold():
    text = render(DOCUMENT, "html")
    assert "<b>" not in text
    assert "&lt;b&gt;|_a&amp;" in text


def test_csv_has_plain_names_and_no_total_row():
    assert render(DOCUMENT, "csv") == "name,macs\n<b>|_a&,1234\nnone,\n"


def test_json_is_the_data():
    assert json.loads(render(DOCUMENT, "json")) == DOCUMENT.data


def test_terminal_table_aligns_and_keeps_80_columns():
    text = render(DOCUMENT, "table")
    assert text.startswith("50% of_it\n\n")
    assert text.endswith("\n\n[1] a note\n")
    rows = [line for line in text.splitlines() if "1,234" in line]
    assert len({len(row) for row in rows}) == 1
    assert max(map(len, text.splitlines())) <= 80


def test_terminal_table_is_text_in_a_notebook_too(monkeypatch):
    """rich knows a notebook's shell by the name of its class, and would show the table itself."""
    plain = render(DOCUMENT, "table")
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setattr(builtins, "get_ipython", lambda: shell, raising=False)
    assert render(DOCUMENT, "table") == plain


def test_unknown_format():
    with pytest.raises(UnknownName) as raised:
        render(DOCUMENT, "markdwon")
    assert str(raised.value) == "unknown format 'markdwon'; did you mean markdown?"
    assert {"table", "markdown", "latex", "csv", "json", "html"} <= set(FORMATS)
