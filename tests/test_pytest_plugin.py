"""Budgets of networks in the tests of other projects."""

import subprocess
import sys
import xml.etree.ElementTree as ET

from flopscope.pytest_plugin import MARKER

pytest_plugins = ["pytester"]

NET = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self, width=8):
        super().__init__(nn.Conv2d(3, width, 3), nn.ReLU(), nn.Flatten())
"""
TESTS = """
import pytest
from net import Net

budget = pytest.mark.flopscope_budget

def test_module(flopscope_budget):
    report = flopscope_budget(Net(), (1, 3, 32, 32), max_macs="200k", max_params=224)
    assert [verdict.value for verdict in report.verdicts] == [8 * 27 * 30 * 30, 8 * 27 + 8]

@budget("net.py:Net", res=32, max_macs="200k")
@budget("mobilenetv2", max_macs="310M")
def test_marked():
    pass

@budget("net.py:Net", res=32, batch=2, max_memory="1MB", training=True)
def test_training():
    pass

@budget("net.py:Net", res=32, max_macs="100k")
def test_broken():
    raise SystemExit("a test whose network breaks its budget does not run")

@budget()
def test_nothing(): pass

@budget("mobilenetv2")
def test_no_budget(): pass

@budget("mobilenetv9", max_macs="1M")
def test_unknown(): pass
"""
FAILED = {
    "test_broken": """\
flopscope: net.py:Net against its budgets.

                            Used
Reading  At most  Counted      %  Verdict
──────────────────────────────────────────────────
MACs     100,000  194,400  194.4  broken by 94,400

The largest layers, which together have the 94,400 MACs too many:

Layer     MACs      %
─────────────────────
0      194,400  100.0""",
    "test_nothing": "flopscope: the marker flopscope_budget names no network; write "
    'flopscope_budget("net.py:Net", res=224, max_macs="300M")',
    "test_no_budget": 'flopscope: no budget is given; give one, such as max_macs="300M"',
    "test_unknown": "flopscope: unknown model 'mobilenetv9'; did you mean mobilenetv2, mobilenetv1 "
    "or mobilenetv3_small?",
}
STEP = 4 * (4 * 224 + 2 * 3 * 32 * 32 + 2 * 8 * 30 * 30)
"""Weights, gradients and two numbers a weight of AdamW; the images; what ReLU gave, in float32."""
COUNTED = [
    "Net macs: 194,400 of at most 200,000 MACs",
    "Net params: 224 of at most 224 params",
    "mobilenetv2 macs: 300,774,272 of at most 310,000,000 MACs",
    "net.py:Net macs: 194,400 of at most 200,000 MACs",
    f"net.py:Net training: {STEP:,} of at most 1,000,000 bytes",
    "net.py:Net macs: 194,400 of at most 100,000 MACs",
]


def run(pytester, *options):
    """pytest in a process of its own: pytester would unload what this one has loaded."""
    plugin = ("-p", "flopscope.pytest_plugin", "-p", "no:cacheprovider", "--strict-markers")
    return pytester.runpytest_subprocess(*plugin, *options)


def test_networks_are_held_to_their_budgets(pytester, monkeypatch):
    """Files are named as from the root folder, and pytest is started elsewhere."""
    monkeypatch.setenv("COLUMNS", "80")
    pytester.makefile(".py", net=NET, test_net=TESTS)
    pytester.makeini("[pytest]\npythonpath = .")
    monkeypatch.chdir(pytester.mkdir("elsewhere"))
    result = run(pytester, "-v", "--junit-xml=report.xml", str(pytester.path))
    result.assert_outcomes(passed=3, failed=4)
    cases = {case.get("name"): case for case in ET.parse("report.xml").iter("testcase")}
    failed = {name: case.find("failure") for name, case in cases.items()}
    assert {name: each.text for name, each in failed.items() if each is not None} == FAILED
    told = [(each.get("name"), each.get("value")) for each in cases["test_module"].iter("property")]
    assert told == [
        ("flopscope: Net macs", "194,400 of at most 200,000 MACs"),
        ("flopscope: Net params", "224 of at most 224 params"),
    ]
    lines = result.stdout.lines
    (start,) = [i for i, line in enumerate(lines) if " budgets of networks " in line]
    assert sorted(lines[start + 1 : start + 7]) == sorted(COUNTED)


def test_without_v_nothing_is_listed_and_the_marker_is_known(pytester):
    pytester.makepyfile(
        "def test_it(flopscope_budget): flopscope_budget('mobilenetv2', max_macs='310M')"
    )
    result = run(pytester)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*budgets of networks*")
    assert f"@pytest.mark.{MARKER}" in run(pytester, "--markers").stdout.lines


def test_loading_the_plugin_loads_neither_torch_nor_numpy():
    program = (
        "import sys, pytest\nbefore = set(sys.modules)\nimport flopscope.pytest_plugin\n"
        "print(*{n.partition('.')[0] for n in set(sys.modules) - before})"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert set(ran.stdout.split()) - sys.stdlib_module_names == {"flopscope"}
