"""The task: where does my own network stand among the published ones, with the accuracy that I
measured?"""

import json

import pytest

import flopscope as fs
from flopscope.answers.profile import profile
from flopscope.cli import main
from tests.support.own_nets import NETS

TASK = ["pareto", "net.py:Net", "--top1", "71.3", "--res", "224"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with the reader's file, as the working directory."""
    (tmp_path / "net.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_command_answers_it(capsys):
    macs = int(profile("net.py:Net", ["1,3,224,224"]).ledger.macs())
    assert main(TASK) == 0
    out, err = capsys.readouterr()
    assert err == ""
    row = next(line.split() for line in out.splitlines() if line.startswith("net.py:Net "))
    assert row[1:4] == ["224×224", f"{macs:,}", "71.30"]
    assert main([*TASK, "--format", "json"]) == 0
    points = json.loads(capsys.readouterr().out)["points"]
    (mine,) = (point for point in points if point["name"] == "net.py:Net")
    better = [
        p for p in points
        if p["costs"]["macs"] <= macs and p["top1"] >= 71.3 and p is not mine
    ]  # fmt: skip
    assert mine["on_frontier"] == (not better)
    assert {tuple(point["resolution"]) for point in points} == {(224, 224)}


def test_the_figure_has_it_too(folder, capsys):
    assert main([*TASK, "--plot", "mine.svg"]) == 0
    assert (folder / "mine.svg").read_text().startswith("<?xml")
    made = json.loads((folder / "mine.svg.json").read_text())
    assert list(made["files"]) == ["net.py"]
    assert "torch" in made["packages"]


def test_python_answers_it_in_three_lines():
    front = fs.pareto("net.py:Net", top1=71.3, res=224).front
    (mine,) = (point for point in front.points if point.yours)
    assert (mine.name, float(mine.top1)) == ("net.py:Net", 71.3)
