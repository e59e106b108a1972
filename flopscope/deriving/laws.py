"""The law in one size that code wants as a number: one form for all sizes, stretches with a form
each, or a table of what was tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any, NamedTuple

from flopscope.deriving.conditions import restored
from flopscope.deriving.samples import Sample, Sampler
from flopscope.domain import Condition, Members, Relation
from flopscope.interpolation import Fit, Form, contradict, fit, forms, needed, turns, values_at
from flopscope.regions import simplified
from flopscope.sizes import equal
from flopscope.symbolic import Polynomial, Symbol, add_all, alone

NEAR = tuple(range(1, 8))
"""Tried first, with the example."""

FAR = (12, 16, 37, 64, 128, 256, 521, 768, 1000, 1024, 2048, 4096, 31, 100, 257)
"""Tried next: powers of two, other multiples of 64, primes; those that matter less at the end, since
means may be spent before."""

BETWEEN = tuple(range(8, 18))
"""Tried where these show no law, since a short period shows only in neighbours."""

MOST_TURNS = 8
WINDOWS = (16, 12, 9, 7)
"""Samples in which the form of a stretch is looked for."""


@dataclass(frozen=True)
class Law:
    """Expressions, where they hold, and how they were found."""

    expressions: Mapping[str, Any]
    conditions: tuple[Condition, ...]
    note: str
    about: frozenset[Symbol] = frozenset()
    points: frozenset[int] = frozenset()


class Found(NamedTuple):
    """A form with its coefficients, and the sizes that made it."""

    form: Form
    fit: Fit
    made: tuple[int, ...]

    def agrees(self, size: int, sample: Sample, name: str) -> bool:
        """Is the sample what the form says?"""
        return self.fit.at(values_at(self.form.functions, {name: size})) == sample.vector


Points = Sequence[tuple[int, Sample]]


def laws(sampler: Sampler, s: Symbol, hints: Sequence[Polynomial]) -> list[Law]:
    """Everything that is known of the size `s`: laws with disjoint domains, that of the example
    first."""
    if (law := law_for_all(sampler, s, hints)) is not None:
        return [law]
    example = sampler.example[s.name]
    several = _stretches(sampler, s, hints)
    return sorted(several, key=lambda law: example not in law.points)


def law_for_all(sampler: Sampler, s: Symbol, hints: Sequence[Polynomial]) -> Law | None:
    """One form for all sizes, as a law; None where there is none."""
    found = whole(sampler, s, hints)
    return None if found is None else _stated(sampler, s, found, _points(sampler))


def whole(sampler: Sampler, s: Symbol, hints: Sequence[Polynomial]) -> Found | None:
    """One form for all sizes that were tried, those at which its steps turn among them."""
    for sizes in ((*NEAR, *FAR), None, BETWEEN):
        for size in _regular(sampler) if sizes is None else sizes:
            sampler.at(size)
        while (found := recognised(_points(sampler), s, hints)) is not None:
            if not _turned(sampler, s, found):
                return found
    return None


def recognised(points: Points, s: Symbol, hints: Sequence[Polynomial]) -> Found | None:
    """The first form that all samples agree with."""
    if len({sample.outline for _, sample in points}) != 1:
        return None
    vectors = [sample.vector for _, sample in points]
    for form in forms(alone(s), hints):
        if (found := _fitted(form, points, vectors, s)) is not None:
            return found
    return None


def _fitted(form: Form, points: Points, vectors: Sequence[Any], s: Symbol) -> Found | None:
    """The form through the points, without the functions that it does not need."""
    few = len(form.functions) + 1
    if len(points) < len(form.functions) + form.checks:
        return None
    rows = [values_at(form.functions, {s.name: size}) for size, _ in points[:few]]
    if contradict(rows, vectors[:few]):
        return None
    rows += [values_at(form.functions, {s.name: size}) for size, _ in points[few:]]
    if (found := fit(rows, vectors, form.checks)) is None:
        return None
    places = [i for i, coefficients in enumerate(found.coefficients) if coefficients]
    slim = needed(form, places or [0])
    again = fit([[row[i] for i in places or [0]] for row in rows], vectors, form.checks)
    assert again is not None
    return Found(slim, again, tuple(points[place][0] for place in again.used))


def _points(sampler: Sampler) -> Points:
    return [(size, sample) for (size,), sample in sampler.ran().items()]


def _regular(sampler: Sampler) -> tuple[int, ...]:
    """More sizes of the class that those belong to at which the module exists: multiples of 8."""
    step, first = _class(size for size, _ in _points(sampler))
    return tuple(first + step * i for i in range(12)) if step > 1 else ()


def _class(sizes: Iterable[int]) -> tuple[int, int]:
    """(m, r) where all sizes are r modulo m; m is 1 where too few would say so."""
    sizes = sorted(sizes)
    step = gcd(*(size - sizes[0] for size in sizes)) if len(sizes) > 2 else 1
    return step, sizes[0] % step if sizes else 0


def _turned(sampler: Sampler, s: Symbol, found: Found) -> bool:
    """Is there a sample that the form does not agree with, at one of the sizes where it turns?"""
    reach = max(size for size, _ in _points(sampler))
    fresh = (size for size in turns(found.form, s.name, reach) if (size,) not in sampler.known)
    for _, size in zip(range(MOST_TURNS), fresh, strict=False):
        sample = sampler.at(size)
        if sample is not None and not found.agrees(size, sample, s.name):
            return True
    return False


# --- stating a form -----------------------------------------------------------------------------


def _stated(
    sampler: Sampler, s: Symbol, found: Found, points: Points, low: int = 1, high: int | None = None
) -> Law | None:
    """The form as a law for sizes from `low` to `high`; None where failures between them have no
    rule."""
    expressions, conditions = written(found, points[0][1], sampler.quantities)
    sizes = [size for size, _ in points]
    high = max(sizes) if high is None and found.form.bounded else high
    failed = [
        size
        for (size,) in sampler.failed()
        if size >= low
        and (high is None or size <= high)
        and not forbidden(conditions, {**sampler.example, s.name: size})
    ]
    where = _existing(sampler, s, sizes, failed, low, high)
    if where is None:
        return None
    shared = frozenset.intersection(*(sample.relations for _, sample in points))
    note = _how(s, found, sizes, failed)
    domain = simplified((*where, *conditions, *shared))
    return Law(expressions, domain, note, frozenset([s]), frozenset(sizes))


def written(
    found: Found, sample: Sample, quantities: Sequence[str]
) -> tuple[dict[str, Any], tuple[Condition, ...]]:
    """The form's expressions and conditions."""
    parts: dict[Any, list[Any]] = {}
    for function, coefficients in zip(found.form.functions, found.fit.coefficients, strict=True):
        for key, coefficient in coefficients.items():
            parts.setdefault(key, []).append(function * coefficient)
    sums = {key: add_all(its) for key, its in parts.items()}
    expressions = {
        quantity: add_all([
            value * Polynomial({monomial: 1}) for (kind, monomial, *_), value in sums.items()
            if kind == quantity
        ])
        for quantity in quantities
    }  # fmt: skip
    figures = {(key[1], key[2]): value for key, value in sums.items() if key[0] == "condition"}
    return expressions, restored(sample.outline, figures)


