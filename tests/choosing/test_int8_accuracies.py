"""A cost of int8 weights is paired with the accuracy of the quantised network, where one is
published."""

from __future__ import annotations

import pytest

from flopscope.catalog.accuracies import networks
from flopscope.choosing.points import Question, points
from flopscope.cli import main
from flopscope.conventions import convention


def by(cost: str, accuracy: str | None = None) -> dict[str, tuple[float, str | None]]:
    question = Question(
        (cost,), convention("macs"), (224, 224), ("mobilenetv1", "mobilenetv3"), (), accuracy
    )
    return {
        point.name: (float(point.top1), point.accuracy.precision)
        for point in points(question).points
        if point.accuracy is not None
    }


def test_bytes_of_int8_have_accuracies_of_int8() -> None:
    quantised, plain = by("int8"), by("params")
    assert quantised["mobilenetv1"] == (69.7, "int8")
    assert plain["mobilenetv1"] == (70.6, None)
    assert quantised["mobilenetv3_large"] == (73.9, "int8")
    assert quantised["mobilenetv3_small"] == (64.9, "int8")


def test_where_none_is_published_the_accuracy_is_that_of_float32() -> None:
    quantised, plain = by("int8"), by("params")
    left = {name for name, (_, precision) in quantised.items() if precision is None}
    assert "mobilenetv3_large:width=0.75" in left
    assert {name: quantised[name] for name in left} == {name: plain[name] for name in left}


def test_a_source_that_is_asked_for_is_kept() -> None:
    assert by("int8", "timm")["mobilenetv1"] == (75.388, None)
    assert by("int8", "authors")["mobilenetv1"] == (69.7, "int8")


def test_eighteen_networks_have_one() -> None:
    counts = {family: len(networks(family, "int8")) for family in ("mobilenetv1", "mobilenetv3")}
    assert counts == {"mobilenetv1": 16, "mobilenetv3": 2}
    assert all(
        accuracy.precision is None
        for several in networks("mobilenetv1").values()
        for accuracy in several
    )


NOTE = (
    "Accuracies of networks quantised to int8: 18 of 38; of the other networks none is published, "
    "and the accuracy is that of float32, before quantisation."
)


@pytest.mark.parametrize(("cost", "said"), [("int8", True), ("params", False)])
def test_the_frontier_says_whose_accuracies_are_of_int8(cost, said, capsys) -> None:
    families = ["--family", "mobilenetv1", "--family", "mobilenetv3"]
    assert main(["pareto", "--x", cost, *families]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert (NOTE in text) == said
    assert ("authors int8: tensorflow/models" in text) == said
