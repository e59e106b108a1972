"""Messages about optional packages name what pip can install."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from flopscope.errors import BadInput
from flopscope.extras import REQUIREMENTS, require_frames, require_runtime
from flopscope.version import __version__

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


EXTRAS = (
    "check", "cluster", "coreml", "digits", "executorch", "ncnn", "notebook", "onnx", "openvino",
    "ort", "parquet", "search",
)  # fmt: skip


def test_the_requirements_are_those_of_the_project():
    extras = PROJECT["optional-dependencies"]
    stated = {line for extra in EXTRAS for line in extras[extra]}
    assert set(REQUIREMENTS.values()) == stated


def test_a_data_frame_needs_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BadInput) as refused:
        require_frames()
    assert str(refused.value) == (
        "this needs pandas, but pandas cannot be imported; install it with: pip install "
        "'pandas>=2.2', or in a clone of flopscope with: make setup"
    )


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        (
            ["onnxruntime"],
            "this needs onnxruntime, but onnxruntime cannot be imported; install it with: pip "
            "install 'onnxruntime>=1.32', or in a clone of flopscope with: make setup",
        ),
        (
            ["openvino"],
            "this needs openvino, but openvino cannot be imported; install it with: pip install "
            "'openvino>=2026.4'",
        ),
        (
            ["ncnn", "pnnx"],
            "this needs ncnn and pnnx, but ncnn cannot be imported; install them with: pip install "
            "'ncnn>=1.0.20261020' 'pnnx>=20261020'",
        ),
    ],
)
def test_a_runtime_that_is_missing_is_named(monkeypatch, packages, said):
    for name in packages:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BadInput) as refused:
        require_runtime(*packages)
    assert str(refused.value) == said


def test_a_program_is_looked_for_and_not_imported(monkeypatch):
    monkeypatch.setattr("flopscope.extras.find_spec", lambda name: None)
    with pytest.raises(BadInput) as refused:
        require_runtime("pnnx")
    assert str(refused.value) == (
        "this needs pnnx, but pnnx cannot be imported; install it with: pip install "
        "'pnnx>=20261020'"
    )


def test_the_citation_is_that_of_this_version():
    lines = (Path(__file__).parents[1] / "CITATION.cff").read_text().splitlines()
    assert f"version: {__version__}" in lines
    assert f"license: {PROJECT['license']}" in lines
    assert f"  - name: {PROJECT['authors'][0]['name']}" in lines


def test_the_page_names_every_part_that_can_be_installed():
    page = (Path(__file__).parents[1] / "docs" / "installing.md").read_text()
    for extra in EXTRAS:
        packages = [re.split("[>=]", line)[0] for line in PROJECT["optional-dependencies"][extra]]
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{extra}` ")]
        assert set(row.split("|")[2].strip().split(", ")) == set(packages)
