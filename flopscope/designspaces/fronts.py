"""The exact frontier of a cost and an additive score: a dynamic programme over slots.

After each slot, and for each state, only those partial designs are kept that no other beats in both
cost and score; what follows costs and scores the same for all of them, so that none that is dropped
can be a part of a design on the frontier.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from flopscope.designspaces.scores import Scores
from flopscope.designspaces.slots import FREE, Design, Move, State
from flopscope.designspaces.tables import Prices, Table

Integers: TypeAlias = NDArray[np.int64]

Numbers: TypeAlias = NDArray[np.int64] | NDArray[np.float64]


class Point(NamedTuple):
    """A design on a frontier, its cost, and its score in units."""

    design: Design
    cost: int
    score: int


class Kept(NamedTuple):
    """Partial designs in one state that none beats: cost and score of each, rising; the move made
    last, and the place of the rest among those of the state before."""

    costs: Integers
    scores: Integers
    moves: Integers
    places: Integers


def front(
    table: Table,
    scores: Scores,
    most: int | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Point, ...]:
    """All costs at which the best score rises, each with a design that has both, cheapest first,
    up to a cost of `most`. Of equally cheap and good designs it is one. Domain: costs and scores of
    all designs are below 2^62 in size."""
    slots = [list(prices.items()) for prices in table.slots]
    start = np.zeros(1, np.int64)
    levels: list[dict[State, Kept]] = [{FREE: Kept(start, start, start, start)}]
    room = None if most is None else most - table.fixed
    rest = _least_rest(table)
    for n, moves in enumerate(slots):
        levels.append(_further(levels[-1], moves, scores.slots[n], room, rest[n + 1]))
        tell(n + 1, len(slots))
    last = levels[-1]
    ends = [(state, place) for state, kept in last.items() for place in range(len(kept.costs))]
    if not ends:
        return ()
    costs = np.concatenate([kept.costs for kept in last.values()])
    values = np.concatenate([kept.scores for kept in last.values()])
    return tuple(
        Point(
            _design(levels, slots, *ends[place]),
            int(costs[place]) + table.fixed,
            int(values[place]) + scores.base,
        )
        for place in unbeaten(costs, values)
    )


def least_cost(table: Table) -> int:
    """What the cheapest design costs."""
    return table.fixed + _least_rest(table)[0][FREE]


def _least_rest(table: Table) -> list[dict[State, int]]:
    """What the slots from each on cost at least, by the state before them."""
    rest: list[dict[State, int]] = [{move.after: 0 for move in table.slots[-1]}]
    for prices in reversed(table.slots):
        here: dict[State, int] = {}
        for move, price in prices.items():
            if move.after in rest[0]:
                least = price + rest[0][move.after]
                here[move.before] = min(least, here.get(move.before, least))
        rest.insert(0, here)
    return rest


def _further(
    level: dict[State, Kept],
    moves: list[tuple[Move, int]],
    scores: Prices,
    room: int | None,
    rest: dict[State, int],
) -> dict[State, Kept]:
    """What is kept after one more slot, by state. What cannot stay within the room is dropped."""
    parts: dict[State, list[Kept]] = {}
    for index, (move, price) in enumerate(moves):
        before = level.get(move.before)
        if before is None or move.after not in rest:
            continue
        costs = before.costs + price
        fits = np.arange(len(costs))
        if room is not None:
            fits = fits[costs <= room - rest[move.after]]
        values = before.scores[fits] + scores[move]
        made = np.full(len(fits), index, np.int64)
        parts.setdefault(move.after, []).append(Kept(costs[fits], values, made, fits))
    found = {}
    for state, each in parts.items():
        whole = Kept(*(np.concatenate(column) for column in zip(*each, strict=True)))
        places = unbeaten(whole.costs, whole.scores)
        if len(places):
            found[state] = Kept(*(column[places] for column in whole))
    return found


def unbeaten(costs: Integers, scores: Numbers) -> Integers:
    """The places of the frontier: no other costs at most as much and scores at least as much."""
    order = np.lexsort((-scores, costs))
    ordered = scores[order]
    best = np.maximum.accumulate(ordered)
    rising = np.ones(len(order), bool)
    rising[1:] = ordered[1:] > best[:-1]
    found: Integers = order[rising]
    return found


def _design(
    levels: list[dict[State, Kept]], slots: list[list[tuple[Move, int]]], state: State, place: int
) -> Design:
    """The options that led to a place, read from the last slot on."""
    options = []
    for n in range(len(slots), 0, -1):
        kept = levels[n][state]
        move, _ = slots[n - 1][int(kept.moves[place])]
        place = int(kept.places[place])
        options.append(move.option)
        state = move.before
    return tuple(reversed(options))
