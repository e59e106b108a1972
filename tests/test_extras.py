"""Messages about optional packages name what pip can install."""

import sys
import tomllib
from pathlib import Path

import pytest

from flopscope.errors import BadInput
from flopscope.extras import REQUIREMENTS, require_frames

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


def test_the_requirements_are_those_of_the_project():
    extras = PROJECT["optional-dependencies"]
    stated = {line for extra in ("check", "onnx", "notebook") for line in extras[extra]}
    assert set(REQUIREMENTS.values()) == stated


def test_a_data_frame_needs_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BadInput) as refused:
        require_frames()
    assert str(refused.value) == (
        "this needs pandas, but pandas cannot be imported; install it with: pip install "
        "'pandas>=2.2', or in a clone of flopscope with: make setup"
    )
