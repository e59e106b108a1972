"""A table's style: units, digits, captions and the best values, in every format."""

from __future__ import annotations

import csv
import io
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopscope.answers.compare import compare
from flopscope.errors import BadInput
from flopscope.numerals import number
from flopscope.present.compare import comparison_document
from flopscope.present.numbers import in_unit
from flopscope.present.render import render
from flopscope.present.style import UNITS, Style, headed, styled
from flopscope.present.table import Best, Column, Document, Table, marked

DOCUMENT = comparison_document(compare(["mobilenetv2", "mobilenetv1", "ghostnet_100"], res=224))
PEOPLE = ("table", "markdown", "latex", "html")


def text(format_name: str, **style: object) -> str:
    return render(styled(DOCUMENT, Style(**style)), format_name)


# --- units and digits -----------------------------------------------------------------------------


@given(st.integers(-(10**30), 10**30), st.sampled_from(["k", "M", "G", "T"]), st.integers(0, 12))
def test_a_count_in_a_unit_is_the_nearest_number_with_these_digits(value, unit, digits):
    shown = Fraction(in_unit(value, UNITS[unit].per, digits).replace(",", ""))
    step = Fraction(1, 10**digits)
    rest = abs(shown - Fraction(value, UNITS[unit].per))
    assert rest <= step / 2
    if rest == step / 2:
        assert (shown / step) % 2 == 0


def test_halves_go_to_the_even_digit_whatever_floats_would_say():
    tied = [in_unit(n, 10**6, 1) for n in (250_000, 350_000, 1_050_000, 1_150_000, -250_000)]
    assert tied == ["0.2", "0.4", "1.0", "1.2", "-0.2"]
    assert in_unit(2_675_000, 10**6, 2) == "2.68" != f"{2.675:.2f}"
    assert in_unit(10**18 + 500_001, 10**6, 0) == "1,000,000,000,001"
    assert in_unit(-40_000, 10**6, 1) == "0.0"


@given(st.integers(1, 10**15))
def test_it_is_read_back(value):
    shown = in_unit(value, 10**6, 1)
    assert abs(number(f"{shown}M") - value) <= 50_000


@pytest.mark.parametrize("format_name", PEOPLE)
def test_counts_stand_in_the_unit_that_the_heading_names(format_name):
    page = text(format_name, units="M", digits=2)
    assert all(count in page for count in ("300.77", "568.74", "141.15", "3.50", "4.23", "6.68"))
    assert "300,774,272" not in page
    assert page.count("(M)") == 3
    assert "14.02" in page  # MB are left as they are


def test_headings_name_the_unit():
    columns = styled(DOCUMENT, Style(units="M")).tables[0].columns
    lines = [column.line for column in columns if column.counted]
    assert lines == ["Params (M)", "MACs (M)", "Activations (M)"]
    assert headed("FLOPs\n(torch)", "G") == "FLOPs\n(torch, G)"


def test_each_column_may_have_a_unit_of_its_own():
    page = text("markdown", units="params=M, macs=G", digits=3)
    assert "| Model | Params (M) | MACs (G) | Activations |" in page
    assert "| mobilenetv2 | 3.505 | 0.301 | 6.68 M |" in page
    assert text("markdown", units="k,macs=exact").count("(k)") == 2
    assert "| 3,504.9 | 300,774,272 | 6,679.1 |" in text("markdown", units="k,macs=exact")


def test_exact_counts_have_every_digit():
    assert "| 3,504,872 | 300,774,272 | 6,679,112 |" in text("markdown", units="exact")


@pytest.mark.parametrize("unit", ["k", "M", "G", "T"])
def test_without_digits_a_unit_has_its_own(unit):
    assert text("table", units=unit) == text("table", units=unit, digits=UNITS[unit].digits)


@pytest.mark.parametrize("format_name", ["csv", "json"])
def test_csv_and_json_stay_exact(format_name):
    style = {"units": "M", "digits": 0, "caption": "Cost", "bold": True}
    assert text(format_name, **style) == text(format_name)


def test_marks_stay_around_a_count():
    cells = [["a", ("≥ ", 5_250_000, "")], ["b", ("", 7, "*")], ["c", None]]
    columns = [
        Column("m", "Model", numeric=False),
        Column("n", "N", lambda c: f"{c[0]}{c[1]}{c[2]}", raw=lambda c: c[1], counted=True),
    ]
    table = styled(Document([Table(columns, cells)]), Style(units="M")).tables[0]
    assert [row[1] for row in table.texts()] == ["≥ 5.2", "0.0*", ""]
    assert marked("−12") == ("−", "12", "")
    assert marked("≥ 12 [a]") == ("≥ ", "12", " [a]")
    assert marked("Net[1]") == ("", "Net[1]", "")


def test_differences_keep_their_sign_and_words_stand_as_they_are():
    columns = [
        Column("m", "Model", numeric=False),
        Column("n", "Δ Params", lambda c: c if isinstance(c, str) else f"{c:+,}".replace("-", "−"),
               counted=True),
    ]  # fmt: skip
    cells = [["a", 2_250_000], ["b", -2_350_000], ["c", 0], ["d", "unknown"]]
    table = styled(Document([Table(columns, cells)]), Style(units="params=M")).tables[0]
    assert [row[1] for row in table.texts()] == ["+2.2", "−2.4", "+0.0", "unknown"]
    assert table.columns[1].line == "Δ Params (M)"


