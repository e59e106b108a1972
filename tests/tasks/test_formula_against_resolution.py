"""The task: the MACs of a network as a formula of its resolution, in LaTeX for the paper and as
Python that stands alone."""

import re
import subprocess
import sys

import pytest
from own_net import exported, made, working

import flopscope as fs
from flopscope.cli import main

PUBLISHED = ["formula", "mobilenetv2", "--of", "macs"]
OWN = ["formula", "net.py:Net", "--of", "macs"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    return working(tmp_path, monkeypatch)


def ran(path, call):
    """What the file answers in a Python that has no flopscope."""
    program = f"exec(open({str(path)!r}).read()); print({call})"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.parametrize("size", [(224, 224), (192, 256), (97, 33)])
def test_python_that_stands_alone(folder, size):
    assert main([*PUBLISHED, "-o", "macs.py"]) == 0
    counted = int(fs.analyze("mobilenetv2", res=size).macs())
    assert ran(folder / "macs.py", "mobilenetv2_macs(B=1, H={}, W={})".format(*size)) == counted


def test_latex_for_the_paper(folder):
    sizes = ["--assume", "H, W multiples of 32"]
    assert main([*PUBLISHED, *sizes, "-o", "macs.tex"]) == 0
    assert (folder / "macs.tex").read_text(encoding="utf-8") == (
        "% mobilenetv2: MACs, convention macs; domain: B, H, W ≥ 1; H, W multiples of 32\n"
        "B \\left(\\frac{47751}{8} H W + 1280000\\right)\n"
    )
    assert int(fs.analyze("mobilenetv2").macs()) == 47751 * 224 * 224 // 8 + 1_280_000


def test_of_my_own_network(folder):
    # stem.0: 8·27 at ⌈H/2⌉·⌈W/2⌉ positions, body.0: 8·9, body.1: 8·16; fc: 16·10
    assert main([*OWN, "-o", "macs.py"]) == 0
    source = (folder / "macs.py").read_text(encoding="utf-8")
    (name,) = re.findall(r"def (\w+)", source)
    for height, width in ((32, 32), (33, 50)):
        positions = ((height + 1) // 2) * ((width + 1) // 2)
        counted = positions * (8 * 27 + 8 * 9 + 8 * 16) + 160
        assert ran(folder / "macs.py", f"{name}(B=1, H={height}, W={width})") == counted
    assert main([*OWN, "-o", "macs.tex"]) == 0
    latex = (folder / "macs.tex").read_text(encoding="utf-8")
    assert r"416 \left\lceil{\frac{H}{2}}\right\rceil \left\lceil{\frac{W}{2}}\right\rceil" in latex


def test_python_answers_it_in_three_lines():
    macs = fs.formula("mobilenetv2")
    assert macs.at(B=1, H=224, W=224) == 300_774_272
    assert fs.formula("net.py:Net").at(B=1, H=32, W=32) == 106_656


def test_a_module_an_onnx_file_and_a_text_have_the_same_formula(folder):
    exported(folder)
    sizes = ("B", 3, "H", "W")
    found = [
        fs.formula(network, inputs=sizes).expression
        for network in ("net.py:Net", made(), "model.onnx")
    ]
    assert found[0] == found[1] == found[2]
    assert fs.formulas(made(), quantities="params").to_latex() == (
        "% Net: parameters; domain: no free sizes\n634\n"
    )
