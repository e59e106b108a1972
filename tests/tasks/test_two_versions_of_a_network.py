"""Task: what is the difference between two versions of a network, and what does each cost?"""

import json

import pytest

from flopscope.cli import main

FIRST = """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.act = nn.ReLU()
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        return self.head(self.act(self.stem(x)).mean((2, 3)))
"""
SECOND = FIRST.replace("16, 3, padding=1", "16, 5, padding=2").replace("ReLU", "Hardswish")


@pytest.fixture(autouse=True)
def versions(tmp_path, monkeypatch):
    (tmp_path / "first.py").write_text(FIRST)
    (tmp_path / "second.py").write_text(SECOND)
    monkeypatch.chdir(tmp_path)


def test_two_versions_of_a_network(capsys):
    assert main("diff first.py:Net second.py:Net --res 32 --format json".split()) == 0
    found = json.loads(capsys.readouterr().out)
    weights = 16 * 3 * (25 - 9)
    assert found["difference"]["params"] == weights
    assert found["difference"]["macs"] == weights * 32 * 32
    changed = {row["after"]: [c["what"] for c in row["changes"]] for row in found["rows"]}
    assert changed == {"stem": ["kernel", "padding"], "act": ["operator"]}
