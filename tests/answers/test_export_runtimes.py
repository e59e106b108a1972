"""What other runtimes need of a file: TensorRT's profile, commands and script, checked against the
file, its table of operators and the network's domain; and the converters, where they are there."""

from __future__ import annotations

import ast
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from torch import nn

from flopscope.answers.counted import Given
from flopscope.answers.export import export
from flopscope.answers.exporting.checked import Subject
from flopscope.answers.exporting.domain import beyond
from flopscope.answers.exporting.recipes import Wanted
from flopscope.answers.exporting.script import script
from flopscope.answers.exporting.sizes import Sizes, batches, dimensions, images
from flopscope.answers.exporting.tensorrt import plan
from flopscope.answers.exporting.trt_operators import SUPPORTED, UNSUPPORTED, refusal
from flopscope.answers.target import parse_target
from flopscope.errors import BadInput
from flopscope.measured.runtimes import Refused
from flopscope.measured.runtimes.recipes import RECIPES, tensorrt
from flopscope.onnxgraph.overview import Node, Overview
from flopscope.reconciling.countings import PNNX


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        return self.head(self.stem(x).mean((2, 3)))


class Cubic(nn.Module):
    def forward(self, x):
        return nn.functional.interpolate(x, size=(7, 7), mode="bicubic")


def sizes(batch="1", res=None, dynamic=()):
    height, width = images(res) if res else (None, None)
    return Sizes(batches(batch), height, width, dimensions(dynamic))


def overview(*dims, opset=17, nodes=()):
    return Overview(opset, {"x": dims}, {"x": "float32"}, tuple(nodes), False)


OPEN = ("batch", 3, "height", "width")


def refused(found, asked, **more):
    with pytest.raises(BadInput) as caught:
        plan("net.onnx", found, asked, half=False, **more)
    return str(caught.value)


# --- the profile and the commands -----------------------------------------------------------------


def test_the_profile_and_the_commands_of_both_generations():
    found = plan("net", overview(*OPEN), sizes("1:16:32", "160:224:288"), half=True)
    assert found.inputs[0].shapes == ((1, 3, 160, 160), (16, 3, 224, 224), (32, 3, 288, 288))
    profile = [
        "--minShapes=x:1x3x160x160", "--optShapes=x:16x3x224x224", "--maxShapes=x:32x3x288x288",
    ]  # fmt: skip
    assert found.commands("net.onnx") == {
        "TensorRT 10": [
            ["trtexec", "--onnx=net.onnx", *profile, "--fp16", "--saveEngine=net.engine"]
        ],
        "TensorRT 11": [
            [
                "python", "-m", "modelopt.onnx.autocast", "--onnx_path", "net.onnx",
                "--output_path", "net.fp16.onnx",
            ],
            ["trtexec", "--onnx=net.fp16.onnx", *profile, "--saveEngine=net.engine"],
        ],
    }  # fmt: skip


def test_a_file_of_fixed_sizes_has_no_shapes_in_its_command():
    found = plan("net", overview(4, 3, 32, 32), sizes("4"), half=False)
    assert found.commands("net.onnx") == {
        "TensorRT 10 and 11": [["trtexec", "--onnx=net.onnx", "--saveEngine=net.engine"]]
    }


@pytest.mark.parametrize(
    ("dims", "asked", "said"),
    [
        (
            (1, 3, 32, 32), sizes("1:4:8"),
            "net.onnx has a fixed batch of 1, and --batch asks for 1:4:8; give --batch 1, or "
            "export it with --dynamic batch",
        ),
        (
            (4, 3, 32, 32), sizes("8"),
            "net.onnx has a fixed batch of 4, and --batch asks for 8; give --batch 4, or export it "
            "with --dynamic batch",
        ),
        (
            ("batch", 3, 32, 32), sizes("1", "16:32:64"),
            "net.onnx has a fixed height of 32, and --res asks for 16:32:64; give --res 32, or "
            "export it with --dynamic height",
        ),
        (
            ("batch", 3, 32, "w"), sizes("1"),
            "net.onnx leaves w of its input x open, and no sizes are given for it; give them, such "
            "as --res 160:224:288",
        ),
        (
            ("batch", ""), sizes("1"),
            "net.onnx leaves a size without a name of its input x open, and ranges are given to "
            "batches and images alone; give a file that fixes it",
        ),
    ],
)  # fmt: skip
def test_a_profile_that_does_not_fit_the_file(dims, asked, said):
    assert refused(overview(*dims), asked) == said


