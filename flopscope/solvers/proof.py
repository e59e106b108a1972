"""The best design of a space within several budgets, with a proof: OR-tools' CP-SAT.

A design is a path through the states of the space, one move a slot, and its costs and score are
sums over moves, so that the whole question is linear in 0 and 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Any, NamedTuple

from flopscope.designspaces.scores import Scores
from flopscope.designspaces.slots import FREE, Design, Move
from flopscope.designspaces.tables import Table
from flopscope.errors import BadInput
from flopscope.extras import require_cpsat

LARGEST = 2**62
"""Sums must stay below this in size, which is CP-SAT's own limit."""


class Limit(NamedTuple):
    """A design may cost at most `most` in this table."""

    table: Table
    most: int


class Proved(NamedTuple):
    """The best design that was found, None where there is none; the least that is proved to bound
    every score; and whether that decides the question."""

    design: Design | None
    bound: int | None
    decided: bool


def best_design(
    scores: Scores, limits: Sequence[Limit], *, seconds: float, seed: int = 0
) -> Proved:
    """The design of the highest score within all limits, searched for at most so long.

    An interrupt from the keyboard ends the search and keeps what was found. Raises BadInput where
    OR-tools cannot be imported, and for costs that are too large.
    """
    require_cpsat()
    from ortools.sat.python import cp_model

    model: Any = cp_model.CpModel()
    picked = _paths(model, scores)
    for table, most in limits:
        prices = [table.slots[n][move] for n, move in picked]
        step = _step(prices)
        spent = sum(p // step * x for p, x in zip(prices, picked.values(), strict=True))
        model.Add(spent <= (most - table.fixed) // step)
    values = [scores.slots[n][move] for n, move in picked]
    step = _step(values)
    model.Maximize(sum(v // step * x for v, x in zip(values, picked.values(), strict=True)))
    solver: Any = cp_model.CpSolver()
    solver.parameters.num_workers = 1  # more would make what is found depend on the machine
    solver.parameters.random_seed = seed
    solver.parameters.max_time_in_seconds = seconds
    status = solver.Solve(model)
    if status == cp_model.INFEASIBLE:
        return Proved(None, None, True)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Proved(None, None, False)
    design = tuple(move.option for (_, move), x in picked.items() if solver.Value(x))
    bound = scores.of(design)
    if status == cp_model.FEASIBLE:
        bound = scores.base + step * round(solver.BestObjectiveBound())
    return Proved(design, bound, status == cp_model.OPTIMAL)


def _paths(model: Any, scores: Scores) -> dict[tuple[int, Move], Any]:
    """A variable for each move of each slot, which is 1 where the design makes it. Each state that
    is entered after a slot is the one that the next move begins in."""
    slots = scores.space.slots
    picked = {
        (n, move): model.NewBoolVar(f"{slot.name} {move.option}")
        for n, slot in enumerate(slots)
        for move in slot.moves
    }
    for n, slot in enumerate(slots):
        model.AddExactlyOne(picked[n, move] for move in slot.moves)
        ends = {FREE} if n == 0 else {move.after for move in slots[n - 1].moves}
        for state in ends | {move.before for move in slot.moves}:
            begun = sum(picked[n, move] for move in slot.moves if move.before == state)
            if n == 0:
                model.Add(begun == int(state == FREE))
                continue
            entered = [picked[n - 1, move] for move in slots[n - 1].moves if move.after == state]
            model.Add(begun == sum(entered))
    return picked


def _step(values: Sequence[int]) -> int:
    """What divides all of them: bounds are tighter in whole steps. Raises BadInput for values that
    are too large."""
    if sum(map(abs, values)) >= LARGEST:
        raise BadInput(
            "the costs or scores of this space sum up to 2^62 or more, which CP-SAT does not take; "
            "give scores with fewer digits"
        )
    return gcd(*values) or 1
