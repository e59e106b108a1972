"""Messages about optional packages name what pip can install."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from flopscope.errors import BadInput
from flopscope.extras import REQUIREMENTS, require_frames
from flopscope.version import __version__

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


def test_the_requirements_are_those_of_the_project():
    extras = PROJECT["optional-dependencies"]
    stated = {
        line
        for extra in ("check", "onnx", "ort", "notebook", "parquet", "cluster", "search")
        for line in extras[extra]
    }
    assert set(REQUIREMENTS.values()) == stated


def test_a_data_frame_needs_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BadInput) as refused:
        require_frames()
    assert str(refused.value) == (
        "this needs pandas, but pandas cannot be imported; install it with: pip install "
        "'pandas>=2.2', or in a clone of flopscope with: make setup"
    )


def test_the_citation_is_that_of_this_version():
    lines = (Path(__file__).parents[1] / "CITATION.cff").read_text().splitlines()
    assert f"version: {__version__}" in lines
    assert f"license: {PROJECT['license']}" in lines
    assert f"  - name: {PROJECT['authors'][0]['name']}" in lines


def test_the_page_names_every_part_that_can_be_installed():
    page = (Path(__file__).parents[1] / "docs" / "installing.md").read_text()
    for extra in ("check", "onnx", "ort", "notebook", "parquet", "cluster", "search"):
        packages = [re.split("[>=]", line)[0] for line in PROJECT["optional-dependencies"][extra]]
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{extra}` ")]
        assert set(row.split("|")[2].strip().split(", ")) == set(packages)
