"""The best designs of a space: exact where the score is additive, searched for otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.answers.ownspaces import AnySpace, space_of
from flopscope.answers.spacebounds import Bound, check_batch, latency_bound, quantity_bounds
from flopscope.choosing.found import LISTING, METHODS, Candidate, How, Search
from flopscope.choosing.objective import Objective, Predictor, objective
from flopscope.choosing.searchlisted import Aim, search_listed
from flopscope.choosing.trial import Tell, evolved
from flopscope.designspaces.fronts import front
from flopscope.designspaces.listed import ListedSpace
from flopscope.designspaces.slots import Design
from flopscope.designspaces.space import DesignSpace
from flopscope.designspaces.tables import Table, tables
from flopscope.errors import BadInput, check_name
from flopscope.quantities import MACS, PARAMS, QUANTITIES


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
    described by `latency_bound`, and `batch` is that of its runs. One budget or none is answered by
    a dynamic programme, several by CP-SAT, and any function by NSGA-II; of a space that is a list
    every network is counted. Raises BadInput and UnknownName for what cannot be searched.

    >>> found = search("nas_bench_macro", maximise="params", most={"macs": 30_000_000})
    >>> found.proven, found.space.text(found.best.design), found.best.costs
    (True, '00000021', (27312640, 1623082))
    """
    how = how or How()
    space, budgets = space_of(target), dict(most or {})
    if maximise is not None:
        check_name("quantity", maximise, QUANTITIES)
    asked_for = [] if maximise is None else [maximise]
    names = dict.fromkeys((*budgets, MACS.name, PARAMS.name, *asked_for))
    quantities = tuple(QUANTITIES[name] for name in names)
    check_batch(batch, max_latency)
    if isinstance(space, ListedSpace):
        aim = Aim(accuracy, maximise)
        return search_listed(space, aim, quantities, budgets, max_latency, res, batch, how, tell)
    side = space.res if res is None else res
    found = tables(space, quantities, side)
    bounds = quantity_bounds(budgets, dict(zip(names, found, strict=True)))
    if max_latency is not None:
        bounds.append(latency_bound(max_latency, space, side, batch))
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
    if given == LISTING:
        raise BadInput(
            "listing is for a space that is a list of networks, such as regnetx; leave the method "
            "out, or take dp, cp-sat or nsga2"
        )
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


def _first(plan: Search) -> Table:
    """The table of the first quantity."""
    (table, *_) = plan.tables
    assert isinstance(table, Table)
    return table


def _by_programme(plan: Search, tell: Tell) -> Search:
    scores = plan.objective.scores
    assert scores is not None
    table = plan.bounds[0].summed if plan.bounds else _first(plan)
    most = plan.bounds[0].most if plan.bounds else None
    points = front(table, scores, most, tell)
    return _with(plan, [(point.design, scores.value(point.score)) for point in points])


def _by_proof(plan: Search, tell: Tell) -> Search:
    from flopscope.solvers.proof import Limit, best_design

    scores = plan.objective.scores
    assert scores is not None
    limits = [Limit(bound.summed, bound.most) for bound in plan.bounds]
    found = best_design(scores, limits, seconds=plan.how.seconds, seed=plan.how.seed)
    if found.design is None:
        return _with(plan, [], proven=found.decided)
    bound = None if found.bound is None else scores.value(found.bound)
    best = found.design, scores.value(scores.of(found.design))
    return _with(plan, [best], proven=found.decided, bound=bound)


def _by_evolution(plan: Search, tell: Tell) -> Search:
    assert isinstance(plan.space, DesignSpace)
    found = evolved(
        plan.space, plan.objective, plan.bounds, _first(plan),
        evaluations=plan.how.evaluations, seed=plan.how.seed, tell=tell,
    )  # fmt: skip
    return _with(plan, list(found.front), proven=False, evolved=found)
