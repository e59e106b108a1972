"""The table of quantities: its rows keep their word, and a new row is known everywhere at once."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from flopscope import analyze
from flopscope.analytic.named_blocks import NAMED_BLOCKS
from flopscope.catalog.results import Result
from flopscope.conventions import CONVENTIONS
from flopscope.ledger import Level
from flopscope.quantities import (
    COUNT,
    MACS,
    QUANTITIES,
    Place,
    Quantity,
    bounded,
    choices,
    columns,
    formulas,
    keys,
)

each_quantity = pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=QUANTITIES)
LEDGER = analyze("mobilenetv3_small")


# --- the rows -----------------------------------------------------------------------------------


def test_names_keys_and_columns_are_each_of_one_quantity() -> None:
    for field in ("name", "key", "column", "words"):
        found = [getattr(quantity, field) for quantity in QUANTITIES.values()]
        assert sorted({*found}) == sorted(found), field


def test_what_is_stored_is_the_same_at_every_input() -> None:
    """The weights that are read are too, but once an operator, shared or not."""
    larger = analyze("mobilenetv3_small", res=320)
    same = {row.name for row in QUANTITIES.values() if row.read(LEDGER) == row.read(larger)}
    stored = {row.name for row in QUANTITIES.values() if row.stored}
    assert same == stored | {"traffic_weights_read"}


@each_quantity
def test_additive_quantities_and_no_others_add_up_over_layers(quantity: Quantity) -> None:
    layers = LEDGER.group_by(Level.LAYER).values()
    summed = sum(int(quantity.read(layer)) for layer in layers)
    assert (summed == int(quantity.read(LEDGER))) is quantity.additive


@each_quantity
def test_shares_add_up_to_their_quantity(quantity: Quantity) -> None:
    shares = [QUANTITIES[f"{quantity.name}_{share.name}"] for share in quantity.shares]
    whole = int(quantity.read(LEDGER))
    assert sum(int(share.read(LEDGER)) for share in shares) == (whole if shares else 0)


@each_quantity
def test_a_stated_cost_is_a_column_of_results(quantity: Quantity) -> None:
    assert quantity.stated in ("", *Result._fields)


@each_quantity
def test_a_reading_has_the_conditions_of_its_ledger(quantity: Quantity) -> None:
    ledger = NAMED_BLOCKS["separable_conv"].ledger()
    assert quantity.read(ledger).conditions == ledger.conditions
    assert quantity.formula(ledger).conditions == ledger.conditions


@pytest.mark.parametrize("convention", CONVENTIONS.values(), ids=CONVENTIONS)
def test_the_work_is_what_the_convention_counts(convention: Any) -> None:
    work = MACS.under(convention)
    assert work.read(LEDGER) == LEDGER.flops(convention.name)
    assert (work.key, work.line) == (COUNT, f"{convention.unit} ({convention.name})")
    assert choices(convention)[COUNT] == work
    assert formulas()[convention.name].read(LEDGER) == work.read(LEDGER)


def test_what_takes_no_convention_is_the_same_under_each() -> None:
    for quantity in QUANTITIES.values():
        if not quantity.convention:
            assert quantity.under(CONVENTIONS["torch"]) is quantity


def test_what_stands_where() -> None:
    torch = CONVENTIONS["torch"]
    assert [row.column for row in columns(Place.PARTS, torch)] == [
        "params", "flops_torch", "activations",
    ]  # fmt: skip
    assert [row.column for row in columns(Place.NETWORKS, torch)] == [
        "params", "flops_torch", "activations", "weight_bytes_float32",
    ]  # fmt: skip
    assert [row.key for row in keys(Place.PARTS, torch)] == [
        "params", "macs", "count", "activations",
    ]  # fmt: skip
    assert [row.name for row in bounded()][:3] == ["macs", "params", "activations"]


# --- a new row ----------------------------------------------------------------------------------

CAUTION = "A probe counts nothing."
PROGRAM = f"""
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from flopscope import quantities
from flopscope.readings import Reading
from flopscope.sizes import total

quantities.QUANTITIES["probe"] = quantities.Quantity(
    "probe", "probes of rows", "probes", "Pro-\\nbes", caution={CAUTION!r},
    measure=lambda rows: Reading(7 * total(row.repeat for row in rows), "probes"), noun="probes",
    place=quantities.Place.PARTS, budget="this many probes, such as 7",
)

from flopscope.answers.profile import Profile
from flopscope import analyze
from flopscope.cli import main
from flopscope.conventions import convention
from flopscope.present.profile import ProfileReport
from flopscope.present.profile_formats import FORMATS
from flopscope.present.render import render
from flopscope.present.view import View
from flopscope.symbolic import symbol
from flopscope.testing import assert_budget

def said(command):
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(out):
        main(command.split())
    return out.getvalue()

def profiled(size, format_name, **view):
    shape = (1, 3, size, size)
    found = Profile("net", (shape,), analyze("mobilenetv1", res=size), ())
    view = View(convention("macs"), by="stage", **view)
    return render(ProfileReport(found, view), format_name, FORMATS)

commands = json.loads(sys.argv[1])
texts = {{command: said(command) for command in commands}}
texts["profile csv"] = profiled(224, "csv", sort="probe")
texts["profile json"] = profiled(224, "json")
texts["profile free"] = profiled(symbol("H"), "table")
texts["profile python"] = profiled(symbol("H"), "python")
try:
    assert_budget("mobilenetv1", max_probe=7)
