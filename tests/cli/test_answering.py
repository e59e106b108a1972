"""What happens to every command's answer, tried on a command of the test's own."""

import json

import click
import pytest

from flopscope.cli import main
from flopscope.cli.answering import Answer, answered
from flopscope.cli.options import FORMAT, OUTPUT, PLOT
from flopscope.errors import BadInput, UnknownName
from flopscope.present.provenance import Sources
from flopscope.present.render import FORMATS
from flopscope.present.table import Column, Document, Table

DOCUMENT = Document([Table([Column("n", "N")], [[3]])], {"n": 3})


def asked(answer, *words):
    """The exit status or message, and how often the command ran, of one with this answer."""
    ran = []

    @click.command()
    @FORMAT
    @OUTPUT
    @PLOT
    @answered
    def verb():
        ran.append(answer)
        return answer

    try:
        return verb.main(list(words), standalone_mode=False, obj=["verb", *words]), len(ran)
    except (BadInput, UnknownName) as error:
        return str(error), len(ran)


@pytest.mark.parametrize("format_name", FORMATS)
def test_it_is_printed_in_each_format(capsys, format_name):
    assert asked(Answer(DOCUMENT), "--format", format_name) == (None, 1)
    assert capsys.readouterr().out == FORMATS[format_name](DOCUMENT).rstrip("\n") + "\n"


def test_formats_of_its_own_are_not_those_of_documents(capsys):
    assert asked(Answer("me", formats={"table": str.upper})) == (None, 1)
    assert capsys.readouterr() == ("ME\n", "")


def test_the_exit_status_says_whether_it_holds(capsys):
    assert asked(Answer(DOCUMENT, holds=False), "--format", "csv") == (1, 1)
    assert capsys.readouterr().out == "n\n3\n"


def test_an_answer_that_is_told_is_printed_beside_its_file(tmp_path, capsys):
    path = tmp_path / "n.json"
    assert asked(Answer(DOCUMENT, told=True), "-o", str(path)) == (None, 1)
    assert json.loads(path.read_text()) == {"n": 3}
    assert capsys.readouterr().out == FORMATS["table"](DOCUMENT).rstrip("\n") + "\n"
    assert asked(Answer(DOCUMENT, told=True), "--format", "csv") == (None, 1)
    assert capsys.readouterr().out == "n\n3\n"  # once is enough


def test_a_file_has_its_sources_beside_it(tmp_path):
    path = tmp_path / "n.csv"
    answer = Answer(DOCUMENT, Sources(others={"more": 1}))
    assert asked(answer, "--format", "csv", "-o", str(path)) == (None, 1)
    assert path.read_text() == "n\n3\n"
    made = json.loads((tmp_path / "n.csv.json").read_text())
    assert made["command"] == f"flopscope verb --format csv -o {path}"
    assert (made["more"], made["data"], list(made["packages"])) == (1, {"n": 3}, [])


def test_a_file_without_sources_is_alone(tmp_path):
    path = tmp_path / "n.csv"
    assert asked(Answer(DOCUMENT), "--format", "csv", "-o", str(path)) == (None, 1)
    assert list(tmp_path.iterdir()) == [path]


def test_a_broken_answer_is_written_all_the_same(tmp_path):
    path = tmp_path / "n.csv"
    answer = Answer(DOCUMENT, Sources(), holds=False)
    assert asked(answer, "--format", "csv", "-o", str(path)) == (1, 1)
    assert path.read_text() == "n\n3\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--format", "jsno"), "unknown format 'jsno'; did you mean json?"),
        (
            ("-o", "nowhere/n.csv"),
            "cannot write 'nowhere/n.csv'; give a file in a folder that exists and is writable",
        ),
        (
            ("--plot", "n.gif"),
            "a picture cannot be drawn into 'n.gif'; give a name that ends in .png, .svg or .pdf",
        ),
        (
            ("--plot", "nowhere/n.png"),
            "cannot write 'nowhere/n.png'; give a file in a folder that exists and is writable",
        ),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_command_runs(
    monkeypatch, tmp_path, words, said
):
    monkeypatch.chdir(tmp_path)
    assert asked(Answer(DOCUMENT), *words) == (said, 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["-o", "--plot"])
def test_what_goes_beside_a_file_must_be_a_file(monkeypatch, tmp_path, option):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "n.png.json").mkdir()
    said = "cannot write 'n.png.json'; give a file in a folder that exists and is writable"
    assert asked(Answer(DOCUMENT), option, "n.png") == (said, 0)


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("flopscope.present.compare.comparison_document", "compare mobilenetv1"),
        ("flopscope.present.pareto.front_document", "pareto --family ghostnet"),
    ],
)
def test_a_document_is_laid_out_once(capsys, monkeypatch, tmp_path, where, line):
    """Whether it is printed, written or drawn."""
    calls = []
    module, _, name = where.rpartition(".")
    original = getattr(__import__(module, fromlist=[name]), name)

    def counted(*given):
        calls.append(given)
        return original(*given)

    monkeypatch.setattr(where, counted)
    files = ["-o", str(tmp_path / "t"), "--plot", str(tmp_path / "p.svg")]
    assert main([*line.split(), *files]) == 0
    assert len(calls) == 1
    assert capsys.readouterr() == ("", "")
    assert len(list(tmp_path.iterdir())) == 4


def test_a_profile_is_laid_out_once(capsys, monkeypatch, tmp_path):
    from flopscope.present import profile

    calls = []
    original = profile.profile_data
    monkeypatch.setattr(
        profile, "profile_data", lambda *given: calls.append(given) or original(*given)
    )
    words = ["profile", "mobilenetv1:width=0.25", "--res", "32"]
    assert main([*words, "-o", str(tmp_path / "t")]) == 0
    assert len(calls) == 1
    assert main([*words, "--format", "json"]) == 0
    made = json.loads((tmp_path / "t.json").read_text())
    assert json.loads(capsys.readouterr().out) == made["data"]
