"""Advice under a latency on a device with a fit: what is published, what is predicted, and which of
both counts against the limit."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from math import exp
from pathlib import Path

import pytest

import flopscope as fs
from flopscope.cli import main
from flopscope.timing.builtin import device_of
from flopscope.timing.device_file import device_text

INTEL = "i7-12700h-inductor"
LIMIT = 10


@pytest.fixture(scope="module")
def report():
    return fs.advise("edge", max_params="6M", max_latency=f"{INTEL}:{LIMIT}ms")


def test_published_and_predicted_latencies_keep_the_limit(report) -> None:
    high = exp(device_of(INTEL).held_out.quantiles["90"].high)
    points = report.advice.front.points
    measured = [point for point in points if point.measured is not None]
    predicted = [point for point in points if point.measured is None]
    assert measured
    assert predicted
    assert all(point.measured.latency_ms <= LIMIT for point in measured)
    assert all(point.costs[-1] * high <= LIMIT * 10**15 for point in predicted)


def test_what_an_upper_end_keeps_out_is_told_apart(report) -> None:
    high = exp(device_of(INTEL).held_out.quantiles["90"].high)
    unsure = report.advice.unsure
    assert unsure
    assert not {*unsure} & {*report.advice.front.points}
    for point in unsure:
        assert point.measured is None
        assert point.costs[-1] <= LIMIT * 10**15 < point.costs[-1] * high
        assert point.costs[1] <= 6_000_000
    text = " ".join(str(report).split())
    first = unsure[0]
    assert (
        "A measured latency counts against the limit as it stands, and a predicted one by the "
        "upper end of its interval of 90 %. So left out, though the prediction itself keeps the "
        f"limit: {first.name} at {first.resolution[0]}×{first.resolution[1]}"
    ) in text


def test_each_network_says_how_its_latency_is_known(report) -> None:
    data = report.to_dict()
    assert (data["latency"]["device"], data["latency"]["batch"]) == (INTEL, 1)
    assert data["latency"]["predicted_by"] == "upper end of 90 %"
    kinds = {}
    for each in data["offered"]:
        kinds[each["latency"]["trust"]] = each
        assert each["costs"]["latency"] == pytest.approx(1e3 * each["latency"]["seconds"])
    predicted, measured = kinds["predicted"], kinds["measured in a cited table"]
    low, high = predicted["latency"]["interval_90"]
    assert low < predicted["latency"]["seconds"] < high <= LIMIT / 1e3
    assert "pytorch-image-models" in measured["latency"]["source"]
    (found,) = fs.predict(
        predicted["name"], res=tuple(predicted["resolution"]), device=INTEL
    ).predictions
    assert predicted["latency"]["seconds"] == pytest.approx(found.time.seconds)
    lines = str(report).splitlines()
    assert any("≈" in line and "predicted" in line for line in lines)
    assert any("measured" in line and "≈" not in line for line in lines)


def test_a_file_predicts_all_and_an_unlike_network_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "phone.json"
    path.write_text(device_text(replace(device_of("pixel3-cpu-tflite"), name="phone")))
    out = tmp_path / "advice.json"
    line = ["advise", "--platform", "mobile", "--max-params", "4M", "--res", "224"]
    line += ["--max-latency", f"{path}:15ms"]
    assert main([*line, "-o", str(out)]) == 0
    data = json.loads(out.read_text())
    assert {each["latency"]["trust"] for each in data["offered"]} == {"predicted"}
    assert data["latency"]["device"] == "phone"
    assert str(path) in json.dumps(json.loads((tmp_path / "advice.json.json").read_text()))
    assert main(line) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Latency is predicted for every network at a batch of 1" in text
    assert "Times on phone are predicted, not measured, and the intervals are of 90 %" in text
    assert "has operators that no network of the calibration of phone had: " in text


def test_where_nothing_fits_the_nearest_says_that_it_is_predicted() -> None:
    with pytest.raises(ValueError, match=r"no published network keeps at most 1 ms on ") as error:
        fs.advise("mobile", max_latency=f"{INTEL}:1ms", res=96)
    said = str(error.value)
    assert "the nearest, " in said
    assert f" ms on {INTEL}" in said
    assert " has a predicted " in said
    assert " and at most " in said


def test_a_limit_of_a_device_that_cannot_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", "--platform", "edge", "--max-latency", "nowhere.json:15ms"]) == 2
    assert capsys.readouterr() == (
        "",
        "flopscope: cannot read 'nowhere.json': No such file or directory; give a device file\n",
    )


def test_a_fraction_of_a_millisecond_is_written_as_it_is_given(report) -> None:
    from flopscope.choosing.wish import LatencyLimit, Wish

    wish = Wish("edge", (), LatencyLimit(INTEL, Fraction(25, 2)))
    assert [each.text() for each in wish.limits] == [f"12.5 ms on {INTEL}"]