def forbidden(conditions: Iterable[Condition], point: Mapping[str, Any]) -> bool:
    """Is a condition broken there?"""
    return any(condition.at(point).broken() for condition in conditions)


def _existing(
    sampler: Sampler, s: Symbol, ran: Sequence[int], failed: Sequence[int], low: int,
    high: int | None,
) -> tuple[Condition, ...] | None:  # fmt: skip
    """Conditions that tell the sizes at which the module runs from those at which it fails: a class
    modulo a number, a least size, a largest. None where these do not."""
    step, rest = _class(ran) if failed else (1, 0)
    inside = [size for size in failed if size % step == rest]
    below = [size for size in inside if size < min(ran)]
    above = [size for size in inside if size > max(ran)]
    if len(below) + len(above) < len(inside):
        return None
    if below:
        low = min(ran)
    if above:
        high = max(ran)
    size = alone(s)
    found: list[Condition] = []
    if low > s.lower or step > 1:
        found.append(Members(size, low, step, frozenset([rest])))
    if high is not None:
        found.append(Relation(high - size, equality=False))
    return tuple(found)


def _how(s: Symbol, found: Found, sizes: Sequence[int], failed: Sequence[int]) -> str:
    others = [size for size in sizes if size not in found.made]
    said = f"interpolated from {s} = {listed(found.made, ', ')}; equal at {s} = {listed(others)}"
    said += " too"
    return said + (f"; the module raises at {s} = {listed(failed)}" if failed else "")


def listed(sizes: Iterable[Any], last: str = " and ") -> str:
    """'1, 2 and 3'."""
    *first, final = map(str, sizes)
    return f"{', '.join(first)}{last}{final}" if first else final


# --- several stretches, and tables --------------------------------------------------------------


def _stretches(sampler: Sampler, s: Symbol, hints: Sequence[Polynomial]) -> list[Law]:
    """From the largest size down: stretches with a form each, as far as the next that differs."""
    found: list[Law] = []
    above: int | None = None
    while points := [p for p in _points(sampler) if above is None or p[0] < above]:
        form = _form_of_the_last(points, s, hints)
        if form is None:
            break
        low = _first_of_stretch(sampler, s, form, points)
        high = max(size for size, _ in points) if above is None else above - 1
        inside = [p for p in _points(sampler) if low <= p[0] <= high]
        law = _stated(sampler, s, form, inside, low, high)
        if law is None:
            break
        found.append(law)
        above = low
    rest = [p for p in _points(sampler) if above is None or p[0] < above]
    return [*found, *_tables(sampler, s, rest)]


def _form_of_the_last(points: Points, s: Symbol, hints: Sequence[Polynomial]) -> Found | None:
    for count in (len(points), *WINDOWS):
        if count <= len(points) and (form := recognised(points[-count:], s, hints)) is not None:
            return form
    return None


def _first_of_stretch(sampler: Sampler, s: Symbol, form: Found, points: Points) -> int:
    """The least size from which on samples agree with the form: beside one that does not."""
    agreeing = 0
    differing = 0
    for size, sample in reversed(points):
        if not form.agrees(size, sample, s.name):
            differing = size
            break
        agreeing = size
    while agreeing - differing > 1:
        middle = (agreeing + differing) // 2
        tried = sampler.at(middle)
        if (middle,) not in sampler.known:
            break
        if tried is not None and form.agrees(middle, tried, s.name):
            agreeing = middle
        else:
            differing = middle
    return agreeing


def _tables(sampler: Sampler, s: Symbol, points: Points) -> Iterator[Law]:
    """The samples as they are; one table for all that have the same conditions."""
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
        note = f"no law in {s} was found: the formulas hold at {s} = {listed(sorted(sizes))} only"
        yield Law(expressions, simplified((here, *conditions)), note, frozenset([s]), sizes)
