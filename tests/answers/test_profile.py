"""`flopscope profile` on networks that the project does not contain."""

import json

import pytest
from profiles import run, words

NET = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        first, second = nn.Conv2d(3, width, 3, 2, 1), nn.Conv2d(width, 32, 3, 2, 1)
        self.body = nn.Sequential(first, nn.ReLU(), second)
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        return self.fc(self.body(x).mean((2, 3)))


class Odd(nn.Module):
    def forward(self, x):
        return torch.linalg.pinv(x)


class Branches(nn.Module):
    def forward(self, x):
        return x + x if x.shape[-1] > 100 else x


class Data(nn.Module):
    def forward(self, x):
        return x if x.sum().item() > 0 else -x


number = 3
made = Net(8)


def factory():
    return Net(4)
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "net.py"


def test_a_table_at_numbers(capsys, net):
    status, out, err = run(capsys, "net.py:Net", "--res", "64")
    assert (status, err) == (0, "")
    # body.0: 32·32·16·27, body.2: 16·16·32·144, fc: 320
    for cell in ("442,368", "1,179,648", "1,622,336", "5,418"):
        assert cell in out
    assert max(map(len, out.splitlines())) <= 80


def test_formulas_at_free_sizes_and_in_constructor_arguments(capsys, net):
    status, out, _ = run(capsys, "net.py:Net", "--arg", "width=24", "--input", "B,3,H,W")
    assert status == 0
    assert "648·B·⌈H/2⌉·⌈W/2⌉" in out
    assert "6,912·B·⌈H/4⌉·⌈W/4⌉" in out
    assert "MACs (macs)  B·(648·⌈H/2⌉·⌈W/2⌉ + 6,912·⌈H/4⌉·⌈W/4⌉ + 320)" in out
    assert "7,946" in out


def test_json_has_the_documented_fields(capsys, net):
    status, out, _ = run(capsys, "net.py:Net", "--res", "64x32", "--format", "json")
    data = json.loads(out)
    assert status == 0
    assert data["schema"] == "flopscope.profile/1"
    assert data["complete"] is True
    assert data["unknown"] == []
    assert sum(row["macs"] for row in data["operators"]) == data["macs"]


@pytest.mark.parametrize(("target", "width"), [("net.py:made", 8), ("net.py:factory", 4)])
def test_instances_and_factories(capsys, net, target, width):
    status, out, _ = run(capsys, target, "--res", "32", "--format", "json")
    convolutions = (27 * width + width) + (9 * width * 32 + 32)
    assert (status, json.loads(out)["params"]) == (0, convolutions + 330)


def test_catalogue_models_are_targets_too(capsys):
    status, out, _ = run(
        capsys, "mobilenetv2:width=0.5", "--input", "2,3,97,65", "--format", "json"
    )
    assert status == 0
    from flopscope import analyze

    assert json.loads(out)["macs"] == int(
        analyze("mobilenetv2:width=0.5", (97, 65), batch=2).macs()
    )


def test_unknown_operators_are_lower_bounds_and_strict_leaves_with_1(capsys, net):
    status, out, _ = run(capsys, "net.py:Odd", "--input", "2,8")
    assert status == 0
    assert "is unknown and not counted: linalg_pinv in the network itself" in words(out)
    assert run(capsys, "net.py:Odd", "--input", "2,8", "--strict")[0] == 1
    assert run(capsys, "net.py:Net", "--res", "32", "--strict")[0] == 0


def test_a_branch_on_a_size_is_in_the_domain(capsys, net):
    status, out, _ = run(capsys, "net.py:Branches", "--input", "B,3,H,W", "--strict")
    assert status == 0
    assert "W ≥ 101" in out


BAD = {
    ("net.py", "--res", "32"): (
        "'net.py' is not a target; write a model of `flopscope list`, path/to/file.py:Name, "
        "package.module:Name, timm:NAME, torchvision:NAME or path/to/model.onnx"
    ),
    ("gone.py:Net", "--res", "32"): "there is no file gone.py, which gone.py:Net names",
    ("net.py:number", "--res", "32"): (
        "net.py:number gives int, which is not an nn.Module, nor a class or function that makes one"
    ),
    ("net.py:Net",): (
        "net.py:Net does not state the size of its input; "
        "give it, such as --res 224 or --input 1,3,224,224"
    ),
    ("net.py:Net", "--res", "32", "--input", "1,3,32,32"): (
        "--input and --res both give the size of the input; give one of them, "
        "such as --res 224 or --input B,3,H,W"
    ),
    ("net.py:Net", "--input", "1,3,0,8"): (
        "'0' in the input '1,3,0,8' is not a size; "
        "give an integer from 1, or a name such as B, H, W, K, S, G, d, s, t, R"
    ),
    ("net.py:Net", "--res", "32", "--arg", "width"): (
        "'width' is not an argument; write it as name=value"
    ),
    ("net.py:Net", "--res", "32", "--example", "H=0"): (
        "the example H=0 is not a size; give an integer from 1"
    ),
}


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_bad_input_gets_one_sentence(capsys, net, arguments):
    assert run(capsys, *arguments) == (2, "", f"flopscope: {BAD[arguments]}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("net.py:Nett", "--res", "32"), "unknown name in net.py 'Nett'; did you mean Net?"),
        (
            ("net.py:Net", "--res", "32", "--arg", "wdth=3"),
            "could not be made with wdth=3: TypeError",
        ),
        (
            ("net.py:Net", "--input", "1,4,8,8"),
            "net.py:Net cannot run on 1,4,8,8: body.0 expects 3 channels and gets 4 at net.py:14",
        ),
        (
            ("net.py:Data", "--input", "1,4"),
            "reads the values of a tensor (.item(), .tolist() or a condition) at ",
        ),
        (("nowhere.at.all:Net", "--res", "32"), "does not import: ModuleNotFoundError"),
    ],
)
def test_what_a_user_s_code_raises_is_named_with_its_line(capsys, net, arguments, said):
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    if "cannot run" in said or "reads" in said:
        assert "net.py:" in err.split(" at ")[-1]
