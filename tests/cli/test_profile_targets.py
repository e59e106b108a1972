"""Targets of `flopscope profile` that cannot be had as they are, and what is said of them."""

import importlib
import json

import pytest
from profiles import run
from public_models import timm, torchvision

from flopscope.cli import main

NET = """
import numpy as np
import torch
from torch import nn


class Needs(nn.Module):
    def __init__(self, width):
        super().__init__()


class Raises(nn.Module):
    def forward(self, x):
        if x.shape[1] != 4:
            raise ValueError("four channels are needed")
        return x


class Data(nn.Module):
    def forward(self, x):
        return x if x.max() > 0 else -x


class Rates(nn.Module):
    'Its depth is read from the values of a tensor.'

    def __init__(self, how):
        super().__init__()
        widths = torch.linspace(4, 8, 3)
        if how == "item":
            last = int(widths[-1].item())
        elif how == "numpy":
            last = int(np.asarray(widths)[-1])
        else:
            last = int(widths.tolist()[-1])
        self.fc = nn.Linear(3, last)

    def forward(self, x):
        return self.fc(x)
"""


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "broken.py").write_text("import torch\nimport nowhere_at_all\n")
    (tmp_path / "unfinished.py").write_text("class Net(:\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


SAID = {
    ("net.py:Needs", "--res", "8"): (
        "net.py:Needs could not be made with no arguments: TypeError: "
        "Needs.__init__() missing 1 required positional argument: 'width' at net.py:8; "
        "give --arg width=VALUE"
    ),
    ("broken.py:Net", "--res", "8"): (
        "broken.py:Net does not import: ModuleNotFoundError: "
        "No module named 'nowhere_at_all' at broken.py:2; "
        "install nowhere_at_all, or put its folder into PYTHONPATH"
    ),
    ("unfinished.py:Net", "--res", "8"): (
        "unfinished.py:Net does not import: SyntaxError: invalid syntax at unfinished.py:1"
    ),
    ("net.py:Raises", "--res", "8"): (
        "net.py:Raises cannot run on 1,3,8,8: ValueError: four channels are needed at net.py:15"
    ),
    ("net.py:Data", "--input", "1,4"): (
        "the network reads the values of a tensor (.item(), .tolist() or a condition) at "
        "net.py:21; a trace has shapes only, so give it a form that depends on shapes alone"
    ),
}


@pytest.mark.parametrize("arguments", SAID, ids=" ".join)
def test_what_is_wrong_is_said_in_one_sentence_with_its_place(capsys, files, arguments):
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.replace(f"{files}/", "") == f"flopscope: {SAID[arguments]}\n"


@pytest.mark.parametrize("how", ["item", "numpy", "tolist"])
def test_a_constructor_that_reads_values_is_made_with_them(capsys, how):
    status, out, _ = run(capsys, "net.py:Rates", "--arg", f"how={how}", "--input", "B,3")
    assert status == 0
    assert "24·B" in out


def test_a_public_network_that_reads_values(capsys):
    torchvision()
    status, out, _ = run(capsys, "torchvision:regnet_y_400mf", "--res", "224", "--format", "json")
    assert status == 0
    assert json.loads(out)["params"] == 4_344_144  # as torchvision documents them


def test_unknown_names_of_libraries_get_a_suggestion(capsys):
    timm()
    for target, hint in {
        "torchvision:resnet51": "unknown torchvision model 'resnet51'; did you mean resnet",
        "timm:mobilenetv3_lage_100": (
            "unknown timm model 'mobilenetv3_lage_100'; did you mean mobilenetv3_large_100"
        ),
    }.items():
        status, out, err = run(capsys, target, "--res", "32")
        assert (status, out) == (2, "")
        assert err.startswith(f"flopscope: {hint}")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            RuntimeError("operator torchvision::nms does not exist"),
            "timm cannot be imported, because the installed torchvision was compiled for another "
            "torch; install both from one index, as in pip install --force-reinstall torch "
            "torchvision --index-url https://download.pytorch.org/whl/cpu",
        ),
        (
            ModuleNotFoundError("No module named 'timm'"),
            "timm cannot be imported (ModuleNotFoundError: No module named 'timm' at FILE); "
            "install it, or name a target of your own",
        ),
    ],
)
def test_a_library_that_does_not_import(capsys, monkeypatch, error, message):
    def fail(name):
        raise error

    monkeypatch.setattr(importlib, "import_module", fail)
    status, out, err = run(capsys, "timm:resnet50", "--res", "32")
    place = err.partition(" at ")[2].partition(")")[0]
    assert (status, out) == (2, "")
    assert err.replace(place or "FILE", "FILE") == f"flopscope: {message}\n"


def test_a_catalogue_model_takes_no_arguments(capsys):
    """They would be dropped in silence; its options follow a colon."""
    assert main(["profile", "mobilenetv2", "--res", "224", "--arg", "width=2"]) == 2
    assert capsys.readouterr().err == (
        "flopscope: mobilenetv2 is a catalogue model; its options follow a colon, as in "
        "mobilenetv2:width=1.4, and --arg and --example are for a network of your own\n"
    )