except AssertionError as error:
    texts["assert_budget"] = str(error)
print(json.dumps(texts))
"""

COMMANDS = (
    "compare mobilenetv1 --format csv",
    "compare mobilenetv1 --by stage --format json",
    "compare mobilenetv1",
    "compare mobilenetv1 --columns probe --sort probe --format csv",
    "show mobilenetv1 --by stage --format json",
    "pareto --family mobilenetv1 --x probe --format csv",
    "pareto --family mobilenetv1 --max-probe 7",
    "pareto --family mobilenetv1 --x probe",
    "solve mobilenetv2 --macs 150M --free width --format csv",
    "solve mobilenetv2 --probe 150M --free res",
    "assert mobilenetv1 --max-probe 7",
    "assert mobilenetv1 --max-probe 7 --format json",
    "formula mobilenetv1 --of probe",
    "assert --help",
    "solve --help",
    "pareto --help",
    "formula --help",
    "profile --help",
)
ROWS = len(analyze("mobilenetv1"))


@cache
def texts() -> dict[str, str]:
    """What each command says where the table has one row more."""
    command = [sys.executable, "-c", PROGRAM, json.dumps(COMMANDS)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, str] = json.loads(run.stdout)
    return found


def words(command: str) -> str:
    return " ".join(texts()[command].split())


@pytest.mark.parametrize(
    "command",
    [
        "compare mobilenetv1 --format csv",
        "compare mobilenetv1 --columns probe --sort probe --format csv",
        "pareto --family mobilenetv1 --x probe --format csv",
    ],
)
def test_a_new_row_is_a_column_of_networks(command: str) -> None:
    rows = csv.DictReader(io.StringIO(texts()[command]))
    assert {row["probe"] for row in rows} == {str(7 * ROWS)}


def test_a_new_row_is_a_key_of_networks_and_parts() -> None:
    data = json.loads(texts()["compare mobilenetv1 --by stage --format json"])
    (model,) = data["models"]
    stages = json.loads(texts()["show mobilenetv1 --by stage --format json"])
    profile = json.loads(texts()["profile json"])
    assert model["probe"] == profile["probe"] == 7 * ROWS
    for parts in (model["groups"], stages["stages"], profile["parts"], profile["operators"]):
        assert sum(part["probe"] for part in parts) == 7 * ROWS
    assert CAUTION in data["cautions"]
    assert stages["cautions"] == profile["notes"] == [CAUTION]


def test_a_new_row_is_a_column_and_an_order_of_parts() -> None:
    rows = [*csv.DictReader(io.StringIO(texts()["profile csv"]))]
    found = [int(row["probe"]) for row in rows]
    assert found == sorted(found, reverse=True)
    assert sum(found) == 7 * ROWS
    assert f"probe {7 * ROWS}" in words("profile free")
    assert "def probe()" in texts()["profile python"]


def test_a_new_row_is_a_budget() -> None:
    for command in ("assert mobilenetv1 --max-probe 7", "assert_budget"):
        assert f"probes 7 {7 * ROWS}" in words(command)
    (budget,) = json.loads(texts()["assert mobilenetv1 --max-probe 7 --format json"])["budgets"]
    assert (budget["quantity"], budget["value"], budget["kept"]) == ("probe", 7 * ROWS, False)
    assert sum(layer["value"] for layer in budget["offenders"]) == 7 * ROWS - 7
    assert words("pareto --family mobilenetv1 --max-probe 7") == (
        "flopscope: no point has this input size, family and cost; give other limits or none (0 "
        "left out)"
    )
    assert words("solve mobilenetv2 --probe 150M --free res") == (
        "flopscope: probes of mobilenetv2 do not depend on res, so that no budget bounds it; "
        "bound another quantity, or leave it out"
    )


def test_a_new_row_stands_beside_designs() -> None:
    (row,) = csv.DictReader(
        io.StringIO(texts()["solve mobilenetv2 --macs 150M --free width --format csv"])
    )
    assert row["probe"] == str(7 * len(analyze("mobilenetv2", width=float(row["width"]))))


def test_a_new_row_is_a_formula() -> None:
    assert f"probes {7 * ROWS} domain" in words("formula mobilenetv1 --of probe")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("assert --help", "--max-probe TEXT At most this many probes, such as 7."),
        ("solve --help", "--probe TEXT At most this many probes, such as 7."),
        (
            "pareto --help",
            "--max-probe TEXT Take only networks of at most this many probes, such as 7.",
        ),
        ("pareto --help", "buffers, probe or latency."),
        ("formula --help", "buffers, probe, or a convention."),
        ("profile --help", "buffers or probe."),
    ],
)
def test_a_new_row_is_in_the_help(command: str, said: str) -> None:
    assert said in words(command)


@pytest.mark.parametrize(
    "command",
    [
        "compare mobilenetv1",
        "pareto --family mobilenetv1 --x probe",
        "assert mobilenetv1 --max-probe 7",
        "assert_budget",
        "profile free",
        "formula mobilenetv1 --of probe",
    ],
)
def test_a_caution_stands_wherever_the_quantity_is_shown(command: str) -> None:
    assert CAUTION in words(command)