def test_every_operator_is_held_against_the_table():
    nodes = [
        Node("Conv", "/a", {}), Node("Unique", "/b", {}), Node("Unique", "/c", {}),
        Node("com.microsoft.FusedConv", "", {}), Node("Resize", "/d", {"mode": "cubic"}),
        Node("MaxPool", "/e", {"dilations": (2, 2)}), Node("ScatterND", "/f", {"reduction": "add"}),
        Node("TopK", "/g", {"sorted": 0}), Node("Resize", "/h", {"antialias": 1}),
    ]  # fmt: skip
    found = plan("net", overview(1, 3, 8, 8, opset=22, nodes=nodes), sizes(), half=False)
    reads = "TensorRT 10.0 does not read"
    assert found.refused == (
        "TensorRT 10.0 reads versions 9 to 20 of ONNX's operators, and the file has version 22; "
        "give --opset 20",
        f"{reads} Unique: not supported; 2 such nodes, first /b",
        f"{reads} com.microsoft.FusedConv: not in its table; 1 such node, first one without a name",
        f"{reads} Resize: mode cubic; 1 such node, first /d",
        f"{reads} MaxPool: dilations; 1 such node, first /e",
        f"{reads} ScatterND: a reduction; 1 such node, first /f",
        f"{reads} TopK: unsorted results; 1 such node, first /g",
        f"{reads} Resize: antialiasing; 1 such node, first /h",
    )


def graph(path, nodes, inputs, outputs=("y",), domain=""):
    """An ONNX file of these nodes, whose inputs and outputs have a type and sizes each."""
    of = [
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in side.items()]
        for side in (inputs, dict.fromkeys(outputs, next(iter(inputs.values()), (1, [1]))))
    ]
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    model = helper.make_model(helper.make_graph(nodes, "g", *of), opset_imports=opsets)
    model.ir_version = 8
    onnx.save(model, path)
    return str(path)


def test_files_that_cannot_be_made_ready(tmp_path):
    path = tmp_path / "net.onnx"
    own = helper.make_node("Mine", ["x"], ["y"], domain="my.own")
    with pytest.raises(BadInput) as caught:
        export(graph(path, [own], {"x": (1, [1, 3])}, domain="my.own"), Wanted(to="tensorrt"))
    assert str(caught.value).startswith(f"{path} cannot be made ready: ")
    constant = helper.make_node("Constant", [], ["y"], value_float=1.0)
    with pytest.raises(BadInput) as caught:
        export(graph(path, [constant], {}), Wanted(to="tensorrt"))
    assert str(caught.value) == (
        f"{path} takes no inputs; give a network that computes something of some"
    )
    text = helper.make_node("Identity", ["x"], ["y"])
    found = export(
        graph(path, [text], {"x": (onnx.TensorProto.STRING, [2])}), Wanted(to="tensorrt")
    )
    assert found.plan.refused == ("TensorRT 10.0 does not take inputs of the type string, as x is",)


def test_the_table_is_that_of_its_source():
    assert (len(SUPPORTED), len(UNSUPPORTED), SUPPORTED & UNSUPPORTED) == (150, 46, frozenset())
    assert all(not refusal(name, {}) for name in ("Conv", "Gemm", "LayerNormalization", "Resize"))


def test_a_network_that_tensorrt_does_not_read_does_not_hold():
    found = export(Cubic(), Wanted(sizes(res="16"), to="tensorrt"))
    assert (found.agrees, found.holds) == (True, False)
    assert found.plan.refused == (
        "TensorRT 10.0 does not read Resize: mode cubic; 1 such node, first /Resize",
    )


def test_sizes_between_the_ends_that_a_network_does_not_take():
    def said(name, res):
        return beyond(Subject(parse_target(name), sizes(res=res), Given()))

    assert said("mobilenetv2", "160:224:288") == said("efficientformer_l1", "193:224:224") == ""
    assert said("efficientformer_l1", "190:224:224") == (
        "efficientformer_l1 does not take every size between those of the profile: not 190, 191, "
        "192; an engine lets them pass all the same"
    )
    assert beyond(Subject(parse_target("net.py:Net"), sizes(res="8:9:10"), Given())) == ""


# --- the script -----------------------------------------------------------------------------------

IMAGE = ("float32", ((1, 3, 8, 8), (2, 3, 8, 8), (4, 3, 8, 8)))


