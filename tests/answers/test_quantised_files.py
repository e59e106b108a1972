"""Networks that ONNX Runtime really quantises: every byte of their tensors as predicted, and what
is refused on the way."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import settings
from torch import nn

import flopscope as fs
from flopscope.cli import main
from flopscope.errors import BadInput
from flopscope.onnxgraph import read

pytest.importorskip("onnxruntime")

from flopscope.measured.runtimes.quantising import needs_reduced_range

EXPLORING = settings.get_current_profile_name() == "explore"
SCHEMES = {
    "per channel": {},
    "per channel, ends kept": {"skip": ["first", "last"]},
    "per tensor": {"per_tensor": True},
    "per tensor, ends kept": {"per_tensor": True, "skip": ["first", "last"]},
}
FEW = [
    ("mobilenetv2:width=0.35", 32, "per channel"),
    ("mobilenetv3_small:width=0.5", 32, "per tensor, ends kept"),
    ("mobilevit_xxs", 64, "per channel, ends kept"),
    ("resnet18:width=0.25", 32, "per tensor"),
]
ALL = {
    "convnext_tiny": 32,
    "efficientformer_l1": 224,
    "efficientformerv2_s0": 224,
    "efficientnet_b0": 32,
    "efficientnetv2_s": 32,
    "efficientvit_b0": 64,
    "ghostnet_100": 32,
    "ghostnetv2_100": 64,
    "mobilenetv1": 32,
    "mobilenetv2": 32,
    "mobilenetv3_large": 32,
    "mobilenetv4_conv_small": 32,
    "mobilenetv4_hybrid_medium": 64,
    "mobileone_s0": 32,
    "mobilevit_xxs": 64,
    "mobilevitv2_050": 64,
    "poolformer_s12": 32,
    "regnety_400mf": 32,
    "repvit_m0.6": 32,
    "resnet18": 32,
    "resnet50": 32,
    "shufflenetv1_g3_x1.0": 32,
    "shufflenetv2_x1.0": 32,
    "starnet_s1": 32,
}
"""Networks of all families with the sizes of their images. The closed form predicts each exactly.
fastvit (a factor before its convolution), wtconvnext and efficientvit_m (exported through reshapes
and gathers of their own) are predicted exactly from their graphs alone."""


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


@pytest.mark.may_skip("only `make slow` quantises networks of all families")
@pytest.mark.skipif(not EXPLORING, reason="only `make slow` quantises all families")
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ALL)
def test_every_term_in_all_families(name, scheme):
    check(name, ALL[name], scheme)


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


# --- images ---------------------------------------------------------------------------------------


def refusal(**more):
    with pytest.raises(BadInput) as refused:
        quantised(**more)
    return str(refused.value)


def test_images_of_another_size():
    assert refusal(images=images(24)) == (
        "one of the images that were given has the sizes 3×24×24, and the network takes 3×16×16; "
        "resize it, or give res of its size"
    )


def test_no_images(tmp_path):
    assert refusal(images=str(tmp_path / "none")) == (
        f"there is no folder or file {tmp_path / 'none'}; give the images to calibrate with"
    )
    assert refusal(images=str(tmp_path)) == (
        f"there is no image in {tmp_path}; give a folder with files that end in .png, .jpg, .jpeg, "
        ".bmp, .webp or .npy"
    )
    assert refusal(images=images(16, 0)) == (
        "there is no image among the images that were given; give at least one"
    )


def test_images_that_are_none(tmp_path):
    assert refusal(images=np.array(["a", "b"])) == (
        "the images that were given are of type <U1; give numbers such as float32"
    )
    broken = tmp_path / "a.png"
    broken.write_bytes(b"none")
    pytest.importorskip("PIL")
    assert refusal(images=str(tmp_path)) == (f"{broken} is no image that can be read; leave it out")
    monkeypatched = dict.fromkeys(["PIL"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "PIL", monkeypatched["PIL"])
        assert refusal(images=str(tmp_path)).startswith("this needs PIL, but PIL cannot be")


def test_a_folder_of_pictures_and_arrays(tmp_path):
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    image.fromarray(pixels).save(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", images(16, 3))
    assert quantised(images=str(tmp_path)).found.run.images == f"4 images of {tmp_path}"


# --- networks -------------------------------------------------------------------------------------


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
    with pytest.raises(BadInput) as refused:
        fs.quantize(Words(), "1,3:int64", runtime="ort")
    assert str(refused.value) == (
        "Words takes an input of int64, and quantising needs a network that takes one input of "
        "float32, such as images"
    )
