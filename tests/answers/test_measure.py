"""Networks that are run: what is stated of them, and what is refused before anything runs."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from flopscope.answers.counted import Given
from flopscope.answers.how import How
from flopscope.answers.layer_times import layer_times
from flopscope.answers.making import target_of
from flopscope.answers.measure import measure
from flopscope.answers.running import runnable
from flopscope.answers.target import parse_target
from flopscope.errors import BadInput, UnknownName
from flopscope.measured.machine.anchor import Anchor
from flopscope.measured.runtimes import Refused, Timed
from flopscope.present.measure import measurement_document
from flopscope.timing.latency_table import latencies_csv, parse_latencies


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU())
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        return self.head(self.stem(x).mean((2, 3)))


EAGER = How("eager", rounds=3)
SMALL = Given(res=16)


def refusal(kind=BadInput, **how):
    with pytest.raises(kind) as caught:
        How(**how)
    return str(caught.value)


def test_a_latency_says_how_it_was_measured():
    (entry,) = measure(["mobilenetv1:width=0.25"], EAGER, Given(res=32, batch=2)).entries
    one = entry.latency
    assert (one.model, one.catalogue) == ("mobilenetv1:width=0.25", "mobilenetv1:width=0.25")
    assert tuple(one.setting)[1:] == (
        "eager", f"torch {torch.__version__}", "float32", 1, "nchw", "inference",
    )  # fmt: skip
    assert (one.batch, one.resolution, one.rounds) == (2, (32, 32), 3)
    assert one.min_ms <= one.q25_ms <= one.q75_ms
    assert one.cpu_min_ms <= one.cpu_ms
    assert one.throughput_ips == pytest.approx(2e3 / one.latency_ms, rel=1e-4)
    assert one.anchor_ms > 0
    assert one.statistic == "mean of the middle half"
    assert entry.shapes == ((2, 3, 32, 32),)
    assert entry.difference is None  # PyTorch's results are what others are compared with


def test_what_is_measured_is_a_table_that_is_read():
    found = measure([Net, "mobilenetv1:width=0.25"], EAGER, SMALL)
    assert parse_latencies(latencies_csv(found.latencies), "m.csv") == found.latencies


def test_the_results_of_a_runtime_are_compared():
    pytest.importorskip("onnxruntime")
    found = measure([Net(), Net], How("ort", rounds=2), SMALL)
    assert found.agrees
    assert all(0 <= entry.difference < 1e-5 for entry in found.entries)


def test_an_onnx_file_runs_as_it_is(tmp_path):
    pytest.importorskip("onnxruntime")
    from graphs import export

    path = export(tmp_path / "net.onnx", Net(), (1, 3, 16, 16), {0: "batch"})
    (entry,) = measure([str(path)], How("ort", rounds=2), Given(batch=3)).entries
    assert entry.shapes == ((3, 3, 16, 16),)
    assert entry.difference is None
    assert entry.latency.catalogue == ""


def _notes(found):
    return measurement_document(found).tables[0].notes


def test_other_results_are_no_success(monkeypatch):
    monkeypatch.setattr("flopscope.measured.outputs.TOLERANCE", {"float16": 0.0})
    found = measure([Net], How("eager", dtype="float16", rounds=1), SMALL)
    assert not found.agrees
    apart = found.entries[0].difference
    assert (
        f"Net: the results differ from PyTorch's by {apart:.1e} of their largest value, more than "
        "0: this runtime computes something else"
    ) in _notes(found)


def test_weights_are_the_same_each_time_and_torch_draws_on():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    weights = []
    for _ in range(2):
        with runnable(target_of(Net), SMALL) as network:
            weights.append(network.module.head.weight.clone())
    assert torch.equal(*weights)
    assert torch.equal(torch.rand(1), expected)


def test_a_module_is_as_it_was():
    net = Net().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    names = set(vars(net))
    measure([net], How("eager", rounds=1, by="layer"), SMALL)
    assert net.training
    assert set(vars(net)) == names
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not net.head._forward_hooks


def test_a_busy_machine_is_said_to_be_busy(monkeypatch):
    monkeypatch.setattr("flopscope.timing.measurement.Latency.crowding", property(lambda _: 1.84))
    monkeypatch.setattr("flopscope.measured.machine.anchor.anchor", lambda: Anchor(0.7, 1.0))
    found = measure([Net], EAGER, SMALL)
    assert found.entries[0].is_loaded
    assert _notes(found)[0] == (
        "Net: wall time was 1.84 times processor time, so other programs kept the machine busy and "
        "the latency is too long; CPU ms is nearer to an idle machine's"
    )


def test_many_networks_on_a_busy_machine_have_one_note(monkeypatch):
    times = iter([1.5, 1.84, 3.0, 1.2, 1.7])
    monkeypatch.setattr(
        "flopscope.timing.measurement.Latency.crowding", property(lambda _: next(times))
    )
    monkeypatch.setattr("flopscope.measured.machine.anchor.anchor", lambda: Anchor(0.7, 1.0))
    monkeypatch.setattr("flopscope.answers.measure.time_again", lambda *_: None)
    found = measure([Net] * 5, EAGER, SMALL)
    assert _notes(found)[0] == (
        "Net, Net, Net, Net and 1 more: wall time was 1.20 to 3.00 times processor time, so other "
        "programs kept the machine busy and these latencies are too long; CPU ms is nearer to an "
        "idle machine's"
    )


def test_with_several_threads_the_anchor_shows_a_busy_machine(monkeypatch):
    monkeypatch.setattr("flopscope.measured.machine.anchor.anchor", lambda: Anchor(0.7, 2.5))
    (entry,) = measure([Net], How("eager", threads=2, rounds=1), SMALL).entries
    assert (entry.crowding, entry.is_loaded) == (2.5, True)


class SlowingPace:
    """Of a machine that has become slower for good, by 1.6, after its first network."""

    def __init__(self):
        self.asked = 0

    def milliseconds(self):
        self.asked += 1
        return 0.5 if self.asked <= EAGER.rounds + 1 else 0.8

    def is_full(self, milliseconds):
        return milliseconds < 0.6


def test_drift_is_noted(monkeypatch):
    slow = SlowingPace()
    monkeypatch.setattr("flopscope.answers.measure.pace_of_machine", lambda: slow)
    monkeypatch.setattr("flopscope.timing.measurement.Latency.crowding", property(lambda _: 1.0))
    found = measure([Net, Net], EAGER, SMALL)
    assert found.drift == pytest.approx(1.6)
    assert _notes(found)[0] == (
        "the machine changed its speed: a product of matrices of one size, timed beside each "
        "network, took up to 1.60 times its shortest time"
    )


def test_layers_have_the_time_of_their_modules():
    (entry,) = measure([Net], How("eager", rounds=1, by="layer"), SMALL).entries
    layers = {each.path: each for each in entry.layers}
    assert list(layers)[:3] == ["stem.0", "stem.1", "stem.2"]
    assert (layers["stem.0"].macs, layers["head"].macs) == (8 * 27 * 64, 80)
    assert layers["stem.1"].macs_per_second is None


def test_a_product_with_the_name_of_its_activation_is_the_product():
    found = layer_times(
        target_of(Net), SMALL, None, [Timed("stem.2", "Conv", 1e-3), Timed("odd", "Conv", 1e-3)]
    )
    assert [(each.path, each.macs) for each in found] == [("stem.0", 8 * 27 * 64), ("odd", None)]
    assert found[0].macs_per_second == 8 * 27 * 64 * 1e3


def test_what_a_runtime_refuses_is_quoted(monkeypatch):
    def load(network, asked, folder):
        raise Refused("Op (Odd) is not known")

    monkeypatch.setattr("flopscope.measured.runtimes.loader", lambda name: load)
    with pytest.raises(BadInput) as caught:
        measure(["mobilenetv1:width=0.25"], EAGER, SMALL)
    assert str(caught.value) == (
        "PyTorch eager refuses mobilenetv1:width=0.25: Op (Odd) is not known"
    )


def test_a_network_that_does_not_run_is_refused():
    with pytest.raises(BadInput) as caught:
        measure([nn.Linear(4, 4)], EAGER, SMALL)
    assert str(caught.value).startswith(
        "PyTorch eager refuses Linear: mat1 and mat2 shapes cannot be multiplied"
    )


def test_weights_without_values_are_refused():
    with pytest.raises(BadInput) as caught:
        measure([nn.Conv2d(3, 4, 3, device="meta")], EAGER, SMALL)
    assert str(caught.value) == (
        "Conv2d is on the meta device, where weights have no values, and cannot run; make it on "
        "the processor, or call its to_empty"
    )


def test_free_sizes_are_refused():
    with pytest.raises(BadInput) as caught:
        measure([Net], EAGER, Given(inputs=("B,3,16,16",)))
    assert str(caught.value) == (
        "a network runs at sizes that are numbers, and B is free; give an input such as --input "
        "1,3,224,224"
    )


class Downloading(Net):
    def __init__(self):
        super().__init__()
        import urllib.request

        urllib.request.urlopen("http://weights.example.org/w.pth", timeout=1)


def test_weights_are_not_downloaded(tmp_path, monkeypatch):
    import inspect

    monkeypatch.chdir(tmp_path)
    source = "from torch import nn\n\n" + inspect.getsource(Net) + inspect.getsource(Downloading)
    (tmp_path / "net.py").write_text(source)
    with pytest.raises(BadInput) as caught:
        measure(["net.py:Downloading"], EAGER, SMALL)
    assert "would download from weights.example.org" in str(caught.value)


def test_an_onnx_file_is_for_other_runtimes(tmp_path):
    with pytest.raises(BadInput) as caught:
        measure([parse_target("net.onnx")], EAGER)
    assert str(caught.value) == (
        "net.onnx is an ONNX file, which PyTorch eager does not run; give --runtime ort, openvino "
        "or ncnn"
    )


def test_no_network_is_refused():
    with pytest.raises(BadInput) as caught:
        measure([], EAGER)
    assert str(caught.value) == "there is no network to run; give one, such as mobilenetv2"


def test_what_is_not_known_is_refused():
    assert refusal(UnknownName, runtime="ortt") == "unknown runtime 'ortt'; did you mean ort?"
    assert refusal(UnknownName, runtime="eager", dtype="int3") == (
        "unknown type of numbers 'int3'; known are float32, float16, bfloat16, amp"
    )
    assert refusal(UnknownName, runtime="eager", place="tpu") == (
        "unknown place 'tpu'; did you mean cpu?"
    )
    assert refusal(UnknownName, runtime="eager", by="stage") == (
        "unknown split 'stage'; the only one is layer"
    )


def test_what_a_runtime_does_not_have_is_refused(monkeypatch):
    assert refusal(runtime="ort", dtype="float16") == (
        "ONNX Runtime runs float32 here, not float16; give one of them, or another --runtime"
    )
    assert refusal(runtime="ort", place="cuda") == (
        "ONNX Runtime runs on the processor here; give eager or compile"
    )
    assert refusal(runtime="compile", by="layer") == (
        "torch.compile fuses layers, so that none has a time of its own; leave --by out, or give "
        "another --runtime"
    )
    assert refusal(runtime="ncnn", by="layer") == (
        "ncnn's Python package has no profiler, which would give the times of layers; leave --by "
        "out, or give another --runtime"
    )
    monkeypatch.setattr("flopscope.measured.machine.naming.has_gpu", lambda: False)
    assert refusal(runtime="eager", place="cuda") == (
        "torch finds no GPU of CUDA on this machine; leave --on out"
    )


def test_a_runtime_that_is_not_installed_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert refusal(runtime="openvino") == (
        "this needs openvino, but openvino cannot be imported; install it with: pip install "
        "'openvino>=2026.4'"
    )
