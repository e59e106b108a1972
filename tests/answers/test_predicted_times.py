"""Predicted times: what is refused, what is warned of, and that every command carries intervals."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import flopscope as fs
from flopscope.catalog.variant import parse
from flopscope.cli import main
from flopscope.errors import BadInput, UnknownName
from flopscope.readings.energy import energy as table_energy
from flopscope.timing.builtin import device_of

PIXEL, GPU = "pixel3-cpu-tflite", "rtx4090-eager-amp"
INTEL = "i7-12700h-inductor"
PROTOCOL = f"Times on {PIXEL} are predicted, not measured, and the intervals are of 90 %"


def refused(call, *args, **kwargs):
    with pytest.raises(BadInput) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def joined(report):
    return " ".join(str(report).split())


def test_the_published_time_stands_beside_the_predicted_one():
    report = fs.predict("mobilenetv2", device=PIXEL)
    (network,) = report.to_dict()["networks"]
    assert network["measured_seconds"] == 0.0175
    low, high = network["interval_90"]
    assert low < network["measured_seconds"] < high
    assert "Measured: measured in a cited table, tensorflow/tensorflow" in joined(report)
    assert PROTOCOL in joined(report)
    assert "measured here, measured in a cited table, a sister device's table times a scale" in (
        joined(report)
    )


def test_the_batch_is_that_of_the_calibration():
    (found,) = fs.predict("mobilenetv2", device=GPU).predictions
    assert found.network.batch == device_of(GPU).seen.usual_batch
    (one,) = fs.predict("mobilenetv2", device=GPU, batch=1).predictions
    assert any("runs at a batch of 1, outside" in each for each in one.warnings)


def test_another_runtime_or_type_is_refused():
    assert refused(fs.predict, "mobilenetv2", device=PIXEL, runtime="ort") == (
        f"the device {PIXEL} was calibrated with the runtime tflite, and says nothing of ort; "
        "calibrate one with ort, or leave runtime out"
    )
    assert refused(fs.predict, "mobilenetv2", device=PIXEL, dtype="float16") == (
        f"the device {PIXEL} was calibrated with the dtype float32, and says nothing of float16; "
        "calibrate one with float16, or leave dtype out"
    )


def test_a_quantised_network_is_refused():
    from dataclasses import replace

    from flopscope.catalog.variant import parse
    from flopscope.timing.roofline import time_of

    rows = parse("mobilenetv1").ledger((32, 32)).rows
    weight = rows[0].weights[0]
    row = rows[0]._replace(weights=(weight._replace(element="qint8"),))
    assert refused(time_of, [row], device_of(PIXEL)) == (
        f"stem.conv multiplies qint8, and the device {PIXEL} was calibrated with float32; give a "
        "device of int8"
    )
    assert time_of([row], replace(device_of(PIXEL), dtype="int8")).seconds > 0


def test_what_the_calibration_had_not_is_warned_of():
    (found,) = fs.predict("mobilenetv3_large", device=PIXEL, res=320).predictions
    assert found.warnings == (
        "mobilenetv3_large has operators that no network of the calibration of "
        f"{PIXEL} had: multiplication",
    )
    assert fs.predict("mobilenetv2", device=PIXEL).predictions[0].warnings == ()


@pytest.mark.parametrize("by", ["stage", "block", "layer", "kind"])
def test_parts_add_up(by):
    report = fs.predict("mobilenetv2", device=INTEL, by=by)
    (found,) = report.predictions
    assert sum(part.seconds for part in found.by(by)) == pytest.approx(found.time.seconds)
    assert sum(part.macs for part in found.by(by)) == 300774272


def test_parts_are_of_one_network():
    with pytest.raises(BadInput) as caught:
        str(fs.predict("mobilenetv1", "mobilenetv2", device=PIXEL, by="stage"))
    assert str(caught.value) == (
        "--by stage shows the parts of one network, and 2 are given; give one"
    )
    with pytest.raises(UnknownName):
        fs.predict("mobilenetv1", device=PIXEL, by="floor")


def test_prediction_needs_no_torch():
    code = (
        "import sys, flopscope as fs\n"
        f"str(fs.predict('mobilenetv2', device='{PIXEL}'))\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def energy(name, device):
    (found,) = fs.predict(name, device=device, res=224, batch=2).to_dict()["networks"]
    return found["energy_fj"]


def test_energy_stands_beside_the_time_in_the_type_of_the_device():
    rows = parse("mobilenetv2").ledger((224, 224), 2).rows
    assert energy("mobilenetv2", PIXEL) == table_energy(rows, "float32").value
    assert energy("mobilenetv2", GPU) == table_energy(rows, "float16").value


def test_a_training_step_has_no_energy_by_the_table():
    assert energy("mobilenetv2", "rtx3090-eager-amp-train") is None
    report = fs.predict("mobilenetv2", device="rtx3090-eager-amp-train", res=224)
    assert "Energy" not in str(report)


# --- time as a quantity ---------------------------------------------------------------------------


def seconds(name, res=224, device=PIXEL):
    (found,) = fs.predict(name, device=device, res=res, batch=1).predictions
    return found.time.seconds


def test_compare_has_a_column_for_each_device():
    report = fs.compare("mobilenetv1", "mobilenetv2", device=[PIXEL, INTEL], columns="macs")
    data = report.to_dict()["models"]
    for entry in data:
        for device in (PIXEL, INTEL):
            own = entry["latency"][device]
            assert own["seconds"] == pytest.approx(seconds(entry["model"], device=device))
            assert own["interval_90"][0] < own["seconds"] < own["interval_90"][1]
            assert own["trust"] == "predicted"
    assert PROTOCOL in joined(report)
    assert refused(fs.compare, "mobilenetv1", device=[PIXEL, PIXEL]) == (
        "a device is given twice; give each once"
    )


def test_the_csv_of_a_comparison_has_milliseconds():
    frame = fs.compare("mobilenetv2", device=PIXEL).to_frame()
    assert frame["latency_ms"][0] == pytest.approx(1e3 * seconds("mobilenetv2"))


def test_a_frontier_of_predicted_times():
    report = fs.pareto(
        x="latency", device=PIXEL, res=224, max_latency="18ms", families="mobilenetv2"
    )
    points = report.to_dict()["points"]
    assert any(point["latency"]["trust"] == "predicted" for point in points)
    for point in points:
        if point["latency"]["trust"] == "predicted":
            assert point["latency"]["seconds"] == pytest.approx(seconds(point["variant"]))
        assert point["latency"]["seconds"] <= 0.018


def test_a_frontier_takes_times_at_the_batch_of_the_device():
    report = fs.pareto(x=["latency", "macs"], device=GPU, res=224, families="mobilenetv2")
    point = report.to_dict()["points"][0]
    batch = device_of(GPU).seen.usual_batch
    assert report.to_dict()["batch"] == batch
    (found,) = fs.predict(point["variant"], device=GPU, batch=batch).predictions
    assert point["latency"]["seconds"] == pytest.approx(found.time.seconds)
    (entry,) = fs.compare(point["variant"]).comparison.entries
    assert point["costs"]["macs"] == entry.count("macs")  # of one image


def test_the_sentences_of_a_frontier_without_its_device():
    assert refused(fs.pareto, device=PIXEL) == (
        f"device {PIXEL} is where latency is taken, and no cost is latency; add the cost latency, "
        "or leave the device out"
    )
    assert refused(fs.pareto, batch=8) == (
        "the batch is that of the latencies on a device, and no device is named; leave it out, or "
        "name one, such as pixel3-cpu-tflite"
    )


@pytest.mark.parametrize("device", [PIXEL, INTEL, "rtx4090-inductor-amp"])
def test_solved_widths_are_the_last_that_keep_the_time(device):
    limit = 1.01 * seconds("mobilenetv2:width=0.75", device=device)
    report = fs.solve("mobilenetv2", free="width", latency=f"{1e3 * limit}ms", device=device)
    (design,) = report.solution.designs
    beyond = report.solution.beyond
    assert design.sizes["width"] >= 0.75
    assert seconds(f"mobilenetv2:width={design.sizes['width']}", device=device) <= limit
    assert seconds(f"mobilenetv2:width={beyond.sizes['width']}", device=device) > limit


def test_a_time_that_no_design_keeps_names_the_nearest():
    report = fs.solve("mobilenetv1", free="res=32:64:32", latency="1us", device=PIXEL)
    assert not report
    least = seconds("mobilenetv1", 32)
    shown = -(-int(least * 1e18) // 10**12) / 1000
    assert f"the nearest budget that can be kept is latency {shown:g}ms" in joined(report).replace(
        "--", ""
    )


def test_a_sweep_of_times():
    report = fs.sweep("mobilenetv2", free="width=0.5,1", of="latency", device=PIXEL)
    found = [design["latency"]["seconds"] for design in report.to_dict()["designs"]]
    assert found == [
        pytest.approx(seconds(name)) for name in ("mobilenetv2:width=0.5", "mobilenetv2")
    ]
    kept = fs.sweep(
        "mobilenetv2", free="width=0.5,1", of="macs", device=PIXEL, max_latency="10ms"
    )  # fmt: skip
    assert [design["width"] for design in kept.to_dict()["designs"]] == [0.5]
    assert refused(fs.sweep, "mobilenetv2", free="width=0.5", of="latency") == (
        "latency is a time on a device, and none is named; name one, such as i7-12700h-inductor "
        "or the path of a device file"
    )


def test_an_assertion_of_a_time():
    own = 1e3 * seconds("mobilenetv2")
    assert fs.hold("mobilenetv2", max_latency=f"{own + 0.01}ms", device=PIXEL)
    report = fs.hold("mobilenetv2", max_latency=f"{own - 1}ms", device=PIXEL)
    assert not report
    (budget,) = report.to_dict()["budgets"]
    assert sum(each["value"] for each in budget["offenders"]) >= 10**15  # the ms too many
    assert budget["interval_90"][0] < budget["seconds"] < budget["interval_90"][1]
    near = fs.hold("mobilenetv2", max_latency=f"{own + 0.1}ms", device=PIXEL)
    assert "the limit lies within the interval of the prediction" in joined(near)
    far = fs.hold("mobilenetv2", max_latency="1s", device=PIXEL)
    assert "the limit lies within" not in joined(far)


SENTENCES = {
    "assert mobilenetv2 --max-latency 12": "--max-latency 12 is not a time; give one such as 12ms, "
    "1.5 s or 300us",
    "assert mobilenetv2 --max-latency 12ms": "--max-latency 12ms is a time on a device, and none "
    "is named; name one with --device, such as i7-12700h-inductor or the path of a device file",
    f"assert mobilenetv2 --max-macs 1G --device {PIXEL}": "--device is for a time, and none is "
    "bounded; give --max-latency too",
    f"solve mobilenetv2 --macs 1G --free res --device {PIXEL}": "--device is for a time, and none "
    "is bounded; give --latency too",
    f"predict mobilenetv1 mobilenetv2 --device {PIXEL} --roofline r.svg": "--roofline draws one "
    "network, and 2 are given; give one of them",
    f"predict mobilenetv1 --device {PIXEL} --title t": "--title is for a picture, and none is "
    "drawn; give --roofline FILE too",
    "predict mobilenetv2 --device nowhere.json": "cannot read 'nowhere.json': No such file or "
    "directory; give a device file",
}


@pytest.mark.parametrize("line", SENTENCES)
def test_bad_input_gets_one_sentence(capsys, line):
    assert main(line.split()) == 2
    assert capsys.readouterr() == ("", f"flopscope: {SENTENCES[line]}\n")


def test_a_device_that_is_none():
    assert refused(fs.predict, "mobilenetv2", device=3) == (
        "device 3 is no device; give its name, the path of its file, or the device of fs.calibrate"
    )


# --- the picture ----------------------------------------------------------------------------------


def test_marks_lie_below_their_roofs():
    from flopscope.present.plots.roofline import marks
    from flopscope.timing.constants import BYTE, MACS

    (found,) = fs.predict("mobilenetv2", device=INTEL).predictions
    constants = device_of(INTEL).constants
    drawn = marks(found)
    assert len(drawn) == 53  # 52 convolutions and the classifier
    for mark in drawn:
        assert mark.rate * constants[MACS[mark.category].name] <= 1.001
        assert mark.rate * constants[BYTE.name] <= 1.001 * mark.intensity
    assert sum(mark.share for mark in drawn) <= 1


def test_a_roofline_is_drawn_and_says_how_it_was_made(tmp_path):
    file = tmp_path / "roof.svg"
    line = ["predict", "mobilenetv2", "--device", PIXEL, "--roofline", str(file)]
    assert main([*line, "-o", str(tmp_path / "p.json")]) == 0
    assert "Arithmetic intensity" in file.read_text()
    made = json.loads((tmp_path / "roof.svg.json").read_text())
    assert made["command"] == " ".join(["flopscope", *line, "-o", str(tmp_path / "p.json")])


def test_the_axes_of_a_roofline():
    axes = fs.predict("mobilenetv2", device=PIXEL).plot(title="MobileNetV2")
    assert axes.get_xlabel() == "Arithmetic intensity (MACs per byte)"
    assert axes.get_title() == "MobileNetV2"
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {
        "memory", "standard", "pointwise", "depthwise", "linear"
    }  # fmt: skip
    two = fs.predict("mobilenetv1", "mobilenetv2", device=PIXEL)
    assert refused(two.plot) == (
        "a roofline is of one network, and 2 are predicted; predict one of them alone"
    )
