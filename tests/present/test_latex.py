"""Tables in LaTeX, read by a strict reader and, where one is installed, by a real TeX."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from latex import read
from tex import NEEDS, check_compiles

from flopscope.answers.compare import compare
from flopscope.catalog.models import MODELS
from flopscope.cli import main
from flopscope.present.citations import bibliography
from flopscope.present.formats.tex import escaped
from flopscope.present.paper import COLUMNS, Layout, paper_document
from flopscope.present.render import render
from flopscope.present.spelling import SIGNS
from flopscope.present.style import Style, styled
from flopscope.present.table import Column, Document, Table

PAPERS = {model.paper for model in MODELS.values()}
NAMES = ("mobilenetv2", "mobilenetv1", "mobilenetv2:width=1.4", "ghostnet_100")
EVIL = r"50%_of & #1 ~ ^ \ <a> {b} | $x$ --res [1] * α²"
PRINTED = (
    r"50\%\_of \& \#1 \textasciitilde{} \textasciicircum{} \textbackslash{} $<$a$>$ \{b\} $|$ "
    r"\$x\$ -{}-res [1] * $\alpha$$^{2}$"
)
"""How LaTeX writes it."""


def latex(columns: str | None = None, group: str | None = None, **style: object) -> str:
    chosen = Layout.parse(columns, None, group)
    document = paper_document(compare(NAMES, res=224), chosen)
    return render(styled(document, Style(**style)), "latex")


# --- the parts of a table -------------------------------------------------------------------------


def test_it_names_the_packages_that_it_needs() -> None:
    assert read(latex()).needs == ["booktabs", "threeparttable"]
    bare = Document([Table([Column("a", "A")], [[1]])])
    page = read(render(bare, "latex"))
    assert (page.needs, page.around, page.notes) == (["booktabs"], [()], [])


@pytest.mark.parametrize("group", [None, "family", "source"])
@pytest.mark.parametrize("columns", [None, ",".join(COLUMNS), "params,macs,top1,cite"])
def test_each_row_has_a_cell_for_each_column(columns: str | None, group: str | None) -> None:
    (table,) = read(latex(columns, group)).tables
    assert len(table.rows) == len(NAMES)
    assert table.alignment[0] == "l"
    families = ["mobilenetv2", "mobilenetv1", "ghostnet"]
    assert table.spans == {None: [], "family": families, "source": ["catalogue"]}[group]


def test_a_caption_makes_it_a_table_that_floats_and_can_be_referred_to() -> None:
    assert read(latex()).around == [("threeparttable",)]
    page = read(latex(caption="Cost, in % & MACs", label="tab:my_cost-1"))
    assert page.around == [("table", "threeparttable")]
    assert page.captions == [r"Cost, in \% \& MACs"]
    assert page.labels == ["tab:my_cost-1"]


def test_the_title_is_the_first_note_and_marks_name_the_others() -> None:
    page = read(latex())
    assert page.notes[0].startswith(r" Input 224$\times$224, batch 1. MACs, convention macs: one")
    assert page.notes[1].startswith("[1] mobilenetv2: stated 300M MAdds (MACs), 3.4M params, ")
    (table,) = page.tables
    assert [row[5] for row in table.rows] == [
        rf"{top1}\tnote{{{n}}}" for n, top1 in enumerate(("72.0", "70.6", "74.7", "73.9"), start=1)
    ]


def test_a_mark_without_a_note_stays_text() -> None:
    columns = [Column("a", "A", numeric=False), Column("b", "B")]
    table = Table(columns, [["[1]", "5*"], ["x [2]", "6"]], notes=["* stated", "[2] so"])
    code = render(Document([table]), "latex")
    assert read(code).tables[0].rows == [["{}[1]", r"5\tnote{*}"], [r"x\tnote{2}", "6"]]
    assert read(code).notes == ["[*] stated", "[2] so"]


def test_headings_have_two_lines_where_one_has() -> None:
    (table,) = read(latex("params,macs,top1")).tables
    assert table.heads == [["", "", "MACs", "Top-1"], ["Model", "Params", "(macs)", r"\%"]]
    (table,) = read(latex("params,cite")).tables
    assert table.heads == [["Model", "Params", "arXiv"]]


def test_the_caption_is_that_of_the_table_that_was_asked_for() -> None:
    document = paper_document(compare(NAMES[:2], res=224, by=None), Layout())
    aside = Table([Column("a", "A")], [[1]], aside=True)
    document = Document([aside, *document.tables], document.data)
    page = read(render(styled(document, Style(caption="Cost", label="tab:c")), "latex"))
    assert page.around == [(), ("table", "threeparttable")]
    assert (page.captions, page.labels) == (["Cost"], ["tab:c"])


# --- texts ----------------------------------------------------------------------------------------


def test_texts_are_printed_as_they_are_wherever_they_stand() -> None:
    assert escaped(EVIL) == PRINTED
    columns = [Column("a", EVIL, numeric=False), Column("b", "B")]
    table = Table(columns, [[EVIL, 1]], EVIL, [EVIL], headings=[EVIL])
    page = read(render(styled(Document([table]), Style(caption=EVIL)), "latex"))
    assert page.captions == [PRINTED]
    assert page.notes == [f" {PRINTED}"] * 2
    assert page.tables[0].heads == [[PRINTED, "B"]]
    assert page.tables[0].rows == [[PRINTED, "1"]]
    assert page.tables[0].spans == [PRINTED]


@given(st.text(st.sampled_from([*map(chr, range(32, 127)), *SIGNS, "⁻", "²", "₀", "\n"])))
def test_any_text_can_stand_in_a_table(words: str) -> None:
    table = Table(
        [Column("a", "A", numeric=False), Column("b", words)], [[words, 1]], words, [words]
    )
    read(render(styled(Document([table]), Style(caption=f"a {words}")), "latex"))


def test_every_sign_that_flopscope_prints_has_its_latex() -> None:
    for sign in SIGNS:
        assert escaped(f"a{sign}b").replace("\u00a0", "~").isascii(), sign
    assert escaped("x⁻¹² y₁₀") == "x$^{-12}$ y$_{10}$"
    assert escaped("a\n  b") == "a b"


@pytest.mark.parametrize("start", ["[1] first", "* first"])
def test_a_row_or_note_does_not_become_an_option(start: str) -> None:
    table = Table([Column("a", "A", numeric=False)], [["x"], [start]], notes=[f"[ {start}"])
    code = render(Document([table]), "latex")
    assert "\n{}" + start in code
    assert rf"\item {{}}[ {start}" in code


# --- the best -------------------------------------------------------------------------------------


def test_the_best_values_are_bold_and_their_marks_are_not() -> None:
    (table,) = read(latex(bold=True, units="M")).tables
    bold = {
        (n, at) for n, row in enumerate(table.rows) for at, c in enumerate(row) if "textbf" in c
    }
    assert bold == {(0, 1), (0, 4), (2, 5), (3, 2), (3, 3)}
    assert table.rows[2][5] == r"\textbf{74.7}\tnote{3}"
    assert table.rows[3][2] == r"\textbf{141.2}"


# --- a real TeX -----------------------------------------------------------------------------------

PROFILE = ["profile", "nets.py:Net", "--input", "B,3,H,W", "--format", "latex"]
COMMANDS = {
    "usual": ["compare", *NAMES, "--format", "latex"],
    "everything": [
        *("compare", *NAMES, "--format", "latex", "--columns", ",".join(COLUMNS)),
        *("--group", "family", "--sort", "macs", "--units", "M", "--digits", "2", "--bold"),
        *("--caption", EVIL, "--label", "tab:a_b"),
    ],
    "split": ["compare", *NAMES[:2], "--by", "kind", "--format", "latex", "--caption", "Kinds"],
    "pareto": ["pareto", "--max-macs", "600M", "--format", "latex", "--units", "M"],
    "formulas": PROFILE,
    "layers": [
        *("show", "mobilenetv1", "--by", "layer", "--units", "k", "--format", "latex"),
        *("--caption", "Layers", "--label", "tab:layers"),
    ],
    "designs": [
        *("solve", "mobilenetv2", "--macs", "300M", "--free", "width", "--units", "M"),
        *("--format", "latex", "--caption", "Designs"),
    ],
    "diff": [
        *("diff", "mobilenetv1", "mobilenetv1:width=0.5", "--format", "latex", "--units", "M"),
        *("--caption", "Half the width"),
    ],
    "sweep": [
        *("sweep", "mobilenetv2", "--free", "width=0.5,1", "--format", "latex", "--units", "M"),
        *("--caption", "Widths", "--label", "tab:widths"),
    ],
    "check": ["check", "mobilenetv1", "--res", "32", "--format", "latex"],
    "audit": ["audit", "mobilenetv1", "--format", "latex"],
    "reconcile": ["reconcile", "mobilenetv1", "--reported", "579M", "--format", "latex"],
    "list": ["list", "ghost*", "--format", "latex"],
    "conventions": ["conventions", "--format", "latex"],
}
"""A command with each kind of table."""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_strict_reader_takes_the_tables_of_every_command(name, capsys, monkeypatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[1] / "support")
    assert main(COMMANDS[name]) == 0
    page = read(capsys.readouterr().out)
    assert page.tables
    assert all(table.rows for table in page.tables)
    assert bool(page.captions) == ("--caption" in COMMANDS[name])
    assert ("threeparttable" in page.needs) == bool(page.notes)


@pytest.mark.may_skip(NEEDS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_real_tex_compiles_it(name: str, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[1] / "support")
    assert main(COMMANDS[name]) == 0
    check_compiles(capsys.readouterr().out, bibliography(PAPERS), tmp_path)
