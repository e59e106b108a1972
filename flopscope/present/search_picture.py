"""A frontier of a space as what a picture of it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flopscope.answers.spacebounds import LATENCY
from flopscope.choosing.found import Search
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.present.plots.designfront import Rise


def rise_of(found: Search) -> Rise:
    """The frontier's costs and scores. Raises BadInput where there is no frontier: where one design
    was proved the best within several budgets, and where none was found."""
    from flopscope.present.plots.designfront import Rise

    if found.method == "cp-sat" or not found.front:
        raise BadInput(
            "a picture shows a frontier, and this search gives "
            f"{'one design' if found.front else 'none'}; give one budget, or take --method nsga2"
        )
    first = found.bounds[0] if found.bounds else None
    scale = 1 if first is None else first.scale
    if first is not None and first.name == LATENCY:
        costs = [(each.latency or 0) / scale for each in found.front]
        label = "Latency, in the unit of the table"
        if first.time is not None:
            label = f"{first.time.words.capitalize()}, ms, batch {first.batch:,}"
    else:
        costs = [each.costs[0] for each in found.front]
        label = found.quantities[0].words
    return Rise(
        costs,
        [each.score for each in found.front],
        f"{label}, {found.space.name}, {found.res}×{found.res}",
        _score(found),
        None if first is None else first.most / scale,
    )


def _score(found: Search) -> str:
    """What stands beside the axis of scores."""
    goal = found.objective
    if goal.fit is not None and goal.scores is not None:
        return f"{goal.scores.words.capitalize()}, %"
    return goal.words.capitalize()
