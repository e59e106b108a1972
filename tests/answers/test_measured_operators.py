"""Operators that are measured alone: their names in tables, and the rows that they stand for."""

from __future__ import annotations

import pytest

from flopscope.answers.calibration_set import NETWORKS, is_single, operators, single_named
from flopscope.answers.measured_operators import beyond_start, parted, rows_of
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput
from flopscope.facts import Kind
from flopscope.ledger import Ledger
from flopscope.timing.held_out import family_of
from flopscope.timing.measurement import Latency


def test_the_set_is_large_enough_and_of_many_families():
    assert 60 <= len(operators(1)) <= 70
    assert 20 <= len(NETWORKS) <= 25
    assert len({family_of(model) for model, _ in NETWORKS}) >= 15
    for model, _ in NETWORKS:
        assert not is_single(str(parse(model)))


@pytest.mark.parametrize("each", operators(2), ids=lambda each: each.name)
def test_the_name_of_an_operator_says_all_of_it(each):
    assert single_named(each.name) == each


@pytest.mark.parametrize(
    ("name", "kinds", "macs"),
    [
        ("conv 8 16 3 2 1 on 2x8x10x10", [Kind.CONVOLUTION, Kind.ACTIVATION], 2 * 16 * 25 * 72),
        ("conv 8 8 3 1 8 on 1x8x10x10", [Kind.CONVOLUTION, Kind.ACTIVATION], 800 * 9),
        ("linear 4 5 on 1x6x4", [Kind.LINEAR], 120),
        ("matmul on 1x2x3x4 and 1x2x4x5", [Kind.MATMUL], 120),
        ("softmax on 1x2x3", [Kind.SOFTMAX], 0),
        ("concat on 1x4x2x2 and 1x4x2x2", [Kind.CONCATENATION], 0),
        ("max_pool on 1x4x8x8", [Kind.MAX_POOL], 0),
    ],
)
def test_its_rows_are_those_of_the_operator(name, kinds, macs):
    rows = rows_of(name)
    assert [row.kind for row in rows] == kinds
    assert Ledger(rows).macs().value == macs


def test_a_table_has_networks_and_operators():
    table = [Latency(name, "here", 1.0) for name in ("relu on 1x8", "resnet18", "add on 1x2 and 2")]
    networks, alone = parted(table)
    assert [each.model for each in networks] == ["resnet18"]
    assert [each.model for each in alone] == ["relu on 1x8", "add on 1x2 and 2"]


def test_the_start_of_a_run_is_no_work():
    runs = [(Latency(name, "here", 1.0), s) for name, s in (("a", 4e-6), ("b", 7e-6), ("c", 9e-6))]
    assert [(each.model, seconds) for each, seconds in beyond_start(runs)] == [("c", 5e-6)]
    assert beyond_start([]) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "tanh on 1x8",
            "'tanh on 1x8' is no operator that is timed alone; one is called as in 'conv 64 128 3 "
            "2 1 on 1x64x56x56'",
        ),
        (
            "linear 4 on 1x8",
            "'linear 4 on 1x8' is no operator that can be made: Linear.__init__() missing 1 "
            "required positional argument: 'out_features'",
        ),
    ],
)
def test_other_names_are_refused(name, said):
    with pytest.raises(BadInput) as caught:
        rows_of(name)
    assert str(caught.value) == said
