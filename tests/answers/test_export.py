"""An exported file computes what its module computes and costs what it costs; what became of rows
is named; sizes that stay open are run; and what cannot be exported is said."""

from __future__ import annotations

import copy
import sys

import numpy as np
import pytest
import torch
from torch import nn

from flopscope.answers.counted import Given
from flopscope.answers.export import export
from flopscope.answers.exporting.checked import TOLERANCE, is_fresh
from flopscope.answers.exporting.recipes import LEAST_OPSET, MOST_OPSET, Wanted
from flopscope.answers.exporting.sizes import Sizes, batches, dimensions, images
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import Kind
from flopscope.measured.runtimes import exported as exporting
from flopscope.present.export import export_document


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        return self.head(self.stem(x).mean((2, 3)))


def made(module=None, seed=0):
    torch.manual_seed(seed)
    return module or Net()


def wanted(batch="1", res=None, dynamic=(), **more):
    height, width = images(res) if res else (None, None)
    return Wanted(Sizes(batches(batch), height, width, dimensions(dynamic)), **more)


SMALL = wanted(res="16")


def fates(found, place=0):
    return {(each.what, each.fate): each.count for each in found.steps[place].fates}


def refusal(target, *given, kind=BadInput, **more):
    with pytest.raises(kind) as caught:
        export(target, *given, **more)
    return str(caught.value)


# --- what is exported -----------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "size"), [("mobilenetv3_small", "64"), ("mobilevit_xxs", "64")])
def test_a_network_of_the_catalogue_is_the_same_in_its_file(name, size):
    found = export(name, wanted(res=size, dynamic=("batch",)))
    assert found.holds
    assert [check.shapes[0][0] for check in found.checks] == [1, 3]
    assert all(check.relative <= TOLERANCE for check in found.checks)
    assert found.checks[0].absolute > 0  # it was computed, by another program
    assert found.again is None  # its norms are drawn already
    assert all(not step.other_macs for step in found.steps)
    module, file, _, extended = found.stages
    assert len({int(s.entry.ledger.macs()) for s in found.stages}) == 1
    norms = sum(row.kind is Kind.BATCH_NORM for row in module.entry.ledger)
    assert fates(found)["batch norm", "folded into the convolution before it"] == norms > 0
    assert extended.nodes < file.nodes
    assert found.overview.inputs == {"input": ("batch", 3, int(size), int(size))}


def test_what_folding_and_fusion_remove_is_named():
    found = export(made(), SMALL)
    assert fates(found) == {
        ("batch norm", "folded into the convolution before it"): 1,
        ("standard convolution", "gained a bias"): 1,
    }
    assert fates(found, 2) == {}
    assert found.steps[2].operators == {
        "Conv": (1, 0),
        "Relu": (1, 0),
        "com.microsoft.FusedConv with Relu": (0, 1),
    }
    norm = next(fate for fate in found.steps[0].fates if fate.what == "batch norm")
    params = next(q for q in found.steps[0].diff.quantities if q.name == "params")
    assert (norm.example, norm.difference(params)) == ("stem.1", -16)


class Grid(nn.Module):
    """It multiplies stored tensors, as networks do that make the grid of their positions."""

    def __init__(self):
        super().__init__()
        self.register_buffer("grid", torch.randn(5, 2))
        self.register_buffer("waves", torch.randn(2, 7))

    def forward(self, x):
        return x + self.grid @ self.waves


def test_products_of_constants_are_done_once():
    found = export(made(Grid()), None, Given(inputs=("5,7",)))
    assert found.steps[0].other_macs == ()
    (gone,) = found.steps[1].other_macs or found.steps[0].other_macs
    macs = next(q for q in found.steps[1].diff.quantities if q.unit == "MACs")
    assert (gone.after, gone.difference(macs)) == (None, -5 * 2 * 7)


def test_the_file_has_the_weights_of_the_module_which_stays_as_it_was():
    module = made().train()
    before = copy.deepcopy(module.state_dict())
    found = export(module, SMALL)
    assert module.training
    assert all(torch.equal(before[name], each) for name, each in module.state_dict().items())
    import onnx

    stored = {t.name: onnx.numpy_helper.to_array(t) for t in _model(found).graph.initializer}
    assert any(np.array_equal(each, module.head.weight.detach()) for each in stored.values())


