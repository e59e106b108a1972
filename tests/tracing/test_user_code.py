"""The reader's files and packages: each is loaded as the reader's own Python would load it."""

import json
import sys

import pytest
from profiles import run

BLOCK = """
from torch import nn

def conv(i, o):
    return nn.Conv2d(i, o, 3, padding=1, bias=False)
"""

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.c = conv(3, width)

    def forward(self, x):
        return self.c(x)
"""

MACS = 64 * 3 * 3 * 3 * 8
"""Of Net at 8×8."""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes files below the working directory, by path and text."""
    monkeypatch.chdir(tmp_path)

    def files(named):
        for name, text in named.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return files


def macs(capsys, target, *arguments, command=("--res", "8")):
    status, out, err = run(capsys, target, *command, *arguments, "--format", "json")
    assert (status, err) == (0, "")
    return json.loads(out)["macs"]


LAYOUTS = {
    "a package": {"pkg/__init__.py": "", "pkg/block.py": BLOCK},
    "a folder": {"pkg/block.py": BLOCK},
    "a sibling's sibling": {"pkg/block.py": "from .deep import conv", "pkg/deep.py": BLOCK},
}


@pytest.mark.parametrize("target", ["pkg/net.py:Net", "pkg.net:Net", "{}/pkg/net.py:Net"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_relative_imports(capsys, write, layout, target):
    folder = write({**LAYOUTS[layout], "pkg/net.py": f"from .block import conv\n{NET}"})
    assert macs(capsys, target.format(folder)) == MACS


DEEPER = {
    "one up": {"a/b/net.py": "from ..x import conv\n", "a/x.py": BLOCK},
    "further up than the file itself says": {
        "a/b/net.py": "from .mid import conv\n",
        "a/b/mid.py": "from ...top import conv\n",
        "top.py": BLOCK,
    },
    "absolute from the outermost package": {
        "a/__init__.py": "",
        "a/b/__init__.py": "from a.b.net import Net",
        "a/x.py": BLOCK,
        "a/b/net.py": "from a.x import conv\n",
    },
    "a sibling beside a package's files": {
        "a/b/__init__.py": "",
        "a/b/net.py": "from block import conv\n",
        "a/b/block.py": BLOCK,
    },
    "from the working directory": {"a/b/net.py": "from lib.x import conv\n", "lib/x.py": BLOCK},
    "beside what else has its name": {
        "a/b/net.py": "from block import conv\n",
        "a/b/block.py": BLOCK,
        "block.py": "conv = None",
        "net.py": "conv = None",
    },
    "a package that a sibling's name hides": {
        "a/b/net.py": "from block.parts import conv\n",
        "a/b/block.py": "conv = None",
        "block/parts.py": BLOCK,
    },
    "beside a package that cannot be imported": {
        "a/b/__init__.py": "import nowhere_at_all\n",
        "a/b/net.py": "from block import conv\n",
        "a/b/block.py": BLOCK,
        "a/b/types.py": "raise ImportError",
    },
    "a script beside its module": {"a/b/net.py": "from x import conv\n", "a/b/x.py": BLOCK},
}


@pytest.mark.parametrize("layout", DEEPER)
def test_imports_in_nested_folders(capsys, write, layout):
    files = {name: text + NET * name.endswith("net.py") for name, text in DEEPER[layout].items()}
    write(files)
    assert macs(capsys, "a/b/net.py:Net") == MACS


def test_relative_imports_of_a_file_in_the_working_directory(capsys, write, monkeypatch):
    folder = write({"net.py": f"from .block import conv\n{NET}", "block.py": BLOCK, "x/y.py": ""})
    assert macs(capsys, "net.py:Net") == macs(capsys, "./x/../net.py:Net") == MACS
    monkeypatch.chdir(folder / "x")
    assert macs(capsys, "../net.py:Net") == MACS


def test_an_absolute_import_is_looked_for_above_a_file_that_lies_elsewhere(
    capsys, write, tmp_path_factory, monkeypatch
):
    folder = write({"models/net.py": f"from utils.ops import conv\n{NET}", "utils/ops.py": BLOCK})
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert macs(capsys, f"{folder}/models/net.py:Net") == MACS


@pytest.mark.parametrize("folder", ["my-models", "v1.0", "two words", "test", "json", "torch"])
def test_folders_whose_names_are_no_module_s_or_another_s(capsys, write, folder):
    write({f"{folder}/net.py": f"from .block import conv\n{NET}", f"{folder}/block.py": BLOCK})
    assert macs(capsys, f"{folder}/net.py:Net") == MACS
    write({f"{folder}/__init__.py": ""})
    assert macs(capsys, f"{folder}/net.py:Net") == MACS


@pytest.mark.parametrize("name", ["random", "types", "torch", "numpy", "flopscope", "hypothesis"])
def test_files_with_the_name_of_another_module_do_not_stand_for_it(capsys, write, name):
    other = f"import {name}\nassert not hasattr({name}, 'conv'), {name}\n"
    write({f"{name}.py": f"{other}from block import conv\n{NET}", "block.py": BLOCK})
    assert macs(capsys, f"{name}.py:Net") == MACS


CONFIGURED = """
from __future__ import annotations
import functools
import pickle
from dataclasses import dataclass, field
from torch import nn


@dataclass
class Config:
    width: int = 8
    kernel: int = 3
    act: type = nn.ReLU


class Net(nn.Module):
    def __init__(self, config: Config | None = None, *, name="batch"):
        super().__init__()
        config = pickle.loads(pickle.dumps(config or Config()))
        self.c = nn.Conv2d(3, config.width, config.kernel, padding="same", bias=False)
        self.act, self.name = config.act(), name

    @classmethod
    def small(cls, width=4):
        return cls(Config(width))

    class Presets:
        @staticmethod
        def tiny():
            return Net(Config(2))

    def forward(self, x):
        return self.act(self.c(x))


class Needs(Net):
    def __init__(self, config: Config, scale):
        super().__init__(config)


SMALL = Config(4)
PART = functools.partial(Net, SMALL)
MADE = Net()
"""


@pytest.mark.parametrize(
    ("name", "arguments", "width"),
    [
        ("Net", [], 8),
        ("Net.small", [], 4),
        ("Net.small", ["width=6"], 6),
        ("Net.Presets.tiny", [], 2),
        ("PART", [], 4),
        ("MADE", [], 8),
        ("Net(Config(width=5))", [], 5),
        ("Net(config=SMALL)", [], 4),
        ("Net(SMALL)", ["name='layer'"], 4),
        ("Net", ["config=Config(width=5)"], 5),
        ("Net", ["config=net.SMALL", "name=layer.norm"], 4),
        ("Net", ["config=Config(5, act=nn.GELU)", "name=batch"], 5),
        ("Net", ["config=net.Config(5, act=torch.nn.GELU)", "name=nn.pth"], 5),
        ("Needs", ["config=Config(5)", "scale=[1, 2]"], 5),
    ],
)
def test_factories_instances_and_configurations(capsys, write, name, arguments, width):
    write({"net.py": CONFIGURED})
    given = [part for text in arguments for part in ("--arg", text)]
    assert macs(capsys, f"net.py:{name}", *given) == 64 * 3 * 3 * 3 * width


def test_what_is_imported_as_the_network_is_made_or_runs(capsys, write):
    late = """
from torch import nn
def made():
    from lib.block import conv
    return conv(3, 8)
class Runs(nn.Module):
    def forward(self, x):
        from lib.shapes import conv
        return x
"""
    write({"net.py": late, "lib/block.py": BLOCK, "lib/shapes.py": BLOCK})
    assert macs(capsys, "net.py:made") == MACS
    assert macs(capsys, "net.py:Runs") == 0


def test_nothing_of_it_is_left_and_another_file_of_the_name_is_read_anew(capsys, write):
    before, path, argv = dict(sys.modules), list(sys.path), list(sys.argv)
    write({"pkg/net.py": f"from .block import conv\n{NET}", "pkg/block.py": BLOCK})
    assert macs(capsys, "pkg/net.py:Net") == macs(capsys, "pkg.net:Net") == MACS
    assert (sys.path, sys.argv) == (path, argv)
    assert not [name for name in sys.modules if name.split(".")[0] in ("pkg", "net", "block")]
    assert all(sys.modules[name] is module for name, module in before.items())
    write({"pkg/block.py": BLOCK.replace("o, 3, padding=1", "o, 1")})
    assert macs(capsys, "pkg.net:Net") == MACS // 9


def test_a_program_s_output_and_command_line_are_its_own(capsys, write):
    program = f"""
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--width", default=8)
print("width", parser.parse_args().width)
from block import conv
{NET}
"""
    write({"program.py": program, "block.py": BLOCK})
    status, out, err = run(capsys, "program.py:Net", "--res", "8", "--format", "json")
    assert (status, err) == (0, "width 8\n")
    assert json.loads(out)["macs"] == MACS


def test_rules_come_from_a_package_too(capsys, write):
    rules = "from .block import conv\nRULES = {'mylib::product': lambda call: None}\n"
    write({"pkg/net.py": f"from .block import conv\n{NET}{rules}", "pkg/block.py": BLOCK})
    assert macs(capsys, "pkg/net.py:Net", "--rules", "pkg/net.py:RULES") == MACS
