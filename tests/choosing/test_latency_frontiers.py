"""Frontiers against published latencies: of one device and batch, with their reasons."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import flopscope as fs
from flopscope.catalog.latencies import measured
from flopscope.cli import main

DEVICE = "pixel3-cpu-tflite"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["pareto", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_every_point_has_the_latency_of_the_table() -> None:
    data = fs.pareto(x="latency", device=DEVICE).to_dict()
    assert (data["device"], data["batch"]) == (DEVICE, 1)
    assert len(data["points"]) == 17
    for point in data["points"]:
        row = measured(DEVICE, point["variant"], tuple(point["resolution"]), 1)
        assert row is not None
        assert point["costs"]["latency"] == float(row.latency_ms)


def test_what_was_not_measured_or_at_another_batch_is_left_out_with_its_reason() -> None:
    data = fs.pareto(x="latency", device="rtx4090-eager-amp", families="efficientnet").to_dict()
    assert data["batch"] == 1024
    reasons = {left["reason"] for left in data["left_out"]}
    assert "measured on rtx4090-eager-amp at another batch than 1024" in reasons
    assert all(point["variant"] != "efficientnet_b7" for point in data["points"])
    small = fs.pareto(x="latency", device="rtx4090-eager-amp", batch=96).to_dict()
    assert [point["name"] for point in small["points"]] == ["efficientnet_b7"]


def test_the_answer_says_what_was_measured_where(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--x", "latency", "--device", DEVICE)
    assert status == 0
    assert (
        "Latency is that of a batch of 1 on pixel3-cpu-tflite (Google Pixel 3, CPU; TensorFlow "
        "Lite; float32; 4 threads), measured in a cited table: tensorflow/tensorflow "
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
            "latency is measured on a device, and none is named; name one for published latencies, "
            "such as pixel3-cpu-tflite (`flopscope latencies` lists all), or give your own in a "
            "results file, as latency_ms",
        ),
        (
            ("--x", "latency", "--device", "pixel3-cpu"),
            "unknown device 'pixel3-cpu'; did you mean pixel3-cpu-tflite or "
            "pixel3-cpu-tflite-int8? `flopscope latencies` lists all",
        ),
        (
            ("--device", DEVICE),
            "device pixel3-cpu-tflite is where latency is taken, and no cost is latency; add the "
            "cost latency, or leave the device out",
        ),
        (
            ("--batch", "4"),
            "batch is that of the latencies of a device, and no device is named; leave it out, or "
            "name one, such as pixel3-cpu-tflite",
        ),
        (
            ("--x", "latency", "--device", DEVICE, "--batch", "4"),
            "nothing was measured on pixel3-cpu-tflite at batch 4; its batches are 1",
        ),
        (
            ("--x", "latency", "--device", "a100-tensorrt-fp16"),
            "no latency of a network of the catalogue is published on a100-tensorrt-fp16; "
            "`flopscope latencies` lists the devices with their networks",
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
    data = fs.pareto(x="latency", device=DEVICE, results=str(path)).to_dict()
    assert [(p["name"], p["costs"]["latency"]) for p in data["points"]] == [("mobilenetv2", 17.5)]
    assert [left["reason"] for left in data["left_out"]] == [
        "no published latency on pixel3-cpu-tflite"
    ]


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
