"""Training runs that are refused, each in one sentence."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import flopscope as fs
from flopscope.cli import main


class Net(nn.Module):
    """A network of any image size."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width)
        self.head = nn.Linear(width, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.norm(self.stem(x))).mean((2, 3)))


class Square(Net):
    """A network that refuses images of another size."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[-1] != 16:
            raise ValueError("the image is not 16 pixels wide")
        return super().forward(x)


FEW = {"epochs": 4, "images": 8, "batch": 4}
WRITTEN = (
    "write from:to:stages as in 128:300:4, sizes as in 128,224,300, sizes with their epochs as in "
    "128@100,224@250, or paper or code for an EfficientNetV2"
)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"accumulate": 3}, "a batch of 4 does not divide by accumulate=3; give a multiple of 3"),
        (
            {"accumulate": 2, "replicas": 4},
            "a batch of 4 does not divide by accumulate=2 times replicas=4; give a multiple of 8",
        ),
        (
            {"images": 3, "drop_last": True},
            "3 images do not fill a batch of 4, and drop_last leaves out what does not; give a "
            "smaller batch, or keep the last one",
        ),
        ({"schedule": "8:16"}, f"schedule='8:16' is not a schedule; {WRITTEN}"),
        ({"schedule": "8@2,16"}, f"schedule='8@2,16' is not a schedule; {WRITTEN}"),
        (
            {"schedule": "8:99999999:2"},
            "schedule='8:99999999:2' has images of 99,999,999 a side; give at most 100,000",
        ),
        ({"schedule": "8.5:16:2"}, f"schedule='8.5:16:2' is not a schedule; {WRITTEN}"),
        ({"schedule": "-8:16:2"}, f"schedule='-8:16:2' is not a schedule; {WRITTEN}"),
        ({"schedule": "8,,16"}, f"schedule='8,,16' is not a schedule; {WRITTEN}"),
        ({"schedule": "8:16:2:4"}, f"schedule='8:16:2:4' is not a schedule; {WRITTEN}"),
        ({"schedule": "8x:16"}, f"schedule='8x:16' is not a schedule; {WRITTEN}"),
        ({"schedule": "0:16:2"}, f"schedule='0:16:2' has a 0 in it; {WRITTEN}"),
        (
            {"schedule": "8:16:1"},
            "schedule='8:16:1' rises from 8 to 16 in one stage; give two stages or more",
        ),
        (
            {"schedule": "8:16:1001"},
            "schedule='8:16:1001' has 1,001 stages; give at most 1,000",
        ),
        ({"schedule": ",".join(["8"] * 1001)[:999]}, None),
        (
            {"schedule": "8@1,16@2"},
            "the stages of schedule='8@1,16@2' have 3 epochs together, and epochs is 4; give as "
            "many in both",
        ),
        (
            {"schedule": "8:16:9"},
            "stage 1 of schedule='8:16:9' has no step, since the run has 8 steps in 9 stages; give "
            "fewer stages or more epochs",
        ),
        (
            {"schedule": "paper"},
            "schedule paper is published for efficientnetv2_s, efficientnetv2_m, "
            "efficientnetv2_l, and Net is none of them; write the sizes, such as 128:300:4",
        ),
        (
            {"schedule": "8:16:2", "res": 16},
            "schedule gives the sizes of the images; leave res and an input out",
        ),
        ({"schedule": 8}, "schedule 8 is not text; give one such as '128:300:4'"),
        ({"optimizer": "lion"}, None),
        ({"accelerator": "a10"}, "unknown accelerator 'a10'; did you mean a100?"),
        (
            {"utilisation": 2},
            "utilisation=2 is not a range from 0.001 to 1; give low:high such as 0.1:0.4, or one "
            "value",
        ),
        (
            {"pue": (2, 1)},
            "pue='2:1' is not a range from 1 to 10; give low:high such as 1.1:1.58, or one value",
        ),
        (
            {"grid": (1, 2, 3)},
            "grid (1, 2, 3) is not a range; give a low and a high number such as (0.2, 0.4), one "
            "number, or a text such as '0.2:0.4'",
        ),
        (
            {"peak": True, "precision": "bf16"},
            "the peak is that of a step in float32, and precision is bf16; leave one of them out",
        ),
        (
            {"memory": "much"},
            "memory much is not a number from 1; give one such as 20MB, 1.2 GB, 5e6 or 5,000,000",
        ),
    ],
)  # fmt: skip
def test_bad_input(given: dict[str, object], message: str | None) -> None:
    with pytest.raises(fs.FlopscopeError) as raised:
        fs.train_cost(Net(), **{**FEW, **given})
    if message is not None:
        assert str(raised.value) == message


def test_sizes_that_the_network_refuses() -> None:
    with pytest.raises(fs.BadInput) as raised:
        fs.train_cost(Square(), **FEW, schedule="16,8")
    assert str(raised.value).startswith(
        "stage 2 of schedule='16,8' cannot run: Square cannot run on 4,3,8,8: ValueError: the "
        "image is not 16 pixels wide at "
    )
    with pytest.raises(fs.BadInput) as raised:
        fs.train_cost(Net(), **FEW, res=12, teacher=Square())
    assert str(raised.value).startswith(
        "the teacher does not run on the student's input: Square cannot run on 4,3,12,12: "
    )


def test_a_last_pass_that_is_too_small_to_train_on() -> None:
    with pytest.raises(fs.BadInput) as raised:
        fs.train_cost("resnet18", epochs=1, images=5, batch=4, res=32)
    assert str(raised.value).startswith(
        "the last pass of an epoch has a batch of 1, which drop_last leaves out: resnet18 cannot "
        "run on 1,3,32,32: ValueError: Expected more than 1 value per channel when training"
    )
    assert fs.train_cost("resnet18", epochs=1, images=5, batch=4, res=32, drop_last=True)


def test_the_command_line_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train-cost", "mobilenetv2", "--epochs", "3", "--batch", "4"]) == 2
    assert capsys.readouterr().err == (
        "flopscope: a training run needs --epochs, --images and --batch; give all three, such as "
        "--epochs 350 --images 1.28M --batch 4096\n"
    )


def test_an_empty_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    line = "train-cost resnet18 --epochs 2 --images 8 --batch 4 --schedule"
    assert main([*line.split(), ""]) == 2
    assert capsys.readouterr().err == f"flopscope: --schedule is empty; {WRITTEN}\n"
