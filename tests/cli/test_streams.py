"""Any encoding and any width of a terminal."""

import io
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopscope.cli import main
from flopscope.cli.streams import spelled_streams
from flopscope.present.spelling import escaped, fitted, spelled

ENCODINGS = ["ascii", "latin-1", "cp1252", "cp437", "utf-8"]


def ran(*words, **environment):
    """Status, and the bytes of standard output and standard error, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "flopscope", *words],
        capture_output=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_formula_is_printed_in_any_encoding(encoding):
    status, out, err = ran("formula", "mobilenetv2", PYTHONIOENCODING=encoding)
    assert (status, err) == (0, b"")
    text = out.decode(encoding)
    assert ("⌈H/2⌉" if encoding == "utf-8" else "ceil(H/2)") in text
    assert ("B ≥ 1" in text or ", W ≥ 1" in text) is (encoding in ("utf-8", "cp437"))


def test_ascii_is_ascii_in_help_answers_and_messages():
    for words in (["--help"], ["solve", "--help"], ["compare", "mobilenetv1", "--by", "kind"]):
        status, out, err = ran(*words, PYTHONIOENCODING="ascii")
        assert (status, err) == (0, b"")
        assert out.isascii()
    status, out, err = ran("compare", "mobilenetv2:", PYTHONIOENCODING="ascii")
    assert (status, out) == (2, b"")
    assert err == (
        b"flopscope: 'mobilenetv2:' ends in a colon without options; write mobilenetv2:width=...\n"
    )


def test_what_is_printed_differs_in_signs_only():
    words = ["compare", "mobilenetv1", "--res", "32", "--format", "json"]
    found = [json.loads(ran(*words, PYTHONIOENCODING=each)[1]) for each in ("ascii", "utf-8")]
    assert found[0]["models"][0]["macs"] == found[1]["models"][0]["macs"]


def test_a_file_is_utf_8_whatever_the_terminal_is(tmp_path):
    path = tmp_path / "f"
    assert ran("formula", "mobilenetv2", "-o", str(path), PYTHONIOENCODING="ascii")[0] == 0
    assert "⌈H/2⌉" in path.read_text(encoding="utf-8")


def test_streams_are_put_back():
    before = sys.stdout, sys.stderr
    with pytest.raises(KeyError), spelled_streams():
        raise KeyError
    assert (sys.stdout, sys.stderr) == before


@given(st.text(), st.sampled_from(ENCODINGS))
def test_every_text_can_be_encoded(text, encoding):
    shown = spelled(text, encoding)
    shown.encode(encoding)
    assert shown == text or not _encodes(text, encoding)


def _encodes(text, encoding):
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(ENCODINGS))
def test_json_keeps_its_strings_in_every_encoding(text, encoding):
    written = escaped(json.dumps([text], ensure_ascii=False), encoding)
    written.encode(encoding)
    assert json.loads(written) == [text]


@given(st.text("ab ─\n"), st.integers(40, 120))
def test_no_line_is_wider_than_its_room(text, width):
    shown = fitted(text, width)
    assert all(len(line) <= width for line in shown.split("\n"))
    assert [c for c in shown if c in "ab"] == [c for c in text if c in "ab"]


COMMANDS = ["compare mobilenetv1 mobilenetv2 mobilenetv3_large --by kind", "formula mobilenetv2",
            "list", "assert mobilenetv2 --max-macs 1"]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("width", [40, 63, 80])
def test_no_answer_is_wider_than_columns(capsys, monkeypatch, command, width):
    monkeypatch.setenv("COLUMNS", str(width))
    main(command.split())
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("format_name", ["csv", "json", "markdown"])
def test_what_programs_read_has_its_lines_whole(capsys, monkeypatch, format_name):
    words = ["compare", "mobilenetv1", "--format", format_name]
    main(words)
    before = capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "40")
    main(words)
    assert capsys.readouterr().out == before


def test_a_pipe_has_no_width(capsys, monkeypatch):
    words = ["assert", "mobilenetv2", "--max-macs", "1", "--max-energy", "1"]
    monkeypatch.delenv("COLUMNS", raising=False)
    main(words)
    wide = capsys.readouterr().out
    assert max(map(len, wide.splitlines())) > 80
    monkeypatch.setenv("COLUMNS", "200")
    main(words)
    assert capsys.readouterr().out == wide


def test_a_terminal_has_a_width(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((50, 20)))
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert main(["compare", "mobilenetv1"]) == 0
    assert max(map(len, sys.stdout.getvalue().splitlines())) <= 50


def test_a_table_that_is_too_wide_stands_in_parts(capsys, monkeypatch):
    """Each with the names of the rows, so that every number stands on the line of its row."""
    words = ["compare", "mobilenetv1", "mobilenetv2", "--by", "kind"]
    monkeypatch.setenv("COLUMNS", "60")
    main(words)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[1:] for line in lines if line[:1] == ["total"]] == [
        ["568,740,352", "100.0", "300,774,272"],
        ["100.0"],
    ]
    assert [line[2:] for line in lines if line[:2] == ["pointwise", "convolution"]] == [
        ["539,492,352", "94.9", "267,939,840"],
        ["89.1"],
    ]


def test_json_on_a_terminal_of_ascii_is_that_of_any_other():
    command = [sys.executable, "-m", "flopscope", "conventions", "--format", "json"]
    read = []
    for encoding in ("ascii", "utf-8"):
        environment = os.environ | {"PYTHONIOENCODING": encoding}
        done = subprocess.run(command, capture_output=True, env=environment, check=True)
        read.append(json.loads(done.stdout.decode(encoding)))
    assert read[0] == read[1]
    assert not json.dumps(read, ensure_ascii=False).isascii()
