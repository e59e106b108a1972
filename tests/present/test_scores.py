"""Metrics of their own: a column each, notes with their sources, JSON, and never a frontier."""

from __future__ import annotations

import csv
import io
import json

import pytest

from flopscope.catalog.metrics import METRICS, family_scores
from flopscope.catalog.models import MODELS
from flopscope.cli import main

SAID = (
    "mobileclip_s0, metrics of its own: zero-shot top-1 on ImageNet-1k 67.8 %, zero-shot average "
    "over 38 data sets 58.1 % (apple/ml-mobileclip README.md)"
)
LISTED = (
    "mobileclip_s0: no ImageNet-1k top-1, but metrics of their own; `flopscope compare --columns "
    "zero_shot,zero_shot_38` shows them"
)
LEFT = (
    "Left out, 4: measured by metrics of their own, which are never ranked beside an ImageNet-1k "
    "top-1: mobileclip_s0 at 256×256, mobileclip_s1 at 256×256, mobileclip_s2 at 256×256, "
    "mobileclip_b at 224×224."
)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_a_column_with_its_values_as_stated(name, capsys) -> None:
    families = dict.fromkeys(model.family for model in MODELS.values())
    stated = [s for of in families for s in family_scores(of) if s.metric == name]
    models = [*dict.fromkeys(score.model for score in stated), "mobilenetv2"]
    out = printed(capsys, "compare", *models, "--columns", name, "--format", "csv")
    (*found, without) = csv.DictReader(io.StringIO(out))
    assert [row[name] for row in found] == [str(float(score.value)) for score in stated]
    assert without[name] == ""


def test_the_column_names_its_metric_and_its_source(capsys) -> None:
    out = printed(capsys, "compare", "mobileclip_s0", "--columns", "zero_shot,zero_shot_38")
    assert "zero_shot, zero_shot_38: apple/ml-mobileclip README.md" in out
    assert "Zero-shot" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("compare", "mobileclip_s0"), SAID),
        (("show", "mobileclip_s0"), SAID),
        (("audit", "mobileclip_s0"), SAID),
        (("list", "mobileclip_s0"), LISTED),
    ],
)
def test_they_are_told_with_their_sources(arguments, said, capsys) -> None:
    assert said in words(printed(capsys, *arguments))


def test_a_network_with_a_top1_has_no_such_note(capsys) -> None:
    assert "metrics of" not in printed(capsys, "compare", "mobilenetv2")


def test_an_audit_says_that_they_cannot_be_counted(capsys) -> None:
    out = words(printed(capsys, "audit", "mobileclip_s0"))
    assert "What was measured by such a metric cannot be counted, and has no verdict." in out


def test_a_frontier_leaves_them_out_and_says_so(capsys) -> None:
    asked = ("pareto", "--family", "mobileclip", "--family", "mobilenetv1")
    assert LEFT in words(printed(capsys, *asked))


def test_json_has_each_with_its_unit(capsys) -> None:
    out = printed(capsys, "compare", "mobilevlm_v2_3b", "--format", "json")
    (model,) = json.loads(out)["models"]
    (mme,) = [score for score in model["scores"] if score["metric"] == "mme"]
    assert mme == {
        "metric": "mme", "words": "MME perception", "unit": "points", "value": 1440.5,
        "kind": "official", "source": "Meituan-AutoML/MobileVLM README.md", "note": None,
    }  # fmt: skip
    assert (model["accuracy"], model["accuracies"]) == (None, [])


def test_the_name_of_a_metric_is_no_accuracy(capsys) -> None:
    assert main(["compare", "mobileclip_s0", "--accuracy", "gqa"]) == 2
    assert capsys.readouterr() == (
        "",
        "flopscope: gqa is a metric of its own, GQA accuracy, which is never mixed with the "
        "ImageNet-1k top-1 that an accuracy is; `flopscope compare --columns gqa` shows it\n",
    )