@pytest.mark.parametrize(
    ("target", "imports", "module"),
    [
        ("mobilenetv2:width=1.4", "flopscope", 'fs.build("mobilenetv2:width=1.4")'),
        ("timm:resnet18", "timm", 'timm.create_model("resnet18")'),
        ("torchvision:resnet18", "torchvision", 'models.get_model("resnet18")'),
        ("pack.nets:Net[width=4]", "pack.nets", "Net(width=4)"),
        ("some/net.py:Net.small", "net", "Net.small()"),
        ("net.onnx", None, "..."),
        ("net.py:Net(Config())", None, "..."),
    ],
)
def test_the_script_is_python_that_makes_the_module(target, imports, module):
    written = script(parse_target(target), [IMAGE], half=True)
    tree = ast.parse(written)
    assigned = next(
        node
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "module"
    )
    assert ast.unparse(assigned.value) == ast.unparse(ast.parse(module, mode="eval"))
    names = {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name
             for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)}  # fmt: skip
    assert names - {"torch", "torch_tensorrt", "sys"} == ({imports} if imports else set())


def test_the_script_runs_on_what_stands_for_torch_tensorrt(monkeypatch, capsys):
    asked = []
    stand_in = ModuleType("torch_tensorrt")
    stand_in.Input = lambda *shape, **more: (shape, more)

    def compile(module, **more):
        asked.append(more)
        return module

    stand_in.compile = compile
    monkeypatch.setitem(sys.modules, "torch_tensorrt", stand_in)
    monkeypatch.setattr(nn.Module, "cuda", lambda self: self)
    monkeypatch.setattr(torch.Tensor, "cuda", lambda self: self)
    exec(script(parse_target("mobilenetv1:width=0.25"), [IMAGE], half=True), {})
    (more,) = asked
    shapes = dict(zip(("min_shape", "opt_shape", "max_shape"), IMAGE[1], strict=True))
    assert more == {
        "ir": "dynamo",
        "inputs": [((), {**shapes, "dtype": torch.float32})],
        "use_explicit_typing": False,
        "enabled_precisions": {torch.float32, torch.float16},
    }
    assert capsys.readouterr().out.count("ran on") == 3


# --- the engine, on what stands for TensorRT ------------------------------------------------------


def stand_in(network, parses=True, builds=True, flags=("FP16",)):
    """What stands for the package tensorrt: it computes nothing and notes what it is asked."""
    asked = {"flags": [], "shapes": {}}

    class Profile:
        def set_shape(self, name, *shapes):
            asked["shapes"][name] = shapes

    class Config:
        def set_flag(self, flag):
            asked["flags"].append(flag)

        def add_optimization_profile(self, profile):
            asked["profile"] = profile

    class Builder:
        def __init__(self, logger):
            pass

        create_network = staticmethod(lambda flags: object())
        create_builder_config = staticmethod(Config)
        create_optimization_profile = staticmethod(Profile)
        build_serialized_network = staticmethod(
            lambda network, config: b"engine" if builds else None
        )

    class Parser:
        num_errors = 1

        def __init__(self, network, logger):
            pass

        parse_from_file = staticmethod(lambda path: parses)
        get_error = staticmethod(lambda place: "no such operator")

    class Context:
        def set_input_shape(self, name, shape):
            asked["input"] = (name, shape)

        def set_tensor_address(self, name, address):
            pass

        def get_tensor_shape(self, name):
            return (1, 10)

        def execute_async_v3(self, stream):
            return True

    engine = SimpleNamespace(
        create_execution_context=Context, num_io_tensors=2,
        get_tensor_name=lambda place: ("input", "output")[place],
        get_tensor_mode=lambda name: name,
    )  # fmt: skip
    runtime = SimpleNamespace(deserialize_cuda_engine=lambda plan: engine)

    class Logger:
        ERROR = 1

        def __init__(self, level):
            pass

    found = ModuleType("tensorrt")
    found.__dict__.update(
        __version__="10.9", Logger=Logger, Builder=Builder, OnnxParser=Parser,
        Runtime=lambda logger: runtime, TensorIOMode=SimpleNamespace(OUTPUT="output"),
        BuilderFlag=SimpleNamespace(**{name: name for name in flags}),
    )  # fmt: skip
    return found, asked


class Event:
    def __init__(self, enable_timing):
        pass

    def record(self, stream):
        pass

    def elapsed_time(self, other):
        return 0.25


