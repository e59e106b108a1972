"""Training schedules of a paper and of its code, and claimed savings of time beside work."""

import json

import pytest

from flopscope.answers.counted import Given
from flopscope.answers.target import parse_target
from flopscope.answers.train_cost.cost import train_cost
from flopscope.answers.train_cost.passes import Network
from flopscope.answers.train_cost.recipe import Recipe
from flopscope.catalog.progressive import CLAIMS
from flopscope.catalog.training import PAPER
from flopscope.cli import main
from flopscope.present.audit_schedules import schedule_table, time_table
from flopscope.present.render import render
from flopscope.present.table import Document, Table
from flopscope.reconciling.schedules import schedules, times, training_macs


@pytest.mark.parametrize("name", ["resnet50", "efficientnet_b0"])
def test_work_of_closed_forms_is_that_of_a_trace_of_both_passes(name: str) -> None:
    network = Network(parse_target(name), Given((64, 64), 1))
    (run,) = train_cost(network, Recipe(epochs=1, images=2, batch=2)).runs
    assert run.macs == 2 * training_macs(name, 64)


FIGURES = {
    "efficientnetv2_s": ("1.43e+19", "7.96e+18", "9.39e+18", 44.2, 34.2),
    "efficientnetv2_m": ("4.21e+19", "2.19e+19", "2.53e+19", 48.0, 40.2),
    "efficientnetv2_l": ("9.60e+19", "4.98e+19", "5.77e+19", 48.1, 40.3),
}


def test_the_paper_saves_more_work_than_the_code() -> None:
    found = {each.network: each for each in schedules(PAPER)}
    assert {
        name: (
            f"{each.paper.fixed:.2e}", f"{each.paper.flops:.2e}", f"{each.code.flops:.2e}",
            round(100 * float(each.paper.saved), 1), round(100 * float(each.code.saved), 1),
        )
        for name, each in found.items()
    } == FIGURES  # fmt: skip
    assert [found[name].code.sizes[-1] for name in PAPER] == [300, 384, 384]
    assert list(schedules(["resnet50"])) == []


def test_claimed_hours_are_explained_by_work_only_for_small_images() -> None:
    found = list(times(claim.network for claim in CLAIMS))
    assert [each.claim for each in found] == list(CLAIMS)
    assert [each.verdict for each in found] == ["as much as work", *["more time than work"] * 5]
    assert all(each.least < each.most for each in found)


def text_of(table: Table) -> str:
    return " ".join(render(Document([table], dict), "table").split())


def test_both_tables_say_what_is_beside_what() -> None:
    text = text_of(schedule_table(list(schedules(["efficientnetv2_s"]))))
    assert text.startswith("Training schedules, which differ between the paper and the released")
    assert "7.965e18 1.427e19 44.2" in text
    assert "9.386e18 1.427e19 34.2" in text
    text = text_of(time_table(list(times(["resnet50"]))))
    assert "resnet50 380 14.3 5.8 59" in text
    assert text.endswith("[1] arXiv 2104.00298, Table 12.")


def test_audit_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "efficientnet_b5", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schedules"] == []
    (claimed,) = found["times"]
    assert (claimed["fixed_hours"], claimed["progressive_hours"]) == (42.9, 15.2)
    assert claimed["verdict"] == "more time than work"


def test_networks_with_neither_have_no_table() -> None:
    assert list(schedules(["mobilenetv2"])) == list(times(["mobilenetv2"])) == []
