"""Task: hold an ONNX file with a dynamic batch to a budget in continuous integration."""

import pytest
from graphs import export
from torch import nn

from flopscope.cli import main

MACS = 30 * 30 * 8 * 3 * 9
"""Of a 3×3 convolution from 3 to 8 channels over 32×32, for one image."""


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    export(tmp_path / "net.onnx", nn.Conv2d(3, 8, 3), (1, 3, 32, 32), {0: "N"})
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("budget", "status"), [(MACS, 0), (MACS - 1, 1)])
def test_a_budget_of_an_onnx_file_with_a_dynamic_batch(budget, status):
    assert main(["assert", "net.onnx", "--max-macs", str(budget)]) == status


def test_the_budget_of_a_batch():
    assert main(["assert", "net.onnx", "--max-macs", str(8 * MACS), "--batch", "8"]) == 0
    assert main(["assert", "net.onnx", "--max-macs", str(8 * MACS - 1), "--batch", "8"]) == 1
