"""The best designs of a space: exact where the score is additive, searched for otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flopscope.answers.ownspaces import AnySpace, slotted
from flopscope.brief import short
from flopscope.choosing.bounds import (
    LATENCY,
    Bound,
    budget_names,
    latency_bound,
    quantity_bounds,
)
from flopscope.choosing.objective import Objective, Predictor, objective
from flopscope.choosing.trial import Evolved, Tell, evolved
from flopscope.designspaces.fronts import front
from flopscope.designspaces.slots import Design
from flopscope.designspaces.space import DesignSpace
from flopscope.designspaces.tables import Table, tables
from flopscope.errors import BadInput, check_name
from flopscope.quantities import MACS, PARAMS, QUANTITIES, Quantity

METHODS: Mapping[str, str] = {
    "dp": "a dynamic programme",
    "cp-sat": "CP-SAT",
    "nsga2": "NSGA-II",
}
SECONDS = 60.0
"""So long CP-SAT searches unless told otherwise."""
EVALUATIONS = 20_000
"""So many designs NSGA-II evaluates unless told otherwise."""


class Candidate(NamedTuple):
    """A design, what it costs in each quantity, its latency in units of the bound where one is
    bounded, its score, and what was measured of it if anything was."""

    design: Design
    costs: tuple[int, ...]
    latency: int | None
    score: float
    measured: float | None


@dataclass(frozen=True)
class How:
    """How to search: the method, or None for that which fits; and what bounds and seeds it."""

    method: str | None = None
    seed: int = 0
    seconds: float = SECONDS
    evaluations: int = EVALUATIONS
    fit_rows: int | None = None


@dataclass(frozen=True)
class Search:
    """What was found. `front` is the frontier of the first cost and the score within the budgets,
    cheapest first; `best` the design of the highest score, None where nothing was found.

    `proven` says that no design of the space is better; `bound` is a score that none exceeds, where
    one is known. `evolved` tells how a search that proves nothing went.
    """

    space: DesignSpace
    res: int
    quantities: tuple[Quantity, ...]
    tables: tuple[Table, ...]
    bounds: tuple[Bound, ...]
    objective: Objective
    how: How
    method: str
    front: tuple[Candidate, ...]
    proven: bool
    bound: float | None = None
    evolved: Evolved | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return short(self, f"{self.space.name}, {METHODS[self.method]}")

    @property
    def best(self) -> Candidate | None:
        """The design of the highest score."""
        return self.front[-1] if self.front else None

    @property
    def holds(self) -> bool:
        """Was a design found?"""
        return bool(self.front)

    @property
    def latency(self) -> Bound | None:
        """The bound on time; None where there is none."""
        return next((bound for bound in self.bounds if bound.name == LATENCY), None)

    @property
    def broken(self) -> tuple[Bound, ...]:
        """The budgets that no design keeps."""
        return tuple(bound for bound in self.bounds if bound.least > bound.most)


def search(
    target: str | AnySpace,
    *,
    accuracy: str | Predictor | None = None,
    maximise: str | None = None,
    most: Mapping[str, int] | None = None,
    max_latency: str | None = None,
    res: int | None = None,
    batch: int | None = None,
    how: How | None = None,
    tell: Tell = lambda done, of: None,
) -> Search:
    """The best designs of a space within budgets.

    `accuracy` and `maximise` say what is to be large, as `objective` describes. `max_latency` is
    described by `latency_bound`, and `batch` is that of its runs. One budget or none
    is answered by a dynamic programme, several by CP-SAT, and any function by NSGA-II. Raises
    BadInput and UnknownName for what cannot be searched.

    >>> found = search("nas_bench_macro", maximise="params", most={"macs": 30_000_000})
    >>> found.proven, found.space.text(found.best.design), found.best.costs
    (True, '00000021', (27312640, 1623082))
    """
    how = how or How()
    space, budgets = slotted(target), dict(most or {})
    side = space.res if res is None else res
    if maximise is not None:
        check_name("quantity", maximise, QUANTITIES)
    asked_for = [] if maximise is None else [maximise]
    names = dict.fromkeys((*budgets, MACS.name, PARAMS.name, *asked_for))
    quantities = tuple(QUANTITIES[name] for name in names)
    found = tables(space, quantities, side)
    bounds = quantity_bounds(budgets, dict(zip(names, found, strict=True)))
    if max_latency is not None:
        bounds.append(latency_bound(max_latency, space, side, batch))
    elif batch is not None:
        raise BadInput(
            "batch is that of a time on a device, and none is bounded; give max-latency too, such "
            "as pixel3-cpu-tflite:15ms"
        )
    goal = objective(space, accuracy, maximise, fit_rows=how.fit_rows, seed=how.seed, res=side)
    method = _method(how.method, goal, bounds)
    plan = Search(space, side, quantities, found, tuple(bounds), goal, how, method, (), proven=True)
    if plan.broken:
        return plan
    return {"dp": _by_programme, "cp-sat": _by_proof, "nsga2": _by_evolution}[method](plan, tell)


def _method(given: str | None, goal: Objective, bounds: list[Bound]) -> str:
    """The method that is given or fits. Raises BadInput for one that cannot answer."""
    if given is None:
        if goal.scores is None:
            return "nsga2"
        return "cp-sat" if len(bounds) > 1 else "dp"
    check_name("method", given, METHODS)
    if goal.scores is None and given != "nsga2":
        raise BadInput(
            f"{METHODS[given]} needs an additive score, and a function is none; leave the method "
            "out, or take nsga2"
        )
    if given == "dp" and len(bounds) > 1:
        raise BadInput(
            f"a dynamic programme keeps one budget, and {len(bounds)} are given; leave the method "
            "out, or take cp-sat"
        )
    return given


def _with(plan: Search, designs: list[tuple[Design, float]], **facts: object) -> Search:
    """The plan with what was found."""
    goal = plan.objective.scores
    measured = {} if goal is None else goal.measured
    latency = None if plan.latency is None else plan.latency.table
    candidates = tuple(
        Candidate(
            design,
            tuple(table.cost(design) for table in plan.tables),
            None if latency is None else latency.cost(design),
            score,
            measured.get(design),
        )
        for design, score in designs
    )
    known = {name: getattr(plan, name) for name in plan.__dataclass_fields__}
    return Search(**{**known, "front": candidates, **facts})


def _by_programme(plan: Search, tell: Tell) -> Search:
    scores = plan.objective.scores
    assert scores is not None
    table = plan.bounds[0].table if plan.bounds else plan.tables[0]
    most = plan.bounds[0].most if plan.bounds else None
    points = front(table, scores, most, tell)
    return _with(plan, [(point.design, scores.value(point.score)) for point in points])


def _by_proof(plan: Search, tell: Tell) -> Search:
    from flopscope.solvers.proof import Limit, best_design

    scores = plan.objective.scores
    assert scores is not None
    limits = [Limit(bound.table, bound.most) for bound in plan.bounds]
    found = best_design(scores, limits, seconds=plan.how.seconds, seed=plan.how.seed)
    if found.design is None:
        return _with(plan, [], proven=found.decided)
    bound = None if found.bound is None else scores.value(found.bound)
    best = found.design, scores.value(scores.of(found.design))
    return _with(plan, [best], proven=found.decided, bound=bound)


def _by_evolution(plan: Search, tell: Tell) -> Search:
    found = evolved(
        plan.space, plan.objective, plan.bounds, plan.tables[0],
        evaluations=plan.how.evaluations, seed=plan.how.seed, tell=tell,
    )  # fmt: skip
    return _with(plan, list(found.front), proven=False, evolved=found)


def title(found: Search) -> str:
    """The space, the input and the budgets in words."""
    words = budget_names(list(found.bounds))
    return f"{found.space.name}, {found.res}×{found.res}{words and ', '}{words}"
