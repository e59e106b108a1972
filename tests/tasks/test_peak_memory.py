"""The task: how much memory do the activations of my own network need at once, and where?"""

import json

import pytest
from own_net import exported, working

from flopscope.cli import main

PEAK = 4 * (8 + 16) * 16 * 16
"""While body.1 runs, its input and its output are live: 24 maps of 16 × 16 in float32."""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    return working(tmp_path, monkeypatch)


def printed(capsys, *command):
    assert main(list(command)) == 0
    return capsys.readouterr().out


def test_of_my_own_network_layer_by_layer(capsys):
    # stem.0: 4·(3·32·32 + 8·16·16), and then norm and ReLU overwrite what they read
    assert 4 * (3 * 32 * 32 + 8 * 16 * 16) == 20_480
    out = printed(
        capsys, "profile", "net.py:Net", "--res", "32", "--by", "layer", "--columns", "peak",
        "--format", "csv",
    )  # fmt: skip
    assert (
        out
        == f"""\
path,peak_activation_bytes_float32
stem.0,20480
stem.1,8192
stem.2,8192
body.0,16384
body.1,{PEAK}
,16448
fc,104
"""
    )


def test_the_total_is_the_most_of_all(capsys):
    out = printed(
        capsys, "profile", "net.py:Net", "--res", "32", "--depth", "0", "--columns", "peak"
    )
    assert [line.split() for line in out.splitlines() if line.startswith("total")] == [
        ["total", "0.02"]
    ]
    assert "peak of a part: the most that is live at once while it runs" in out
    found = json.loads(
        printed(
            capsys, "profile", "net.py:Net", "--res", "32", "--columns", "peak", "--format", "json"
        )
    )
    assert found["peak_activation_bytes"] == PEAK
    assert max(part["peak_activation_bytes"] for part in found["parts"]) == PEAK


def test_beside_other_networks(capsys, folder):
    exported(folder)
    out = printed(
        capsys, "compare", "net.py:Net", "net.py:Net[width=4]", "model.onnx", "mobilenetv2",
        "--res", "32", "--columns", "peak,peak_int8", "--format", "csv",
    )  # fmt: skip
    rows = [line.split(",") for line in out.splitlines()]
    assert [row[0] for row in rows[1:]] == [
        "net.py:Net", "net.py:Net[width=4]", "model.onnx", "mobilenetv2",
    ]  # fmt: skip
    assert [row[2:] for row in rows[1:4]] == [
        [str(PEAK), str(PEAK // 4)],
        [str(4 * (3 * 32 * 32 + 4 * 16 * 16)), str(3 * 32 * 32 + 4 * 16 * 16)],
        [str(PEAK), str(PEAK // 4)],
    ]
