"""The command that exports: which files it writes and when, what it prints, and what it refuses
before anything runs."""

from __future__ import annotations

import json

import pytest

from flopscope.cli import main

NET = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())

    def forward(self, x):
        return self.stem(x)


class Fixed(Net):
    def forward(self, x):
        return super().forward(x) + torch.arange(int(x.shape[0]))[:, None, None, None]


class Cubic(nn.Module):
    def forward(self, x):
        return nn.functional.interpolate(x, size=(7, 7), mode="bicubic")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "net.py").write_text(NET)
    return tmp_path


def run(capsys, *words):
    status = main(["export", *words])
    return status, *capsys.readouterr()


def files(folder):
    return {path.name for path in folder.iterdir()} - {"net.py", "__pycache__"}


def test_the_file_and_how_it_is_made(capsys, folder):
    status, out, err = run(
        capsys, "net.py:Net", "--res", "8", "--dynamic", "batch", "-o", "net.onnx"
    )
    assert (status, err) == (0, "")
    assert out.startswith("net.py:Net on 1×3×8×8 as ONNX, version 17 of its operators, open: batch")
    assert "the file has the weights that the module has" in out
    assert files(folder) == {"net.onnx", "net.onnx.json"}
    made = json.loads((folder / "net.onnx.json").read_text())
    assert made["data"]["bytes"] == (folder / "net.onnx").stat().st_size
    assert set(made["packages"]) == {"onnx", "onnxruntime", "torch"}
    assert list(made["files"]) == ["net.py"]


def test_the_file_is_read_again(capsys, folder):
    run(capsys, "net.py:Net", "--res", "8", "--dynamic", "batch", "-o", "net.onnx")
    words = ["net.onnx", "--for", "tensorrt", "--batch", "1:2:4", "--fp16"]
    status, out, err = run(capsys, *words, "-o", "trt.onnx")
    assert (status, err) == (0, "")
    assert "--minShapes=input:1x3x8x8 \\\n--optShapes=input:2x3x8x8 \\\n" in out
    assert files(folder) == {
        "net.onnx", "net.onnx.json", "trt.onnx", "trt.onnx.json", "trt.tensorrt.py",
    }  # fmt: skip
    assert (folder / "trt.onnx").read_bytes() == (folder / "net.onnx").read_bytes()
    assert "..." in (folder / "trt.tensorrt.py").read_text()
    assert run(capsys, *words, "-o", "trt.onnx")[0] == 0  # its own files may be written again


def test_a_report_by_its_ending_and_json_beside_the_file(capsys, folder):
    status, out, _ = run(capsys, "net.py:Net", "--res", "8", "-o", "report.json")
    assert (status, out) == (0, "")
    assert json.loads((folder / "report.json").read_text())["schema"] == "flopscope.export/1"
    words = ["net.py:Net", "--res", "8", "--format", "json", "-o", "net.onnx"]
    status, out, _ = run(capsys, *words)
    found = json.loads(out)
    assert (status, found["agrees"], found["for"]) == (0, True, None)
    assert [stage["stage"] for stage in found["stages"]] == ["module", "file", "basic", "extended"]
    assert found["check_with_other_statistics"]["same"] is True


def test_a_file_that_computes_something_else_is_not_written(capsys, folder):
    words = ["net.py:Fixed", "--res", "8", "--dynamic", "batch", "-o", "net.onnx"]
    status, out, err = run(capsys, *words)
    assert (status, err) == (1, "")
    assert (
        "the file computes something else than the module, by more than 0.0001 of the\n"
        "    largest value; it is not written"
    ) in out
    assert files(folder) == set()


def test_a_file_that_tensorrt_does_not_read_is_not_written(capsys, folder):
    words = ["net.py:Cubic", "--res", "8", "--for", "tensorrt", "-o", "net.onnx"]
    status, out, err = run(capsys, *words)
    assert (status, err, files(folder)) == (1, "", set())
    assert "TensorRT 10.0 does not read Resize: mode cubic; 1 such node, first /Resize" in out


