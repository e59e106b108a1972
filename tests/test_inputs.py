"""Inputs of a traced module: several, by keyword, of whole numbers, nested, and what comes out."""

import json

import pytest
import torch
from torch import nn

import flopscope as fs
from flopscope.arguments import InputSpec, parse_input
from flopscope.cli import main
from flopscope.errors import BadInput, UnknownName
from flopscope.tracing.inputs import Input

NET = """
import torch
from torch import nn

class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(100, 16)
        self.fc = nn.Linear(16, 4)

    def forward(self, ids, mask=None, *, image=None):
        x = self.embedding(ids)
        if mask is not None:
            x = x * mask[..., None]
        out = {"logits": self.fc(x), "more": [x]}
        if image is not None:
            out["image"] = image.mean()
        return out
"""


@pytest.fixture
def _net(tmp_path, monkeypatch):
    (tmp_path / "text_net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)


def run(capsys, *arguments):
    status = main(["profile", "text_net.py:Text", *arguments, "--format", "json"])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.usefixtures("_net")
def test_tokens_several_inputs_and_keywords(capsys):
    status, out, _ = run(capsys, "--input", "2,7:int64")
    assert status == 0
    assert json.loads(out)["macs"] == 2 * 7 * 16 * 4
    status, out, _ = run(
        capsys, "--input", "2,7:int64", "--input", "2,7", "--input", "image=2,3,8,8"
    )
    assert status == 0
    assert json.loads(out)["complete"] is True


@pytest.mark.usefixtures("_net")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2,7:int63", "unknown type of an input 'int63'"),
        ("a b=2,7", "'a b' in the input 'a b=2,7' is no name; write it like ids=B,T:int64"),
        ("2,x y", "'x y' in the input '2,x y' is not a size"),
    ],
)
def test_an_input_that_is_none_is_named(capsys, text, said):
    status, out, err = run(capsys, "--input", text)
    assert (status, out) == (2, "")
    assert err.startswith(f"flopscope: {said}")
    assert err.count("\n") == 1


def test_inputs_as_text():
    assert parse_input("B,3") == InputSpec(None, (fs.symbol("B"), 3))
    assert parse_input("x=4:bool") == InputSpec("x", (4,), "bool")
    with pytest.raises(BadInput):
        parse_input("=4")
    with pytest.raises(UnknownName):
        parse_input("4:floaty")


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, pair, options, scale, flag=False):
        a, b = pair
        return [self.fc(a) + self.fc(options["x"]) * scale, {"b": b if flag else None}]


def test_nested_inputs_tensors_and_plain_values():
    ledger = fs.trace(Nested(), (("B", 4), torch.zeros(3)), {"x": ("B", 4)}, 2.0, flag=True)
    assert str(ledger.macs().value) == "16·B"
    assert ledger.params().value == 10


def test_token_numbers_at_free_sizes():
    module = nn.Sequential(nn.Embedding(50, 8), nn.Linear(8, 3))
    ledger = fs.trace(module, Input(("B", "T"), torch.int64))
    assert str(ledger.macs().value) == "24·B·T"
