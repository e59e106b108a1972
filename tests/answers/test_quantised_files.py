"""Networks that ONNX Runtime really quantises: every byte of their tensors as predicted, and what
is refused on the way."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from quantised import SCHEMES
from torch import nn

import flopscope as fs
from flopscope.cli import main
from flopscope.errors import BadInput
from flopscope.onnxgraph import read

pytest.importorskip("onnxruntime")

from flopscope.measured.runtimes.quantising import needs_reduced_range

FEW = [
    ("mobilenetv2:width=0.35", 32, "channel"),
    ("mobilenetv3_small:width=0.5", 32, "tensor, ends"),
    ("mobilevit_xxs", 32, "channel, ends"),
    ("resnet18:width=0.25", 32, "tensor"),
]
"""One of each scheme, attention included, whose last stage has one pixel, that is rounded up to a
patch. `make quantised` has networks of all families."""


def images(res, count=2):
    return np.random.default_rng(1).standard_normal((count, 3, res, res), dtype=np.float32)


def check(name, res, scheme):
    found = fs.quantize(name, res=res, runtime="ort", images=images(res), **SCHEMES[scheme])
    run = found.found.run
    assert found.holds
    assert run.planned == run.stored
    assert replace(run.stored, constants=0) == found.found.terms
    assert run.file_bytes == run.stored.total + run.graph
    assert 0.5 < run.graph / found.found.graph < 2
    return run


@pytest.mark.parametrize(("name", "res", "scheme"), FEW)
def test_every_term_of_a_file_is_as_predicted(name, res, scheme):
    check(name, res, scheme)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU6())
        self.body, self.head = nn.Conv2d(8, 16, 3, 2, 1, groups=8), nn.Linear(16, 10)

    def forward(self, x):
        return self.head(self.body(self.stem(x)).mean((2, 3)))


NET = Net()


def quantised(**more):
    return fs.quantize(NET, (1, 3, 16, 16), runtime="ort", **{"images": images(16)} | more)


def test_the_ledger_of_a_quantised_file_is_exact(tmp_path):
    """The products are those of the network, no reading is a lower bound, and weights have the
    bytes in which they are stored."""
    report = quantised()
    path = tmp_path / "net.onnx"
    report.save(path)
    ledger = read(path).ledger
    plain = fs.trace(NET.eval(), (1, 3, 16, 16))
    assert ledger.macs().value == plain.macs().value
    assert ledger.macs().complete
    assert ledger.flops("all").complete
    stored = report.found.run.stored
    assert ledger.weight_bytes().value == stored.weights + stored.biases + stored.untouched
    with pytest.raises(BadInput):
        fs.quantize(str(path))


class Shared(nn.Module):
    """Two layers with one weight, and with one bias if that is asked for."""

    def __init__(self, bias):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 3, 1, 1), nn.Conv2d(3, 3, 3, 1, 1)
        self.second.weight = self.first.weight
        if bias:
            self.second.bias = self.first.bias

    def forward(self, x):
        return self.second(self.first(x))


@pytest.mark.parametrize("skip", [(), ("first",)])
@pytest.mark.parametrize("bias", [False, True])
def test_layers_that_share(bias, skip):
    """A weight is stored once, and a bias for each layer, whose input has a scale of its own."""
    report = fs.quantize(Shared(bias), (1, 3, 8, 8), runtime="ort", skip=skip)
    assert report.holds
    assert report.found.terms == report.found.run.stored


def test_four_bits_and_mixed_ones():
    run = quantised(bits=["4", "head=8"]).found.run
    assert run.planned == run.stored
    assert run.stored.weights == (8 * 27 + 16 * 9) // 2 + 160


def test_activations_in_int8():
    report = quantised(activations="int8")
    assert report.holds
    assert report.found.terms == quantised().found.terms


def test_the_range_is_reduced_where_bytes_overflow(tmp_path, monkeypatch):
    """On x86 without VNNI, and where that cannot be known."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("flags : fpu avx2")
    new.write_text("flags : fpu avx2 avx_vnni")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    found = [needs_reduced_range(file) for file in (old, new, tmp_path / "none")]
    assert found == [True, False, True]
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert not needs_reduced_range(old)


