"""The readings of a number: every way of counting with every combination of changes, in one order
for all networks, so that the numbers of a table can be read in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from flopscope.conventions import COUNTABLES, Countable
from flopscope.facts import Arithmetic, Kind, Operator
from flopscope.reconciling.accounts import FACTORS, HALF, ONCE, TWICE
from flopscope.reconciling.activations import ACTIVATION_COUNTINGS
from flopscope.reconciling.changes import CHANGES, COMBINED, Change
from flopscope.reconciling.countings import ATTENTION_UNSEEN, Counting, countings
from flopscope.reconciling.parameters import PARAMETER_COUNTINGS, parts

Counts: TypeAlias = NDArray[np.int64]
"""Twice the count of each reading; twice, because a factor of a half leaves halves."""


@dataclass(frozen=True)
class Reading:
    """One way to read a number: how it counts in words, and its distance in steps from the plain
    count of the network as it is."""

    name: str
    steps: int


@cache
def _work_countings() -> tuple[Counting, ...]:
    """Each counting, and each without the products of attention."""
    found = countings()
    spelled = {each.name for each in found if ATTENTION_UNSEEN.name in each.name}
    unseen = (each.with_weights(ATTENTION_UNSEEN) for each in found if each.name not in spelled)
    return (*found, *(each for each in unseen if each.name not in spelled))


@cache
def work_readings() -> tuple[Reading, ...]:
    """The readings of work, in the order of `work_counts`."""
    return tuple(
        _reading(_scaled(counting.name, factor), counting.steps + (factor != ONCE), changes)
        for changes in COMBINED
        for counting in _work_countings()
        for factor in (ONCE, _factor(counting))
    )


@cache
def parameter_readings() -> tuple[Reading, ...]:
    """The readings of parameters, in the order of `parameter_counts`."""
    return tuple(
        _reading(counting.name, counting.steps, changes)
        for changes in COMBINED
        for counting in PARAMETER_COUNTINGS
    )


@cache
def activation_readings() -> tuple[Reading, ...]:
    """The readings of activations, in the order of `activation_counts`."""
    return tuple(_reading(counting.name, counting.steps, ()) for counting in ACTIVATION_COUNTINGS)


def _reading(name: str, steps: int, changes: Sequence[Change]) -> Reading:
    said = "; ".join((name, *(change.name for change in changes)))
    return Reading(said, steps + sum(change.steps for change in changes))


def _factor(counting: Counting) -> Fraction:
    return TWICE if counting.convention.unit == "MACs" else HALF


def _scaled(name: str, factor: Fraction) -> str:
    if factor == ONCE:
        return name
    return f"{FACTORS[factor]} × {f'({name})' if ' ' in name else name}"


def work_counts(rows: Sequence[Operator]) -> Counts:
    """Twice the work of these rows by each of `work_readings`."""
    amounts = _Amounts(rows)
    known: dict[tuple[int, ...], Counts] = {}

    def counts(changed: Sequence[Operator]) -> Counts:
        totals = amounts.totals(changed)
        once = _weights(tuple(totals)) @ np.fromiter(totals.values(), np.int64, len(totals))
        return np.stack((2 * once, _twice_the_factors() * once), axis=1).ravel()

    return np.concatenate(list(_of_changes(rows, counts, known)))


def parameter_counts(rows: Sequence[Operator]) -> Counts:
    """Twice the parameters of these rows by each of `parameter_readings`."""
    rows = [row for row in rows if row.weights or row.buffers]
    known: dict[tuple[int, ...], Counts] = {}

    def counts(changed: Sequence[Operator]) -> Counts:
        found = parts(changed)
        return np.array(
            [2 * sum(t.count for t in counting.terms(found)) for counting in PARAMETER_COUNTINGS],
            np.int64,
        )

    return np.concatenate(list(_of_changes(rows, counts, known)))


def activation_counts(rows: Sequence[Operator]) -> Counts:
    """Twice the activations of these rows by each of `activation_readings`."""
    return np.array([2 * counting.count(rows) for counting in ACTIVATION_COUNTINGS], np.int64)


def _of_changes(
    rows: Sequence[Operator],
    counts: Callable[[Sequence[Operator]], Counts],
    known: dict[tuple[int, ...], Counts],
) -> Iterator[Counts]:
    """The counts of the rows under each of `COMBINED`. Changes that change nothing are left out,
    and rows that are the same are counted once."""
    moving = {change.name for change in CHANGES if _moves(change, rows)}
    for changes in COMBINED:
        effective = tuple(i for i, c in enumerate(CHANGES) if c in changes and c.name in moving)
        if effective not in known:
            changed = rows
            for index in effective:
                changed = CHANGES[index].apply(changed)
            known[effective] = counts(changed)
        yield known[effective]


def _moves(change: Change, rows: Sequence[Operator]) -> bool:
    changed = change.apply(rows)
    return len(changed) != len(rows) or any(a is not b for a, b in zip(changed, rows, strict=True))


_Key: TypeAlias = tuple[Kind, Arithmetic | None, Countable]


class _Amounts:
    """The amounts in the rows of a network, of which changes take some away and add others."""

    def __init__(self, rows: Sequence[Operator]) -> None:
        self._rows = rows
        self._known: dict[tuple[int, int], list[tuple[_Key, int]]] = {}
        self._all: dict[_Key, int] = {}
        for row in rows:
            self._add(self._all, row, 1)

    def totals(self, rows: Sequence[Operator]) -> dict[_Key, int]:
        """The sums over these rows, most of which are those of the network."""
        found = dict(self._all)
        own, present = {id(row) for row in self._rows}, {id(row) for row in rows}
        for row in self._rows:
            if id(row) not in present:
                self._add(found, row, -1)
        for row in rows:
            if id(row) not in own:
                self._add(found, row, 1)
        return found

    def _add(self, totals: dict[_Key, int], row: Operator, times: int) -> None:
        for key, amount in self._of(row):
            totals[key] = totals.get(key, 0) + times * amount

    def _of(self, row: Operator) -> list[tuple[_Key, int]]:
        """The amounts in a row. A change gives a row more weights or takes it away."""
        known = (row.id, len(row.weights))
        if known not in self._known:
            self._known[known] = [
                ((row.kind, row.function, each), int(row.repeat * COUNTABLES[each](row)))
                for each in _countables(row.kind, row.function)
            ]
        return self._known[known]


@cache
def _countables(kind: Kind, function: Arithmetic | None) -> tuple[Countable, ...]:
    """What any counting counts in rows of a kind."""
    counted = (each.convention.of(kind, function) for each in _work_countings())
    return tuple(dict.fromkeys(name for weights in counted for name in weights))


@cache
def _weights(keys: tuple[_Key, ...]) -> Counts:
    """How often each counting counts each amount."""
    table = [
        [each.convention.of(kind, function).get(countable, 0) for kind, function, countable in keys]
        for each in _work_countings()
    ]
    return np.array(table, np.int64).reshape(len(table), len(keys))


@cache
def _twice_the_factors() -> Counts:
    return np.array([int(2 * _factor(counting)) for counting in _work_countings()], np.int64)
