"""A form that was found, stated as a law with expressions, domain, and the samples behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flopscope.answers.derive.conditions import restored
from flopscope.answers.derive.odd import as_shown
from flopscope.answers.derive.recognition import FittedForm, Points, class_of
from flopscope.answers.derive.samples import Sample, Sampler
from flopscope.domain import Condition, Members, Relation
from flopscope.domain.regions import simplified
from flopscope.symbolic import Polynomial, Symbol, add_all, alone


@dataclass(frozen=True)
class SizeLaw:
    """Expressions, where they hold, and how they were found. `points` are the sizes that were
    tried."""

    expressions: Mapping[str, Any]
    conditions: tuple[Condition, ...]
    note: str
    about: frozenset[Symbol] = frozenset()
    points: frozenset[int] = frozenset()


def stated_law(
    sampler: Sampler,
    s: Symbol,
    found: FittedForm,
    points: Points,
    low: int,
    high: int | None = None,
) -> SizeLaw | None:
    """The form as a law for sizes from `low` to `high`; None if failures between them follow no
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
    regular, bounds = where
    shared = frozenset.intersection(*(sample.relations for _, sample in points))
    domain = (*simplified((*regular, *conditions, *shared)), *bounds)
    return SizeLaw(
        expressions, domain, _how(s, found, sizes, failed), frozenset([s]), frozenset(sizes)
    )


def written(
    found: FittedForm, sample: Sample, quantities: Sequence[str]
) -> tuple[dict[str, Any], tuple[Condition, ...]]:
    """The expressions and conditions that the form gives."""
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
) -> tuple[list[Condition], list[Condition]] | None:  # fmt: skip
    """Conditions that separate the sizes at which the module runs from those at which it fails: a
    class modulo a number with a least size, or a largest size. None if such conditions do not
    separate them."""
    step, rest, _ = class_of(sampler)
    inside = [size for size in failed if size % step == rest]
    if any(min(ran) < size < max(ran) for size in inside):
        return None
    if any(size < min(ran) for size in inside):
        low = min(ran)
    if any(size > max(ran) for size in inside):
        high = max(ran)
    size = alone(s)
    least = low + (rest - low) % step
    regular = Members(size, least, step, frozenset([rest]))
    bounds = [] if high is None else [Relation(high - size, equality=False)]
    return [regular] if least > s.lower or step > 1 else [], [*bounds]


def _how(s: Symbol, found: FittedForm, sizes: Sequence[int], failed: Sequence[int]) -> str:
    others = [size for size in sizes if size not in found.made]
    name, made = as_shown(s, found.made)
    said = f"interpolated from {name} = {in_words(made, ', ')}; "
    said += f"equal at {name} = {in_words(as_shown(s, others)[1])} too"
    if failed:
        said += f"; the module raises at {name} = {in_words(as_shown(s, failed)[1])}"
    return said


def in_words(sizes: Iterable[Any], last: str = " and ") -> str:
    """'1, 2 and 3'."""
    *first, final = map(str, sizes)
    return f"{', '.join(first)}{last}{final}" if first else final
