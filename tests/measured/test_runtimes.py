"""Each runtime runs a small network and computes what PyTorch computes; what it refuses is said in
its own words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from flopscope.measured.outputs import TOLERANCE, difference
from flopscope.measured.runtimes import RUNTIMES, Asked, Network, Refused, loader
from flopscope.measured.runtimes.torch_threads import arrays, clock_of, finish_of, torch_settings

PACKAGES = {"ort": "onnxruntime", "openvino": "openvino", "ncnn": "ncnn"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU6())
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        return self.head(self.stem(x).mean((2, 3)))


IMAGE = np.random.default_rng(0).standard_normal((1, 3, 16, 16), dtype=np.float32)


def network(module=None, image=IMAGE):
    torch.manual_seed(0)
    return Network("net", [image], {}, (module or Net()).eval())


def installed(runtime):
    pytest.importorskip(PACKAGES[runtime])
    if runtime == "ncnn":
        pytest.importorskip("pnnx")
    return loader(runtime)


not_in_tests = pytest.mark.may_skip("openvino and ncnn are not among the tools of tests")
EXPORTED = [
    pytest.param("ort"),
    pytest.param("openvino", marks=not_in_tests),
    pytest.param("ncnn", marks=not_in_tests),
]


@pytest.mark.parametrize("runtime", EXPORTED)
def test_a_runtime_computes_what_pytorch_computes(runtime, tmp_path):
    load = installed(runtime)
    given = network()
    with torch_settings(1):
        reference = loader("eager")(given, Asked(), tmp_path).outputs()
        running = load(given, Asked(), tmp_path)
        assert difference(running.outputs(), reference) < TOLERANCE["float32"]
        before = running.clock()
        running.run()
        assert running.clock() > before
    assert running.version.partition(" ")[2][0].isdigit()


@pytest.mark.parametrize("runtime", EXPORTED[:2])
def test_a_profile_names_modules(runtime, tmp_path):
    load = installed(runtime)
    found = load(network(), Asked(), tmp_path).profile(3)
    assert {each.path for each in found} & {"stem.0", "stem.2"}
    assert runtime == "openvino" or "head" in {each.path for each in found}
    assert all(each.seconds >= 0 for each in found)


def test_eager_times_every_operator_of_every_module(tmp_path):
    with torch_settings(1):
        found = loader("eager")(network(), Asked(), tmp_path).profile(3)
    assert [(each.path, each.operator) for each in found if each.operator != "empty"] == [
        ("stem.0", "convolution"),
        ("stem.1", "native_batch_norm"),
        ("stem.2", "hardtanh"),
        ("", "mean"),
        ("head", "t"),
        ("head", "addmm"),
    ]


class Compiled(nn.Module):
    """What stands for the compiler's result."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def __len__(self):
        raise TypeError("a compiled module has no length")

    def forward(self, x):
        return self.module(x)


def test_compile_runs_what_the_compiler_gives(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda module, dynamic: Compiled(module))
    given = network()
    running = loader("compile")(given, Asked(), tmp_path)
    reference = arrays(given.module(torch.from_numpy(IMAGE)))
    assert difference(running.outputs(), reference) == 0
    running.close()


def test_what_the_compiler_says_is_quoted(tmp_path, monkeypatch):
    def compile(module, dynamic):
        raise RuntimeError("no C++\n compiler")

    monkeypatch.setattr(torch, "compile", compile)
    with pytest.raises(Refused) as caught:
        loader("compile")(network(), Asked(), tmp_path)
    assert str(caught.value) == "no C++ compiler"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "amp"])
def test_types_of_numbers_are_those_that_are_asked_for(dtype, tmp_path):
    given = network()
    with torch_settings(1):
        reference = loader("eager")(given, Asked(), tmp_path).outputs()
        outputs = loader("eager")(given, Asked(dtype=dtype), tmp_path).outputs()
    assert 0 < difference(outputs, reference) < TOLERANCE[dtype]
    assert given.module.head.weight.dtype is torch.float32


def test_a_network_that_does_not_run_is_refused_in_torchs_words(tmp_path):
    with pytest.raises(Refused) as caught:
        loader("eager")(network(nn.Linear(4, 4)), Asked(), tmp_path)
    assert "mat1 and mat2 shapes cannot be multiplied" in str(caught.value)


class Unexportable(nn.Module):
    def forward(self, x):
        return torch.linalg.eigvals(x)


def test_a_network_that_cannot_be_exported_is_refused(tmp_path, monkeypatch):
    installed("ort")
    monkeypatch.setattr("flopscope.measured.runtimes.exported.find_spec", lambda name: None)
    with pytest.raises(Refused) as caught:
        loader("ort")(network(Unexportable()), Asked(), tmp_path)
    assert str(caught.value).startswith("torch cannot export it to ONNX: ")
    assert "linalg_eigvals" in str(caught.value)


def test_a_file_that_is_no_graph_is_refused_in_the_runtimes_words(tmp_path):
    load = installed("ort")
    file = tmp_path / "bad.onnx"
    file.write_bytes(b"not a graph")
    with pytest.raises(Refused) as caught:
        load(Network("bad", [IMAGE], {}, file=file), Asked(), tmp_path)
    assert "Protobuf parsing failed" in str(caught.value)


@not_in_tests
def test_ncnn_refuses_a_batch(tmp_path):
    load = installed("ncnn")
    with pytest.raises(Refused) as caught:
        load(network(image=np.repeat(IMAGE, 2, axis=0)), Asked(), tmp_path)
    assert str(caught.value) == "a tensor of ncnn has no batch; give --batch 1"


@not_in_tests
def test_openvino_is_loaded_without_the_package_that_reports_its_use():
    import subprocess
    import sys

    pytest.importorskip("openvino")
    code = (
        "from flopscope.measured.runtimes.openvino import imported\n"
        "import sys\nimported()\nprint('openvino_telemetry' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"


class Call:
    on_gpu = True


def test_a_gpu_is_waited_for_and_has_no_processor_time():
    assert clock_of(Call(), Asked(place="cuda")) is None
    assert finish_of(Call()) is torch.cuda.synchronize


def test_torch_is_as_it_was():
    threads = torch.get_num_threads()
    with torch_settings(threads + 1):
        assert torch.get_num_threads() == threads + 1
        assert not torch.is_grad_enabled()
    assert torch.get_num_threads() == threads
    assert torch.is_grad_enabled()


def test_results_may_be_nested():
    result = {"a": torch.ones(2), "b": [torch.zeros(1, dtype=torch.int64), None]}
    assert [each.tolist() for each in arrays(result)] == [[1.0, 1.0], [0]]


def test_every_runtime_has_its_file():
    folder = Path(loader.__code__.co_filename).parent
    assert all((folder / f"{runtime.home}.py").is_file() for runtime in RUNTIMES.values())
