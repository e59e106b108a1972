"""The best networks of a space that is a list: each of them is counted, so that any score is
answered with a proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flopscope.answers.spacebounds import Bound, latency_bound, quantity_bounds
from flopscope.choosing.found import LISTING, METHODS, Candidate, How, Search
from flopscope.choosing.objective import (
    MEASURED,
    Objective,
    Predictor,
    check_one_goal,
    finite,
    loaded,
    none_measured,
    refuse_rows,
    with_column,
)
from flopscope.choosing.trial import Evolved, Tell
from flopscope.designspaces.fronts import unbeaten
from flopscope.designspaces.listed import ListedSpace, ListedTable, listed_tables
from flopscope.designspaces.predictor import read_measured
from flopscope.errors import BadInput, check_name
from flopscope.quantities import Quantity

Floats = NDArray[np.float64]

TOLD = 100
"""Progress is told after so many networks."""


class Aim(NamedTuple):
    """What is to be large: an accuracy, or a quantity."""

    accuracy: str | Predictor | None
    maximise: str | None


class Scored(NamedTuple):
    """The score of each network, in the order of the list; which of them have one; whether all that
    were to be scored are; and the number of those that can have one, if these are not all."""

    scores: Floats
    there: NDArray[np.bool_]
    finished: bool = True
    only: int | None = None


def search_listed(
    space: ListedSpace,
    aim: Aim,
    quantities: tuple[Quantity, ...],
    most: Mapping[str, int],
    max_latency: str | None,
    res: int | None,
    batch: int | None,
    how: How,
    tell: Tell,
) -> Search:
    """The frontier of the first bound's cost and the score within all bounds, of networks that have
    a score: all where it is a quantity or a function, and those of the file where it is one.

    An interrupt from the keyboard ends the calls of a function, and keeps what was found. Raises
    BadInput for what cannot be answered.
    """
    if how.method is not None:
        _check_method(space, how.method)
    side = None if space.side else space.res if res is None else res
    found = listed_tables(space, quantities, res if space.side else side)
    by_name = {table.quantity.name: table for table in found}
    bounds = quantity_bounds(most, by_name)
    if max_latency is not None:
        bounds.append(latency_bound(max_latency, space, res if space.side else side, batch))
    refuse_rows(how.fit_rows)
    check_one_goal(aim.accuracy, aim.maximise)
    words = aim.maximise or "score"
    plan = Search(
        space, side, quantities, found, tuple(bounds), Objective(words), how, LISTING, (),
        proven=True,
    )  # fmt: skip
    if plan.broken:
        return plan
    within = np.ones(space.networks, bool)
    for bound in bounds:
        within &= _costs(bound) <= bound.most
    return _found(plan, _scored(space, aim, by_name, within, tell), within)


def _check_method(space: ListedSpace, method: str) -> None:
    check_name("method", method, METHODS)
    if method != LISTING:
        raise BadInput(
            f"{space.name} is a list of {space.networks:,} networks, each of which is counted; "
            f"leave the method out, or take {LISTING}"
        )


def _costs(bound: Bound) -> NDArray[np.int64]:
    assert isinstance(bound.table, ListedTable)
    return bound.table.costs


def _scored(
    space: ListedSpace,
    aim: Aim,
    tables: Mapping[str, ListedTable],
    within: NDArray[np.bool_],
    tell: Tell,
) -> Scored:
    if aim.maximise is not None:
        return Scored(tables[aim.maximise].costs.astype(np.float64), np.ones_like(within))
    if callable(aim.accuracy):
        return _asked(space, aim.accuracy, within, tell)
    assert aim.accuracy is not None
    if ".py:" in aim.accuracy:
        return _asked(space, loaded(aim.accuracy), within, tell)
    return _measured(space, aim.accuracy)


def _asked(
    space: ListedSpace, function: Predictor, within: NDArray[np.bool_], tell: Tell
) -> Scored:
    """What a function says of each network within the bounds."""
    scores, there = np.zeros(len(within)), np.zeros_like(within)
    indices = np.flatnonzero(within).tolist()
    call: Callable[[Any], float] = function
    try:
        for n, index in enumerate(indices, start=1):
            design = space.at(index)
            scores[index] = finite(call, space.read(design), space.text(design))
            there[index] = True
            if n % TOLD == 0 or n == len(indices):
                tell(n, len(indices))
    except KeyboardInterrupt:
        return Scored(scores, there, finished=False)
    return Scored(scores, there)


def _measured(space: ListedSpace, text: str) -> Scored:
    """The numbers of a file with the columns design and accuracy, or another."""
    if text == MEASURED:
        raise none_measured(space.name)
    path, column = with_column(text)
    scores, there = np.zeros(space.networks), np.zeros(space.networks, bool)
    _, measured = read_measured(space, path, column)
    for design, value in measured.items():
        index = space.place(design)
        if index is None:
            raise BadInput(
                f"{path} measures '{space.text(design)}', which is not on the grid of "
                f"{space.name}; one that is there is '{space.text(space.at(0))}'"
            )
        scores[index], there[index] = value, True
    return Scored(scores, there, only=int(there.sum()))


def _found(plan: Search, scored: Scored, within: NDArray[np.bool_]) -> Search:
    """The plan with the frontier."""
    space = plan.space
    assert isinstance(space, ListedSpace)
    kept = np.flatnonzero(within & scored.there)
    first = plan.bounds[0].table if plan.bounds else plan.tables[0]
    assert isinstance(first, ListedTable)
    order = kept[unbeaten(first.costs[kept], scored.scores[kept])]
    front = tuple(_candidate(plan, space, int(i), float(scored.scores[i])) for i in order)
    facts: dict[str, Any] = {"front": front, "proven": scored.finished, "scored": scored.only}
    if not scored.finished:
        facts["evolved"] = Evolved((), int(scored.there.sum()), finished=False, share=None)
    return replace(plan, **facts)


def _candidate(plan: Search, space: ListedSpace, index: int, score: float) -> Candidate:
    tables: Sequence[Any] = plan.tables
    costs = tuple(int(table.costs[index]) for table in tables)
    latency = None if plan.latency is None else int(_costs(plan.latency)[index])
    return Candidate(space.at(index), costs, latency, score, None)