def _model(found):
    import onnx

    return onnx.load_model_from_string(found.content)


def test_norms_as_they_are_made_are_checked_on_a_copy_with_others(monkeypatch):
    module = made()
    assert is_fresh(module)
    assert export(module, SMALL).again.relative <= TOLERANCE
    with torch.no_grad():
        module.stem[1].running_mean.fill_(0.5)
    assert not is_fresh(module)
    assert export(module, SMALL).again is None
    assert not is_fresh(nn.Linear(2, 2))


class Single(Net):
    def __deepcopy__(self, memo):
        raise TypeError("there is one of me")


def test_a_module_that_cannot_be_copied_is_compared_as_it_is():
    found = export(made(Single()), SMALL)
    assert (found.holds, found.fresh, found.again) == (True, True, None)
    assert any("cannot be copied" in note for note in export_document(found).tables[0].notes)


def test_an_exporter_that_leaves_norms_out_is_found_out(monkeypatch):
    """The module's own statistics are those of a norm that does nothing, so that only the copy with
    others shows it."""
    write = exporting._write

    def without_norms(network, path, **how):
        module = copy.deepcopy(network.module)
        module.stem[1] = nn.Identity()
        write(exporting.Network(network.name, network.inputs, {}, module), path, **how)

    monkeypatch.setattr(exporting, "_write", without_norms)
    module = made()
    module.stem[1].eps = 0.0
    found = export(module, SMALL)
    assert (found.checks[0].is_same, found.again.is_same) == (True, False)
    assert not found.holds


# --- open sizes -----------------------------------------------------------------------------------


class Fixed(Net):
    """Its code makes a number of the batch."""

    def forward(self, x):
        return super().forward(x) + torch.arange(int(x.shape[0]))[:, None]


def test_open_sizes_are_run_at_other_sizes():
    found = export(made(), wanted(res="16", dynamic=("batch", "height,width")))
    assert [each.shapes for each in found.checks] == [((1, 3, 16, 16),), ((3, 3, 48, 48),)]
    assert found.overview.inputs == {"input": ("batch", 3, "height", "width")}
    assert export(made(Fixed()), SMALL).holds
    assert not export(made(Fixed()), wanted(res="16", dynamic=("batch",))).holds


def test_a_range_is_run_at_its_ends():
    found = export(made(), wanted("1:2:4", "8:16:32"))
    assert [each.shapes[0] for each in found.checks] == [
        (1, 3, 8, 8), (2, 3, 16, 16), (4, 3, 32, 32),
    ]  # fmt: skip


def test_sizes_that_take_too_much_memory_are_not_run():
    found = export(made(), wanted("1:2:1000000000", "16"))
    assert ([each.shapes[0][0] for each in found.checks], found.unrun) == ([1, 2], True)
    note = "the largest sizes are not run here, as they take more than 4 GiB"
    assert note in export_document(found).tables[0].notes


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(10, 4)

    def forward(self, ids, mask):
        return self.words(ids)


def test_several_inputs_of_which_one_is_read():
    given = Given(inputs=("2,5:int64", "2,5"))
    found = export(made(Tokens()), wanted(dynamic=("batch",)), given)
    assert found.holds
    assert found.overview.inputs == {"input_0": ("batch", 5)}
    assert [each.shapes for each in found.checks] == [((2, 5), (2, 5)), ((4, 5), (4, 5))]


def test_older_operators_are_written_where_they_are_asked_for():
    found = export(made(), wanted(res="16", opset=11))
    assert (found.overview.opset, found.holds) == (11, True)


# --- what is refused ------------------------------------------------------------------------------


class Raising(nn.Module):
    def __init__(self):
        super().__init__()
        self.runs = 0

    def forward(self, x):
        if x.shape[-1] > 16:
            raise ValueError("too wide")
        return x * 2


class Shape(nn.Module):
    def forward(self, x):
        return torch.tensor(x.shape)


class Zeros(nn.Module):
    def forward(self, x):
        return x * 0


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.RMSNorm(8)

    def forward(self, x):
        return self.norm(x)


def test_a_module_that_does_not_take_a_size_of_the_profile():
    said = refusal(made(Raising()), wanted(res="8:16:24"))
    assert said == (
        "Raising does not take 1×3×24×24, which the file would be for: too wide; give sizes that "
        "the network takes"
    )


