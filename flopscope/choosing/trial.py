"""A search that proves nothing: designs are tried, and what none beats is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from flopscope.answers.spacebounds import LATENCY, Bound
from flopscope.choosing.indicators import hypervolume
from flopscope.choosing.objective import Objective, asked
from flopscope.designspaces.distribution import Distribution
from flopscope.designspaces.fronts import front
from flopscope.designspaces.sampling import Sampler
from flopscope.designspaces.slots import Design
from flopscope.designspaces.space import DesignSpace
from flopscope.designspaces.tables import Table

Tell = Callable[[int, int], None]

GENERATION = 100
"""So many designs a generation has, and the first is drawn uniformly."""
TRIES = 100
"""So many draws within one budget are made for each design that keeps the others too."""


@dataclass(frozen=True)
class Evolved:
    """How it went: the designs that none beats with their scores, cheapest first; the number of
    designs that were tried; whether it came to its end; and, where the exact frontier is known, the
    share of its hypervolume."""

    front: tuple[tuple[Design, float], ...]
    tried: int
    finished: bool
    share: float | None


def evolved(
    space: DesignSpace,
    goal: Objective,
    bounds: Sequence[Bound],
    table: Table,
    *,
    evaluations: int,
    seed: int,
    tell: Tell,
) -> Evolved:
    """The frontier of the first bound's cost, or the table's, and the score, within all bounds, as
    far as NSGA-II finds it. Raises BadInput where pymoo cannot be imported."""
    from flopscope.solvers.genetic import evolve

    first = bounds[0].summed if bounds else table
    kept: dict[Design, tuple[int, float]] = {}
    tried: set[Design] = set()

    def evaluate(design: Design) -> tuple[float, float, float]:
        over = max((b.table.cost(design) / b.most - 1 for b in bounds), default=0.0)
        cost, score = first.cost(design), _score(space, goal, design)
        tried.add(design)
        if all(bound.table.cost(design) <= bound.most for bound in bounds):
            kept[design] = cost, score
        return float(cost), score, over

    start = samples(space, bounds, min(GENERATION, evaluations), Random(seed))
    finished = evolve(space, evaluate, start, evaluations=evaluations, seed=seed, tell=tell)
    found = _unbeaten(kept)
    share = None
    if goal.scores is not None and len(bounds) < 2:
        share = _share(first, goal, bounds, [kept[design] for design, _ in found])
    return Evolved(found, len(tried), finished, share)


def _score(space: DesignSpace, goal: Objective, design: Design) -> float:
    if goal.scores is not None:
        return goal.scores.value(goal.scores.of(design))
    assert goal.function is not None
    return asked(goal.function, space, design)


def samples(space: DesignSpace, bounds: Sequence[Bound], number: int, rng: Random) -> list[Design]:
    """Designs drawn uniformly from those within the first bound on a quantity, the most of which
    keep the other bounds too, as far as such are met in a number of draws."""
    quantities = [bound for bound in bounds if bound.name != LATENCY]
    sampler = Sampler(Distribution(quantities[0].summed)) if quantities else None
    found: dict[Design, None] = {}
    others: dict[Design, None] = {}
    for _ in range(TRIES * number):
        design = sampler.draw(rng, quantities[0].most)[0] if sampler else space.random(rng)
        keeps = all(bound.table.cost(design) <= bound.most for bound in bounds)
        (found if keeps else others)[design] = None
        if len(found) == number:
            break
    return [*found, *others][:number]


def _unbeaten(kept: dict[Design, tuple[int, float]]) -> tuple[tuple[Design, float], ...]:
    """The designs that no other beats in both cost and score, cheapest first."""
    front_: list[tuple[Design, float]] = []
    for design, (_, score) in sorted(kept.items(), key=lambda item: (item[1][0], -item[1][1])):
        if not front_ or score > front_[-1][1]:
            front_.append((design, score))
    return tuple(front_)


def _share(
    table: Table, goal: Objective, bounds: Sequence[Bound], found: list[tuple[int, float]]
) -> float:
    """The hypervolume of what was found over that of the exact frontier. The reference is the
    budget, or the dearest design of the frontier, and the score of its cheapest one."""
    assert goal.scores is not None
    exact = [
        (point.cost, goal.scores.value(point.score))
        for point in front(table, goal.scores, bounds[0].most if bounds else None)
    ]
    reference = (bounds[0].most if bounds else exact[-1][0], exact[0][1])
    whole = _area(exact, reference)
    return float(_area(found, reference) / whole) if whole else float(bool(found))


def _area(points: Sequence[tuple[int, float]], reference: tuple[int, float]) -> Any:
    return hypervolume([cost for cost, _ in points], [gain for _, gain in points], reference)
