"""The exact distribution of costs equals what listing all designs gives."""

from collections import Counter
from random import Random

import pytest
from small_spaces import BLOCKS, COUPLED, NOT_COUPLED

from flopscope.designspaces import store
from flopscope.designspaces.distribution import Distribution
from flopscope.designspaces.halves import Halves
from flopscope.designspaces.known import space_named
from flopscope.designspaces.lattice import Step, merged, one, total
from flopscope.designspaces.sampling import Sampler
from flopscope.designspaces.tables import tables
from flopscope.errors import BadInput
from flopscope.quantities import QUANTITIES

MACS, PARAMS = QUANTITIES["macs"], QUANTITIES["params"]
SPACES = [BLOCKS, COUPLED]
each_way = pytest.mark.parametrize(
    "divided", [1 << 20, 0], indirect=True, ids=["merged", "met in the middle"]
)


@pytest.fixture
def divided(request, monkeypatch):
    """So many positions at most are merged slot by slot."""
    monkeypatch.setattr("flopscope.designspaces.distribution.DIVIDED", request.param)
    return request.param == 0


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv(store.VARIABLE, "off")


@each_way
@pytest.mark.parametrize("quantity", [MACS, PARAMS], ids=lambda each: each.name)
@pytest.mark.parametrize("space", SPACES, ids=lambda each: each.name)
def test_it_is_what_listing_all_ledgers_gives(space, quantity, divided):
    (table,) = tables(space, [quantity])
    listed = sorted(int(quantity.read(space.ledger(design))) for design in space.all())
    counted = Distribution(table).counted
    assert isinstance(counted, Halves) == divided
    assert counted.total == space.networks == len(listed)
    assert counted.ends == (listed[0], listed[-1])
    assert Distribution(table).distinct == len(set(listed))
    for rank, cost in enumerate(listed, start=1):
        assert counted.cost(counted.kth(rank)) == cost
    for cost in {*listed, *(each - 1 for each in listed)}:
        assert counted.most(cost) == sum(each <= cost for each in listed)


@each_way
def test_encodings_are_counted_as_often_as_they_are_written(divided):
    (table,) = tables(BLOCKS, [MACS])
    expected = Counter()
    for design in BLOCKS.all():
        ways = 1
        for move in BLOCKS.moves(design):
            ways *= move.ways
        expected[table.cost(design)] += ways
    counted = Distribution(table, encodings=True).counted
    assert counted.total == BLOCKS.encodings == sum(expected.values())
    for cost in expected:
        assert counted.most(cost) - counted.most(cost - 1) == expected[cost]


def test_a_space_whose_slots_depend_on_each_other_is_refused():
    with pytest.raises(BadInput) as refused:
        tables(NOT_COUPLED, [MACS])
    assert str(refused.value).startswith("forgetful does not separate: ")
    with pytest.raises(BadInput) as refused:
        tables(BLOCKS, [QUANTITIES["peak"]])
    assert str(refused.value) == (
        "peak is not a sum over the parts of a network, so that a design space has no table of "
        "it; ask for another quantity, such as macs or params"
    )


