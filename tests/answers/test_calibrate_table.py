"""A device from a table: what is read, and the sentence for each table that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from latencies import HEADER, MADE_UP, line

from flopscope.cli import main
from flopscope.timing.device_file import read_device


@pytest.fixture(autouse=True)
def beside_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.csv").write_text(MADE_UP)


def refusal(capsys, text, *more):
    """The sentence for a table, after which no file is left."""
    with open("bad.csv", "w") as file:
        file.write(text)
    status = main(["calibrate", "--from", "bad.csv", "-o", "d.json", *more])
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert not Path("d.json").exists()
    return err.removeprefix("flopscope: ").removesuffix("\n")


def test_the_json_of_a_calibration_is_a_device_file(capsys):
    assert main(["calibrate", "--from", "m.csv", "-o", "d.json"]) == 0
    device = read_device("d.json")
    assert (device.name, device.runtime, device.threads) == ("made-up", "ort", 1)
    assert device.calibration.families == {"mobilenetv": 12, "shufflenetv": 12}
    assert (
        main(["predict", "mobilenetv2", "--device", "d.json", "--res", "96", "-o", "p.json"]) == 0
    )
    assert capsys.readouterr() == ("", "")
    with open("p.json") as file:
        (network,) = json.load(file)["networks"]
    measured = float(line("mobilenetv2", 96).split(",")[-1]) / 1e3
    assert network["seconds"] == pytest.approx(measured, rel=0.15)
    assert network["trust"] == "predicted"


def test_a_sister_makes_few_networks_enough(capsys):
    main(["calibrate", "--from", "m.csv", "-o", "d.json"])
    rows = MADE_UP.splitlines()
    few = "\n".join([rows[0], *rows[1::4]])
    with open("few.csv", "w") as file:
        file.write(few)
    given = ["--sister", "d.json", "--device-name", "second"]
    assert main(["calibrate", "--from", "few.csv", *given, "-o", "e.json"]) == 0
    found = read_device("e.json")
    assert (found.name, found.calibration.sister, found.calibration.networks) == (
        "second", "made-up", 6
    )  # fmt: skip


def test_too_few_networks(capsys):
    few = "\n".join(MADE_UP.splitlines()[:9])
    assert refusal(capsys, few) == (
        "8 measured networks are too few for the constants of a device, which needs 20; measure "
        "more, or give the device file of a similar machine with --sister"
    )


def test_a_network_that_is_measured_again_is_one_network(capsys):
    header, first, *rows = MADE_UP.splitlines()
    cells = first.split(",")
    slow, quick = (",".join([*cells[:-1], str(factor * float(cells[-1]))]) for factor in (1.5, 0.5))
    with open("again.csv", "w") as file:
        file.write("\n".join([header, first, slow, quick, *rows]))
    assert main(["calibrate", "--from", "again.csv", "-o", "again.json"]) == 0
    assert main(["calibrate", "--from", "m.csv", "-o", "d.json"]) == 0
    assert read_device("again.json").constants == read_device("d.json").constants
    assert read_device("again.json").calibration.networks == 24
    capsys.readouterr()
    assert main(["calibrate", "--from", "again.csv"]) == 0
    assert (
        "2 rows of the table measured a network again at the same size and batch; the median of "
        "its times was taken."
    ) in " ".join(capsys.readouterr().out.split())
    Path("d.json").unlink()
    few = [header, *[row for row in (first, *rows[:9]) for _ in range(2)]]
    assert refusal(capsys, "\n".join(few)).startswith("10 measured networks are too few ")


def test_a_time_of_zero(capsys):
    assert refusal(capsys, f"{HEADER}\nmobilenetv2,a,ort,float32,1,1,96,0\n") == (
        "bad.csv, line 2: latency_ms is '0', and must be a number above 0"
    )


def test_two_devices(capsys):
    other = line("mobilenetv2", 96).replace("made up", "another")
    assert refusal(capsys, f"{MADE_UP}{other}\n") == (
        "the latencies are of more than one device: made up (24), another (1); keep those of one"
    )


def test_networks_that_nobody_knows(capsys):
    unknown = line("mobilenetv2", 96).replace("mobilenetv2", "nowhere.py:Net")
    said = refusal(capsys, f"{MADE_UP}{unknown}\n")
    assert said == (
        "of 9 networks in the table 1 cannot be counted, nowhere.py:Net: there is no file "
        "nowhere.py, which nowhere.py:Net names; write targets such as mobilenetv2 or "
        "timm:resnet18, or give --skip-unknown to leave them out"
    )
    assert main(["calibrate", "--from", "bad.csv", "--skip-unknown"]) == 0
    assert "Left out, " in capsys.readouterr().out


def test_a_runtime_or_type_that_is_not_stated(capsys):
    without = MADE_UP.replace("runtime,", "engine,")
    assert refusal(capsys, without) == (
        "the table does not state the runtime, on which the time depends; add a column runtime "
        "with one of eager, eager1, inductor, ort, openvino, tflite or ncnn"
    )


def test_a_sister_of_another_runtime(capsys):
    assert refusal(capsys, MADE_UP, "--sister", "pixel3-cpu-tflite") == (
        "the table is of the runtime ort and the sister pixel3-cpu-tflite of tflite; give a sister "
        "whose runtime is ort"
    )
