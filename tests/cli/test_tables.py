"""The options of a table's style on the command line, and the file of --bib."""

from __future__ import annotations

import json
import os

import pytest

from flopscope.catalog.models import MODELS
from flopscope.cli import main
from flopscope.present.citations import HEADER, bibliography

TWO = ["compare", "mobilenetv2", "regnetx_200mf", "--res", "224"]
PAPERS = bibliography(MODELS[name].paper for name in TWO[1:3])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys, *words: str) -> tuple[int, str, str]:
    status = main([*words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


# --- style ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["compare", "mobilenetv2"], "3.50  300.77    6.68  14.02"),
        (["pareto", "--family", "mobilenetv2", "--res", "224"], "300.77  72.0"),
        (["solve", "mobilenetv2", "--macs", "300M", "--free", "width"], "299.90"),
        (["profile", "mobilenetv2", "--depth", "0"], "3.50  300.77  100.0    6.68"),
    ],
)
def test_every_table_of_counts_takes_units(capsys, words, shown):
    status, out, err = said(capsys, *words, "--units", "M", "--digits", "2")
    assert (status, err) == (0, "")
    assert shown in out
    assert "(M)" in out


def test_a_style_is_the_same_in_a_file(capsys, folder):
    words = [*TWO, "--units", "M", "--digits", "2", "--caption", "Cost", "--bold"]
    _, printed, _ = said(capsys, *words, "--format", "latex")
    assert said(capsys, *words, "-o", "t.tex") == (0, "", "")
    assert (folder / "t.tex").read_text(encoding="utf-8") == printed
    made = json.loads((folder / "t.tex.json").read_text(encoding="utf-8"))
    assert made["data"]["models"][0]["macs"] == 300_774_272


MESSAGES = {
    ("--bold",): (
        "--bold is not shown in the format table; give --format markdown, latex or html, or leave "
        "--bold out"
    ),
    ("--caption", "Cost", "--format", "csv"): (
        "--caption is not shown in the format csv; give --format table, markdown, latex or html, "
        "or leave --caption out"
    ),
    ("--caption", "Cost", "--label", "tab:a", "-o", "t.md"): (
        "--label is not shown in the format markdown; give --format latex, or leave --label out"
    ),
    ("--digits", "x"): "--digits x is not an integer from 0; give one such as 2",
    ("--digits", "2"): (
        "digits are the decimals of counts in a unit, and none is given; give units too, such as M"
    ),
    ("--units", "flops=M"): (
        "this table has no counts of 'flops'; it has those of params, macs or activations"
    ),
    ("--units", ""): "units is a text such as M, not ''",
}


@pytest.mark.parametrize("words", MESSAGES)
def test_what_does_not_fit_is_said_and_nothing_is_written(capsys, folder, words):
    assert said(capsys, *TWO, *words) == (2, "", f"flopscope: {MESSAGES[words]}\n")
    assert list(folder.iterdir()) == []


def test_python_functions_have_no_style(capsys):
    words = ["profile", "mobilenetv2", "--input", "B,3,H,W", "--format", "python", "--units", "M"]
    assert said(capsys, *words) == (
        2,
        "",
        "flopscope: a unit or a caption is for tables, and format python has none; give table, "
        "markdown, latex, csv, json or html\n",
    )


# --- the file of entries --------------------------------------------------------------------------


def test_bib_writes_the_papers_and_latex_does_not_repeat_them(capsys, folder):
    words = [*TWO, "--columns", "params,cite", "--format", "latex"]
    status, out, _ = said(capsys, *words, "--bib", "papers.bib")
    assert status == 0
    assert (folder / "papers.bib").read_text(encoding="utf-8") == PAPERS
    assert [path.name for path in folder.iterdir()] == ["papers.bib"]
    assert "@" not in out
    assert r"\cite{arxiv-1801.04381}" in out
    assert "@article{arxiv-1801.04381" in said(capsys, *words)[1]


@pytest.mark.parametrize("before", ["", " \n", f"{HEADER}\n\n@article{{old}}\n"])
def test_it_writes_its_own_file_anew(capsys, folder, before):
    (folder / "papers.bib").write_text(before, encoding="utf-8")
    assert said(capsys, *TWO, "--bib", "papers.bib", "-o", "t.tex") == (0, "", "")
    assert (folder / "papers.bib").read_text(encoding="utf-8") == PAPERS


REFUSED = {
    "mine.bib": (
        "'mine.bib' has entries that flopscope did not write, and --bib would write the file anew; "
        "give another name"
    ),
    "papers.txt": (
        "--bib papers.txt names no file for BibTeX; give one that ends in .bib, such as papers.bib"
    ),
    "nowhere/papers.bib": (
        "cannot write 'nowhere/papers.bib'; give a file in a folder that exists and is writable"
    ),
}


@pytest.mark.parametrize("path", REFUSED)
def test_a_file_that_is_not_its_own_is_left_alone(capsys, folder, path):
    mine = "@article{mine, title = {Mine}}\n"
    (folder / "mine.bib").write_text(mine, encoding="utf-8")
    answer = said(capsys, *TWO, "--bib", path, "-o", "t.tex")
    assert answer == (2, "", f"flopscope: {REFUSED[path]}\n")
    assert (folder / "mine.bib").read_text(encoding="utf-8") == mine
    assert os.listdir(folder) == ["mine.bib"]


def test_two_options_do_not_write_one_file(capsys, folder):
    assert said(capsys, *TWO, "-o", "a.bib", "--bib", "./a.bib") == (
        2,
        "",
        "flopscope: --output a.bib and --bib ./a.bib would write the same file; give another name "
        "to one of them\n",
    )
    assert list(folder.iterdir()) == []


def test_networks_without_a_paper_have_no_entries(capsys, folder):
    (folder / "net.py").write_text("from torch import nn\nnet = nn.Conv2d(3, 8, 3)\n")
    assert said(capsys, "compare", "net.py:net", "--res", "32", "--bib", "a.bib") == (
        2,
        "",
        "flopscope: --bib is for networks of the catalogue, whose papers are known, and the table "
        "has none; leave --bib out\n",
    )
    assert [name for name in os.listdir(folder) if name != "__pycache__"] == ["net.py"]
