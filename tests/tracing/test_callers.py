"""Whose line is named: the reader's, never one of what runs it."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import click
import pytest
import torch

import flopscope
from flopscope.tracing.callers import (
    LONGEST,
    innermost,
    is_theirs,
    line_of,
    package_of,
    place_of,
    shortened,
)

STDLIB, SITE = sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")


@pytest.mark.parametrize(
    ("file", "theirs"),
    [
        (__file__, True),
        ("/somewhere/net.py", True),
        (f"{SITE}/timm/models/vit.py", True),
        ("/other/env/lib/python3.11/site-packages/timm/models/vit.py", True),
        (torch.nn.__file__, False),
        (flopscope.__file__, False),
        (click.core.__file__, False),
        (f"{SITE}/_pytest/runner.py", False),
        (f"{STDLIB}/functools.py", False),
        (f"{STDLIB}/importlib/__init__.py", False),
        (os.path.join(sysconfig.get_path("scripts"), "flopscope"), False),
        ("<frozen runpy>", False),
        ("<string>", False),
    ],
)
def test_whose_a_file_is(file, theirs):
    assert is_theirs(file) is theirs


def test_packages_by_their_files():
    assert package_of(f"{SITE}/timm/models/vit.py") == "timm"
    assert package_of(f"{SITE}/six.py") == "six"
    assert package_of("/somewhere/net.py") is None


def test_the_reader_s_own_line_comes_before_that_of_a_package(monkeypatch, tmp_path):
    """Who calls a package wrongly is told where they call it."""
    monkeypatch.chdir(tmp_path)
    mine, packages = (str(tmp_path / "net.py"), 3), (f"{SITE}/einops/einops.py", 7)
    torch_s = (torch.nn.__file__, 1)
    outer = ("/elsewhere/main.py", 9)
    assert innermost([torch_s, packages, mine, outer]) == "net.py:3 (in einops/einops.py:7)"
    assert innermost([torch_s, mine, packages, outer]) == "net.py:3"
    assert innermost([torch_s, packages]) == f"{SITE}/einops/einops.py:7"
    assert innermost([outer]) == "/elsewhere/main.py:9"
    assert innermost([torch_s]) is None


def test_an_error_of_torch_s_own_has_no_line():
    with pytest.raises(TypeError) as caught:
        torch.nn.Linear("a", 2)
    here = caught.traceback[0].lineno + 1
    assert line_of(caught.value) == f"{Path(__file__).relative_to(Path.cwd())}:{here}"
    inside = caught.value.with_traceback(caught.value.__traceback__.tb_next)
    assert line_of(inside) is None
    assert place_of(inside) == f"TypeError: {inside}"


def test_a_long_text_is_cut_at_a_sentence_or_a_word():
    assert shortened("one\n  line") == "one line"
    assert shortened("First of all. " + "word " * LONGEST) == "First of all"
    cut = shortened("word " * LONGEST)
    assert cut.endswith("word …")
    assert len(cut) <= LONGEST + 2


NET = """
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2, bias=False)
    def forward(self, x):
        return self.fc(x)
"""


@pytest.mark.parametrize(
    "start", [["-m", "flopscope"], ["-c", "import flopscope.cli as c; c.main()"]]
)
def test_a_file_that_hides_one_of_python_s_own(tmp_path, start):
    """`python -m` puts the working directory first; what we import is still Python's."""
    (tmp_path / "random.py").write_text(NET)
    (tmp_path / "logging.py").write_text("raise ImportError('hidden')\n")
    command = [sys.executable, *start, "profile", "random.py:Net", "--input", "1,8"]
    if start[0] == "-c":
        command.insert(1, "-P")  # as an installed command, whose folder is first on the path
    environment = os.environ | {"PYTHONPATH": str(Path(flopscope.__file__).parent.parent)}
    done = subprocess.run(
        [*command, "--format", "json"], capture_output=True, text=True, check=False,
        cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["macs"] == 16
