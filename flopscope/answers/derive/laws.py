"""The law in one size that code needs as a number: one form for all sizes, several stretches with a
form each, or a table of what was tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flopscope.answers.derive.odd import as_shown
from flopscope.answers.derive.recognition import (
    Class,
    FittedForm,
    Points,
    class_of,
    points_of,
    recognised,
    verified,
)
from flopscope.answers.derive.samples import Sample, Sampler
from flopscope.answers.derive.stating import SizeLaw, in_words, stated_law
from flopscope.answers.fit import Book
from flopscope.domain import Condition, Members
from flopscope.domain.regions import simplified
from flopscope.sizes import equal
from flopscope.symbolic import Symbol, add_all, alone

NEAR = 8
"""Sizes below this are tried first, together with the example."""

SPARE = (8, 12, 16, 24, 32, 48, 64)
"""Tried where the module does not exist at some of the first sizes, since it may need multiples."""

FAR = (16, 37, 128, 256, 521, 64, 12, 768, 1000, 1024, 2048, 4096, 8192, 65536, 31, 100)
"""Tried next: powers of two, other multiples of 64 and primes, up to the vocabulary of a large
model. The less important ones come last, since the budget of traces may be used up before them."""

BETWEEN = tuple(range(8, 18))
"""Tried where these show no law, because a short period shows only in neighbouring sizes."""

WINDOWS = (16, 12, 9, 7)
"""The number of largest samples from which the form of a stretch is sought."""


def laws_of(sampler: Sampler, s: Symbol, book: Book) -> list[SizeLaw]:
    """All laws in the size `s`. Their domains are disjoint, and the law for the example comes
    first."""
    if (law := law_for_all(sampler, s, book)) is not None:
        return [law]
    example = sampler.example[s.name]
    several = _stretches(sampler, s, book)
    return sorted(several, key=lambda law: example not in law.points)


def law_for_all(sampler: Sampler, s: Symbol, book: Book) -> SizeLaw | None:
    """One form for all sizes, as a law; None if no form is found."""
    _survey(sampler)
    for far in (FAR, BETWEEN):
        _sample(sampler, far)
        known = -1
        while known < len(sampler.known):
            known, points = len(sampler.known), points_of(sampler)
            found = recognised(points, book)
            if found is None:
                break
            if verified(sampler, s, found, points[0][0], points[-1][0]):
                return stated_law(sampler, s, found, points_of(sampler), s.lower)
    return None


def _survey(sampler: Sampler) -> None:
    """Sample the first sizes 1, 2, 3 …, or the first multiples where the module needs multiples."""
    for size in range(sampler.least, NEAR):
        sampler.at(size)
    if sampler.failed():
        for size in SPARE:
            sampler.at(size)
    members = Class(1, 0, sampler.least)
    while (found := class_of(sampler)) != members:
        members = found
        for place in range(NEAR + 1):
            sampler.at(members.near(sampler.least) + place * members.step)


def _sample(sampler: Sampler, sizes: Sequence[int]) -> None:
    """Sample the sizes of the class at which the module exists that are nearest to these; for
    neighbours, the members of the class at these places."""
    members = class_of(sampler)
    for size in sizes:
        sampler.at(members.near(size if sizes is FAR else size * members.step))


# --- several stretches, and tables --------------------------------------------------------------


def _stretches(sampler: Sampler, s: Symbol, book: Book) -> list[SizeLaw]:
    """Stretches with a form each, from the largest size down; each reaches down to the next size
    that differs."""
    found: list[SizeLaw] = []
    above: int | None = None
    while len(points := _below(sampler, above)) > min(WINDOWS):
        law = _last_stretch(sampler, s, book, points, above)
        if law is None:
            break
        found.append(law)
        above = min(law.points)
    return [*found, *_tables(sampler, s, _below(sampler, above))]


def _below(sampler: Sampler, above: int | None) -> Points:
    return [p for p in points_of(sampler) if above is None or p[0] < above]


def _last_stretch(
    sampler: Sampler, s: Symbol, book: Book, points: Points, above: int | None
) -> SizeLaw | None:
    """The law of the largest of these sizes, as far down as it holds; None if no form passes the
    test."""
    known = -1
    while known < len(sampler.known):
        known, points = len(sampler.known), _below(sampler, above)
        form = _form_of_the_last(points, book)
        if form is None:
            return None
        high = max(size for size, _ in points) if above is None else above - 1
        agreeing, differing = _agreement(s, form, points)
        if not verified(sampler, s, form, agreeing, high):
            continue
        low = _first_of_stretch(sampler, s, form, agreeing, differing)
        if low is not None and verified(sampler, s, form, low, high):
            inside = [p for p in points_of(sampler) if low <= p[0] <= high]
            return stated_law(sampler, s, form, inside, low, high)
    return None


def _form_of_the_last(points: Points, book: Book) -> FittedForm | None:
    for powers, windows in ((True, WINDOWS), (False, WINDOWS[:2])):
        for count in (len(points), *windows):
            last = points[-count:]
            if len(last) == count and (form := recognised(last, book, powers=powers)):
                return form
    return None


def _agreement(s: Symbol, form: FittedForm, points: Points) -> tuple[int, int]:
    """(the least size down to which all samples agree, the next one below, which differs, or 0)."""
    agreeing = points[-1][0]
    for size, sample in reversed(points):
        if not form.agrees(size, sample, s.name):
            return agreeing, size
        agreeing = size
    return agreeing, 0


def _first_of_stretch(
    sampler: Sampler, s: Symbol, form: FittedForm, agreeing: int, differing: int
) -> int | None:
    """The least size from which on samples agree with the form, and the neighbour below that does
    not. None where finding it would take more samples than the budget allows."""
    members = class_of(sampler)
    while agreeing - differing > members.step and differing:
        middle = members.near((agreeing + differing) // 2)
        if middle <= differing:
            middle += members.step
        tried = sampler.at(middle)
        if (middle,) not in sampler.known:
            return None
        if tried is not None and form.agrees(middle, tried, s.name):
            agreeing = middle
        else:
            differing = middle
    return agreeing


def _tables(sampler: Sampler, s: Symbol, points: Points) -> Iterator[SizeLaw]:
    """The samples themselves, in one table for all that have the same conditions."""
    groups: dict[tuple[Condition, ...], list[tuple[int, Sample]]] = {}
    for size, sample in points:
        groups.setdefault(sample.conditions, []).append((size, sample))
    for conditions, group in groups.items():
        sizes = frozenset(size for size, _ in group)
        cases = {size: equal(alone(s), size) if len(group) > 1 else 1 for size in sizes}
        expressions = {
            quantity: add_all([cases[size] * sample.expressions[quantity]
                               for size, sample in group])
            for quantity in sampler.quantities
        }  # fmt: skip
        here = Members(alone(s), 1, 1, frozenset(), sizes)
        name, numbers = as_shown(s, sorted(sizes))
        note = f"no law in {name} was found: the formulas hold at {name} = {in_words(numbers)} only"
        yield SizeLaw(expressions, simplified((here, *conditions)), note, frozenset([s]), sizes)
