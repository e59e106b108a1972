"""Tables for papers: columns, order, groups, citations, and the file beside them."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from html.parser import HTMLParser

import pytest

from flopscope.answers.compare import compare
from flopscope.catalog.metrics import METRICS
from flopscope.catalog.models import MODELS
from flopscope.cli import main
from flopscope.present.citations import bibtex, key
from flopscope.present.columns import Rows, known
from flopscope.present.paper import COLUMNS, Layout, paper_document
from flopscope.present.render import FORMATS, render
from flopscope.present.table import Column, Document, Table

NAMES = ("mobilenetv2", "mobilenetv1", "mobilenetv2:width=1.4", "ghostnet_100")


def text(format_name: str, columns: str | None = None, **layout: str | None) -> str:
    chosen = Layout.parse(columns, layout.get("sort"), layout.get("group"))
    return render(paper_document(compare(NAMES, res=224), chosen), format_name)


def rows(columns: str, **layout: str | None) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text("csv", columns, **layout))))


# --- columns, order, groups -----------------------------------------------------------------------


def test_columns_stand_as_asked() -> None:
    (first, *_) = rows("macs,params")
    assert list(first) == ["model", "family", "macs", "params"]
    assert first["macs"] == str(compare(["mobilenetv2"], res=224).entries[0].count("macs"))


@pytest.mark.parametrize("name", [name for name in COLUMNS if name not in METRICS])
def test_every_column_has_a_value_in_every_format(name: str) -> None:
    (first, *_) = rows(name)
    assert list(first.values())[-1]
    for format_name in FORMATS:
        assert text(format_name, name)


def test_blanks_beside_a_comma_do_not_matter() -> None:
    assert Layout.parse(" params, fp32 ", None, None).columns == ("params", "weights")


def test_counts_of_several_conventions_stand_side_by_side() -> None:
    (first, *_) = rows("macs,fvcore,torch,count")
    ledger = compare(["mobilenetv2"], res=224).entries[0].ledger
    assert list(first)[2:] == ["macs", "macs_fvcore", "flops_torch", "macs_macs"]
    found = [int(ledger.flops(name)) for name in ("macs", "fvcore", "torch", "macs")]
    assert list(map(int, list(first.values())[2:])) == found


def test_what_narrow_types_save_stands_side_by_side() -> None:
    (first, *_) = rows("fp32,fp16,int8,int4,peak,peak_int8,traffic_fp16")
    ledger = compare(["mobilenetv2"], res=224).entries[0].ledger
    found = [ledger.weight_bytes(t) for t in ("float32", "float16", "int8", "int4")]
    found += [ledger.peak_activation_bytes(t) for t in ("float32", "int8")]
    found += [ledger.traffic_bytes("float16")]
    assert list(map(int, list(first.values())[2:])) == list(map(int, found))


@pytest.mark.parametrize(("command", "rows"), [("compare", Rows.NETWORKS)])
def test_the_columns_are_listed_before_anything_is_read(command, rows, capsys) -> None:
    assert main([command, "--columns", "help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()[2:]
    begun = [line for line in lines[: lines.index("")] if not line.startswith(" ")]
    assert [line.split("  ")[0].split(",")[0] for line in begun] == list(known(rows))


def test_columns_hold_what_the_data_say() -> None:
    comparison = compare(NAMES, res=224)
    document = paper_document(comparison, Layout.parse("params,macs,peak,traffic", None, None))
    for row, data in zip(document.tables[0].rows, document.data["models"], strict=True):
        numbers = ("params", "macs", "peak_activation_bytes", "traffic_bytes")
        assert list(map(int, row[2:])) == [data[name] for name in numbers]


@pytest.mark.parametrize(("sort", "sign"), [("macs", -1), ("+macs", 1)])
def test_rows_are_sorted_by_a_column(sort: str, sign: int) -> None:
    found = [sign * int(row["macs"]) for row in rows("macs", sort=sort)]
    assert found == sorted(found)


def test_what_has_no_value_comes_last() -> None:
    comparison = compare(["mobilenetv2:width=0.123", "mobilenetv1", "mobilenetv2"], res=224)
    for sort in ("top1", "+top1"):
        document = paper_document(comparison, Layout.parse("top1", sort, None))
        assert [row[-1] for row in document.tables[0].rows][-1] is None


def test_ratios_are_to_the_first_network_in_any_order() -> None:
    found = {row["model"]: float(row["macs_ratio"]) for row in rows("count_ratio", sort="macs")}
    assert found["mobilenetv2"] == 1.0
    assert found["mobilenetv1"] == 568_740_352 / 300_774_272
    assert "Ratios are to mobilenetv2." in text("table", "count_ratio", sort="macs")


def test_a_family_stands_together_under_its_name() -> None:
    lines = text("table", "params", group="family").splitlines()
    order = [line.split()[0] for line in lines if line.startswith(("mobilenet", "ghostnet"))]
    assert order == [
        "mobilenetv2:",
        "mobilenetv2",
        "mobilenetv2:width=1.4",
        "mobilenetv1:",
        "mobilenetv1",
        "ghostnet:",
        "ghostnet_100",
    ]


def test_csv_has_the_family_in_a_column_and_no_headings() -> None:
    assert [row["family"] for row in rows("params", group="family")] == [
        "mobilenetv2",
        "mobilenetv2",
        "mobilenetv1",
        "ghostnet",
    ]


# --- papers ---------------------------------------------------------------------------------------


def test_citations_are_keys_of_the_bibliography() -> None:
    code = text("latex", "params,cite")
    cited = re.findall(r"\\cite\{([^}]*)\}", code)
    entries = re.findall(r"^% @article\{([^,]*),$", code, re.MULTILINE)
    assert [key(MODELS[name.partition(":")[0]].paper) for name in NAMES] == cited
    assert sorted(set(cited)) == sorted(entries)


def test_markdown_cites_paper_and_source() -> None:
    page = text("markdown", "params,top1,cite")
    assert "| mobilenetv1 | 4,231,976 | 70.6 [2] | 1704.04861 |" in page
    assert "arXiv 1704.04861 (2017): MobileNets: Efficient Convolutional Neural Networks" in page
    assert "[2] mobilenetv1: stated 569M Mult-Adds (MACs)" in page


# --- HTML -----------------------------------------------------------------------------------------


def test_html_escapes_every_name() -> None:
    evil = '<script>"&'
    columns = [Column("a", evil, numeric=False), Column("b", "b", lambda cell: evil)]
    table = Table(columns, [[evil, 1]], evil, [evil], headings=[evil], bibliography=[evil])
    page = render(Document([table]), "html")
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.append(tag)

    Reader().feed(page)
    assert "script" not in tags
    assert page.count("&lt;script&gt;&quot;&amp;") == 6


def test_sort_and_group_keep_the_usual_columns() -> None:
    usual = text("csv").splitlines()
    assert text("csv", sort="macs").splitlines() == [usual[n] for n in (0, 3, 2, 1, 4)]
    grouped = list(csv.DictReader(io.StringIO(text("csv", group="family", sort="+params"))))
    assert [row["model"] for row in grouped] == [
        "mobilenetv2",
        "mobilenetv2:width=1.4",
        "mobilenetv1",
        "ghostnet_100",
    ]
    assert [column for column in grouped[0] if column != "family"] == usual[0].split(",")


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (None, ["mobilenetv2", "mobilenetv2:width=1.4", "mobilenetv1", "ghostnet_100"]),
        ("macs", ["mobilenetv2:width=1.4", "mobilenetv2", "mobilenetv1", "ghostnet_100"]),
        ("+macs", ["ghostnet_100", "mobilenetv2", "mobilenetv2:width=1.4", "mobilenetv1"]),
        ("+top1", ["mobilenetv1", "mobilenetv2", "mobilenetv2:width=1.4", "ghostnet_100"]),
    ],
)
@pytest.mark.parametrize("columns", [None, "params"])
def test_groups_keep_the_order_within_and_between(columns, sort, order) -> None:
    table = csv.DictReader(io.StringIO(text("csv", columns, group="family", sort=sort)))
    assert [row["model"] for row in table] == order


def test_networks_are_grouped_by_where_they_come_from() -> None:
    pytest.importorskip("torch")
    found = compare(["mobilenetv1", nn_linear(), "mobilenetv2"], res=224)
    page = render(paper_document(found, Layout.parse(None, "+params", "source")), "markdown")
    lines = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")]
    assert lines == [
        "Model",
        "---",
        "**own**",
        "Net",
        "**catalogue**",
        "mobilenetv2",
        "mobilenetv1",
    ]


def nn_linear():
    """A network that is smaller than any of the catalogue."""
    from torch import nn

    class Net(nn.Sequential):
        pass

    return Net(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10))


def test_names_may_have_blanks_between_them() -> None:
    assert text("csv", " params , macs") == text("csv", "params,macs")


# --- what stands beside a table -------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare", "mobilenetv1", "mobilenetv2", "--res", "224", "--columns", "params,cite"],
        ["compare", "mobilenetv1", "--convention", "fvcore", "--format", "latex"],
        ["reconcile", "mobilenetv1", "--reported", "579M", "--format", "markdown"],
        ["audit", "mobilenetv1", "--format", "csv"],
    ],
)
def test_the_file_beside_a_table_makes_it_again(arguments, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "-o", "table.out"]) == 0
    first = (tmp_path / "table.out").read_bytes()
    made = json.loads((tmp_path / "table.out.json").read_text(encoding="utf-8"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table.out", "table.out.json"]
    (tmp_path / "table.out").unlink()
    assert main(shlex.split(made["command"])[1:]) == 0
    assert (tmp_path / "table.out").read_bytes() == first
    assert made["schema"] == "flopscope.provenance/1"


def test_it_names_convention_formulas_and_papers(tmp_path) -> None:
    file = tmp_path / "t.tex"
    assert main(["compare", "mobilenetv1", "--convention", "fvcore", "-o", str(file)]) == 0
    made = json.loads((tmp_path / "t.tex.json").read_text(encoding="utf-8"))
    assert made["convention"]["name"] == "fvcore"
    assert list(made["formulas"]) == ["mobilenetv1"]
    assert made["formulas"]["mobilenetv1"].endswith("domain: B, H, W ≥ 1")
    assert made["bibtex"] == [bibtex(MODELS["mobilenetv1"].paper)]


def test_bad_input_writes_neither_file(tmp_path, capsys) -> None:
    assert main(["compare", "mobilenetv9", "-o", str(tmp_path / "t.tex")]) == 2
    assert list(tmp_path.iterdir()) == []


LISTS = "`flopscope compare --columns help` lists them"
MESSAGES = {
    (
        "--columns",
        "param",
    ): f"unknown column 'param'; did you mean params or params_ratio? {LISTS}",
    ("--columns", "depth"): f"unknown column 'depth'; {LISTS}",
    ("--columns", "params,params"): "the column params is given twice; give it once",
    ("--columns", "fp32,weights"): "the column weights is given twice; give it once",
    ("--columns", ""): "--columns is empty; give names of columns such as params,macs; " + LISTS,
    ("--columns", "params,,macs"): "--columns params,,macs leaves out a name; give names of "
    f"columns such as params,macs; {LISTS}",
    ("--columns", "kernel"): "the column kernel is of parts of a network, as in flopscope "
    f"profile; these rows are networks; {LISTS}",
    ("--columns", "macs%"): "the column macs% is of parts of a network, as in flopscope "
    f"profile; these rows are networks; {LISTS}",
    ("--sort", "cite"): "rows are sorted by numbers, and cite has none; sort by params",
    ("--group", "year"): "unknown group 'year'; known are family, source",
    ("--group", ""): "unknown group ''; known are family, source",
    ("--sort", "source"): "rows are sorted by numbers, and source has none; sort by params",
    ("--sort", "+mac"): f"unknown column 'mac'; did you mean macs? {LISTS}",
}


@pytest.mark.parametrize("arguments", MESSAGES)
def test_bad_input_is_said_in_a_sentence(arguments, capsys) -> None:
    assert main(["compare", "mobilenetv1", *arguments]) == 2
    assert capsys.readouterr() == ("", f"flopscope: {MESSAGES[arguments]}\n")
