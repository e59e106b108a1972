"""The task: is timm's ResNet-18 the same network as torchvision's?"""

import pytest

import flopscope as fs
from flopscope.cli import main

BOTH = ["timm:resnet18", "torchvision:resnet18"]
PARAMS, MACS = 11_689_512, 1_814_073_344


def test_one_command_puts_them_side_by_side(capsys):
    assert main(["compare", *BOTH, "--columns", "source,params,macs", "--format", "csv"]) == 0
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows[1:]] == BOTH
    assert [row[-2:] for row in rows[1:]] == [[str(PARAMS), str(MACS)]] * 2
    assert [row[1] for row in rows[1:]] == ["timm", "torchvision"]


def test_one_command_says_where_they_differ(capsys):
    assert main(["diff", *BOTH, "--exit-code"]) == 0
    assert "The networks are the same, row by row" in capsys.readouterr().out


@pytest.mark.parametrize("target", BOTH)
def test_both_are_the_network_of_the_paper(target):
    assert fs.compare(target, "resnet18").to_dict()["models"][0]["macs"] == MACS


def test_python_answers_it_in_three_lines():
    assert {row["macs"] for row in fs.compare(*BOTH).to_dict()["models"]} == {MACS}
