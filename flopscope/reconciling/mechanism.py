"""The one reading by which a table is read, and what it says of each number.

The numbers of a column are read together. A number is worth as many digits as it takes to tell it
from the others within ten per cent of it, and a reading earns the digits of the numbers that it
gives; each step from the plain count costs one digit. The best reading is the table's mechanism. A
number is explained by a reading that would be the table's with this number in it: its siblings,
the other numbers, have the same say whatever it is. So the share of the numbers near it that would
be explained as well is counted, not estimated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import log10
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from flopscope.reconciling.chance import near
from flopscope.reconciling.digits import Digits, Reported
from flopscope.reconciling.readings import Counts

LEAST = 1e-9
"""Scores that differ by less are equal; they are sums of logarithms."""

Shown: TypeAlias = NDArray[np.int64]
Gives: TypeAlias = NDArray[np.bool_]
Scores: TypeAlias = NDArray[np.float64]


def shown(twice: Counts, unit: int) -> Shown:
    """The digits that a text of this unit shows of counts, which come doubled: rounded, truncated
    and rounded up, a row each.

    >>> shown(np.array([2 * 1450, 2 * 1400]), 100).tolist()
    [[15, 14], [14, 14], [15, 14]]
    """
    below = twice // (2 * unit)
    return np.stack(((twice + unit) // (2 * unit), below, below + (twice % (2 * unit) != 0)))


@dataclass(frozen=True, eq=False)
class Row:
    """A number of a column, and what it would show by each reading. `versions` has the doubled
    counts of each version of the network by its name, which is "" for the network itself."""

    reported: Reported
    versions: Mapping[str, Counts]

    @cached_property
    def unit(self) -> int:
        """One of its last shown digit. The numbers of a table are counts, so it is an integer."""
        return int(self.reported.unit)

    @cached_property
    def value(self) -> int:
        """The number in that unit."""
        return int(self.reported.value / self.reported.unit)

    @cached_property
    def near(self) -> tuple[int, int]:
        """The least and the greatest number that is compared with it."""
        return near(self.value)

    @cached_property
    def worth(self) -> float:
        """The digits that tell it from the numbers near it."""
        least, most = self.near
        return log10(most - least + 1)

    @property
    def significant(self) -> int:
        """How many digits its text has from the first that is not zero."""
        return len(str(self.value))


@dataclass(frozen=True)
class Choice:
    """A reading of a column: the version of the network, how digits end, and its place among the
    readings."""

    version: str
    digits: Digits
    place: int
    steps: int


@dataclass(frozen=True)
class Explained:
    """What a column says of one number.

    `by` is the reading, None where none that the siblings allow gives the number. `agreeing` of
    `siblings` are given by it too. `allowed` readings would be the table's with another number in
    its place, and `chance` is the share of the numbers near it that they give. It is `confirmed` if
    the siblings alone would choose its reading rather than the plain count.
    """

    by: Choice | None
    agreeing: int
    siblings: int
    allowed: int
    chance: Fraction
    confirmed: bool


class Column:
    """The distinct numbers of a column of a table, read together.

    `steps` are those of the readings, the first of which is the plain count. `further` are the
    steps of each version of the networks.
    """

    def __init__(self, rows: Sequence[Row], steps: NDArray[np.int64], further: Mapping[str, int]):
        self.rows = rows
        self._versions = sorted(further, key=lambda name: (further[name], name))
        ends = np.array([kind.steps for kind in Digits])
        self._steps = np.stack(
            [steps[None, :] + ends[:, None] + further[name] for name in self._versions]
        )
        self._gives = [self._given(row, row.value) for row in rows]
        self._scores: Scores = -self._steps.astype(np.float64)
        for row, gives in zip(rows, self._gives, strict=True):
            self._scores += row.worth * gives

    def _given(self, row: Row, value: int) -> Gives:
        """Which readings of which versions give a number of a row."""
        absent = np.zeros(self._steps.shape[1:], bool)
        found = [
            shown(row.versions[name], row.unit) == value if name in row.versions else absent
            for name in self._versions
        ]
        return np.stack(found)

    @cached_property
    def mechanism(self) -> Choice:
        """The reading that gives most, for the fewest steps."""
        return self._best(self._scores, np.ones(self._scores.shape, bool))

    def gives(self, choice: Choice, index: int) -> bool:
        """Does a reading give the number?"""
        return bool(self._gives[index][self._place(choice)])

    def explained(self, index: int, value: int | None = None) -> Explained:
        """What the column says of one of its numbers, or would say if it were another."""
        row, stated = self.rows[index], self._gives[index]
        gives = stated if value is None else self._given(row, value)
        if len(self.rows) == 1:
            return self._alone(row, gives)
        without = self._scores - row.worth * stated
        allowed = without >= without.max() - row.worth - LEAST
        found = allowed & gives
        chance = self._chance(row, allowed)
        siblings = len(self.rows) - 1
        count = int(allowed.sum())
        if not found.any():
            return Explained(None, 0, siblings, count, chance, False)
        by = self._best(without, found)
        place = self._place(by)
        others = [each for place, each in enumerate(self._gives) if place != index]
        agreeing = sum(bool(each[place]) for each in others)
        confirmed = agreeing > 0 and bool(without[place] >= without[0, 0, 0] - LEAST)
        return Explained(by, agreeing, siblings, count, chance, confirmed)

    def _alone(self, row: Row, gives: Gives) -> Explained:
        """What is said of the only number of a column: by the reading of fewest steps, with the
        share of numbers that any reading of as few gives."""
        most = int(self._steps[gives].min()) if gives.any() else int(self._steps.max())
        allowed = self._steps <= most
        chance, count = self._chance(row, allowed), int(allowed.sum())
        by = self._best(-self._steps.astype(np.float64), gives) if gives.any() else None
        return Explained(by, 0, 0, count, chance, False)

    def _chance(self, row: Row, allowed: Gives) -> Fraction:
        """The share of the numbers near a number that these readings give."""
        least, most = row.near
        found = [
            shown(row.versions[name][places], row.unit)[kinds, np.arange(len(places))]
            for name, (kinds, places) in zip(self._versions, map(np.nonzero, allowed), strict=True)
            if name in row.versions
        ]
        values = np.unique(np.concatenate(found))
        return Fraction(int(((values >= least) & (values <= most)).sum()), most - least + 1)

    def _best(self, scores: Scores, among: Gives) -> Choice:
        """The reading of the highest score, of the fewest steps among equals."""
        most = scores[among].max()
        equal = among & (scores >= most - LEAST)
        steps = np.where(equal, self._steps, np.iinfo(np.int64).max)
        version, kind, place = np.unravel_index(int(steps.argmin()), steps.shape)
        return Choice(
            self._versions[version], list(Digits)[kind], int(place),
            int(self._steps[version, kind, place]),
        )  # fmt: skip

    def _place(self, choice: Choice) -> tuple[int, int, int]:
        return self._versions.index(choice.version), choice.digits.steps, choice.place
