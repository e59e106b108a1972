"""What the documentation pages say is what the program says."""

import collections
import doctest
import itertools
import json
import re
import shlex
from pathlib import Path

import click
import pytest

from flopscope.cli import cli, main
from flopscope.present.catalog import conventions_document
from flopscope.present.render import render

ROOT = Path(__file__).parent.parent
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])


def test_the_table_of_conventions_is_the_program_s():
    page = (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8")
    assert render(conventions_document(), "markdown") in page


DOCS = {
    path.name: path.read_text(encoding="utf-8") for path in PAGES if path.parent == ROOT / "docs"
}

SHOWN = [
    pytest.param(shlex.split(line), output, id=line)
    for text in DOCS.values()
    for line, output in re.findall(
        r"^```console\n\$ flopscope (.*?)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE
    )
]
"""Each command of the pages' console blocks, with the output below it."""

BLOCKS = {
    name: re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    for name, text in DOCS.items()
}
RUN_BY_OTHERS = {"ci.md": "tests/test_ci_page.py"}
"""Pages whose blocks another file runs: this one is a file of tests."""
CODE = [
    pytest.param(code, id=f"{name} {number}")
    for name, blocks in BLOCKS.items()
    for number, code in enumerate(blocks, 1)
    if not code.startswith(">>> ") and name not in RUN_BY_OTHERS
]
SESSIONS = {
    name: [block for block in blocks if block.startswith(">>> ")] for name, blocks in BLOCKS.items()
}
"""The blocks of each page that show a session of Python with what it prints."""


def test_every_block_of_a_page_is_run():
    fences = [re.findall(r"^```(console|python)$", text, re.MULTILINE) for text in DOCS.values()]
    counted = collections.Counter(itertools.chain(*fences))
    sessions = sum(map(len, SESSIONS.values()))
    others = sum(len(BLOCKS[name]) for name in RUN_BY_OTHERS)
    assert counted == {"console": len(SHOWN), "python": len(CODE) + sessions + others}
    assert sessions >= 7
    assert len(SHOWN) >= 22
    assert len(CODE) >= 9


@pytest.mark.parametrize(("arguments", "output"), SHOWN)
def test_the_page_shows_what_is_printed(capsys, monkeypatch, arguments, output):
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("COLUMNS", raising=False)  # pages show what is written to a pipe
    assert main(arguments) == 0
    assert capsys.readouterr() == (output, "")


@pytest.mark.parametrize("code", CODE)
def test_the_python_of_a_page_runs(code):
    exec(compile(code, "page", "exec"), {})


@pytest.mark.parametrize("name", [name for name, blocks in SESSIONS.items() if blocks])
def test_the_sessions_of_a_page_print_what_it_shows(monkeypatch, name):
    """Its blocks are one session, in the order of the page."""
    monkeypatch.chdir(ROOT)
    text = "\n".join(SESSIONS[name])
    examples = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    wrong = []
    doctest.DocTestRunner().run(examples, out=wrong.append)
    assert "".join(wrong) == ""


PICTURES = sorted(path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.png.json"))


def test_every_picture_has_its_provenance_and_a_page():
    assert len(PICTURES) >= 8
    drawn = {path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.png")}
    assert {path.with_suffix("") for path in PICTURES} == drawn
    pages = [page.read_text(encoding="utf-8") for page in PAGES]
    assert [path for path in drawn if not any(f"{path.name})" in page for page in pages)] == []


@pytest.mark.parametrize(
    "line",
    re.findall(
        r"^flopscope .* --(?:plot|roofline) docs/.*$",
        DOCS["pictures.md"] + DOCS["frontiers.md"] + DOCS["tutorial.md"],
        re.MULTILINE,
    ),
)
def test_the_commands_of_the_gallery_made_its_pictures(line):
    words = shlex.split(line)
    option = "--roofline" if "--roofline" in words else "--plot"
    path = ROOT / f"{words[words.index(option) + 1]}.json"
    made = json.loads(path.read_text(encoding="utf-8"))
    assert shlex.split(made["command"]) == words


@pytest.mark.parametrize("path", PICTURES, ids=str)
def test_the_picture_of_a_page_is_that_of_its_provenance(capsys, monkeypatch, tmp_path, path):
    """Its numbers; its bytes are those of one version of matplotlib."""
    shown = json.loads((ROOT / path).read_text(encoding="utf-8"))
    program, *arguments = shlex.split(shown["command"])
    assert program == "flopscope"
    monkeypatch.chdir(tmp_path)
    (tmp_path / path.parent).mkdir(parents=True)
    for read in shown["files"]:
        (tmp_path / read).write_bytes((ROOT / read).read_bytes())
    assert main(arguments) == 0
    capsys.readouterr()
    made = json.loads((tmp_path / path).read_text(encoding="utf-8"))
    versions = ("python", "packages", "flopscope")
    assert {k: v for k, v in made.items() if k not in versions} == {
        k: v for k, v in shown.items() if k not in versions
    }


COMMANDS = {
    f"{name}: {line}": shlex.split(line)[1:]
    for name, text in DOCS.items()
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    if language in ("", "sh")
    for line in re.findall(r"^(?:\$ )?(flopscope .*)$", block, re.MULTILINE)
}
"""The commands in blocks that are not run, because they take long or what they print varies."""


def test_every_other_command_of_a_page_is_one_that_the_program_reads():
    """Its options exist, and its words have their places."""
    assert len(COMMANDS) >= 30
    for shown, (verb, *words) in COMMANDS.items():
        command = cli.get_command(click.Context(cli), verb)
        try:
            _, left, _ = command.make_parser(click.Context(command)).parse_args(words)
        except click.ClickException as error:
            pytest.fail(f"{shown}: {error.format_message()}")
        assert left == [], shown


NAMED = r"`((?:flopscope|tests|reference_models|docs|benchmarks)/[\w/.]*)`"
BELOW = r"`((?!tests/|reference_models/|flopscope/)[a-z_]+(?:\.py|/[a-z_/]*(?:\.py)?))`"
"""Paths on any page, and those of the page on the house, which stand below flopscope/."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_and_link_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    paths = re.findall(NAMED, text)
    if page.name == "architecture.md":
        paths += [f"flopscope/{path}" for path in re.findall(BELOW, text)]
        assert len(paths) > 20
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [path for path in paths if not (ROOT / path).exists()]
    assert missing == []


def test_the_page_on_the_house_fits_one_screen():
    lines = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100
