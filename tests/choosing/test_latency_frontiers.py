"""Frontiers against latencies of one device and batch: as published, else predicted where the
device has a fit, else left out with their reasons."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import flopscope as fs
from flopscope.catalog.latencies import measured
from flopscope.cli import main
from flopscope.timing.builtin import device_of
from flopscope.timing.device_file import device_text

DEVICE = "pixel3-cpu-tflite"
"""It has published latencies and a fit."""
TABLE = "pixel3-gpu-tflite"
"""It has published latencies alone."""
NOT_FITTED = (
    "has published latencies alone, and times are predicted on a device that was fitted: "
    "i7-12700h-inductor, pixel1-cpu-tflite, pixel3-cpu-tflite, rtx3090-eager-amp, "
    "rtx3090-eager-amp-train, rtx4090-eager-amp, rtx4090-inductor-amp, or a device file that "
    "`flopscope calibrate` wrote"
)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["pareto", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_every_point_has_the_latency_of_the_table() -> None:
    data = fs.pareto(x="latency", device=TABLE).to_dict()
    assert (data["device"], data["batch"]) == (TABLE, 1)
    assert len(data["points"]) == 17
    for point in data["points"]:
        row = measured(TABLE, point["variant"], tuple(point["resolution"]), 1)
        assert row is not None
        assert point["costs"]["latency"] == float(row.latency_ms)
        assert point["latency"]["trust"] == "measured in a cited table"


def test_a_published_latency_comes_before_a_predicted_one() -> None:
    report = fs.pareto(
        x="latency", device=DEVICE, families=["mobilenetv1", "mobilenetv2"], res=224, every=True
    )
    points = report.to_dict()["points"]
    seen = {"measured in a cited table": 0, "predicted": 0}
    for point in points:
        latency = point["latency"]
        seen[latency["trust"]] += 1
        assert 1e3 * latency["seconds"] == pytest.approx(point["costs"]["latency"])
        row = measured(DEVICE, point["variant"], tuple(point["resolution"]), 1)
        if row is not None:
            assert point["costs"]["latency"] == float(row.latency_ms)
            assert latency["source"].startswith("tensorflow/tensorflow ")
            assert "interval_90" not in latency
        else:
            (found,) = fs.predict(point["variant"], device=DEVICE, res=224).predictions
            assert latency["seconds"] == pytest.approx(found.time.seconds)
            assert latency["interval_90"] == pytest.approx(list(found.time.interval(90)))
    known, predicted = seen.values()
    assert known > 1
    assert predicted > 1
    text = " ".join(str(report).split())
    assert (
        f"Latency of {known} of the {len(points)} points is that of a batch of 1 on {DEVICE}"
    ) in text
    assert (
        f"Latency of the other {predicted}, marked ≈, is predicted at the same batch, for want of "
        "a published one at their input size and this batch."
    ) in text
    assert f"Times marked ≈ on {DEVICE} are predicted, not measured, and the intervals" in text
    assert f"on the frontier of latency on {DEVICE} and top-1" in text
    rows = [line for line in str(report).splitlines() if line.startswith("mobilenetv")]
    assert sum("≈" in line for line in rows) == predicted
    trusts = list(report.to_frame()["trust"])
    assert (trusts.count("measured in a cited table"), trusts.count("predicted")) == (
        known, predicted,
    )  # fmt: skip


def test_at_another_batch_every_time_is_predicted() -> None:
    report = fs.pareto(x="latency", device=DEVICE, families="mobilenetv2", batch=4)
    assert {point["latency"]["trust"] for point in report.to_dict()["points"]} == {"predicted"}
    text = " ".join(str(report).split())
    assert "Latency is predicted for every network at a batch of 4" in text
    assert "is that of a batch of" not in text


def test_where_all_are_published_nothing_is_said_of_predictions(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("model,top1\nmobilenetv2,72.9\n")
    report = fs.pareto(x="latency", device=DEVICE, results=str(path))
    text = " ".join(str(report).split())
    assert f"Latency is that of a batch of 1 on {DEVICE}" in text
    assert "≈" not in text
    assert "are predicted" not in text
    assert "90 %" not in text


def test_a_budget_of_time_is_kept_by_measured_and_by_predicted_times() -> None:
    report = fs.pareto(x=["macs", "latency"], device=DEVICE, res=224, max_latency="17.6ms")
    data = report.to_dict()
    assert data["budgets"] == {"latency": 17.6}
    times = {point["variant"]: point["costs"]["latency"] for point in data["points"]}
    assert times["mobilenetv2"] == 17.5  # which is predicted to take longer
    assert max(times.values()) <= 17.6


def test_what_was_not_measured_or_at_another_batch_is_left_out_with_its_reason() -> None:
    data = fs.pareto(x="latency", device=TABLE, families=["efficientnet", "mobilenetv2"]).to_dict()
    reasons = {left["reason"] for left in data["left_out"]}
    assert f"no published latency on {TABLE}" in reasons
    assert all(not point["variant"].startswith("efficientnet") for point in data["points"])


def test_the_answer_says_what_was_measured_where(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--x", "latency", "--device", TABLE)
    assert status == 0
    assert (
        "Latency is that of a batch of 1 on pixel3-gpu-tflite (Google Pixel 3, GPU; TensorFlow "
        "Lite; float32), measured in a cited table: tensorflow/tensorflow "
        "tensorflow/lite/g3doc/guide/hosted_models.md at 0406598a. No other device, runtime, type "
        "or batch is mixed with it; `flopscope latencies` lists all 29 devices."
    ) in " ".join(out.split())


def test_a_device_of_int8_pairs_with_accuracies_of_int8() -> None:
    data = fs.pareto(x="latency", device="pixel3-cpu-tflite-int8").to_dict()
    top1 = {(p["variant"], *p["resolution"]): p["top1"] for p in data["points"]}
    full = fs.pareto(x="latency", device=DEVICE).to_dict()
    plain = {(p["variant"], *p["resolution"]): p["top1"] for p in full["points"]}
    assert any(top1[key] < plain[key] for key in top1)


RESULTS = "model,top1,latency_ms\nmobilenetv2,72.0,5\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--x", "latency"),
            "latency is a time on a device, and none is named; name one, such as pixel3-cpu-tflite "
            "(`flopscope latencies` lists those with published latencies), or give your own in a "
            "results file, as latency_ms",
        ),
        (
            ("--x", "latency", "--device", "pixel3-cpu"),
            "unknown device 'pixel3-cpu'; did you mean pixel3-cpu-tflite or "
            "pixel3-cpu-tflite-int8? times are predicted on i7-12700h-inductor, pixel1-cpu-tflite, "
            "pixel3-cpu-tflite, rtx3090-eager-amp, rtx3090-eager-amp-train, rtx4090-eager-amp, "
            "rtx4090-inductor-amp, and on a device file, such as device.json; `flopscope "
            "latencies` lists the devices with published latencies",
        ),
        (
            ("--device", DEVICE),
            "device pixel3-cpu-tflite is where latency is taken, and no cost is latency; add the "
            "cost latency, or leave the device out",
        ),
        (
            ("--batch", "4"),
            "the batch is that of the latencies on a device, and no device is named; leave it out, "
            "or name one, such as pixel3-cpu-tflite",
        ),
        (
            ("--x", "latency", "--device", TABLE, "--batch", "4"),
            "nothing was measured on pixel3-gpu-tflite at batch 4; its batches are 1",
        ),
        (
            ("--x", "latency", "--device", "a100-tensorrt-fp16"),
            "no latency of a network of the catalogue is published on a100-tensorrt-fp16; "
            "`flopscope latencies` lists the devices with their networks",
        ),
        (
            ("--x", "latency", "--device", TABLE, "--max-latency", "9ms"),
            f"device {TABLE} {NOT_FITTED}",
        ),
        (
            ("--x", "latency", "--device", DEVICE, "--results", "r.csv"),
            "the results file states latencies, which are not known to be of pixel3-cpu-tflite; "
            "leave the device out, or the column latency_ms",
        ),
    ],
)
def test_bad_input(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.csv").write_text(RESULTS)
    assert run(capsys, *arguments) == (2, "", f"flopscope: {message}\n")


def test_own_accuracies_take_the_published_latency_of_the_network(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("model,top1\nmobilenetv2,72.9\nresnet18,70\n")
    data = fs.pareto(x="latency", device=TABLE, results=str(path)).to_dict()
    assert [(p["name"], p["costs"]["latency"]) for p in data["points"]] == [("mobilenetv2", 6.2)]
    assert [left["reason"] for left in data["left_out"]] == [
        "no published latency on pixel3-gpu-tflite"
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("assert", "mobilenetv2", "--max-latency", "12ms"),
        ("solve", "mobilenetv2", "--latency", "12ms", "--free", "width"),
        ("sweep", "mobilenetv2", "--free", "width", "--of", "latency"),
        ("compare", "mobilenetv2"),
        ("predict", "mobilenetv2"),
    ],
)
def test_a_device_without_a_fit_predicts_nothing(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert main([*arguments, "--device", TABLE]) == 2
    assert capsys.readouterr() == ("", f"flopscope: device {TABLE} {NOT_FITTED}\n")


def test_a_device_file_has_no_published_latencies(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "mine.json"
    path.write_text(device_text(replace(device_of(DEVICE), name="mine")))
    data = fs.pareto(x="latency", device=str(path), families="mobilenetv2").to_dict()
    assert {point["latency"]["trust"] for point in data["points"]} == {"predicted"}
    assert main(["latencies", "--device", str(path)]) == 2
    assert capsys.readouterr().err == (
        f"flopscope: {path} is a fit of one's own, of which no latencies are published; `flopscope "
        "latencies` lists the devices that have some, and `flopscope predict` predicts on a fit\n"
    )


def test_a_comparison_has_columns_of_latency(capsys: pytest.CaptureFixture[str]) -> None:
    columns = f"macs,latency:{DEVICE},latency:rtx4090-eager-amp"
    table = fs.compare("mobilenetv1", "mobilenetv2", columns=columns, sort=f"+latency:{DEVICE}")
    frame = table.to_frame()
    assert list(frame["model"]) == ["mobilenetv2", "mobilenetv1"]
    assert list(frame[f"latency_ms_{DEVICE}"]) == [17.5, 24.0]
    assert frame["latency_ms_rtx4090-eager-amp"].isna().all()
    assert (
        "Where there is none, it is not published for this network, input size and batch; batches "
        "there: 1024, 768, 512, 256, 384, 128, 96."
    ) in " ".join(str(table).split())
    assert main(["compare", "mobilenetv2", "--columns", "latency:pixel4"]) == 2
    assert capsys.readouterr().err.startswith("flopscope: unknown device 'pixel4'; did you mean ")
    assert main(["profile", "mobilenetv2", "--columns", f"latency:{DEVICE}"]) == 2
    assert capsys.readouterr().err == (
        f"flopscope: the column latency:{DEVICE} is of networks, as in flopscope compare; these "
        "rows are parts of a network; `flopscope profile --columns help` lists them\n"
    )


def test_the_latencies_of_a_network_and_what_has_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["latencies", "mobilenetv2", "--device", DEVICE, "--format", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["latencies"]
    assert (row["latency_ms"], row["batch"], row["resolution"]) == (17.5, 1, [224, 224])
    assert row["energy_fj"] == int(fs.analyze("mobilenetv2").read(fs.QUANTITIES["energy"].of))
    assert main(["latencies", "mobilevlm_v2_3b"]) == 0
    assert "No latency of mobilevlm_v2_3b is published here." in capsys.readouterr().out
    assert main(["latencies", "mobilenetv2", "--device", "rtx3090-eager-amp-train"]) == 0
    assert "Energy by" not in capsys.readouterr().out
    assert "Devices with published latencies." in str(fs.latencies())
