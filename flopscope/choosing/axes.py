"""The axes that may be free in a search: resolution, batch, and a network's own multipliers and
counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import count, takewhile
from math import ceil
from typing import NamedTuple

from flopscope.alphabet import MULTIPLIERS
from flopscope.answers.ranges import Range, Value
from flopscope.symbolic import Polynomial, dimension


class Axis(NamedTuple):
    """A size that a search may choose: an integer from 1, or a real multiplier above 0.

    `limit` is the largest value that is tried. `step` is the step between round values, which the
    outer axes take in a search along several axes. If there are `values`, it takes them alone.
    """

    name: str
    limit: int
    step: Fraction
    values: tuple[Value, ...] = ()

    @property
    def symbol(self) -> Polynomial:
        """The symbol that stands for it in formulas."""
        return dimension(self.name)

    @property
    def whole(self) -> bool:
        """Is it an integer? Multipliers are real numbers."""
        if self.values:
            return all(isinstance(value, int) for value in self.values)
        return self.name not in MULTIPLIERS

    def tidy(self) -> Iterator[Value]:
        """Its tidy values, in ascending order."""
        if self.values:
            yield from self.values
            return
        values = (self.step * number for number in count(1))
        for value in takewhile(lambda value: value <= self.limit, values):
            yield int(value) if self.whole else float(value)


RESOLUTION = Axis("res", 2**14, Fraction(32))
BATCH = Axis("batch", 2**20, Fraction(1))
LARGEST_COUNT, LARGEST_MULTIPLIER = 2**20, 64
ORDER = ("depth", "res", "batch", "classes", "tokens", "prompts", "queries", "width")
"""The order of free axes: the last one is solved exactly, and those before it step through round
values. Other names come after these."""


def axis_of(given: Range, step: int | None = None) -> Axis:
    """The axis of a free size of the catalogue. `step` is the step between round resolutions.

    >>> axis_of(Range("width")).limit, list(axis_of(Range("res", (160, 224))).tidy())
    (64, [160, 224])
    """
    if given.name == RESOLUTION.name:
        axis = RESOLUTION if step is None else RESOLUTION._replace(step=Fraction(step))
    elif given.name == BATCH.name:
        axis = BATCH
    elif given.name in MULTIPLIERS:
        axis = Axis(given.name, LARGEST_MULTIPLIER, Fraction(1, 10))
    else:
        axis = Axis(given.name, LARGEST_COUNT, Fraction(1))
    return axis._replace(values=given.values)


def in_order(ranges: Sequence[Range]) -> list[Range]:
    """The free sizes with the one that is solved exactly as the last, which has no values of its
    own if there is one without."""
    return sorted(ranges, key=lambda each: (not each.values, _position(each.name)))


def _position(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


def shortest_decimal(low: float, high: float) -> float:
    """The number with the fewest decimals in [low, high]; of several such numbers, the least.
    Domain: 0 < low ≤ high.

    >>> shortest_decimal(0.7471, 0.7539)
    0.75
    """
    exact_low, exact_high = Fraction(low), Fraction(high)
    for decimals in range(18):
        scale = 10**decimals
        found = Fraction(max(1, ceil(exact_low * scale)), scale)
        if found <= exact_high and exact_low <= Fraction(float(found)) <= exact_high:
            return float(found)
    return high
