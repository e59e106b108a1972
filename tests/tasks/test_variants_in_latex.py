"""The task: three variants of my own network beside MobileNetV3 as a table for a paper, in millions
with one decimal, with caption and label, the best values in bold, and the paper's entry."""

import shlex

import pytest
from latex import read
from tex import NEEDS, check_compiles

import flopscope as fs
from flopscope.cli import main

NET = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self, width=16):
        super().__init__(
            nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, 4 * width, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4 * width, 1000),
        )
"""
NETWORKS = [*(f"net.py:Net[width={width}]" for width in (8, 16, 24)), "mobilenetv3_large"]
TASK = (
    f"compare {shlex.join(NETWORKS)} --res 224 --format latex --units M --digits 1 "
    "--columns params,macs,top1,cite --sort +macs --bold --bib papers.bib -o table.tex "
    "--caption 'Our network (α = 0.5) beside MobileNetV3' --label tab:cost"
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def params(width: int) -> int:
    return 27 * width + 2 * width + (width + 1) * 4 * width + (4 * width + 1) * 1000


def macs(width: int) -> int:
    return 112 * 112 * (27 * width + width * 4 * width) + 4 * width * 1000


def test_one_command_writes_table_and_entries(capsys, folder):
    assert main(shlex.split(TASK)) == 0
    assert capsys.readouterr() == ("", "")
    page = read((folder / "table.tex").read_text(encoding="utf-8"))
    assert page.needs == ["booktabs", "threeparttable"]
    assert page.around == [("table", "threeparttable")]
    assert page.captions == [r"Our network ($\alpha$ = 0.5) beside MobileNetV3"]
    assert page.labels == ["tab:cost"]
    (table,) = page.tables
    assert table.heads == [
        ["", "Params", "MACs", "Top-1", ""],
        ["Model", "(M)", "(M)", r"\%", "arXiv"],
    ]
    assert table.rows[0] == ["net.py:Net[width=8]", r"\textbf{0.0}", r"\textbf{6.0}", "", ""]
    assert table.rows[3] == [
        r"mobilenetv3\_large", "5.5", "216.6", r"75.2\tnote{1}", r"\cite{arxiv-1905.02244}",
    ]  # fmt: skip
    assert "@article{arxiv-1905.02244," in (folder / "papers.bib").read_text(encoding="utf-8")


def test_its_numbers_are_those_that_a_hand_counts(folder):
    assert main(shlex.split(TASK)) == 0
    (table,) = read((folder / "table.tex").read_text(encoding="utf-8")).tables
    for row, width in zip(table.rows, (8, 16, 24), strict=False):
        plain = [cell.removeprefix(r"\textbf{").removesuffix("}") for cell in row[1:3]]
        assert plain == [f"{params(width) / 1e6:.1f}", f"{macs(width) / 1e6:.1f}"]


def test_python_writes_the_same_columns():
    report = fs.compare(*NETWORKS, res=224)
    code = report.to_latex(units="M", digits=1, caption="Cost", label="tab:cost", bold=True)
    (table,) = read(code).tables
    assert [row[3] for row in table.rows] == [r"\textbf{6.0}", "18.3", "37.1", "216.6"]
    assert "| **6.0** |" in report.to_markdown(units="M", digits=1, bold=True)


@pytest.mark.may_skip(NEEDS)
def test_a_real_tex_compiles_it(folder):
    assert main(shlex.split(TASK)) == 0
    code = (folder / "table.tex").read_text(encoding="utf-8")
    check_compiles(code, (folder / "papers.bib").read_text(encoding="utf-8"), folder)
