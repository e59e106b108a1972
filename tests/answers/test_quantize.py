"""Predicted bytes of quantised networks: by hand, without torch, and what is refused."""

import subprocess
import sys

import pytest
from graphs import INT8, held, model, node, value, weight
from torch import nn

import flopscope as fs
from flopscope.answers.counted import Given, counted
from flopscope.answers.quantize import quantize
from flopscope.answers.target import parse_target
from flopscope.cli import main
from flopscope.errors import BadInput
from flopscope.facts import Kind
from flopscope.quantising.scheme import Scheme
from flopscope.quantising.terms import Terms
from flopscope.sizes import elements


class Net(nn.Module):
    """A convolution with its norm, an element-wise function, a mean and a linear layer."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)
        self.act, self.head = nn.SiLU(), nn.Linear(4, 10)

    def forward(self, x):
        return self.head(self.act(self.norm(self.conv(x))).mean((2, 3)))


def test_a_network_by_hand():
    """W = 108 + 40, C = C_b = 4 + 10; the input, two outputs, the mean that the head reads, and the
    two steps of the SiLU, since int8 goes in."""
    found = fs.quantize(Net(), (1, 3, 8, 8)).found
    assert found.terms == Terms(148, 4 * (14 + 14 + 6), 14 + 4 * 14 + 6, 4 * 14, 0)
    assert found.plain == 4 * (148 + 14)
    assert [layer.name for layer in found.layers] == ["conv", "head"]


def test_skipping_costs_what_it_says():
    whole = quantize("mobilenetv3_small")
    for layer in (whole.layers[0], whole.layers[30], whole.layers[-1]):
        without = quantize("mobilenetv3_small", Scheme(skip=(layer.name,)))
        assert without.terms.total - whole.terms.total == layer.skipping


def test_what_int8_means_in_other_tables():
    """All weights at one byte each: those that are quantised, the norms that are folded away, and
    the bias of the last layer."""
    ledger = counted(parse_target("mobilenetv2"), Given()).ledger
    folded = [row for row in ledger.rows if row.kind is Kind.BATCH_NORM]
    norms = sum(elements(weight.shape) for row in folded for weight in row.weights)
    quantised = quantize("mobilenetv2").terms.weights
    assert (quantised, norms) == (3_469_760, 34_112)
    assert ledger.weight_bytes("int8").value == quantised + norms + 1000 == 3_504_872


def test_bits_share_bytes_by_pattern():
    eight, four = quantize("mobilenetv2"), quantize("mobilenetv2", Scheme(4))
    assert four.terms.weights == eight.terms.weights / 2
    mixed = quantize("mobilenetv2", Scheme(8, (("head.classifier", 4),))).terms
    assert eight.terms.weights - mixed.weights == 1280 * 1000 // 2


def test_what_stays_in_float32_is_named():
    """The norms of transformers, by kind, with their bytes."""
    found = quantize("mobilevit_xxs")
    assert found.left == {"layer norm": found.terms.untouched}
    assert found.terms.untouched == 4 * 2 * (2 * (2 * 64 + 4 * 80 + 3 * 96) + 64 + 80 + 96)


def test_a_closed_form_needs_no_torch():
    code = (
        "import sys, flopscope as fs; fs.quantize('mobilenetv2', bits=4, skip='first').to_json();"
        "sys.exit(bool({'torch', 'onnx', 'onnxruntime'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- what is refused ------------------------------------------------------------------------------


def test_a_quantised_graph_is_refused(tmp_path):
    nodes = [
        node("DequantizeLinear", ["w", "s", "z"], ["m"]),
        node("MatMul", ["x", "m"], ["y"]),
    ]
    stored = [held("w", INT8, 8, 5), weight("s", 1), held("z", INT8, 1)]
    path = tmp_path / "net.onnx"
    ends = [value("x", 2, 8)], [value("y", 2, 5)]
    path.write_bytes(model(nodes, *ends, stored).SerializeToString())
    with pytest.raises(BadInput) as refused:
        quantize(str(path))
    assert str(refused.value) == (
        f"{path} is quantised already: it has DequantizeLinear; give the network in float32, or "
        f"see what it costs with: flopscope profile {path}"
    )


def test_a_network_without_layers_is_refused():
    with pytest.raises(BadInput) as refused:
        fs.quantize(nn.ReLU(), (1, 3, 8, 8))
    assert str(refused.value) == (
        "ReLU has no convolution or linear layer with a stored weight, which is what is quantised; "
        "give a network that has one"
    )


def test_skipping_all_layers_is_refused():
    with pytest.raises(BadInput) as refused:
        fs.quantize("mobilenetv2", skip="*")
    assert str(refused.value) == (
        "skip leaves no layer of mobilenetv2 to be quantised; name fewer of them"
    )


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(self.a(x))


def test_one_weight_with_two_numbers_of_bits_is_refused():
    with pytest.raises(BadInput) as refused:
        fs.quantize(Tied(), (1, 4), bits=["a=4"])
    assert str(refused.value) == (
        "a and b share one weight, which has one number of bits, and not both 4 and 8; name both "
        "layers"
    )


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (["--images", "photos"], "--images"),
        (["--sensitivity"], "--sensitivity"),
        (["-o", "net.onnx"], "an output file that ends in .onnx"),
    ],
)
def test_what_needs_a_runtime(capsys, monkeypatch, tmp_path, line, what):
    monkeypatch.chdir(tmp_path)
    assert main(["quantize", "mobilenetv2", *line]) == 2
    assert capsys.readouterr().err == (
        f"flopscope: {what} needs a runtime that quantises the network; give --runtime ort too\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_in_python_images_need_a_runtime():
    with pytest.raises(BadInput) as refused:
        fs.quantize("mobilenetv2", images="photos")
    assert str(refused.value) == "images and sensitivity are for runtime='ort'; give that too"


def test_an_unknown_runtime(capsys):
    assert main(["quantize", "mobilenetv2", "--runtime", "tflite"]) == 2
    assert capsys.readouterr().err == "flopscope: unknown runtime 'tflite'; the only one is ort\n"


def test_nothing_is_saved_before_it_is_quantised(tmp_path):
    with pytest.raises(BadInput) as refused:
        fs.quantize("mobilenetv2").save(tmp_path / "net.onnx")
    assert str(refused.value) == ("nothing was quantised yet; give runtime='ort' to fs.quantize")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_runtime_is_named(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(["quantize", "mobilenetv2", "--runtime", "ort"]) == 2
    assert capsys.readouterr().err == (
        "flopscope: this needs onnxruntime, but onnxruntime cannot be imported; install it with: "
        "pip install 'onnxruntime>=1.32', or in a clone of flopscope with: make setup\n"
    )
