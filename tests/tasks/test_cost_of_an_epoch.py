"""The task: what does one epoch of training my own network on 1,000 images cost?"""

import json

import pytest
from own_net import working

from flopscope.cli import main

TASK = ["profile", "net.py:Net", "--res", "32", "--batch", "128", "--backward", "--epoch", "1k"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    return working(tmp_path, monkeypatch)


def step(batch):
    """The multiply-accumulates of a step. Each layer multiplies once forward and twice backward,
    for the gradients of its weight and its input; the stem's input needs none."""
    stem, body, fc = 16 * 16 * 8 * 27, 16 * 16 * (8 * 9 + 16 * 8), 16 * 10
    return batch * (3 * (stem + body + fc) - stem)


def test_one_command_prints_the_step_and_the_epoch(capsys):
    assert main([*TASK, "--depth", "0"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert 7 * 128 + 104 == 1000
    full, rest = step(128), step(104)
    lines = [line.split() for line in out.partition("Epoch of 1,000 images")[2].splitlines()]
    assert lines[2:6] == [
        ["batch", "of", "128", "7", f"{full:,}", f"{7 * full:,}"],
        ["batch", "of", "104", "1", f"{rest:,}", f"{rest:,}"],
        [],
        ["total", "8", f"{7 * full + rest:,}"],
    ]
    assert "saved for the backward pass: " in out
    assert out.endswith(
        "a step: forward and backward pass; the optimiser's own arithmetic is not counted\n"
    )


def test_the_same_for_a_program(capsys):
    assert main([*TASK, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    full, rest = step(128), step(104)
    epoch = found["epoch"]
    saved = [each.pop("saved_bytes") for each in epoch["batches"]]
    assert epoch == {
        "images": 1000,
        "steps": 8,
        "count": 7 * full + rest,
        "complete": True,
        "batches": [
            {"batch": 128, "steps": 7, "count": full},
            {"batch": 104, "steps": 1, "count": rest},
        ],
    }
    assert saved[0] == found["saved_bytes"] > saved[1] > 0
    assert found["passes"]["total"] == full
    assert found["params"] == 634
