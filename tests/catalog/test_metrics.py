"""Values of other metrics than ImageNet-1k top-1: hygiene of the tables, and the loader."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from flopscope.catalog import figures as module
from flopscope.catalog.figures import KINDS, figures
from flopscope.catalog.metrics import METRICS, family_scores, scores
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import parse

FOLDER = Path(module.__file__).parent / "published" / "metrics"
FAMILIES = sorted(path.stem for path in FOLDER.glob("*.csv"))
COLUMNS = ["model", "variant", "resolution", "metric", "value", "kind", "source", "note"]
CITATION = re.compile(r"arXiv \d{4}\.\d{5} .*Tables? \d+|[\w.-]+/[\w.-]+ \S+\.\w+")

each_family = pytest.mark.parametrize("family", FAMILIES)


def rows(family: str) -> list[list[str]]:
    """The file as text, read without the loader under test."""
    with (FOLDER / f"{family}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_families_of_other_tasks_have_them() -> None:
    assert FAMILIES == ["efficientsam", "mobileclip", "mobileclip2", "mobilevlm"]


@each_family
def test_every_row_is_whole_and_tidy(family: str) -> None:
    header, *lines = rows(family)
    assert header == COLUMNS
    for line in lines:
        assert len(line) == len(COLUMNS)
        assert all(cell == " ".join(cell.split()) and cell.isascii() for cell in line), line


@each_family
def test_every_value_is_in_the_unit_of_its_metric_and_has_a_citation(family: str) -> None:
    for score in family_scores(family):
        most = 2000 if score.of.unit == "points" else 100
        assert re.fullmatch(r"\d+(\.\d+)?", score.value), score
        assert 1 < float(score.value) < most, score
        assert CITATION.match(score.source), score.source
        assert score.kind in KINDS
        assert MODELS[score.model].family == family


@each_family
def test_no_source_states_a_value_twice(family: str) -> None:
    keys = [(*score[:4], score.source) for score in family_scores(family)]
    assert len(keys) == len({*keys})


@each_family
def test_who_has_a_metric_of_its_own_has_no_top1(family: str) -> None:
    assert [figure for figure in figures(family) if figure.top1 is not None] == []


@each_family
def test_the_loader_changes_nothing_and_every_value_is_found(family: str) -> None:
    read = family_scores(family)
    for line, score in zip(rows(family)[1:], read, strict=True):
        height, width = score.resolution
        assert line == [
            score.model, score.variant, f"{height}x{width}", score.metric, score.value,
            score.kind, score.source, score.note or "",
        ]  # fmt: skip
    networks = dict.fromkeys((score.model, score.variant, score.resolution) for score in read)
    found = [
        score
        for model, variant, size in networks
        for score in parse(f"{model}:{variant}" if variant else model).scores(size)
    ]
    assert sorted(found) == sorted(read)


def test_every_metric_is_used_and_is_no_other_column() -> None:
    assert {score.metric for family in FAMILIES for score in family_scores(family)} == {*METRICS}
    assert all(name == metric.name for name, metric in METRICS.items())


def test_values_stand_in_the_order_of_the_metrics() -> None:
    found = scores("efficientsam_s", "efficientsam", "", (1024, 1024))
    order = [list(METRICS).index(score.metric) for score in found]
    assert order == sorted(order)


@pytest.mark.parametrize("family", ["resnet", "", "../mobilenetv1", "mobileclip.csv"])
def test_a_family_without_a_file_has_none(family: str) -> None:
    assert family_scores(family) == ()


@pytest.mark.parametrize(
    ("model", "metric", "value"),
    [
        ("efficientsam_ti", "coco_ap", "42.3"),
        ("mobileclip_b", "zero_shot", "76.8"),
        ("mobileclip2_s4", "zero_shot_38", "67.5"),
        ("mobilevlm_v2_3b", "mme", "1440.5"),
    ],
)
def test_values_typed_from_the_sources(model: str, metric: str, value: str) -> None:
    found = [
        s.value
        for s in family_scores(MODELS[model].family)
        if (s.model, s.metric) == (model, metric)
    ]
    assert found == [value]
