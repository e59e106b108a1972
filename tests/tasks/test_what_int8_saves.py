"""The task: what does my own network save in int8, and in int4?"""

import pytest
from own_net import exported, made, working

from flopscope.cli import main

COLUMNS = ["--columns", "fp32,fp16,int8,int4,traffic,traffic_int8", "--format", "csv"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    return working(tmp_path, monkeypatch)


def printed(capsys, *command):
    assert main([*command, *COLUMNS]) == 0
    header, *rows = (line.split(",") for line in capsys.readouterr().out.splitlines())
    assert header[-6:] == [
        "weight_bytes_float32", "fp16", "int8", "int4",
        "traffic_bytes_float32", "traffic_bytes_int8",
    ]  # fmt: skip
    return [[row[0], *map(int, row[-6:])] for row in rows]


def test_of_networks_side_by_side(capsys, folder):
    exported(folder)
    sizes = [tensor.numel() for tensor in made().parameters()]
    total, halves = sum(sizes), sum((size + 1) // 2 for size in sizes)
    rows = printed(capsys, "compare", "net.py:Net", "model.onnx", "mobilenetv2", "--res", "32")
    for name, *found in rows[:2]:
        assert (name, found[:4]) == (name, [4 * total, 2 * total, total, halves])
        assert found[4] == 4 * found[5]
    assert [row[:4] for row in rows[2:]] == [
        ["mobilenetv2", 4 * 3_504_872, 2 * 3_504_872, 3_504_872]
    ]


def test_layer_by_layer(capsys):
    sizes = {name: tensor.numel() for name, tensor in made().named_parameters()}
    rows = printed(capsys, "profile", "net.py:Net", "--res", "32", "--by", "layer")
    assert {row[0]: row[3] for row in rows if row[3]} == {
        layer: sizes[f"{layer}.weight"] + sizes[f"{layer}.bias"]
        for layer in ("stem.0", "stem.1", "body.0", "body.1", "fc")
    }
