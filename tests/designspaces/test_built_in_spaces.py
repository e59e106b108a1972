"""Built-in spaces: closed forms equal the PyTorch twins, the tables, and what was published."""

import csv
from random import Random

import pytest

from flopscope.designspaces.known import SPACES, space_named
from flopscope.designspaces.macro import MEASURED, NAS_BENCH_MACRO
from flopscope.designspaces.tables import tables
from flopscope.quantities import MACS, PARAMS
from flopscope.tracing.engine import trace

BUILT = [name for name in SPACES if space_named(name).module]


def test_params_and_macs_of_all_6561_networks_are_the_published_ones():
    macs, params = tables(NAS_BENCH_MACRO, [MACS, PARAMS])
    with MEASURED.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == NAS_BENCH_MACRO.encodings == 6561
    for row in rows:
        design = NAS_BENCH_MACRO.design(row["design"])
        assert macs.cost(design) == int(row["macs"])
        assert params.cost(design) == int(row["params"])


def test_equal_networks_are_written_in_one_way():
    with MEASURED.open(newline="") as file:
        designs = {NAS_BENCH_MACRO.design(row["design"]) for row in csv.DictReader(file)}
    assert len(designs) == NAS_BENCH_MACRO.networks == 3969


@pytest.mark.parametrize("name", SPACES)
def test_tables_are_the_sums_of_ledgers(name):
    space, rng = space_named(name), Random(5)
    macs, params = tables(space, [MACS, PARAMS], drawn=0)
    for _ in range(5):
        design = space.random(rng)
        ledger = space.ledger(design)
        assert macs.cost(design) == int(ledger.macs())
        assert params.cost(design) == int(ledger.params())


@pytest.mark.parametrize("name", BUILT)
def test_a_drawn_design_builds_the_network_that_the_trace_counts(name):
    space, rng = space_named(name), Random(11)
    side = space.res
    for _ in range(2):
        design = space.random(rng)
        module = space.build(design)
        ledger = space.ledger(design)
        traced = trace(module, (1, space.channels, side, side)).ledger
        assert int(traced.macs()) == int(ledger.macs())
        assert int(traced.params()) == int(ledger.params())
        assert sum(each.numel() for each in module.parameters()) == int(ledger.params())
