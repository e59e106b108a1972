"""Where answers are written: links, modes, pipes and devices, standard output, what lies there
already, and the format that a file's ending names."""

import csv
import io
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flopscope.cli import files, main
from flopscope.errors import BadInput

LIST = ["compare", "mobilenetv1", "--res", "32", "--format", "csv"]


def run(capsys, *words):
    status = main(list(words))
    return (status, *capsys.readouterr())


@pytest.fixture
def answer(capsys):
    """What LIST prints."""
    assert main(LIST) == 0
    return capsys.readouterr().out


# --- where it goes ------------------------------------------------------------------------------


def test_a_link_stays_and_the_file_that_it_names_is_written(answer, tmp_path):
    real, link = tmp_path / "real" / "t.csv", tmp_path / "t.csv"
    real.parent.mkdir()
    real.write_text("old")
    link.symlink_to(Path("real") / "t.csv")
    assert main([*LIST, "-o", str(link)]) == 0
    assert link.is_symlink()
    assert os.readlink(link) == "real/t.csv"
    assert real.read_text() == answer
    assert sorted(path.name for path in tmp_path.iterdir()) == ["real", "t.csv", "t.csv.json"]
    assert list(real.parent.iterdir()) == [real]


def test_a_link_to_a_file_that_is_not_there_yet_makes_it(answer, tmp_path):
    (tmp_path / "t.csv").symlink_to(tmp_path / "new")
    assert main([*LIST, "-o", str(tmp_path / "t.csv")]) == 0
    assert (tmp_path / "t.csv").is_symlink()
    assert (tmp_path / "new").read_text() == answer


@pytest.mark.parametrize("to", ["nowhere/t", "loop"])
def test_a_link_that_leads_nowhere_is_refused(capsys, monkeypatch, tmp_path, to):
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to(to)
    said = "cannot write 'loop'; give a file in a folder that exists and is writable"
    assert run(capsys, *LIST, "-o", "loop") == (2, "", f"flopscope: {said}\n")
    assert os.listdir() == ["loop"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_keeps_its_mode(tmp_path, mode):
    for name in ("t", "t.json"):
        (tmp_path / name).write_text('{"schema": "flopscope.provenance/1"}')
        (tmp_path / name).chmod(mode)
    assert main([*LIST, "-o", str(tmp_path / "t")]) == 0
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("t", "t.json")]
    assert modes == [mode, mode]


def test_a_new_file_has_the_mode_of_new_files(tmp_path):
    before = os.umask(0o027)
    try:
        assert main([*LIST, "-o", str(tmp_path / "t")]) == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "t").stat().st_mode) == 0o640


