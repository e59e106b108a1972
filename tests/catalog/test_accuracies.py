"""Whose accuracy is taken: the same for every command, and every source is known."""

import csv
import re
from fractions import Fraction
from pathlib import Path

import pytest

from flopscope.answers.compare import compare
from flopscope.catalog import figures as module
from flopscope.catalog.accuracies import (
    BEST,
    LIBRARIES,
    SOURCES,
    Choice,
    Doubt,
    accuracies,
    networks,
    parse_choice,
)
from flopscope.catalog.figures import Figure, figures, published
from flopscope.catalog.models import MODELS
from flopscope.choosing.points import Question, points
from flopscope.conventions import convention
from flopscope.errors import BadInput, UnknownName

FAMILIES = tuple(dict.fromkeys(model.family for model in MODELS.values()))
EVERY = {key: found for family in FAMILIES for key, found in networks(family).items()}


def of(model: str, size: int = 224, variant: str = "") -> tuple:
    return accuracies(published(model, MODELS[model].family, variant, (size, size)))


def test_every_stated_accuracy_is_there_with_its_digits() -> None:
    folder = Path(module.__file__).parent / "published"
    stated = []
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            stated += [
                (row["model"], row["variant"], row["resolution"], Fraction(row["top1"]))
                for row in csv.DictReader(file)
                if row["top1"]
            ]
    found = [
        (model, variant, f"{size[0]}x{size[1]}", each.top1)
        for precision in (None, "int8")
        for family in FAMILIES
        for (model, variant, size), several in networks(family, precision).items()
        for each in several
    ]
    assert sorted(found) == sorted(stated)


def test_whose_it_is_says_the_citation() -> None:
    for (model, _, resolution), several in EVERY.items():
        for each in several:
            first, second, *_ = each.source.split()
            assert each.whose in SOURCES
            assert each.resolution == resolution
            assert (first == "arXiv") == (each.whose in ("paper", "other-paper"))
            if first == "arXiv":
                assert (second == MODELS[model].paper.arxiv) == (each.whose == "paper")
            if each.whose in LIBRARIES.values():
                assert LIBRARIES[first] == each.whose


def test_recipes_are_as_torchvision_and_timm_name_them() -> None:
    for several in EVERY.values():
        for each in several:
            if each.whose in ("torchvision", "timm"):
                assert each.recipe
                assert re.search(rf"[._](?:1K_)?{re.escape(each.recipe)}(?:;|$)", each.source)
            else:
                assert each.recipe is None


def test_a_repository_that_is_no_library_is_its_authors() -> None:
    unknown = {
        figure.source
        for family in FAMILIES
        if module.has_figures(family)
        for figure in figures(family)
        if figure.top1 is not None
        and figure.kind in ("implementation", "third-party")
        and figure.source.split()[0] not in LIBRARIES
    }
    assert unknown == set()


def test_compare_and_pareto_take_the_same_accuracy_of_every_network() -> None:
    """Pareto leaves out what is in doubt; nothing else differs."""
    cloud = points(Question(("params",), convention("macs")))
    on_pareto = {(p.name, p.resolution): p.accuracy for p in cloud.points}
    for (model, variant, size), several in EVERY.items():
        name = f"{model}:{variant}" if variant else model
        comparison = compare([name], res=size)
        shown = comparison.accuracy(comparison.entries[0])
        assert shown in several
        if shown.doubt is None:
            assert on_pareto.pop((name, size)) == shown
    assert on_pareto == {}


# --- the order and the choice ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "top1", "words"),
    [
        (None, 76.13, "torchvision V1"),
        ("torchvision", 76.13, "torchvision V1"),
        ("torchvision:V2", 80.858, "torchvision V2"),
        ("timm", 80.846, "timm tv2_in1k"),
        ("timm:a3_in1k", 78.052, "timm a3_in1k"),
        ("other-paper", 76.8, "another paper"),
        ("best", 80.858, "torchvision V2"),
    ],
)
def test_one_is_taken(choice: str | None, top1: float, words: str) -> None:
    taken = parse_choice(choice).of(of("resnet50"))
    assert taken is not None
    assert (float(taken.top1), taken.words) == (top1, words)


def test_none_is_taken_of_a_source_that_states_none() -> None:
    assert parse_choice("paper").of(of("resnet50")) is None
    assert parse_choice("torchvision:V2").of(of("resnet18")) is None


def test_every_source_has_its_place() -> None:
    assert {*LIBRARIES.values(), "paper", "authors", "other-paper"} == {*SOURCES}
    assert len(set(SOURCES)) == len(SOURCES)


def test_a_library_that_is_the_authors_own_is_asked_by_its_name_too() -> None:
    taken = parse_choice("pycls").of(of("regnetx_200mf"))
    assert taken is not None
    assert (taken.whose, taken.library, float(taken.top1)) == ("authors", "pycls", 68.912)
    assert parse_choice("pycls").of(of("resnet50")).whose == "pycls"


def test_more_data_or_another_structure_comes_after_everything_else() -> None:
    for several in EVERY.values():
        doubts = [each.doubt is not None for each in several]
        assert doubts == sorted(doubts)
        taken = Choice(BEST).of(several)
        sure = [each.top1 for each in several if each.doubt is None]
        assert taken.top1 == max(sure or [each.top1 for each in several])
    (first, *_) = of("convnext_tiny", 288)
    assert (float(first.top1), first.words) == (82.694, "timm fb_in1k")
    assert of("mobilevit_s", 256)[0].doubt is None
    assert of("resnet50")[-1].doubt is Doubt.STRUCTURE


def test_a_value_of_another_metric_is_no_accuracy() -> None:
    """That of MobileCLIP is zero-shot."""
    assert of("mobileclip_s0", 256) == ()
    with pytest.raises(BadInput) as refused:
        parse_choice("zero_shot")
    assert str(refused.value) == (
        "zero_shot is a metric of its own, zero-shot top-1 on ImageNet-1k, which is never mixed "
        "with the ImageNet-1k top-1 that an accuracy is; `flopscope compare --columns zero_shot` "
        "shows it"
    )


def test_another_structure_is_in_doubt() -> None:
    row = Figure(
        "mobilenetv2", "", (224, 224), None, None, None, None, "72.2", "third-party",
        "PaddlePaddle/PaddleClas docs/en/models/Mobile_en.md", None, "other network",
    )  # fmt: skip
    assert [each.doubt for each in accuracies([row])] == [Doubt.STRUCTURE]
    assert [each.doubt for each in accuracies([row._replace(verdict=None)])] == [None]
    assert accuracies([row._replace(top1=None)]) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tim", "unknown accuracy 'tim'; did you mean timm?"),
        (
            "nobody",
            "unknown accuracy 'nobody'; known are paper, authors, torchvision, timm, other-paper, "
            "pycls, keras, mmpretrain, paddleclas, cvnets, d-li14, imgclsmob, best",
        ),
        ("timm:a2_in1k", "unknown recipe of timm 'a2_in1k'; did you mean ra2_in1k, ra_in1k or "
         "ap_in1k?"),
        ("torchvision:", "unknown recipe of torchvision ''; known are SWAG_E2E_V1, "
         "SWAG_LINEAR_V1, V1, V2"),
        ("paper:V1", "unknown recipe of paper 'V1'; there is none"),
    ],
)  # fmt: skip
def test_what_is_no_choice_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnknownName) as raised:
        parse_choice(text)
    assert str(raised.value) == message