def test_what_is_beside_the_file_is_not_overwritten(capsys, folder):
    (folder / "net.tensorrt.py").write_text("mine")
    words = ["net.py:Net", "--res", "8", "--for", "tensorrt", "-o", "net.onnx"]
    assert run(capsys, *words) == (
        2,
        "",
        "flopscope: 'net.tensorrt.py' belongs to 'net.onnx' and would be written with it, and "
        "something else has this name; move it away, or give another name\n",
    )
    assert files(folder) == {"net.tensorrt.py"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "--batch 16:1:32",
            "--batch 16:1:32 has the minimum 16 above the optimum 1; give them in rising order, "
            "such as 1:16:32",
        ),
        (
            "--batch 1:64:32",
            "--batch 1:64:32 has the optimum 64 above the maximum 32; give them in rising order, "
            "such as 1:32:64",
        ),
        (
            "--res 288x288:224:160",
            "--res 288x288:224:160 has the minimum 288 above the optimum 224; give them in rising "
            "order, such as 160:224:288",
        ),
        (
            "--batch 1:2",
            "--batch 1:2 is neither a size of at least 1 nor three of them; give one such as 8, or "
            "minimum, optimum and maximum such as 1:16:32",
        ),
        (
            "--res big",
            "--res big is neither a size of at least 1 nor three of them; give one such as 224, or "
            "minimum, optimum and maximum such as 160:224:288",
        ),
        (
            "--dynamic depth",
            "unknown dimension that can stay open 'depth'; did you mean width?",
        ),
        ("--opset new", "--opset new is not a positive integer; give one such as 17"),
        (
            "-o net.xml",
            "export without --for writes a file that ends in .onnx, and --output is net.xml; give "
            "net.onnx, or another --for",
        ),
        (
            "--for openvino -o net.onnx",
            "--for openvino writes a file that ends in .xml, and --output is net.onnx; give "
            "net.xml, or another --for",
        ),
        (
            "-o nowhere/net.onnx",
            "cannot write 'nowhere/net.onnx'; give a file in a folder that exists and is writable",
        ),
        (
            "--input 1,3,8,8 --batch 2",
            "--input gives the batch too, as in 8,3,H,W; leave --batch out",
        ),
    ],
)
def test_bad_input_gets_one_sentence(capsys, folder, words, said):
    status, out, err = (
        run(capsys, "net.py:Net", "--res", "8", *words.split())
        if ("--res" not in words and "--input" not in words)
        else run(capsys, "net.py:Net", *words.split())
    )
    assert (status, out, err) == (2, "", f"flopscope: {said}\n")
    assert files(folder) == set()


def test_a_fixed_file_with_a_range(capsys, folder):
    run(capsys, "net.py:Net", "--res", "8", "-o", "net.onnx")
    said = run(capsys, "net.onnx", "--for", "tensorrt", "--batch", "1:16:32")[2]
    assert said == (
        "flopscope: net.onnx has a fixed batch of 1, and --batch asks for 1:16:32; give --batch 1, "
        "or export it with --dynamic batch\n"
    )
    said = run(capsys, "net.onnx", "--for", "tensorrt", "--res", "16")[2]
    assert said == (
        "flopscope: net.onnx has a fixed height of 8, and --res asks for 16; give --res 8, or "
        "export it with --dynamic height\n"
    )
    said = run(capsys, "net.onnx", "--for", "tensorrt", "--input", "1,3,8,8")[2]
    assert said == (
        "flopscope: net.onnx is an ONNX file, which states its inputs; leave --input out, and give "
        "sizes that it leaves open with --batch and --res\n"
    )
    said = run(capsys, "net.onnx", "--for", "tensorrt", "--dynamic", "batch")[2]
    assert said == (
        "flopscope: net.onnx is an ONNX file, whose open sizes are what they are; leave --dynamic "
        "out\n"
    )