def test_a_pipe_is_written_to_and_stays(answer, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    status = main([*LIST, "-o", str(pipe)])
    reader.join()
    assert (status, read) == (0, [answer])
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_device_is_written_to_and_stays(capsys):
    assert run(capsys, *LIST, "-o", os.devnull) == (0, "", "")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    assert not os.path.exists(f"{os.devnull}.json")


def test_a_minus_is_standard_output(answer, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert run(capsys, *LIST, "-o", "-") == (0, answer, "")
    assert run(capsys, "formula", "separable_conv", "-o", "-", "--format", "json")[0] == 0
    assert os.listdir() == []


@pytest.mark.parametrize("append", [False, True])
def test_the_device_of_standard_output_keeps_what_the_file_holds(answer, tmp_path, append):
    """A shell that appends to a file has opened it; the answer goes behind what is there."""
    log = tmp_path / "log"
    log.write_text("before\n")
    with log.open("a" if append else "w") as stream:
        words = [sys.executable, "-m", "flopscope", *LIST, "-o", "/dev/stdout"]
        done = subprocess.run(words, stdout=stream, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert log.read_text() == ("before\n" if append else "") + answer
    assert list(tmp_path.iterdir()) == [log]


# --- what lies there already --------------------------------------------------------------------


@pytest.mark.parametrize(
    "theirs", ["", "{}", "[1]", "not json", '{"schema": "theirs/1"}', '{"schema": 3}']
)
@pytest.mark.parametrize("option", ["-o", "--plot"])
def test_a_file_of_another_program_is_not_overwritten(
    capsys, monkeypatch, tmp_path, theirs, option
):
    monkeypatch.chdir(tmp_path)
    Path("t.svg.json").write_text(theirs)
    said = (
        "'t.svg.json' would say how 't.svg' is made, and another program wrote the file that has "
        "this name; move it away, or give another name"
    )
    assert run(capsys, "compare", "mobilenetv1", option, "t.svg") == (2, "", f"flopscope: {said}\n")
    assert os.listdir() == ["t.svg.json"]
    assert Path("t.svg.json").read_text() == theirs


def test_its_own_is_overwritten(tmp_path):
    path = tmp_path / "t"
    assert main([*LIST, "-o", str(path)]) == 0
    assert main(["compare", "mobilenetv2", "-o", str(path)]) == 0
    assert json.loads((tmp_path / "t.json").read_text())["command"].startswith(
        "flopscope compare mobilenetv2"
    )


def test_a_command_that_writes_one_file_minds_no_other(capsys, tmp_path):
    (tmp_path / "f.json").write_text("theirs")
    assert run(capsys, "formula", "separable_conv", "-o", str(tmp_path / "f")) == (0, "", "")
    assert (tmp_path / "f.json").read_text() == "theirs"


@pytest.mark.parametrize(("output", "plot"), [("p.svg", "p.svg"), ("p.svg.json", "p.svg")])
def test_an_answer_and_its_picture_are_two_files(capsys, monkeypatch, tmp_path, output, plot):
    monkeypatch.chdir(tmp_path)
    said = (
        f"--output {output} and --plot {plot} would write the same file; give another name to one "
        "of them"
    )
    words = ["compare", "mobilenetv1", "-o", output, "--plot", plot]
    assert run(capsys, *words) == (2, "", f"flopscope: {said}\n")
    assert os.listdir() == []


@pytest.mark.parametrize("old", [True, False])
def test_both_files_or_neither(monkeypatch, tmp_path, old):
    """The second file cannot be put in place: the first is as it was, and nothing else is left."""
    path, beside = tmp_path / "t", tmp_path / "t.json"
    before = {path: b"old", beside: b'{"schema": "flopscope.provenance/1"}'} if old else {}
    for file, content in before.items():
        file.write_bytes(content)
    replace = os.replace

    def failing(part, file):
        if Path(file) == beside:
            raise OSError(28, "No space left on device")
        replace(part, file)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(BadInput) as raised:
        files.write_with(str(path), b"new", {"schema": "flopscope.provenance/1"})
    assert str(raised.value) == f"cannot write '{path}': No space left on device; give another file"
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


# --- the ending names the format ----------------------------------------------------------------

COMPARE = ["compare", "mobilenetv1", "--res", "32"]


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        ("t.csv", "csv"),
        ("t.CSV", "csv"),
        ("t.md", "markdown"),
        ("t.tex", "latex"),
        ("t.json", "json"),
        ("t.html", "html"),
        ("t.txt", "table"),
        ("t", "table"),
        ("csv", "table"),
    ],
)
def test_the_ending_names_the_format(capsys, tmp_path, name, format_name):
    path = tmp_path / name
    assert run(capsys, *COMPARE, "-o", str(path)) == (0, "", "")
    assert run(capsys, *COMPARE, "--format", format_name) == (0, path.read_text(), "")
    assert run(capsys, *COMPARE, "--format", format_name, "-o", str(path)) == (0, "", "")


def test_it_does_for_commands_with_formats_of_their_own(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "formula", "separable_conv", "-o", "f.py") == (0, "", "")
    assert Path("f.py").read_text().startswith("def ")
    assert run(capsys, "formula", "separable_conv", "-o", "f.json") == (0, "", "")
    assert json.loads(Path("f.json").read_text())
    free = ["profile", "mobilenetv1:width=0.25", "--input", "B,3,H,W", "--depth", "0"]
    assert run(capsys, *free, "-o", "p.py") == (0, "", "")
    assert Path("p.py").read_text().startswith("def ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            [*COMPARE, "-o", "t.PDF"],
            "--output t.PDF would be text, and a file that ends in .pdf is none; give an ending "
            "such as .csv or .html, or draw the answer with --plot t.PDF",
        ),
        (
            [*COMPARE, "-o", "t.xlsx"],
            "--output t.xlsx would be text, and a file that ends in .xlsx is none; give an ending "
            "such as .csv or .html",
        ),
        (
            ["list", "-o", "t.png"],
            "--output t.png would be text, and a file that ends in .png is none; give an ending "
            "such as .csv or .html",
        ),
    ],
)
def test_no_text_is_written_under_the_name_of_a_picture(capsys, monkeypatch, tmp_path, words, said):
    monkeypatch.chdir(tmp_path)
    assert run(capsys, *words) == (2, "", f"flopscope: {said}\n")
    assert os.listdir() == []


def test_an_ending_and_a_format_that_differ_are_refused(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    said = (
        "--output t.md names the format markdown, and --format is csv; leave --format out, or give "
        "the file another ending"
    )
    assert run(capsys, *LIST, "-o", "t.md") == (2, "", f"flopscope: {said}\n")
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            [*COMPARE, "-o", "t.py"],
            "unknown format 'python'; known are table, markdown, latex, csv, json, html",
        ),
        (
            ["formula", "separable_conv", "-o", "t.csv"],
            "unknown format 'csv'; known are text, latex, python, javascript, json",
        ),
        (["laws", "-o", "t.json"], "unknown format 'json'; known are text, markdown"),
    ],
)
def test_a_format_that_the_command_has_not_is_refused(capsys, monkeypatch, tmp_path, words, said):
    monkeypatch.chdir(tmp_path)
    assert run(capsys, *words) == (2, "", f"flopscope: {said}\n")
    assert os.listdir() == []


# --- one table in CSV ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "rows"),
    [
        ("compare mobilenetv1 mobilenetv2 --by kind", 8),
        ("compare mobilenetv1 --by stage --columns params,macs", 7),
        ("show mobilenetv1 --by stage", 7),
        ("profile mobilenetv1 --res 64 --by operator", 7),
        ("profile mobilenetv1 --res 64 --by operator --backward", 18),
        ("profile mobilenetv1 --input B,3,H,W --by operator", 7),
    ],
)
def test_a_split_is_one_table_in_csv(capsys, command, rows):
    status, out, err = run(capsys, *command.split(), "--format", "csv")
    assert (status, err) == (0, "")
    header, *body = csv.reader(io.StringIO(out))
    assert len(body) == rows
    assert {len(row) for row in body} == {len(header)}


def test_people_read_the_totals_too(capsys):
    status, out, _ = run(capsys, *COMPARE, "--by", "kind", "--format", "markdown")
    assert (status, out.count("| Model |"), out.count("| Kind |")) == (0, 1, 1)
