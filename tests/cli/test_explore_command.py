"""`flopscope explore` writes one page, whole or not at all."""

from __future__ import annotations

import webbrowser

from flopscope.cli import main


def test_it_writes_the_page_and_opens_it(tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    file = tmp_path / "page.html"
    assert main(["explore", "mobilenetv2", "--only", "-o", str(file), "--open"]) == 0
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert opened == [file.as_uri()]
    assert capsys.readouterr() == ("", "")
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_a_dash_is_standard_output(capsys):
    assert main(["explore", "mobilenetv2", "--only", "-o", "-"]) == 0
    assert capsys.readouterr().out.endswith("</html>\n")


def refused(capsys, *line):
    status = main(["explore", *line])
    assert status == 2
    return capsys.readouterr().err


def test_bad_input_is_one_sentence(capsys, tmp_path):
    assert refused(capsys, "--only") == (
        "flopscope: the page would be empty: --only leaves the catalogue out, and no target is "
        "given; name one, such as mobilenetv2, or leave --only out\n"
    )
    assert refused(capsys, "mobilenetv2", "-o", "-", "--open") == (
        "flopscope: --open opens a file in a browser; give one with -o, such as explorer.html\n"
    )
    nowhere = str(tmp_path / "nowhere" / "page.html")
    assert refused(capsys, "mobilenetv2", "-o", nowhere) == (
        f"flopscope: cannot write '{nowhere}'; give a file in a folder that exists and is "
        "writable\n"
    )
    assert "mobilenetv2" in refused(capsys, "mobilnetv2", "--only")
