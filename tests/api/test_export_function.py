"""`fs.export` reads its arguments as Python has them, writes its files, and says what is wrong."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import flopscope as fs
from flopscope.errors import BadInput


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())


def test_it_writes_what_is_asked_for(net, tmp_path):
    path = tmp_path / "net.onnx"
    report = fs.export(net, output=str(path), batch=(1, 2, 4), res=(8, 12, 16), to="tensorrt")
    assert report
    assert path.read_bytes() == report.found.content
    assert {each.name for each in tmp_path.iterdir()} == {"net.onnx", "net.tensorrt.py"}
    shapes = report.to_dict()["profile"][0]
    assert [shapes[each] for each in ("min", "opt", "max")] == [
        (1, 3, 8, 8), (2, 3, 12, 12), (4, 3, 16, 16),
    ]  # fmt: skip
    assert repr(report).startswith("ExportReport(Sequential, ")


def test_sizes_may_be_texts_and_pairs(net):
    assert fs.export(net, batch="2", res=(8, 12)).found.checks[0].shapes == ((2, 3, 8, 12),)
    found = fs.export(net, res=[(8, 8), (8, 12), (8, 16)]).found
    assert [check.shapes[0][2:] for check in found.checks] == [(8, 8), (8, 12), (8, 16)]
    assert fs.export(net, inputs=(1, 3, 8, 8)).found.checks[0].shapes == ((1, 3, 8, 8),)


SIZE = "give one such as 224 or (192, 256), or three such as (160, 224, 288)"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"batch": (4, 2, 8)},
            "batch='4:2:8' has the minimum 4 above the optimum 2; give them in rising order, such "
            "as 2:4:8",
        ),
        ({"batch": (1, 2)}, "batch (1, 2) is not a positive integer; give one such as 1"),
        ({"res": 0}, f"res 0 is neither the size of an image nor three of them; {SIZE}"),
        (
            {"res": (1, 2, 3, 4)},
            f"res (1, 2, 3, 4) is neither the size of an image nor three of them; {SIZE}",
        ),
        (
            {"res": 8, "output": "net.txt"},
            "output net.txt does not end in .onnx, as what this writes does; give net.onnx",
        ),
        (
            {"res": 8, "output": "nowhere/net.onnx"},
            "cannot write 'nowhere/net.onnx'; give a file in a folder that exists and is writable",
        ),
        ({"res": 8, "fp16": 1}, "fp16 1 is neither True nor False; give one of them"),
        (
            {"res": 8, "fp16": True},
            "an ONNX file is exported in numbers of 32 bits; fp16 is for a runtime that halves "
            "them, so give to tensorrt, openvino, ncnn or coreml too",
        ),
    ],
)
def test_bad_input_gets_one_sentence(net, given, said):
    with pytest.raises(BadInput) as caught:
        fs.export(net, **given)
    assert str(caught.value) == said
