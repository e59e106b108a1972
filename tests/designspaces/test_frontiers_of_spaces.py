"""Exact frontiers equal what listing all designs gives, for independent and coupled spaces."""

from itertools import compress
from random import Random

import pytest
from small_spaces import BLOCKS, COUPLED

from flopscope.choosing.pareto import frontier
from flopscope.designspaces.fronts import front, least_cost
from flopscope.designspaces.scores import Scores, from_table
from flopscope.designspaces.tables import tables
from flopscope.errors import BadInput
from flopscope.quantities import MACS, PARAMS

SPACES = [BLOCKS, COUPLED]


def drawn_scores(space, seed):
    rng = Random(seed)
    return Scores(
        space,
        rng.randrange(100),
        tuple({option: rng.randrange(30) for option in slot.options} for slot in space.slots),
        "score",
    )


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@pytest.mark.parametrize("seed", range(4))
def test_the_frontier_is_that_of_all_designs(space, seed):
    (table,) = tables(space, [MACS])
    scores = drawn_scores(space, seed)
    designs = list(space.all())
    costs, gains = [table.cost(d) for d in designs], [scores.of(d) for d in designs]
    on = frontier((costs, gains), ("min", "max"))
    expected = sorted(set(compress(zip(costs, gains, strict=True), on)))
    found = front(table, scores)
    assert [(point.cost, point.score) for point in found] == expected
    for point in found:
        assert (table.cost(point.design), scores.of(point.design)) == point[1:]
    most = sorted(costs)[len(costs) // 3]
    within = [point for point in expected if point[0] <= most]
    assert [(p.cost, p.score) for p in front(table, scores, most)] == within
    assert least_cost(table) == min(costs)
    assert front(table, scores, min(costs) - 1) == ()


def test_costs_are_scores_where_they_do_not_couple():
    macs, params = tables(BLOCKS, [MACS, PARAMS])
    scores = from_table(params, "params")
    assert all(scores.of(d) == params.cost(d) for d in list(BLOCKS.all())[::50])
    assert front(macs, scores)[-1].score == max(params.cost(d) for d in BLOCKS.all())
    with pytest.raises(BadInput) as refused:
        from_table(tables(COUPLED, [MACS])[0], "MACs")
    assert str(refused.value) == (
        "what w8 at layer2 of coupled costs depends on the choice before it, so that costs are no "
        "additive score there"
    )
