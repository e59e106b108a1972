"""Forms that agree with samples, tested at sizes that were not used to find them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice, pairwise
from math import gcd
from random import Random
from typing import NamedTuple

from flopscope.answers.derive.conditions import Outline
from flopscope.answers.derive.samples import Sample, Sampler
from flopscope.answers.fit import Book, Fit, Form, contradict, fit, needed, turns, values_at
from flopscope.symbolic import Symbol

MOST_TURNS, MOST_LEVELS = 6, 16
"""A form is compared at up to this many sizes where its steps turn, or where its logarithms turn,
which is less often."""

MOST_MIDDLES, MOST_DRAWN = 4, 3
"""It is compared at up to this many sizes half-way between known ones, and at random ones."""

FEWEST_FRESH = 3
"""A form with steps counts only where the budget allows at least this many of them."""

Points = Sequence[tuple[int, Sample]]


class FittedForm(NamedTuple):
    """A form with its coefficients, and the sizes from which they were computed."""

    form: Form
    fit: Fit
    made: tuple[int, ...]
    outline: Outline

    def agrees(self, size: int, sample: Sample, name: str) -> bool:
        """Does the form give the sample at this size?"""
        return self.agrees_at({name: size}, sample)

    def agrees_at(self, point: Mapping[str, int], sample: Sample) -> bool:
        """Does the form give the sample at this point of several sizes?"""
        said = self.fit.at(values_at(self.form.functions, point))
        return sample.outline == self.outline and sample.vector == said


class Class(NamedTuple):
    """Sizes that are `rest` modulo `step`."""

    step: int
    rest: int
    least: int

    def near(self, size: int) -> int:
        """The largest member up to `size`, or the least one."""
        below = size - (size - self.rest) % self.step
        return below if below >= self.least else below + self.step


def points_of(sampler: Sampler) -> Points:
    """The samples of one size, smallest first."""
    return [(size, sample) for (size,), sample in sampler.ran().items()]


def class_of(sampler: Sampler) -> Class:
    """The class of the sizes at which the module exists; all sizes if it never failed, or if too
    few are known."""
    sizes = [size for size, _ in points_of(sampler)]
    if not sampler.failed() or len(sizes) < 3:
        return Class(1, 0, sampler.least)
    step = gcd(*(size - sizes[0] for size in sizes))
    return Class(step, sizes[0] % step, sampler.least)


def recognised(points: Points, book: Book, *, powers: bool = False) -> FittedForm | None:
    """The first form that all samples agree with; `powers` are forms without steps."""
    if len({sample.outline for _, sample in points}) != 1:
        return None
    for place, form in enumerate(book.forms):
        if powers and form.steps:
            return None
        if (found := _fitted(place, points, book)) is not None:
            return found
    return None


def _fitted(place: int, points: Points, book: Book) -> FittedForm | None:
    """The form through the points, without functions that it does not need. The largest points rule
    out most forms, so they are compared first."""
    form = book.forms[place]
    width = len(form.functions)
    if len(points) < width + form.checks:
        return None
    vectors = [sample.vector for _, sample in points]
    last = [book.row(place, size) for size, _ in points[-width - 2 :]]
    if contradict(last, vectors[-width - 2 :]):
        return None
    rows = [book.row(place, size) for size, _ in points]
    if (found := fit(rows, vectors, form.checks)) is None:
        return None
    places = [i for i, coefficients in enumerate(found.coefficients) if coefficients] or [0]
    again = fit([[row[i] for i in places] for row in rows], vectors, form.checks)
    assert again is not None
    made = tuple(points[used][0] for used in again.used)
    return FittedForm(needed(form, places), again, made, points[0][1].outline)


def verified(sampler: Sampler, s: Symbol, found: FittedForm, low: int, high: int) -> bool:
    """Do samples between two sizes agree with the form: where its steps turn, in the widest gaps,
    and at drawn sizes?

    False also where the budget does not allow it. The new samples are kept, so that another form is
    found next.
    """
    fresh = _fresh(sampler, s, found, low, high)
    compared = 0
    for size in fresh:
        sample = sampler.at(size)
        if sample is not None and not found.agrees(size, sample, s.name):
            return False
        compared += (size,) in sampler.known
    return compared >= min(len(fresh), FEWEST_FRESH) or not found.form.steps


def _fresh(sampler: Sampler, s: Symbol, found: FittedForm, low: int, high: int) -> list[int]:
    """Sizes to compare at that are not known yet, the cheapest first."""
    members, draw = class_of(sampler), Random(0)
    most = MOST_LEVELS if found.form.bounded else MOST_TURNS
    first = max(1, low)
    inside = [size for size, _ in points_of(sampler) if low <= size <= high]
    gaps = sorted(pairwise(inside), key=lambda pair: pair[0] / pair[1])
    sources = (
        (turns(found.form, s.name, low, high, most), most),
        (((a + b) // 2 for a, b in gaps), MOST_MIDDLES),
        ((int(first * (high / first) ** draw.random()) for _ in range(4 * MOST_DRAWN)), MOST_DRAWN),
    )
    chosen: set[int] = set()
    for sizes, limit in sources:
        near = (members.near(size) for size in sizes if low <= size)
        fresh = (n for n in near if low <= n <= high and (n,) not in sampler.known)
        chosen |= set(islice(dict.fromkeys(fresh), limit))
    return sorted(chosen)