@each_way
@pytest.mark.parametrize("space", SPACES, ids=lambda each: each.name)
def test_draws_are_uniform_under_a_budget(space, divided):
    """Pearson's statistic over all designs that keep the budget is within five deviations."""
    (table,) = tables(space, [MACS])
    costs = sorted(table.cost(design) for design in space.all())
    most = costs[min(60, len(costs) // 2)]
    kept = [design for design in space.all() if table.cost(design) <= most]
    sampler, rng = Sampler(Distribution(table)), Random(1)
    draws = 40 * len(kept)
    drawn = Counter(sampler.draw(rng, most) for _ in range(draws))
    assert {design for design, _ in drawn} == set(kept)
    assert all(table.cost(design) == cost for design, cost in drawn)
    expected, freedom = draws / len(kept), len(kept) - 1
    statistic = sum((n - expected) ** 2 / expected for n in drawn.values())
    assert abs(statistic - freedom) < 5 * (2 * freedom) ** 0.5
    with pytest.raises(BadInput) as refused:
        sampler.draw(rng, costs[0] - 1)
    assert str(refused.value) == (
        f"no design of {space.name} costs at most {costs[0] - 1:,}; the cheapest costs {costs[0]:,}"
    )


def test_params_of_once_for_all_networks_are_counted_beyond_64_bits():
    """21,758,655,492,572,485,851 is more than 2⁶⁴; counts below and above a budget make it up."""
    (table,) = tables(space_named("ofa_mobilenetv3"), [PARAMS], res=32)
    counted = Distribution(table).counted
    assert counted.total == 7371**5 > 2**64
    rng = Random(0)
    for _ in range(5):
        rank = rng.randrange(counted.total) + 1
        cost = counted.cost(counted.kth(rank))
        assert counted.most(cost - 1) < rank <= counted.most(cost)


@pytest.mark.parametrize("res", [96, 130])
def test_any_resolution_is_counted(res):
    ofa = space_named("ofa_mobilenetv3")
    (table,) = tables(ofa, [MACS], res)
    distribution = Distribution(table)
    counted = distribution.counted
    assert isinstance(counted, Halves)
    assert counted.total == 7371**5
    rng = Random(res)
    for _ in range(3):
        rank = rng.randrange(counted.total) + 1
        cost = counted.cost(counted.kth(rank))
        assert counted.most(cost - 1) < rank <= counted.most(cost)
    cheapest, dearest = counted.ends
    assert counted.most(cheapest - 1) == 0 < counted.most(cheapest)
    assert counted.most(dearest - 1) < counted.most(dearest) == counted.total
    design, cost = Sampler(distribution).draw(rng, (cheapest + dearest) // 2)
    assert table.cost(design) == cost <= (cheapest + dearest) // 2


def test_numbers_of_the_paper_s_space_are_those_that_were_counted_slot_by_slot():
    """At 224: counts and the 10^18-th cheapest, which merging all slots one by one gave too."""
    (table,) = tables(space_named("ofa_mobilenetv3"), [MACS], 224)
    distribution = Distribution(table)
    counted = distribution.counted
    found = [counted.most(millions * 10**6) for millions in (200, 300, 400)]
    assert found == [8_771_878_157_810, 856_295_841_105_991_212, 20_599_264_329_795_529_108]
    assert counted.cost(counted.kth(10**18)) == 302_225_152
    assert counted.cost(counted.kth(-(-counted.total // 2))) == 352_351_584
    assert counted.ends == (121_278_672, 566_170_656)
    assert distribution.distinct == 24_293_979


@pytest.mark.parametrize("encodings", [False, True])
def test_both_ways_agree_on_large_numbers(encodings, monkeypatch):
    """Parameters of once-for-all networks have a lattice that is quickly merged."""
    (table,) = tables(space_named("ofa_mobilenetv3"), [PARAMS], 224)
    merged_, rng = Distribution(table, encodings).counted, Random(3)
    monkeypatch.setattr("flopscope.designspaces.distribution.DIVIDED", 0)
    halves = Distribution(table, encodings).counted
    assert (isinstance(merged_, Halves), isinstance(halves, Halves)) == (False, True)
    assert (halves.total, halves.ends) == (merged_.total, merged_.ends)
    for _ in range(20):
        rank = rng.randrange(merged_.total) + 1
        position = merged_.kth(rank)
        cost = merged_.cost(position)
        assert (halves.kth(rank), halves.most(cost)) == (position, merged_.most(cost))


def test_sums_of_numbers_stay_exact_beyond_64_bits():
    numbers = one()
    for power in range(1, 200):
        numbers = merged([Step(numbers, 0, 1), Step(numbers, 0, 1)], 1)
        assert total(numbers) == 2**power


def test_halves_are_kept_and_damage_is_noticed(monkeypatch, tmp_path):
    monkeypatch.setenv(store.VARIABLE, str(tmp_path))
    monkeypatch.setattr("flopscope.designspaces.distribution.DIVIDED", 0)
    monkeypatch.setattr("flopscope.designspaces.distribution.KEPT", 1)
    (table,) = tables(BLOCKS, [MACS])
    first = Distribution(table)
    ranks = range(1, BLOCKS.networks + 1, 40)
    costs = [first.counted.kth(rank) for rank in ranks]
    (path,) = (tmp_path / "designspaces").iterdir()
    assert first.written == path.stat().st_size
    heard = []
    second = Distribution(table, tell=lambda done, of: heard.append(done))
    assert [second.counted.kth(rank) for rank in ranks] == costs
    assert (heard, second.written) == ([], 0)
    for damaged in (path.read_bytes()[:-1] + b"\xff", b"nothing", path.read_bytes()[:-1]):
        path.write_bytes(damaged)
        assert [Distribution(table).counted.kth(rank) for rank in ranks] == costs
    assert store.whole(path.name) is not None


def test_what_was_computed_is_kept_and_damage_is_noticed(monkeypatch, tmp_path):
    monkeypatch.setenv(store.VARIABLE, str(tmp_path))
    monkeypatch.setattr("flopscope.designspaces.distribution.KEPT", 1)
    (table,) = tables(BLOCKS, [MACS])
    first = Distribution(table).counted
    (path,) = (tmp_path / "designspaces").iterdir()
    heard = []
    second = Distribution(table, tell=lambda done, of: heard.append(done)).counted
    assert second.most(10**6) == first.most(10**6)
    assert heard == []
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    assert Distribution(table).counted.total == first.total
    assert Distribution(table).counted.most(10**6) == first.most(10**6)
    path.write_bytes(b"nothing")
    assert Distribution(table).counted.kth(5) == first.kth(5)


def test_an_answer_needs_no_cache_and_leaves_no_part_of_a_file(monkeypatch, tmp_path):
    """As where the disk is full."""
    monkeypatch.setenv(store.VARIABLE, str(tmp_path))
    monkeypatch.setattr("flopscope.designspaces.distribution.KEPT", 1)

    def full(path, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "replace", full)
    (table,) = tables(BLOCKS, [MACS])
    assert Distribution(table).counted.total == BLOCKS.networks
    assert list((tmp_path / "designspaces").iterdir()) == []
