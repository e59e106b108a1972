"""The readings of a number: every way of counting with every combination of changes, in one order
for all networks, so that the numbers of a table can be read in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from flopscope.conventions import Countable
from flopscope.facts import Arithmetic, Kind, Operator
from flopscope.reconciling.accounts import FACTORS, HALF, ONCE, TWICE
from flopscope.reconciling.activations import ACTIVATION_COUNTINGS
from flopscope.reconciling.changes import COMBINED, Change
from flopscope.reconciling.countings import ATTENTION_UNSEEN, Counting, countings
from flopscope.reconciling.parameters import PARAMETER_COUNTINGS, parts
from flopscope.reconciling.totals import Key, Totals, combinations, combined_totals

Counts: TypeAlias = NDArray[np.int64]
"""Twice the count of each reading; twice, because a factor of a half leaves halves."""


MOST_NETWORKS = 1024
"""How many networks are remembered with their counts. Recipes of a network have the same rows."""


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


@lru_cache(MOST_NETWORKS)
def work_counts(rows: tuple[Operator, ...]) -> Counts:
    """Twice the work of these rows by each of `work_readings`."""

    def counts(totals: Totals) -> Counts:
        once = _weights(tuple(totals)) @ np.fromiter(totals.values(), np.int64, len(totals))
        return np.stack((2 * once, _twice_the_factors() * once), axis=1).ravel()

    return np.concatenate(list(map(counts, combined_totals(rows, _countables))))


@lru_cache(MOST_NETWORKS)
def parameter_counts(rows: tuple[Operator, ...]) -> Counts:
    """Twice the parameters of these rows by each of `parameter_readings`."""
    found = combinations([row for row in rows if row.weights or row.buffers])
    known = {places: _parameters(changed) for places, changed in found.rows.items()}
    return np.concatenate([known[places] for places in found.places])


def _parameters(rows: Sequence[Operator]) -> Counts:
    found = parts(rows)
    terms = (counting.terms(found) for counting in PARAMETER_COUNTINGS)
    return np.array([2 * sum(term.count for term in each) for each in terms], np.int64)


def activation_counts(rows: Sequence[Operator]) -> Counts:
    """Twice the activations of these rows by each of `activation_readings`."""
    return np.array([2 * counting.count(rows) for counting in ACTIVATION_COUNTINGS], np.int64)


@cache
def _countables(kind: Kind, function: Arithmetic | None) -> tuple[Countable, ...]:
    """What any counting counts in rows of a kind."""
    counted = (each.convention.of(kind, function) for each in _work_countings())
    return tuple(dict.fromkeys(name for weights in counted for name in weights))


@cache
def _weights(keys: tuple[Key, ...]) -> Counts:
    """How often each counting counts each amount."""
    table = [
        [each.convention.of(kind, function).get(countable, 0) for kind, function, countable in keys]
        for each in _work_countings()
    ]
    return np.array(table, np.int64).reshape(len(table), len(keys))


@cache
def _twice_the_factors() -> Counts:
    return np.array([int(2 * _factor(counting)) for counting in _work_countings()], np.int64)
