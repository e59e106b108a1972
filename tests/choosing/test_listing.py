"""Which models a list has: by pattern, by budget."""

import json

import pytest

from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import Variant
from flopscope.choosing.budgets import Budget
from flopscope.choosing.listing import listing
from flopscope.cli import main


def ids(*arguments):
    return [model.id for model, _ in listing(*arguments).models]


def test_all_models_without_a_pattern():
    assert ids() == list(MODELS)


@pytest.mark.parametrize(
    ("patterns", "named"),
    [
        (["ghost"], lambda model: "ghost" in model.family),
        (["ghostnet_*"], lambda model: model.id.startswith("ghostnet_")),
        (["GhostNet"], lambda model: "ghost" in model.family),
        (["efficientnet"], lambda model: model.family in ("efficientnet", "efficientnetv2")),
        (["mobilenetv[13]*"], lambda model: model.family in ("mobilenetv1", "mobilenetv3")),
        (["resnet18", "*b0"], lambda model: model.id == "resnet18" or model.id.endswith("b0")),
    ],
)
def test_a_pattern_names_ids_and_families(patterns, named):
    assert ids(patterns) == [model.id for model in MODELS.values() if named(model)]


def test_budgets_are_those_at_the_native_size():
    kept = ids(
        ["mobilenet", "efficientnet"], [Budget("macs", 4 * 10**8), Budget("params", 5 * 10**6)]
    )
    expected = []
    for model in MODELS.values():
        ledger = Variant(model).ledger(Variant(model).resolution())
        small = int(ledger.macs()) <= 4 * 10**8 and int(ledger.params()) <= 5 * 10**6
        if small and ("mobilenet" in model.id or "efficientnet" in model.id):
            expected.append(model.id)
    assert kept == expected
    assert {"mobilenetv2", "mobilenetv3_small"} < {*kept}


def test_what_a_budget_bounds_has_a_column(capsys):
    command = ["list", "mobilenetv3", "--max-peak", "4M", "--format"]
    assert main([*command, "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "model,options,resolution,params,macs,peak_activation_bytes_float32,arxiv"
    assert main([*command, "json"]) == 0
    models = json.loads(capsys.readouterr().out)["models"]
    assert [line.split(",")[0] for line in lines[1:]] == [model["model"] for model in models]
    assert all(model["peak_activation_bytes_float32"] <= 4 * 10**6 for model in models)


REFUSED = {
    ("ghost*", "--max-macs", "1k"): "none of the models that match (10) has at most 1,000 MACs; "
    "the least is 42,328,152 MACs (ghostnet_050)",
    ("resnet50", "--max-macs", "1k", "--max-params", "1k"): "none of the models that match (1) "
    "has at most 1,000 MACs and 1,000 params; the least is 4,089,184,256 MACs (resnet50), "
    "25,557,032 params (resnet50)",
    ("goost",): "unknown model or family 'goost'; did you mean ghostnet?",
    ("--max-macs", "-1"): "--max-macs -1 is not a number from 1; give one such as 150M, 1.5 G, 3e8 "
    "or 300,000,000",
}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_a_list_of_nothing_is_refused_in_a_sentence(capsys, arguments):
    assert main(["list", *arguments]) == 2
    assert capsys.readouterr() == ("", f"flopscope: {REFUSED[arguments]}\n")
