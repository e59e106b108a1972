"""Built-in spaces: closed forms equal the PyTorch twins, the tables, and what was published."""

import csv
from random import Random

import pytest

from flopscope.designspaces.known import SPACES, space_named
from flopscope.designspaces.macro import MEASURED, NAS_BENCH_MACRO
from flopscope.designspaces.space import DesignSpace
from flopscope.designspaces.tables import tables
from flopscope.quantities import MACS, PARAMS
from flopscope.tracing.engine import trace

SLOTTED = [name for name in SPACES if isinstance(space_named(name), DesignSpace)]


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


@pytest.mark.parametrize("name", SLOTTED)
def test_tables_are_the_sums_of_ledgers(name):
    space, rng = space_named(name), Random(5)
    macs, params = tables(space, [MACS, PARAMS], drawn=0)
    for _ in range(5):
        design = space.random(rng)
        ledger = space.ledger(design)
        assert macs.cost(design) == int(ledger.macs())
        assert params.cost(design) == int(ledger.params())


@pytest.mark.parametrize("name", SLOTTED)
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


def test_costs_of_nas_bench_201_are_those_that_were_published():
    """arXiv 2001.00326 and its API: 1.531546 and 0.073306 M parameters, 220.11969 and 7.78305 M
    FLOPs, of the cell of 3×3 convolutions and of the empty one. Its FLOPs are multiply-adds and the
    ten of the classifier's bias."""
    space = space_named("nas_bench_201")
    full, empty = (
        space.ledger((option,) * len(space.slots)) for option in ("nor_conv_3x3", "none")
    )
    assert (int(full.params()), int(full.macs())) == (1_531_546, 220_119_680)
    assert (int(empty.params()), int(empty.macs())) == (73_306, 7_783_040)


def test_published_efficientformers_are_designs_of_its_space():
    import flopscope as fs

    space = space_named("efficientformer_slots")
    for name, text in (
        ("efficientformer_l1", "48,p,p,p 96,p,p 224,p,p,p,p,p,p 448,p,p,p,a"),
        ("efficientformer_l7", f"96{',p' * 6} 192{',p' * 6} 384{',p' * 18} 768{',a' * 8}"),
    ):
        ledger, published = space.ledger(space.design(text)), fs.analyze(name)
        assert int(ledger.macs()) == int(published.macs())
        assert int(ledger.params()) == int(published.params())
