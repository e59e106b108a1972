"""A small network of a reader's own, as a file in the folder in which the reader works."""

from pathlib import Path

import pytest
import torch
from graphs import export

SOURCE = """\
from torch import nn


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU())
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, groups=width), nn.Conv2d(width, 2 * width, 1)
        )
        self.fc = nn.Linear(2 * width, 10)

    def forward(self, x):
        return self.fc(self.body(self.stem(x)).mean((2, 3)))
"""


def made(width: int = 8) -> torch.nn.Module:
    """The network itself, for witnesses."""
    names: dict[str, type[torch.nn.Module]] = {}
    exec(SOURCE, names)
    return names["Net"](width)


def working(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder as working directory, with net.py in it."""
    (folder / "net.py").write_text(SOURCE)
    monkeypatch.chdir(folder)
    return folder


def exported(folder: Path) -> Path:
    """model.onnx, as torch's exporter writes the network."""
    return export(folder / "model.onnx", made(), (1, 3, 32, 32))
