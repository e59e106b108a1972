"""An answer must not wait for torch: what importing and comparing load, as an allow-list."""

import subprocess
import sys
from functools import cache

import pytest

LIGHT = {
    "flopscope",
    # The command line, and the tables with what rich itself imports.
    "click",
    "rich",
    "markdown_it",
    "mdurl",
    "pygments",
}

# Appended to a program: the modules that it loaded, on a line of its own at the end.
REPORT = """
import sys
print()
print(*sys.modules)
"""

COMPARE = """
from flopscope.cli import main
status = main(["compare", "mobilenetv1", "mobilenetv2", "--res", "224", *{options}])
assert status == 0, status
"""

HELP = """
import sys
from flopscope.cli import main
assert main(["--help"]) == 0
assert "flopscope.cli.compare" not in sys.modules
"""

RECONCILE = """
from flopscope.cli import main
assert main(["reconcile", "mobilenetv1", "--reported", "579M", "--params", "4.2M"]) == 0
"""

AUDIT = """
from flopscope.cli import main
assert main(["audit", "wtconvnext_tiny"]) == 0
"""


@cache
def modules(program: str) -> set[str]:
    """All modules that are loaded once the program has run."""
    run = subprocess.run(
        [sys.executable, "-c", program + REPORT], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return set(run.stdout.splitlines()[-1].split())


def loaded(program: str) -> set[str]:
    """Top-level modules outside the standard library that are loaded once the program has run."""
    return {name.partition(".")[0] for name in modules(program)} - sys.stdlib_module_names


def heavy(program: str) -> set[str]:
    """What the program loads beyond the allow-list and what every interpreter here starts with."""
    return loaded(program) - loaded("") - LIGHT


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("import flopscope", id="import"),
        pytest.param(COMPARE.format(options=[]), id="compare"),
        pytest.param(COMPARE.format(options=["--format", "table"]), id="compare as table"),
        pytest.param(COMPARE.format(options=["--format", "json"]), id="compare as json"),
        pytest.param(RECONCILE, id="reconcile"),
        pytest.param(HELP, id="help"),
    ],
)
def test_the_light_path_is_light(program):
    assert "flopscope" in loaded(program)
    assert heavy(program) == set()


@pytest.mark.parametrize(
    "command",
    [
        '"compare", "mobilenetv1", "--columns", "params,torch,int8,peak"',
        '"compare", "--columns", "help"',
        '"show", "mobilenetv2", "--columns", "kernel,macs,peak", "--sort", "macs"',
    ],
)
def test_columns_and_rows_of_models_are_light(command):
    program = COMPARE.format(options=[]).replace(
        '"compare", "mobilenetv1", "mobilenetv2", "--res", "224"', command
    )
    assert command in program
    assert heavy(program) == set()


def test_an_audit_loads_numpy_alone():
    """It reads a table by thousands of readings at once; this network's table is a short one."""
    assert heavy(AUDIT) == {"numpy"}


def test_a_frontier_without_a_picture_loads_numpy_alone():
    program = COMPARE.format(options=[]).replace(
        '"compare", "mobilenetv1", "mobilenetv2", "--res", "224"', '"pareto"'
    )
    assert heavy(program) == {"numpy"}


ADVISE = """
from flopscope.cli import main
assert main(["advise", "--platform", "mobile", "--max-params", "6M"]) == 0
"""
PROXIES = """
from flopscope.cli import main
assert main(["proxies", "--help"]) == 0
assert main(["proxies", "mobilenetv1", "--of", "snap"]) == 2
"""


def test_advice_and_refused_proxies_do_not_wait_for_torch():
    assert heavy(ADVISE) == heavy(PROXIES) == {"numpy"}


@pytest.mark.parametrize("module", ["torch", "fvcore", "sympy", "numpy", "pandas", "matplotlib"])
def test_the_check_can_fail(module):
    assert module in heavy(f"import flopscope, {module}")


def test_an_import_inside_the_command_is_seen():
    assert "sympy" in heavy(COMPARE.format(options=[]) + "import sympy")


SEARCHES = """
from flopscope.cli import main
assert main(["solve", "mobilenetv2", "--macs", "10M", "--free", "width,res"]) == 0
assert main(["list"]) == 0
"""


def test_searches_load_numpy_alone():
    assert heavy(SEARCHES) == {"numpy"}


UNASKED = {
    "agreement": "no check is asked for",
    "analytic.named_blocks": "a block is compared nowhere",
    "analytic.resnet": "it is another family",
    "arguments": "no network of the user's is among them",
    "choosing": "nothing is searched",
    "closedform": "counts at numbers are no formulas",
    "onnxgraph": "no graph is read",
    "present.formats.csv": "the format is another",
    "present.formats.html": "the format is another",
    "present.paper": "no columns are named",
}


@pytest.mark.parametrize("room", UNASKED)
def test_a_comparison_loads_only_what_it_answers_with(room):
    found = modules(COMPARE.format(options=[]))
    assert "flopscope.present.formats.terminal" in found
    assert f"flopscope.{room}" not in found


def test_another_format_loads_its_own_file():
    found = modules(COMPARE.format(options=["--format", "csv"]))
    assert {"flopscope.present.formats.csv"} == {
        name for name in found if name.startswith("flopscope.present.formats.")
    }


PROFILE = """
from pathlib import Path
from tempfile import TemporaryDirectory
from flopscope.cli import main

with TemporaryDirectory() as folder:
    file = Path(folder) / "net.py"
    file.write_text(
        "from torch import nn\\n"
        "def Net():\\n"
        "    return nn.Sequential(\\n"
        "        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.SiLU(),\\n"
        "        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))\\n"
    )
    assert main(["profile", f"{{file}}:Net", "--res", "{res}"]) == 0
"""
SLOW = {
    "torch._dynamo",
    "torch._inductor",
    "torch.fx.experimental.symbolic_shapes",
    "sympy",
    "fvcore.nn",
    "pandas",
    "matplotlib",
}
"""Each takes a fifth of the time to import torch or more, and a trace at numbers needs none."""


def test_a_trace_at_numbers_waits_for_torch_alone():
    found = modules(PROFILE.format(res="224"))
    assert "torch" in found
    assert found & SLOW == set()


def test_the_check_of_a_trace_can_fail():
    assert modules(PROFILE.format(res="224") + "import sympy") & SLOW == {"sympy"}
