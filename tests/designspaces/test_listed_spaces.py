"""Spaces that are swept by a rule: RegNet's design space and EfficientNet's grid."""

from collections import Counter
from itertools import product
from random import Random

import pytest

import flopscope as fs
from flopscope.analytic.regnet import regnet_stages
from flopscope.designspaces import regnetrule
from flopscope.designspaces.known import space_named
from flopscope.designspaces.listed import (
    ListedDistribution,
    ListedSampler,
    listed_tables,
)
from flopscope.errors import BadInput
from flopscope.quantities import MACS, PARAMS, QUANTITIES
from flopscope.tracing.engine import trace

NAMES = ["regnetx", "efficientnet_grid"]


@pytest.mark.parametrize("name", NAMES)
def test_the_distribution_is_that_of_all_costs(name):
    space = space_named(name)
    table, _ = listed_tables(space, [MACS, PARAMS])
    listed = sorted(table.costs.tolist())
    counted = ListedDistribution(table).counted
    assert (counted.total, counted.ends) == (space.networks, (listed[0], listed[-1]))
    rng = Random(0)
    for rank in [1, len(listed), *(rng.randrange(len(listed)) + 1 for _ in range(50))]:
        cost = counted.cost(counted.kth(rank))
        assert cost == listed[rank - 1]
        assert counted.most(cost - 1) < rank <= counted.most(cost)
    assert counted.most(listed[0] - 1) == 0
    written = ListedDistribution(table, encodings=True).counted
    assert written.total == space.encodings > space.networks


@pytest.mark.parametrize("name", NAMES)
def test_a_drawn_design_builds_the_network_that_the_trace_counts(name):
    space, rng = space_named(name), Random(3)
    (table,) = listed_tables(space, [MACS])
    sampler = ListedSampler(ListedDistribution(table))
    for _ in range(2):
        design, cost = sampler.draw(rng, 900_000_000)
        assert cost <= 900_000_000
        ledger = space.ledger(space.design(space.text(design)))
        side = int(space.read(design)["res"]) if space.side else space.res
        traced = trace(space.build(design), (1, 3, side, side)).ledger
        assert int(ledger.macs()) == int(traced.macs()) == cost
        assert int(ledger.params()) == int(traced.params())


def test_networks_are_told_apart_by_the_rule_itself(monkeypatch):
    monkeypatch.setattr(regnetrule, "W0", (24, 32))
    monkeypatch.setattr(regnetrule, "WA", range(8, 64, 8))
    settings = product((24, 32), range(8, 64, 8), regnetrule.WM, regnetrule.DEPTHS)
    expected = Counter()
    for (w0, wa, wm, d), g in product(settings, regnetrule.GROUPS):
        stages = regnet_stages(w0, wa, wm, d, g)
        if len(stages) == 4 and regnet_stages(w0, wa, wm, d, 1)[-1].w <= 1024:
            expected[stages] += 1
    found = regnetrule.listing()
    assert len(found.written) == len(expected) > 50
    assert sorted(found.written.tolist()) == sorted(expected.values())


def test_published_networks_are_designs_of_these_spaces():
    regnet = fs.space("regnetx").ledger("w0=24 wa=36.44 wm=2.49 d=13 g=8")
    assert int(regnet.macs()) == int(fs.analyze("regnetx_200mf").macs())
    b3 = fs.space("efficientnet_grid").ledger("width=1.2 depth=1.4 res=300")
    assert int(b3.macs()) == int(fs.analyze("efficientnet_b3", 300).macs())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fs.space("efficientnet_grid", res=224),
            "the input size is one of the choices of efficientnet_grid; leave res out, or give it "
            "in a design, as in 'width=1 depth=1 res=224'",
        ),
        (
            lambda: fs.space("efficientnet_grid", design="width=1 depth=1"),
            "a design of efficientnet_grid is written as 'width=1 depth=1 res=224', not 'width=1 "
            "depth=1'",
        ),
        (
            lambda: fs.space("efficientnet_grid", design="width=one depth=1 res=224"),
            "width=one of a design of efficientnet_grid is not a number",
        ),
        (
            lambda: fs.space("efficientnet_grid", design="width=1 depth=0 res=224"),
            "depth=0 gives no EfficientNet; give a number above 0",
        ),
        (
            lambda: fs.space("regnetx", design="w0=24 wa=36 wm=2.5 d=60 g=8"),
            "these settings give 6 stages, the last of 2344 channels; a RegNet of this space has 4 "
            "stages of at most 1024 channels",
        ),
        (
            lambda: listed_tables(space_named("efficientnet_grid"), [QUANTITIES["peak"]]),
            "peak is not a sum over the parts of a network, so that a design space has no table "
            "of it; ask for another quantity, such as macs or params",
        ),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(BadInput) as refused:
        call()
    assert str(refused.value) == message


def test_a_budget_that_no_network_keeps():
    report = fs.space("efficientnet_grid", max_macs=385_814_751, sample=3)
    assert not report
    assert "the nearest budget that can be kept is --max-macs 385814752." in " ".join(
        str(report).split()
    )  # fmt: skip
