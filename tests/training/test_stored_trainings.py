"""The stored results of longer runs: their work is that of the formulas, their words that of the
page."""

import re

import pytest
import recipes

import flopscope as fs

STUDY = recipes.study()
TRAINED = [row for row in STUDY.found["runs"] if "stages" in row]
NETWORKS = sorted({network for network, _ in STUDY.ways.values()})
TEACHER = STUDY.ways["fixed"][0]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_work_of_every_run_is_that_of_the_formulas(network):
    both = fs.trace(fs.build(network), ("B", 3, "H", "H"), backward=True, example={"B": 64})
    total, forward, teacher = both.macs().formula, fs.formula(network), fs.formula(TEACHER)
    rows = [row for row in TRAINED if STUDY.ways[row["way"]][0] == network]
    assert rows
    for row in rows:
        taught = "alpha" in STUDY.ways[row["way"]][1]
        for stage in row["stages"]:
            size = stage["size"]
            assert stage["steps"] == stage["epochs"] * (4000 // 64)
            assert stage["forward"] == forward.at(B=64, H=size, W=size)
            assert stage["forward"] + stage["backward"] == total.at(B=64, H=size)
            assert stage["teacher"] == (teacher.at(B=64, H=size, W=size) if taught else 0)
        assert row["macs"] == sum(
            stage["steps"] * (stage["forward"] + stage["backward"] + stage["teacher"])
            for stage in row["stages"]
        )


def test_every_way_has_every_seed():
    assert len(STUDY.seeds) >= 3
    assert len(TRAINED) == len(STUDY.ways) * len(STUDY.seeds)
    for way in (*STUDY.ways, *recipes.INT8):
        assert [row["seed"] for row in STUDY.rows(way)] == STUDY.seeds
    assert min(STUDY.accuracies("fixed")) > 95
    assert STUDY.accuracies("fixed") == STUDY.accuracies("float32")


def test_rivals_have_about_as_much_work():
    work = {way: STUDY.rows(way)[0]["macs"] for way in STUDY.ways}
    for ours, rival in (
        ("progressive from 32", "fixed, fewer epochs"),
        ("distilled", "plain, more epochs"),
    ):
        assert abs(work[rival] / work[ours] - 1) < 0.07


@pytest.mark.parametrize("head", [recipes.TRAINED, recipes.STORED, recipes.COMPARED])
def test_the_page_has_these_tables(head):
    assert f"\n{recipes.tables(STUDY)[head]}\n" in recipes.PAGE.read_text(encoding="utf-8")


def test_the_results_say_how_they_were_made():
    made = STUDY.found["provenance"]
    assert made["command"] == "make trainings"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", made["date"])
    assert made["machine"]
    assert {"python", "torch", "numpy", "mlxtend", "onnxruntime", "flopscope"} == set(
        made["versions"]
    )
