"""Exact frontiers equal what listing all designs gives, for independent and coupled spaces."""

from itertools import compress
from random import Random

import pytest
from small_spaces import BLOCKS, COUPLED

from flopscope.choosing.pareto import frontier
from flopscope.designspaces.fronts import front, least_cost
from flopscope.designspaces.scores import by_option, from_table
from flopscope.designspaces.tables import tables
from flopscope.quantities import MACS, PARAMS

SPACES = [BLOCKS, COUPLED]


def drawn_scores(space, seed):
    rng = Random(seed)
    base = rng.randrange(100)
    options = [{option: rng.randrange(30) for option in slot.options} for slot in space.slots]
    return by_option(space, options, base=base, words="score")


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


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_costs_are_scores_too(space):
    macs, params = tables(space, [MACS, PARAMS])
    scores = from_table(params, "params")
    assert all(scores.of(d) == params.cost(d) for d in space.all())
    assert front(macs, scores)[-1].score == max(params.cost(d) for d in space.all())
