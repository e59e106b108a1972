"""The task: which published network is the best under 300 M MACs and 5 M parameters? With a figure
of the frontier for the paper."""

import json
import re

import pytest

import flopscope as fs
from flopscope.cli import main

TASK = ["pareto", "--max-macs", "300M", "--max-params", "5M", "--plot", "frontier.pdf"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_command_answers_it(capsys, folder):
    assert main(TASK) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert " ".join(out.partition("\n\n")[0].split()) == (
        "Best within 300,000,000 MACs and 5,000,000 params: mobilenetv4_conv_small at 256×256 "
        "with a top-1 of 74.644 % (timm e2400_r224_in1k), 242,178,048 MACs and 3,774,024 params."
    )
    assert (folder / "frontier.pdf").read_bytes().startswith(b"%PDF")


def test_the_answer_is_the_last_of_the_frontier_with_both_costs(capsys, folder):
    assert main(TASK) == 0
    out, _ = capsys.readouterr()
    rows = [line.split() for line in out.splitlines() if re.search(r"  \d+×\d+  ", line)]
    assert rows[-1] == [
        "mobilenetv4_conv_small", "256×256", "242,178,048", "3,774,024", "74.64", "[10]", "15",
    ]  # fmt: skip
    macs = [int(row[2].replace(",", "")) for row in rows]
    params = [int(row[3].replace(",", "")) for row in rows]
    top1 = [float(row[4]) for row in rows]
    assert macs == sorted(macs)
    assert top1 == sorted(set(top1))
    assert max(macs) <= 300_000_000
    assert max(params) <= 5_000_000
    assert "[10] timm e2400_r224_in1k: huggingface/pytorch-image-models" in out


def test_nothing_else_that_keeps_the_budgets_is_better(capsys, folder):
    assert main([*TASK[:-2], "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["budgets"] == {"macs": 300_000_000, "params": 5_000_000}
    best = found["points"][found["best"]]
    assert best["top1"] == max(point["top1"] for point in found["points"])
    for point in found["points"]:
        assert point["costs"]["macs"] <= 300_000_000
        assert point["bounded"]["params"] <= 5_000_000


def test_the_figure_says_how_it_is_made_again(capsys, folder):
    assert main(TASK) == 0
    beside = json.loads((folder / "frontier.pdf.json").read_text())
    assert beside["command"] == f"flopscope {' '.join(TASK)}"
    assert beside["data"]["points"][beside["data"]["best"]]["name"] == "mobilenetv4_conv_small"


def test_with_accuracies_of_one_training_recipe(capsys, folder):
    assert main([*TASK[:-2], "--accuracy", "torchvision:V1"]) == 0
    out = capsys.readouterr().out
    assert " ".join(out.partition("\n\n")[0].split()) == (
        "Best within 300,000,000 MACs and 5,000,000 params: shufflenetv2_x1.5:recipe=torchvision "
        "at 224×224 with a top-1 of 72.996 % (torchvision V1), 295,759,392 MACs and 3,503,624 "
        "params."
    )
    assert "mixes" not in out


def test_python_answers_it_in_three_lines():
    best = fs.pareto(max_macs="300M", max_params="5M")
    assert "Best within 300,000,000 MACs and 5,000,000 params: mobilenetv4_conv_small" in str(best)
    point = best.front.points[best.front.best]
    assert (point.name, float(point.top1)) == ("mobilenetv4_conv_small", 74.644)
