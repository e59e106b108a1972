"""The README's table of what other counters answer is what they answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from counters import COUNTERS
from torch import Tensor, nn

import flopscope as fs

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
TOOLS = ("fvcore", "torch", "thop", "ptflops", "torchinfo")


class _Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(64, 64, batch_first=True)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.lstm(x)[0][:, -1])


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(64, 4, batch_first=True)

    def forward(self, x: Tensor) -> Any:
        return self.attention(x, x, x, need_weights=False)[0]


def _same() -> nn.Module:
    return nn.Conv2d(64, 64, 3, padding="same", bias=False)


def _encoder() -> nn.Module:
    return nn.TransformerEncoderLayer(64, 4, 256, batch_first=True)


MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "MobileNetV2 on 224×224": (lambda: fs.build("mobilenetv2"), (1, 3, 224, 224)),
    '`nn.Conv2d(64, 64, 3, padding="same")` on 56×56': (_same, (1, 64, 56, 56)),
    "`nn.MultiheadAttention(64, 4)` of 196 tokens": (_Attention, (1, 196, 64)),
    "`nn.TransformerEncoderLayer(64, 4, 256)` of them": (_encoder, (1, 196, 64)),
    "`nn.LSTM(64, 64)` over 100 steps, `nn.Linear(64, 10)`": (_Recurrent, (1, 100, 64)),
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.filterwarnings("ignore")  # what the tools warn of
def test_the_counters_answer_what_the_page_says(name: str) -> None:
    make, shape = MODULES[name]
    module, x = make().eval(), torch.zeros(shape)
    answers = [int(fs.trace(module, shape).macs())]
    logging.disable(logging.CRITICAL)
    try:
        for tool in TOOLS:
            found = COUNTERS[tool](deepcopy(module), x)
            answers.append(found // 2 if tool == "torch" else found)
    finally:
        logging.disable(logging.NOTSET)
    row = " | ".join([name, *(f"{count:,}" for count in answers)])
    assert f"| {row} |" in README


def test_the_page_has_no_other_rows() -> None:
    (table,) = (part for part in README.split("\n\n") if part.startswith("| module | flopscope |"))
    assert len(table.splitlines()) == 2 + len(MODULES)
