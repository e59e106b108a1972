"""Accuracies as compare shows them: whose is taken, and what is also published."""

from __future__ import annotations

import csv
import io
import json

import pytest

from flopscope.answers.compare import compare
from flopscope.catalog.accuracies import accuracies
from flopscope.catalog.figures import Figure
from flopscope.cli import main
from flopscope.present.accuracies import also


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    status = main(["compare", *arguments])
    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    return out


def notes(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    return " ".join(printed(capsys, *arguments).split())


def test_the_paper_s_is_taken_and_others_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        "[1] ghostnet_100: stated 141M FLOPs (MACs), 5.2M params, top-1 73.9 %; arXiv 1911.11907 "
        "Table 7 ghostnet_100, also published: top-1 74.0 % (authors), 74.0 % (timm in1k), "
        "74.0 % (paddleclas)"
    ) in notes(capsys, "ghostnet_100")


def test_where_the_paper_is_silent_the_note_says_whose_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = printed(capsys, "resnet18")
    assert "69.8 [1]" in out
    assert (
        "[1] resnet18: top-1 69.8 % of torchvision V1 (torchvision 0.28.0 resnet18 "
        "IMAGENET1K_V1); stated 1.8G FLOPs (MACs); arXiv 1512.03385 Table 1 resnet18, also "
        "published: top-1 68.2 to 71.5 % (timm), 69.9 % (mmpretrain)"
    ) in " ".join(out.split())


def test_an_accuracy_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "mobilenetv2", "ghostnet_100", "--accuracy", "torchvision:V2")
    assert "72.2 [1]" in out
    assert "73.9 [2]" not in out
    assert "[1] mobilenetv2: top-1 72.2 % of torchvision V2 (" in out
    assert "[2] ghostnet_100: no top-1 of torchvision V2; stated 141M FLOPs (MACs), " in out


def test_more_training_data_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("regnety_16gf", "--res", "384", "--accuracy", "timm")
    assert "-4090.csv), which is not from ImageNet-1k alone; stated " in notes(capsys, *asked) or (
        "-rtx3090.csv), which is not from ImageNet-1k alone; stated " in notes(capsys, *asked)
    )
    assert "82.9 to 84.2 % (from more training data)" in also(
        [each for each in compare(["convnext_tiny"]).entries[0].accuracies if each.doubt]
    )


def test_another_structure_is_said() -> None:
    row = Figure(
        "mobilenetv2", "", (224, 224), None, None, None, None, 72.2, "third-party",
        "PaddlePaddle/PaddleClas docs/en/models/Mobile_en.md", None, "other network",
    )  # fmt: skip
    assert also(accuracies([row])) == "72.2 % (for another structure)"


def test_of_many_others_the_first_are_named() -> None:
    (entry,) = compare(["mobilenetv2"]).entries
    assert also(entry.accuracies[1:]) == (
        "71.8 % (authors), 71.9 % (torchvision V1), 72.2 % (torchvision V2), 72.9 % (timm "
        "ra_in1k) and 3 more (in JSON)"
    )


def test_json_lists_all_with_whose(capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(printed(capsys, "resnet50", "--accuracy", "best", "--format", "json"))
    (model,) = data["models"]
    assert model["accuracy"] == {
        "top1": 80.858, "whose": "torchvision", "recipe": "V2", "resolution": [224, 224],
        "source": "torchvision 0.28.0 resnet50 IMAGENET1K_V2", "imagenet1k_alone": True,
        "same_structure": True,
    }  # fmt: skip
    assert len(model["accuracies"]) == sum(f["top1"] is not None for f in model["published"]) == 13
    assert model["accuracies"][0]["whose"] == "torchvision"
    data = json.loads(printed(capsys, "mobilenetv2", "--res", "7", "--format", "json"))
    assert (data["models"][0]["accuracy"], data["models"][0]["accuracies"]) == (None, [])


def test_csv_says_whose(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "mobilenetv2", "resnet50", "--accuracy", "timm", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["top1"], row["whose"]) for row in rows] == [
        ("72.91", "timm ra_in1k"),
        ("80.846", "timm tv2_in1k"),
    ]


def test_a_table_for_a_paper_takes_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("mobilenetv2", "resnet50", "--columns", "top1", "--sort", "top1", "--accuracy", "best")
    out = printed(capsys, *asked)
    lines = [line.split() for line in out.splitlines()]
    assert [line for line in lines if line[:1] in (["resnet50"], ["mobilenetv2"])] == [
        ["resnet50", "80.9", "[1]"],
        ["mobilenetv2", "72.9", "[2]"],
    ]
    assert "resnet50: top-1 80.9 % of torchvision V2 (torchvision 0.28.0 resnet50" in out
    assert "also published" not in out


def test_a_wrong_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "mobilenetv2", "--accuracy", "tim"]) == 2
    assert capsys.readouterr() == ("", "flopscope: unknown accuracy 'tim'; did you mean timm?\n")