def test_a_network_of_the_catalogue_outside_its_domain():
    assert refusal("efficientformer_l1", wanted(res="160:224:224")) == (
        "efficientformer_l1 does not exist at 160×160, batch 1, the smallest sizes of the profile: "
        "height of the input is 160, but the attention biases are those of a 7×7 grid, a 32nd of "
        "the input; give 193 to 224"
    )


def test_results_that_depend_on_no_input():
    assert refusal(made(Shape()), SMALL) == (
        "no result of Shape depends on its inputs, so that a file of it would take none; give a "
        "network that computes something of them"
    )


def test_results_that_cannot_be_compared_do_not_hold():
    found = export(made(Zeros()), SMALL)
    assert (found.checks[0].relative, found.holds) == (None, False)


def test_an_operator_that_torch_cannot_export(monkeypatch, capfd):
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    said = refusal(made(Norm()), None, Given(inputs=("2,8",)))
    assert said == (
        "Norm cannot be exported: torch cannot export it to ONNX: Exporting the operator "
        "'aten::rms_norm' to ONNX opset version 17 is not supported; where the package onnxscript "
        "is installed, torch's newer exporter is asked too"
    )
    assert capfd.readouterr().out == ""


def test_weights_that_no_file_holds():
    assert refusal("mobilevlm_v2_1.7b").startswith(
        "mobilevlm_v2_1.7b has 6,696,484,864 bytes of weights, and an ONNX file that holds its own "
        "has at most 2,147,483,647"
    )


def test_an_image_is_needed_for_open_sides():
    said = refusal(made(Tokens()), wanted(dynamic=("width",)), Given(inputs=("2,5:int64", "2,5")))
    assert said == (
        "Tokens takes no image of (batch, channels, height, width), and has no width that could "
        "stay open; leave it out of --dynamic and --res"
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"opset": 21},
            "--opset 21 is not a version that torch exports and ONNX Runtime reads; give one from "
            "9 to 20",
        ),
        (
            {"half": True},
            "an ONNX file is exported in numbers of 32 bits; --fp16 is for a runtime that halves "
            "them, so give --for tensorrt, openvino, ncnn or coreml too",
        ),
        (
            {"half": True, "to": "executorch"},
            "ExecuTorch is converted in numbers of 32 bits here; leave --fp16 out",
        ),
        (
            {"to": "ncnn", "dynamic": ("batch",)},
            "ncnn is converted for one size here, and batch would stay open; give one of each",
        ),
        (
            {"to": "coreml", "batch": "1:2:3"},
            "Core ML is converted for one size here, and batch would stay open; give one of each",
        ),
    ],
)
def test_what_cannot_be_wanted(more, said):
    assert refusal("mobilenetv1", wanted(**more)) == said


def test_an_unknown_runtime():
    assert refusal("mobilenetv1", wanted(to="tflite"), kind=UnknownName) == (
        "unknown runtime to export for 'tflite'; known are tensorrt, openvino, ncnn, executorch, "
        "coreml"
    )


@pytest.mark.parametrize("to", ["openvino", "ncnn", "executorch", "coreml"])
def test_a_package_that_is_missing_is_named(monkeypatch, to):
    from flopscope.measured.runtimes.recipes import RECIPES

    for name in RECIPES[to].packages:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("flopscope.extras.find_spec", lambda name: None)
    said = refusal("mobilenetv1", wanted(to=to))
    assert said.startswith(f"this needs {' and '.join(RECIPES[to].packages)}, but ")
    assert "install " in said


def test_a_package_that_is_broken_is_named(monkeypatch):
    def prepare():
        raise ImportError("no libc++")

    monkeypatch.setattr("flopscope.extras.find_spec", lambda name: True)
    monkeypatch.setattr("flopscope.measured.runtimes.recipes.coreml.prepare", prepare)
    assert refusal("mobilenetv1", wanted(to="coreml")) == (
        "what converts for Core ML cannot be imported (ImportError: no libc++); install it anew "
        "with: pip install 'coremltools>=9.0'"
    )


def test_opsets_are_those_of_torch():
    from torch.onnx import _constants as torches

    assert torches.ONNX_MIN_OPSET <= LEAST_OPSET == torches.ONNX_CONSTANT_FOLDING_MIN_OPSET
    assert torches.ONNX_TORCHSCRIPT_EXPORTER_MAX_OPSET == MOST_OPSET