# --- caption --------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", PEOPLE)
def test_a_caption_has_the_title_s_place_and_the_title_becomes_a_note(format_name):
    page = " ".join(text(format_name, caption="Cost of three").split())
    title = "convention macs: one per multiply-accumulate of convolution"
    assert page.index("Cost of three") < page.index("ghostnet") < page.index(title)


# --- the best -------------------------------------------------------------------------------------


def best(values, which=Best.LEAST, write=str, raw=lambda value: value):
    columns = [Column("m", "M", numeric=False), Column("v", "V", write, raw=raw, best=which)]
    rows = [[f"net{n}", value] for n, value in enumerate(values)]
    table = styled(Document([Table(columns, rows)]), Style(bold=True)).tables[0]
    assert all(at == 1 for _, at in table.best)
    return sorted(row for row, _ in table.best)


def test_the_lowest_cost_and_the_highest_accuracy_are_the_best():
    assert best([3, 1, 2]) == [1]
    assert best([3, 1, 2], Best.MOST) == [0]
    assert best([3, None, 1, 1]) == [2, 3]
    assert best([1]) == best([None, 1]) == []


def test_values_that_print_alike_are_bold_alike():
    assert best([1.04, 1.02, 2], write="{:.1f}".format) == [0, 1]


def test_a_lower_bound_is_not_the_best_and_casts_doubt_on_what_is_above_it():
    def write(cell):
        return f"{'' if cell[1] else '≥ '}{cell[0]}"

    def of(*cells):
        return best(cells, write=write, raw=lambda cell: cell[0])

    assert of((3, True), (5, False)) == [0]
    assert of((3, True), (2, False)) == []
    assert of((3, True), (3, False), (4, True)) == [0]


def test_bold_is_written_in_each_format():
    style = {"bold": True, "units": "M"}
    assert "| ghostnet_100 | 5.2 | **141.2** | **3.5** | 20.73 | **73.9** [3] |" in text(
        "markdown", **style
    )
    assert ">≥" not in text("html", **style)
    assert '<td style="text-align:right"><b>73.9</b> [3]</td>' in text("html", **style)
    assert text("table", **style) == text("table", units="M")


# --- what is refused ------------------------------------------------------------------------------

TAKEN = "give exact, k, M, G or T, or one for each column, as in params=M,macs=G"
REFUSED = {
    "unit": ({"units": "Q"}, f"'Q' is not a unit of counts; {TAKEN}"),
    "unit of a column": ({"units": "params=MB"}, f"'MB' is not a unit of counts; {TAKEN}"),
    "no unit": ({"units": "params="}, f"'' is not a unit of counts; {TAKEN}"),
    "twice": ({"units": "M,G"}, f"units M,G name a column twice; {TAKEN}"),
    "empty": ({"units": " "}, "units is a text such as M, not ' '"),
    "number": ({"units": 6}, "units is a text such as M, not 6"),
    "digits": (
        {"units": "M", "digits": 1.5},
        "digits 1.5 is not an integer from 0 to 12; give one such as 1",
    ),
    "many digits": (
        {"units": "M", "digits": 13},
        "digits 13 is not an integer from 0 to 12; give one such as 1",
    ),
    "digits alone": (
        {"digits": 1},
        "digits are the decimals of counts in a unit, and none is given; give units too, such as M",
    ),
    "digits of exact": (
        {"digits": 1, "units": "exact"},
        "digits are the decimals of counts in a unit, and none is given; give units too, such as M",
    ),
    "caption": ({"caption": ""}, "caption is a text such as 'Cost at 224×224', not ''"),
    "label": (
        {"caption": "a", "label": "tab:a b"},
        "label 'tab:a b' has signs that LaTeX does not take there; give letters, digits and any "
        "of : . _ + - /, as in tab:cost",
    ),
    "label alone": (
        {"label": "tab:a"},
        "a label refers to the number that stands in a caption; give a caption too",
    ),
    "bold": ({"bold": 1}, "bold is True or False, not 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_style_is_refused(case):
    given, message = REFUSED[case]
    with pytest.raises(BadInput) as refused:
        Style(**given)
    assert str(refused.value) == message


def test_a_table_without_such_columns_refuses_them():
    bare = Document([Table([Column("a", "A")], [[1]])])
    messages = {
        Style(units="M"): "units are for counts at numbers, and this table has none; leave units "
        "out",
        Style(bold=True): "bold marks the best of several networks, and the rows of this table are "
        "not networks to choose from; leave bold out",
    }
    for style, message in messages.items():
        with pytest.raises(BadInput) as refused:
            styled(bare, style)
        assert str(refused.value) == message
    with pytest.raises(BadInput) as refused:
        text("table", units="flops=M")
    assert str(refused.value) == (
        "this table has no counts of 'flops'; it has those of params, macs or activations"
    )


def test_the_data_and_the_file_of_raw_values_are_as_before():
    document = styled(DOCUMENT, Style(units="G", caption="c", label="tab:c", bold=True))
    assert render(document, "json") == render(DOCUMENT, "json")
    rows = list(csv.DictReader(io.StringIO(render(document, "csv"))))
    assert rows[0]["macs_macs"] == "300774272"
