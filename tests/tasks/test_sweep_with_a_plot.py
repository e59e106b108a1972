"""The task: what does a network cost over its widths and resolutions, as a table and a figure?"""

import csv
import io

import pytest

import flopscope as fs
from flopscope.cli import main

TASK = ["sweep", "mobilenetv2", "--free", "width=0.25:1:0.25,res=160:256:32"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_command_answers_it(capsys, folder):
    assert main([*TASK, "--plot", "sweep.pdf", "-o", "sweep.csv"]) == 0
    assert capsys.readouterr() == ("", "")
    rows = list(csv.DictReader(io.StringIO((folder / "sweep.csv").read_text())))
    assert [(float(row["width"]), int(row["res"])) for row in rows] == [
        (width, res) for width in (0.25, 0.5, 0.75, 1) for res in (160, 192, 224, 256)
    ]
    for row in rows:
        ledger = fs.analyze(f"mobilenetv2:width={row['width']}", res=int(row["res"]))
        assert int(row["macs_macs"]) == int(ledger.macs())
        assert int(row["params"]) == int(ledger.params())
    assert (folder / "sweep.pdf").read_bytes().startswith(b"%PDF")


def test_python_answers_it_in_three_lines():
    found = fs.sweep("mobilenetv2", free={"width": [0.5, 1], "res": range(160, 257, 32)})
    assert found.to_frame().shape == (8, 4)
    assert len(found.plot().get_lines()) == 2