@pytest.fixture
def gpu(monkeypatch):
    """What stands for a GPU: the processor."""
    stream = SimpleNamespace(cuda_stream=0, synchronize=lambda: None)
    monkeypatch.setattr(torch.cuda, "Stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.Tensor, "cuda", lambda self: self)
    empty = torch.empty
    monkeypatch.setattr(
        torch, "empty", lambda shape, dtype, device: empty(shape, dtype=dtype).zero_()
    )


PROFILE = {"input": ((1, 3, 8, 8), (2, 3, 8, 8), (4, 3, 8, 8))}
VALUES = {"input": np.zeros((2, 3, 8, 8), np.float32)}


def test_the_engine_is_asked_for_as_the_documentation_says(monkeypatch, tmp_path, gpu):
    """This has never run on a GPU: what is tested is which calls are made."""
    package, asked = stand_in(Net())
    monkeypatch.setitem(sys.modules, "tensorrt", package)
    found = tensorrt.built(tmp_path / "net.onnx", PROFILE, VALUES, half=True)
    assert (found.files, found.milliseconds, found.version) == (
        {".engine": b"engine"}, 0.25, "tensorrt 10.9",
    )  # fmt: skip
    assert asked["shapes"] == PROFILE
    assert (asked["flags"], asked["input"]) == (["FP16"], ("input", (2, 3, 8, 8)))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"parses": False}, "no such operator"),
        ({"builds": False}, "it builds no engine, and says nothing"),
        ({"flags": ()}, "from TensorRT 11 on, the file itself must have numbers of 16 bits"),
    ],
)
def test_what_tensorrt_says_is_quoted(monkeypatch, tmp_path, gpu, more, said):
    monkeypatch.setitem(sys.modules, "tensorrt", stand_in(Net(), **more)[0])
    with pytest.raises(Refused) as caught:
        tensorrt.built(tmp_path / "net.onnx", PROFILE, VALUES, half=True)
    assert str(caught.value) == said


def test_without_tensorrt_no_engine_is_built():
    found = export(Net(), Wanted(sizes("1:2:3", "16"), to="tensorrt"))
    assert (tensorrt.is_here(), found.ready, found.holds) == (False, None, True)
    assert set(found.files) == {".onnx", ".tensorrt.py"}


# --- converters -----------------------------------------------------------------------------------

not_in_tests = pytest.mark.may_skip("converters are not among the tools of tests")


@not_in_tests
@pytest.mark.parametrize(
    ("to", "half", "most", "files"),
    [
        ("openvino", False, 1e-4, {".xml", ".bin"}),
        ("openvino", True, 1e-2, {".xml", ".bin"}),
        ("ncnn", False, 1e-4, {".param", ".bin"}),
        ("ncnn", True, 1e-2, {".param", ".bin"}),
        ("executorch", False, 1e-4, {".pte"}),
        ("coreml", True, None, None),
    ],
)
def test_a_converter_makes_files_that_compute_the_same(to, half, most, files):
    for package in RECIPES[to].packages:
        pytest.importorskip(package)
    found = export(Net(), Wanted(sizes(res="16"), to=to, half=half))
    assert found.holds
    made = found.ready.converted
    assert made.size == sum(map(len, found.files.values())) > 0
    assert made.operators
    if most is None:
        assert found.ready.apart is None
        assert ".mlpackage/Manifest.json" in found.files
    else:
        assert found.ready.apart.relative <= most
        assert set(found.files) == files


@not_in_tests
def test_pnnx_prints_what_its_convention_counts():
    """A layer of each kind that it knows, in sizes whose counts are printed whole."""
    pytest.importorskip("ncnn")
    pytest.importorskip("pnnx")

    class Each(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(4, 4, 1)
            self.acts = nn.Sequential(nn.Hardswish(), nn.SiLU(), nn.Sigmoid(), nn.Hardsigmoid())
            self.head = nn.Linear(4, 5)

        def forward(self, x):
            x = self.acts(self.b(self.a(x).relu()))
            x = nn.functional.max_pool2d(x, 2) + nn.functional.avg_pool2d(x, 2)
            return self.head(nn.functional.adaptive_avg_pool2d(x * x, 1).flatten(1)).softmax(1)

    found = export(Each(), Wanted(sizes(res="10"), to="ncnn"))
    module, *_ = found.stages  # pnnx puts SiLU together again, which the file has in two parts
    count = sum(PNNX.count(row) for row in module.entry.ledger)
    assert (
        found.ready.converted.printed == f"pnnx prints FLOPS = {count / 1000:.3f}".rstrip("0") + "K"
    )


def test_a_file_of_onnx_is_not_converted_from_the_module():
    with pytest.raises(BadInput) as caught:
        Wanted(sizes(), to="executorch").check(parse_target("net.onnx"))
    assert str(caught.value) == (
        "net.onnx is an ONNX file, and ExecuTorch is converted from the network of PyTorch; give "
        "that"
    )
