"""The sums of a network's rows under every combination of changes, each from the sums of the
combination before it, because most changes move few rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from flopscope.conventions import COUNTABLES, Countable
from flopscope.facts import Arithmetic, Kind, Operator, Weight
from flopscope.reconciling.changes import CHANGES, COMBINED

Key: TypeAlias = tuple[Kind, Arithmetic | None, Countable]
Totals: TypeAlias = Mapping[Key, int]
Countables: TypeAlias = Callable[[Kind, Arithmetic | None], Sequence[Countable]]
_Places: TypeAlias = tuple[int, ...]
_Marks: TypeAlias = frozenset[tuple[int, int]]

MOST_AMOUNTS = 1 << 16
"""How many different rows are remembered with their amounts."""

_NOTHING: tuple[_Marks, Totals] = (frozenset(), {})

_PLACES = tuple(
    tuple(place for place, change in enumerate(CHANGES) if change in changes)
    for changes in COMBINED
)


class Combinations(NamedTuple):
    """The rows of a network under every combination of changes. `places` has, for each of
    `COMBINED`, the places in `CHANGES` of those changes that change something; `rows` has the rows
    for each of these, and a combination without its last change comes before it."""

    places: Sequence[_Places]
    rows: Mapping[_Places, Sequence[Operator]]


def combinations(rows: Sequence[Operator]) -> Combinations:
    """The rows under every combination of changes."""
    alone = {(place,): change.apply(rows) for place, change in enumerate(CHANGES)}
    moving = {place for (place,), changed in alone.items() if _differ(rows, changed)}
    places = [tuple(place for place in each if place in moving) for each in _PLACES]
    found: dict[_Places, Sequence[Operator]] = {}
    for each in dict.fromkeys(places):
        found[each] = CHANGES[each[-1]].apply(found[each[:-1]]) if each else rows
    return Combinations(places, found)


def _differ(rows: Sequence[Operator], changed: Sequence[Operator]) -> bool:
    return len(changed) != len(rows) or any(a is not b for a, b in zip(changed, rows, strict=True))


def combined_totals(rows: Sequence[Operator], countables: Countables) -> list[Totals]:
    """The sums of the rows for each of `COMBINED`."""
    sums = _Sums(countables)
    found = combinations(rows)
    known: dict[_Places, tuple[_Marks, Totals]] = {}
    for each, changed in found.rows.items():
        known[each] = sums.after(*(known[each[:-1]] if each else _NOTHING), changed)
    return [known[each][1] for each in found.places]


class _Sums:
    """The sums of rows. A change takes a row away or gives it a bias, so the numbers of a row and
    of its weights mark what is counted."""

    def __init__(self, countables: Countables) -> None:
        self._countables = countables
        self._rows: dict[tuple[int, int], Operator] = {}
        self._moved: dict[tuple[_Marks, _Marks], Totals] = {}

    def after(
        self, before: _Marks, totals: Totals, rows: Sequence[Operator]
    ) -> tuple[_Marks, Totals]:
        """The marks and sums of these rows, from those of other rows."""
        marked = {(row.id, len(row.weights)): row for row in rows}
        self._rows |= marked
        now = frozenset(marked)
        moved = self._between(before, now)
        return now, {k: totals.get(k, 0) + moved.get(k, 0) for k in {**totals, **moved}}

    def _between(self, before: _Marks, now: _Marks) -> Totals:
        gone, come = before - now, now - before
        if (gone, come) not in self._moved:
            moved: dict[Key, int] = {}
            for marks, times in ((come, 1), (gone, -1)):
                for mark in sorted(marks):
                    for key, amount in _amounts(_without_names(self._rows[mark]), self._countables):
                        moved[key] = moved.get(key, 0) + times * amount
            self._moved[gone, come] = moved
        return self._moved[gone, come]


def _without_names(row: Operator) -> Operator:
    """The row without names and places, of which no amount depends."""
    weights = tuple(Weight("", weight.shape) for weight in row.weights)
    buffers = tuple(Weight("", buffer.shape) for buffer in row.buffers)
    return row._replace(path="", weights=weights, buffers=buffers, reads=(), id=0, call=0)


@lru_cache(MOST_AMOUNTS)
def _amounts(row: Operator, countables: Countables) -> tuple[tuple[Key, int], ...]:
    return tuple(
        ((row.kind, row.function, each), int(row.repeat * COUNTABLES[each](row)))
        for each in countables(row.kind, row.function)
    )
