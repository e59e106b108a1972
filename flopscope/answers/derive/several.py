"""The law in several sizes that code needs as numbers, as a sum of products of functions of
each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Any

from flopscope.answers.derive.recognition import FittedForm, Points, recognised
from flopscope.answers.derive.samples import Sample, Sampler
from flopscope.answers.derive.stating import SizeLaw, forbidden, in_words, written
from flopscope.answers.fit import Book, Form, fit, floors_in, turns, values_at
from flopscope.domain import Condition, Relation
from flopscope.domain.regions import simplified
from flopscope.symbolic import Polynomial, Symbol, alone

ALONG = (1, 2, 3, 4, 5, 6, 16, 37, 64, 12, 128, 256)
"""The sizes that are tried along each axis; only the first of them for more than two axes."""

MOST_ALONG = 2 * len(ALONG)
CROSSING = 5
"""The axes cross at sizes up to this, if the module runs there."""

MOST_CROSSED, MOST_TURNS, FEWEST_TURNS = 16, 2, 4
FEWEST_TOGETHER = 4
"""The number of samples off the axes that must agree, beyond those from which the law is made."""


def law_in_several(
    sampler: Sampler, sizes: Sequence[Symbol], asked: Sequence[Polynomial]
) -> SizeLaw | None:
    """The law in all sizes together; None if none is found, or if no condition explains a
    failure."""
    known, base = -1, _base(sampler)
    while known < len(sampler.known):
        known = len(sampler.known)
        axes = [_along(sampler, base, place) for place in range(len(sizes))]
        books = [Book(alone(s), _hints(asked, s)) for s in sizes]
        alones = [recognised(axis, book) for axis, book in zip(axes, books, strict=True)]
        forms = [found.form for found in alones if found is not None]
        if len(forms) < len(sizes):
            return None
        for point in _together(axes, forms):
            sampler.at(*point)
        found = _first(sampler, base, _forms(forms, sizes, asked))
        if found is not None and _verified(sampler, base, found, forms, axes):
            return _stated(sampler, sizes, found)
    return None


def _base(sampler: Sampler) -> tuple[int, ...]:
    """The point where the axes cross: at small sizes, which cost less than the example, if the
    module runs there."""
    example = tuple(sampler.example[name] for name in sampler.names)
    small = tuple(min(size, CROSSING) for size in example)
    return small if sampler.at(*small) is not None else example


def _first(sampler: Sampler, base: Sequence[int], forms: Iterator[Form]) -> FittedForm | None:
    fitted = (_fitted(form, sampler, base) for form in forms)
    return next((found for found in fitted if found is not None), None)


def _verified(
    sampler: Sampler,
    base: Sequence[int],
    found: FittedForm,
    forms: Sequence[Form],
    axes: Sequence[Points],
) -> bool:
    """Do samples on the axes agree with the form where the steps of each size turn? False also
    where the budget allows too few of them."""
    for place, (form, axis) in enumerate(zip(forms, axes, strict=True)):
        name, high, compared = sampler.names[place], axis[-1][0], 0
        for size in dict.fromkeys(turns(form, name, sampler.least, high, MOST_TURNS)):
            point = (*base[:place], size, *base[place + 1 :])
            sample = sampler.at(*point)
            compared += point in sampler.known
            numbers = dict(zip(sampler.names, point, strict=True))
            if sample is not None and not found.agrees_at(numbers, sample):
                return False
        if form.steps and compared < FEWEST_TURNS:
            return False
    return True


def _along(sampler: Sampler, base: Sequence[int], place: int) -> Points:
    """Make samples with one size changed."""
    for size in (sampler.least, *ALONG[: MOST_ALONG // len(base)]):
        sampler.at(*base[:place], size, *base[place + 1 :])
    return [
        (point[place], sample)
        for point, sample in sampler.ran().items()
        if all(a == b for i, (a, b) in enumerate(zip(point, base, strict=True)) if i != place)
    ]


def _hints(asked: Sequence[Polynomial], s: Symbol) -> list[Polynomial]:
    floors = (floor for value in asked for floor in floors_in(value))
    return [floor for floor in dict.fromkeys(floors) if floor.symbols() == {s}]


def _together(axes: Sequence[Points], forms: Sequence[Form]) -> Iterator[tuple[int, ...]]:
    """Points off the axes. Of each size there are two values more than its form has functions; some
    points are far out."""
    sizes = [[size for size, _ in axis] for axis in axes]
    few = [own[: len(form.functions) + 2] for own, form in zip(sizes, forms, strict=True)]
    yield from islice(product(*few), MOST_CROSSED)
    for i in range(FEWEST_TOGETHER + 2):
        yield tuple(own[-1 - i * (place + 1) % len(own)] for place, own in enumerate(sizes))
        yield (*(own[i % len(own)] for own in sizes[:-1]), sizes[-1][-1 - i % len(sizes[-1])])


def _forms(
    forms: Sequence[Form], sizes: Sequence[Symbol], asked: Sequence[Polynomial]
) -> Iterator[Form]:
    """The forms to try: products of each size's functions; all powers up to the second, with floors
    in several sizes."""
    with_one = [dict.fromkeys((1, *form.functions)) for form in forms]
    steps = tuple(step for form in forms for step in form.steps)
    bounded = any(form.bounded for form in forms)
    for own in ([f.functions for f in forms], with_one):
        functions = tuple(_product(chosen) for chosen in product(*own))
        yield Form(functions, steps, FEWEST_TOGETHER, bounded)
    symbols = [alone(s) for s in sizes]
    powers = tuple(
        _product(s**power for s, power in zip(symbols, chosen, strict=True))
        for chosen in product(range(3), repeat=len(symbols))
        if sum(chosen) <= 3
    )
    mixed = [floor for value in asked for floor in floors_in(value) if len(floor.symbols()) > 1]
    for floor in dict.fromkeys(mixed):
        with_floor = (floor, floor**2, *(floor * s for s in symbols))
        yield Form((*powers[:6], floor), (floor,), FEWEST_TOGETHER)
        yield Form((*powers, *with_floor), (floor,), FEWEST_TOGETHER)


def _product(factors: Any) -> Any:
    result: Any = 1
    for factor in factors:
        result = result * factor
    return result


def _fitted(form: Form, sampler: Sampler, base: Sequence[int]) -> FittedForm | None:
    """The form through all samples, if enough of them are off the axes."""
    ran = sampler.ran()
    names = sampler.names
    off = [p for p in ran if sum(a != b for a, b in zip(p, base, strict=True)) > 1]
    samples = list(ran.values())
    if len(off) < FEWEST_TOGETHER or len({sample.outline for sample in samples}) != 1:
        return None
    rows = [values_at(form.functions, dict(zip(names, p, strict=True))) for p in ran]
    found = fit(rows, [sample.vector for sample in samples], form.checks)
    return None if found is None else FittedForm(form, found, found.used, samples[0].outline)


def _stated(sampler: Sampler, sizes: Sequence[Symbol], found: FittedForm) -> SizeLaw | None:
    samples: list[Sample] = list(sampler.ran().values())
    expressions, conditions = written(found, samples[0], sampler.quantities)
    largest = {s: max(point[place] for point in sampler.ran()) for place, s in enumerate(sizes)}
    for point in sampler.failed():
        numbers = dict(zip(sampler.names, point, strict=True))
        if not forbidden(conditions, {**sampler.example, **numbers}):
            return None
    caps: tuple[Condition, ...] = tuple(
        Relation(most - alone(s), equality=False)
        for s, most in largest.items()
        if found.form.bounded
    )
    shared = frozenset.intersection(*(sample.relations for sample in samples))
    domain = simplified((*caps, *conditions, *shared))
    return SizeLaw(expressions, domain, _how(sampler, sizes, found), frozenset(sizes))


def _how(sampler: Sampler, sizes: Sequence[Symbol], found: FittedForm) -> str:
    ran = sampler.ran()
    made, rest = len(found.made), len(ran) - len(found.made)
    tried = "; ".join(
        f"{s} = {in_words(sorted({point[place] for point in ran}))}"
        for place, s in enumerate(sizes)
    )
    names = in_words(sizes)
    return f"interpolated in {names} from {made} traces, equal at {rest} more, among {tried}"
