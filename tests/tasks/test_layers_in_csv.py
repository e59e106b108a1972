"""The task: a CSV file with a line for each layer, its kernel and its input among the columns."""

import csv
import json

import pytest
from own_net import exported, working

from flopscope.cli import main

COLUMNS = ["--by", "layer", "--columns", "input,kernel,output,params,macs", "-o", "layers.csv"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    return working(tmp_path, monkeypatch)


def layers(*command):
    assert main([*command, *COLUMNS]) == 0
    with open("layers.csv", newline="", encoding="utf-8") as file:
        found = [*csv.DictReader(file)]
    assert [*found[0]][1:] == ["input", "kernel", "output", "params", "macs"]
    return found


def test_of_my_own_network(capsys):
    first, second, *_, last = layers("profile", "net.py:Net", "--res", "32")
    assert capsys.readouterr() == ("", "")
    assert first == {
        "path": "stem.0", "input": "[1, 3, 32, 32]", "kernel": "[3, 3]",
        "output": "[1, 8, 16, 16]", "params": "224", "macs": "55296",
    }  # fmt: skip
    assert second == {
        "path": "stem.1", "input": "[1, 8, 16, 16]", "kernel": "",
        "output": "[1, 8, 16, 16]", "params": "16", "macs": "0",
    }  # fmt: skip
    assert last == {
        "path": "fc", "input": "[1, 16]", "kernel": "",
        "output": "[1, 10]", "params": "170", "macs": "160",
    }  # fmt: skip


def test_of_an_onnx_file(folder):
    exported(folder)
    found = layers("profile", "model.onnx")
    of_convolutions = [
        (row["input"], row["kernel"], row["output"], row["macs"]) for row in found if row["kernel"]
    ]
    assert of_convolutions == [
        ("[1, 3, 32, 32]", "[3, 3]", "[1, 8, 16, 16]", "55296"),
        ("[1, 8, 16, 16]", "[3, 3]", "[1, 8, 16, 16]", "18432"),
        ("[1, 8, 16, 16]", "[1, 1]", "[1, 16, 16, 16]", "32768"),
    ]
    assert sum(int(row["params"]) for row in found) == 634


@pytest.mark.parametrize(
    ("command", "params", "macs"),
    [
        (("profile", "mobilenetv2"), 3_504_872, 300_774_272),
        (("show", "mobilenetv2"), 3_504_872, 300_774_272),
        (("profile", "timm:resnet18"), 11_689_512, 1_814_073_344),
    ],
)
def test_of_a_published_network(command, params, macs):
    found = layers(*command)
    assert json.loads(found[0]["input"]) == [1, 3, 224, 224]
    assert {len(json.loads(row["kernel"])) for row in found if row["kernel"]} == {2}
    assert sum(int(row["params"]) for row in found) == params
    assert sum(int(row["macs"]) for row in found) == macs
