"""`calibrate` without a table: the machine at hand is measured, here one that is made up."""

from __future__ import annotations

import json
import sys

import pytest
from machines import Machine

from flopscope.answers.calibrate_here import OPERATOR_SECONDS, measure_here
from flopscope.answers.calibration_set import NETWORKS, Single, operators
from flopscope.answers.how import How
from flopscope.api.calibrate import calibrate
from flopscope.catalog.variant import parse
from flopscope.cli import main
from flopscope.errors import BadInput
from flopscope.timing.clock import PROCESSOR
from flopscope.timing.device_file import read_device
from flopscope.timing.latency_table import read_latencies

EAGER = ("--runtime", "eager")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def machine(monkeypatch):
    def put(**facts):
        machine = Machine(**facts)
        monkeypatch.setattr("flopscope.answers.calibrate_here.measured", machine.measured)
        return machine

    return put


def said(capsys, *words):
    status = main(["calibrate", *words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_device_is_written_with_its_measurements_beside_it(machine, folder, capsys):
    made_up = machine()
    status, out, _ = said(capsys, *EAGER, "--device-name", "mine", "-o", "laptop.json")
    assert status == 0
    assert {path.name for path in folder.iterdir()} == {
        "laptop.json", "laptop.json.json", "laptop.csv",
    }  # fmt: skip
    measured = read_latencies("laptop.csv")
    assert len(measured) == len(NETWORKS) + len(operators(1)) == len(made_up.asked)
    device = read_device("laptop.json")
    assert (device.name, device.runtime, device.threads) == ("mine", "eager", 1)
    assert device.clock == "mean of the middle half"
    assert device.calibration.networks == len(NETWORKS)
    assert device.calibration.source.endswith("operators alone as the start")
    assert device.held_out.median < 3 < device.held_out.baselines["∝ MACs"]
    # A file takes the device, and people read its errors all the same.
    assert "∝ activations" in out
    assert "Each family when it is held out, the worst first" in out


def test_the_measurements_give_the_same_device_again(machine, folder, capsys):
    machine()
    assert said(capsys, *EAGER, "-o", "laptop.json")[0] == 0
    assert said(capsys, "--from", "laptop.csv", "-o", "again.json") == (0, "", "")
    assert (folder / "again.json").read_text() == (folder / "laptop.json").read_text()


def test_the_device_predicts_other_networks_and_holds_them_to_a_time(machine, capsys):
    made_up = machine()
    assert said(capsys, *EAGER, "-o", "laptop.json")[0] == 0
    device = ("--device", "laptop.json")
    assert main(["predict", "resnet34", "--res", "224", *device, "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["networks"]
    taken = made_up.milliseconds(parse("resnet34").ledger((224, 224)))
    assert 1e3 * found["seconds"] == pytest.approx(taken, rel=0.05)
    for share, status in ((1.1, 0), (0.9, 1)):
        limit = f"{share * taken}ms"
        words = ["assert", "resnet34", "--res", "224", "--max-latency", limit, *device]
        assert main(words) == status


def test_python_gives_the_same(machine, capsys):
    machine()
    report = calibrate(runtime="eager", threads=2, batch=3)
    assert len(report.latencies) == len(NETWORKS) + len(operators(3))
    assert {(each.threads, each.batch) for each in report.latencies} == {(2, 3)}
    assert report.device.seen.batch == (3, 3)
    assert said(capsys, *EAGER, "--threads", "2", "--batch", "3")[1].startswith(str(report)[:300])


def test_how_it_is_measured_is_asked_for(machine):
    made_up = machine()
    how = How("eager", threads=2)
    told = []
    found = measure_here(
        how, 4, lambda done, of: told.append((done, of)), NETWORKS[:2], operators(4)[:1]
    )
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert [each.model for each in found.latencies] == [
        "mobilenetv1", "mobilenetv2", "conv 3 32 3 2 1 on 4x3x224x224",
    ]  # fmt: skip
    name, asked, given = made_up.asked[0]
    assert (name, asked, given.res, given.batch) == ("mobilenetv1", how, 224, 4)
    assert made_up.asked[2][1].seconds == OPERATOR_SECONDS


def test_what_was_timed_on_a_slow_machine_is_timed_again(machine):
    made_up = machine()
    made_up.anchors = iter([1.0, 1.6, 1.0, 1.0])
    found = measure_here(How("eager"), networks=NETWORKS[:3], singles=[])
    assert [name for name, _, _ in made_up.asked] == [
        "mobilenetv1", "mobilenetv2", "mobilenetv3_large", "mobilenetv2",
    ]  # fmt: skip
    assert [each.anchor_ms for each in found.latencies] == [1.0, 1.0, 1.0]


def test_a_machine_that_stays_slow_is_measured_as_it_is(machine):
    made_up = machine()
    made_up.anchors = iter([1.0, 1.6, 1.7, 1.5])
    found = measure_here(How("eager"), networks=NETWORKS[:2], singles=[])
    assert len(made_up.asked) == 4
    assert [each.anchor_ms for each in found.latencies] == [1.0, 1.5]


def test_what_the_runtime_refuses_is_named(machine, capsys):
    machine(refuses=("convnext_tiny", "gelu on 1x384x28x28"))
    status, out, _ = said(capsys, *EAGER)
    assert status == 0
    assert "Left out, convnext_tiny at 160: a made-up runtime refuses convnext_tiny." in out
    words = " ".join(out.split())
    assert "Left out, gelu on 1x384x28x28: a made-up runtime refuses gelu on 1x384x28x28." in words


def test_what_computes_something_else_is_left_out(machine, capsys):
    machine(differs=("poolformer_s12",))
    words = " ".join(said(capsys, *EAGER)[1].split())
    assert (
        "Left out, poolformer_s12 at 160: its results differ from PyTorch's by 2.5e-01 of their "
        "largest value, so that something else was run."
    ) in words


def test_with_operators_few_networks_are_enough(machine):
    few = ("mobilenetv2", "resnet18", "efficientnet_b0", "ghostnet_100")
    machine(refuses={model for model, _ in NETWORKS} - set(few))
    report = calibrate(runtime="eager")
    assert report.device.calibration.networks == 4
    assert report.device.held_out.median < 10


def test_a_machine_that_refuses_every_network_is_none(machine, folder, capsys):
    made_up = machine(refuses={model for model, _ in NETWORKS})
    status, out, err = said(capsys, *EAGER, "-o", "laptop.json")
    assert (status, out) == (2, "")
    assert (
        "no network of the set could be run: a made-up runtime refuses mobilenetv1"
    ) in " ".join(err.split())
    assert len(made_up.asked) == len(NETWORKS)
    assert not list(folder.iterdir())


def test_a_busy_machine_is_said_to_be_busy(machine, capsys):
    machine(crowding=2.5, slower=0.01)
    status, out, _ = said(capsys, *EAGER, "-o", "laptop.json")
    words = " ".join(out.split())
    assert status == 0
    assert (
        "Other programs kept the machine busy while it was measured, so that processor time stands "
        "for wall time; calibrate it again when it is idle."
    ) in words
    assert (
        "The machine changed its speed while it was measured: a product of matrices of one size "
        "took up to 1.87 times its shortest time. Processor time stands for wall time, where the "
        "table has it."
    ) in words
    device = read_device("laptop.json")
    assert device.clock == PROCESSOR
    assert device.held_out.median < 3


def test_an_idle_machine_is_not(machine, capsys):
    machine()
    out = said(capsys, *EAGER)[1]
    assert "busy" not in out
    assert "changed its speed" not in out


def refused(capsys, *words):
    status, out, err = said(capsys, *words)
    assert (status, out) == (2, "")
    return " ".join(err.split())


def test_a_table_was_measured_before(capsys):
    for option in ("--runtime", "--dtype", "--on", "--threads", "--batch"):
        value = "2" if option in ("--threads", "--batch") else "cpu"
        assert (
            f"{option} says how to measure this machine, and --from gives measurements that were "
            "made before; leave one of them out"
        ) in refused(capsys, "--from", "laptop.csv", option, value)


def test_the_measurements_need_a_file_of_their_own(machine, capsys):
    made_up = machine()
    assert (
        "--output errors.csv would be the table of measurements, which is written beside the "
        "device; give the device a name that ends in .json"
    ) in refused(capsys, *EAGER, "-o", "errors.csv")
    assert made_up.asked == []


def test_files_are_checked_before_anything_is_measured(machine, folder, capsys):
    made_up = machine()
    (folder / "laptop.csv").mkdir()
    assert (
        "cannot write 'laptop.csv'; give a file in a folder that exists and is writable"
    ) in refused(capsys, *EAGER, "-o", "laptop.json")
    assert made_up.asked == []


def test_a_runtime_that_is_missing_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert (
        "this needs onnxruntime, but onnxruntime cannot be imported; install it with: pip install "
        "'onnxruntime>=1.32'"
    ) in refused(capsys)


def test_an_unknown_runtime_is_named(capsys):
    assert "unknown runtime 'ortt'; did you mean ort?" in refused(capsys, "--runtime", "ortt")


def test_a_real_machine_is_measured():
    small = [("mobilenetv1:width=0.25", 32), ("resnet18", 32)]
    singles = [
        Single("relu", (), ((1, 8, 1, 1),)), Single("conv", (3, 8, 3, 2, 1), ((1, 3, 8, 8),))
    ]  # fmt: skip
    found = measure_here(How("eager", rounds=2), 1, networks=small, singles=singles)
    assert [each.model for each in found.latencies] == [
        "mobilenetv1:width=0.25", "resnet18", *(each.name for each in singles)
    ]  # fmt: skip
    assert all(each.latency_ms > 0 for each in found.latencies)
    assert found.refused == {}


def test_the_data_are_a_device_file(machine, capsys):
    machine()
    data = json.loads(said(capsys, *EAGER, "--format", "json")[1])
    assert data["format"] == "flopscope.device/1"
    assert len(data["predictions"]) == len(NETWORKS)


def test_no_network_at_all_is_refused(machine):
    machine(refuses=("mobilenetv1",))
    with pytest.raises(BadInput) as caught:
        measure_here(How("eager"), networks=[("mobilenetv1", 224)], singles=[])
    assert str(caught.value) == (
        "no network of the set could be run: a made-up runtime refuses mobilenetv1"
    )
