"""Every notebook runs, and what it prints is what is stored in it."""

import json
import os
import re
import runpy
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXECUTE = runpy.run_path(str(ROOT / "notebooks" / "execute.py"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "explore"
LONG = {"09_search_by_gradient"}
"""What trains many networks, for minutes. `docs/search-by-gradient.md` runs the same search."""


def read(path):
    return nbformat.read(path, as_version=4)


def text_of(output):
    """An output as it is compared: its text in every format, and which images there are."""
    if output.output_type == "stream":
        return {output.name: output.text}
    assert output.output_type in ("display_data", "execute_result")
    return {kind: "" if kind.startswith("image/") else value for kind, value in output.data.items()}


def outputs(notebook):
    """Of each cell with code, by its name."""
    return {
        cell.id: [text_of(output) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


def test_every_notebook_has_its_number():
    assert [int(path.stem[:2]) for path in NOTEBOOKS] == list(range(1, 13))


@pytest.mark.may_skip("a notebook that trains for minutes runs in `make slow`")
@each_notebook
def test_a_new_run_prints_what_is_stored(path):
    if path.stem in LONG and not THOROUGH:
        pytest.skip("it trains networks for minutes, which `make slow` waits for")
    before = path.read_bytes()
    assert outputs(EXECUTE["executed"](path)) == outputs(read(path))
    assert path.read_bytes() == before


@each_notebook
def test_it_is_stored_as_it_was_run(path):
    """Valid, every cell run once from top to bottom, nothing of the machine that ran it."""
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata == EXECUTE["METADATA"]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    shown = json.dumps(list(outputs(notebook).values()))
    assert re.findall(r"/(?:home|root|tmp|Users)/|stderr", shown) == []


def numbers(text):
    """The decimal numbers in it, thousands without separators."""
    return re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d)[,_](?=\d)", "", text))


@each_notebook
def test_prose_has_no_number_that_no_cell_has(path):
    """Those of at least two digits; names of files and what stands as code are no prose."""
    notebook = read(path)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    known = numbers(code + json.dumps(list(outputs(notebook).values()), ensure_ascii=False))
    typed = numbers(re.sub(r"\]\([^)]*\)|`[^`]*`", "", prose))
    assert [number for number in typed if len(number) > 1 and number not in known] == []


@each_notebook
def test_the_files_it_links_to_exist(path):
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", prose)
    assert [link for link in links if not (path.parent / link).exists()] == []
    named = re.findall(r"`((?:tests|docs|flopscope)/[\w/.]+)`", prose)
    assert [name for name in named if not (ROOT / name).exists()] == []