def test_a_reduced_range_is_said(monkeypatch):
    monkeypatch.setattr("flopscope.measured.runtimes.quantising.needs_reduced_range", lambda: True)
    report = quantised()
    assert report.holds
    assert "Weights have 7 of their 8 bits, since this processor has no VNNI." in str(report)


def test_errors_and_times_are_measured():
    report = quantised(sensitivity=True)
    run = report.found.run
    assert {each.name for each in run.errors} == {"stem.0", "body", "head"}
    assert all(20 < each.sqnr < 100 and 20 < each.alone < 100 for each in run.errors)
    assert [e.alone for e in run.errors] == sorted(e.alone for e in run.errors)
    assert 20 < run.sqnr < 100
    assert min(run.milliseconds) > 0
    four = quantised(bits=4).found.run
    assert four.sqnr < run.sqnr


def test_the_module_stays_as_it_was():
    NET.train()
    before = {name: tensor.clone() for name, tensor in NET.state_dict().items()}
    quantised()
    assert NET.training
    assert all(bool((before[n] == t).all()) for n, t in NET.state_dict().items())


def test_the_command_writes_the_file_beside_its_table(capsys, tmp_path):
    path = tmp_path / "net.onnx"
    line = ["quantize", "mobilenetv2:width=0.35", "--res", "32", "--runtime", "ort"]
    assert main([*line, "-o", str(path)]) == 0
    out = capsys.readouterr().out
    assert "The file has every term as predicted, to the byte." in out
    assert "These images are made up" in " ".join(out.split())
    assert {each.name for each in tmp_path.iterdir()} == {"net.onnx", "net.onnx.json"}


# --- networks -------------------------------------------------------------------------------------


def refusal(network=NET, *inputs, **more):
    with pytest.raises(BadInput) as refused:
        fs.quantize(network, *(inputs or [(1, 3, 16, 16)]), runtime="ort", **more)
    return str(refused.value)


def test_bits_that_the_runtime_lacks():
    assert refusal(bits=5) == (
        "ONNX Runtime quantises weights to 8 or 4 bits, and 5 is neither; give one of them, or "
        "leave runtime out for the bytes alone"
    )


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(10, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.table(x))


def test_a_network_that_takes_no_image():
    assert refusal(Words(), "1,3:int64") == (
        "Words takes an input of int64, and quantising needs a network that takes one input of "
        "float32, such as images"
    )


class Random(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(x) + torch.rand(1)


def test_a_network_that_is_exported_as_another_one():
    assert refusal(Random()).startswith(
        "the graph that torch exports of Random is another network: its outputs are apart by up to "
    )


class Spectrum(Random):
    def forward(self, x):
        return torch.fft.fft2(self.conv(x)).abs()


def test_a_network_that_torch_cannot_export(capfd, monkeypatch):
    """In one sentence: the graph, which the exporter prints, is lost."""
    monkeypatch.setattr("flopscope.measured.runtimes.exported.find_spec", lambda name: None)
    assert refusal(Spectrum()) == (
        "Spectrum cannot be quantised: torch cannot export it to ONNX: Exporting the operator "
        "'aten::fft_fft2' to ONNX opset version 17 is not supported; where the package "
        "onnxscript is installed, torch's newer exporter is asked too"
    )
    assert capfd.readouterr() == ("", "")


class Infinite(Random):
    def forward(self, x):
        return self.conv(x) / 0.0


def test_a_network_that_computes_no_numbers():
    assert refusal(Infinite()) == (
        "ONNX Runtime refuses Infinite: numbers that it computes of these images are not finite, "
        "and so have no range"
    )
