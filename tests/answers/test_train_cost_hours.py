"""Hours of a training run by a device that was fitted to training steps."""

from __future__ import annotations

import json
from math import exp, isclose

import pytest
import torch
from torch import nn

import flopscope as fs
from flopscope.cli import main
from flopscope.timing.builtin import device_names, device_of

DEVICE = "rtx3090-eager-amp-train"
FITTED = device_of(DEVICE)


class Net(nn.Module):
    """A network of any image size."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8)
        self.body, self.head = nn.Conv2d(8, 16, 3, 2, 1), nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.stem(x)))
        return self.head(torch.relu(self.body(x)).mean((2, 3)))


def seconds(net: nn.Module, size: int, batch: int) -> float:
    """What `predict` says of one step."""
    (found,) = fs.predict(net, device=DEVICE, res=size, batch=batch).predictions
    return float(found.time.seconds)


def test_hours_are_those_of_the_steps_that_predict_times() -> None:
    net = Net()
    report = fs.train_cost(
        net, epochs=4, images=36, batch=16, schedule="32:64:2", device=DEVICE, replicas=2
    )
    assert report.predicted is not None
    run, fixed = report.predicted.hours
    assert run is not None
    assert fixed is not None
    # 12 steps: of each epoch two of 16 images on two devices, and one of 4 on one of them
    times = {(32, 8): 2 * 4, (32, 4): 2, (64, 8): 2 * 4, (64, 4): 2}
    whole = sum(count * seconds(net, *each) for each, count in times.items()) / 3600
    assert isclose(run.hours, whole, rel_tol=1e-12)
    ends = FITTED.held_out.quantiles["90"]
    assert isclose(run.low, whole * exp(ends.low)), run
    assert isclose(run.high, whole * exp(ends.high)), run
    assert run.over(2).hours == run.hours / 2
    assert fixed.hours > run.hours


def test_the_table_names_interval_protocol_and_what_is_unlike() -> None:
    text = " ".join(
        str(
            fs.train_cost(Net(), epochs=1, images=2, batch=2, accumulate=2, res=32, device=DEVICE)
        ).split()
    )
    assert f"Hours on {DEVICE}, predicted." in text
    assert "Warning: Net does 129,104 MACs a run, outside 12,384,608,256 to" in text
    assert f"Times on {DEVICE} are predicted, not measured" in text
    assert "With families held out the median error was 7.7 %" in text
    assert "Each of the passes of a step is timed as a step of its own, with its optimizer." in text
    assert "Reading images, evaluating, and exchanging gradients between devices are not" in text


def test_json_has_the_hours_of_each_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    line = "train-cost resnet18 --res 64 --epochs 1 --images 64 --batch 64 --format json --device"
    assert main([*line.split(), DEVICE]) == 0
    found = json.loads(capsys.readouterr().out)["predicted_hours"]
    assert (found["device"], found["protocol"]) == (DEVICE, FITTED.protocol)
    (run,) = found["runs"]
    low, high = run["interval_90"]
    assert low < run["hours"] == run["clock"] < high


def test_a_run_that_is_cut_has_no_hours() -> None:
    plain = fs.train_cost(Net(), epochs=1, images=8, batch=8, res=64, device=DEVICE)
    stage = plain.cost.runs[0].stages[0].largest
    cut = fs.train_cost(
        Net(), epochs=1, images=8, batch=8, res=64, device=DEVICE, memory=stage.held - 1
    )
    assert cut.predicted is not None
    assert cut.predicted.hours == (None,)
    assert "A run in which stretches run again has none" in " ".join(str(cut).split())
    assert cut.to_dict()["predicted_hours"]["runs"][0]["hours"] is None


TRAINED = [name for name in device_names() if device_of(name).mode == "training"]


@pytest.mark.parametrize("name", sorted({*device_names()} - {*TRAINED}))
def test_a_fit_of_forward_passes_is_refused(name: str) -> None:
    with pytest.raises(fs.BadInput) as error:
        fs.train_cost(Net(), epochs=1, images=8, batch=8, res=32, device=name)
    assert str(error.value) == (
        f"the device {name} is fitted to forward passes (inference) and says nothing of a training "
        f"step; give {', '.join(TRAINED)}, or a device file that `flopscope calibrate` wrote from "
        "measured training steps"
    )


def test_a_teacher_is_refused() -> None:
    with pytest.raises(fs.BadInput) as error:
        fs.train_cost(Net(), teacher=Net(), epochs=1, images=8, batch=8, res=32, device=DEVICE)
    assert str(error.value) == (
        f"the device {DEVICE} times steps of training, and not the forward pass of a teacher "
        "beside them; leave teacher or device out"
    )


def test_a_device_without_a_fit_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    line = "train-cost resnet18 --epochs 1 --images 8 --batch 8 --device pixel4-cpu-tflite"
    assert main(line.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith("flopscope: device pixel4-cpu-tflite has published latencies alone")
