"""The formulas of one trace. In sizes that its code needs as numbers they are laws through
samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flopscope.answers.derive.laws import law_for_all, laws_of
from flopscope.answers.derive.samples import Sampler, conditions_of
from flopscope.answers.derive.several import law_in_several
from flopscope.answers.derive.stating import SizeLaw
from flopscope.answers.fit import Book, floors_in
from flopscope.answers.formula import QUANTITIES
from flopscope.brief import short
from flopscope.closedform import Formula
from flopscope.closedform.text import domain_text
from flopscope.domain import Condition
from flopscope.domain.regions import simplified
from flopscope.symbolic import Polynomial, Symbol, alone

if TYPE_CHECKING:
    from flopscope.tracing import Trace
    from flopscope.tracing.pieces import Run


@dataclass(frozen=True)
class Piece:
    """Formulas by quantity, and the conditions under which they hold."""

    formulas: Mapping[str, Formula]
    conditions: tuple[Condition, ...]

    def __repr__(self) -> str:
        return short(
            self, f"{', '.join(self.formulas)}: {next(iter(self.formulas.values())).domain}"
        )


def pieces_of(
    run: Run, trace: Trace, quantities: Sequence[str], until: float
) -> tuple[list[Piece], list[str]]:
    """The formulas of a trace, interpolated over the sizes that became numbers, and notes."""
    notes = [f"a size became a number: {where}" for where in trace.fixed]
    notes += [f"expected: {text}" for text in trace.expected]
    formulas = {quantity: QUANTITIES[quantity](trace.ledger) for quantity in quantities}
    fixed = fixed_symbols(trace)
    if not fixed:
        return [Piece(formulas, trace.ledger.conditions)], notes
    if not all(s.integer for s in fixed):
        found = [_at_the_example(trace, fixed, formulas)]
    else:
        found = _laws(run, trace, fixed, quantities, until)
        found = found or [_at_the_example(trace, fixed, formulas)]
    pieces = [
        Piece({q: replace(formulas[q], expression=e, conditions=law.conditions)
               for q, e in law.expressions.items()}, law.conditions)
        for law in found
    ]  # fmt: skip
    several = len(found) > 1
    rest = _rest(trace, fixed, found)
    notes += [f"where {_domain(law)}: {law.note}" if several else law.note for law in found]
    return pieces, notes + ([f"all of this for {rest} only"] if rest else [])


def _at_the_example(
    trace: Trace, fixed: Sequence[Symbol], formulas: Mapping[str, Formula]
) -> SizeLaw:
    """The formulas as they were traced, which hold for the numbers that the sizes became."""
    at = ", ".join(f"{s} = {trace.trail.example[s.name]}" for s in fixed)
    expressions = {quantity: formula.expression for quantity, formula in formulas.items()}
    note = f"no law was found: the formulas hold at {at} only"
    return SizeLaw(expressions, simplified(conditions_of(trace)), note)


def _laws(
    run: Run, trace: Trace, fixed: Sequence[Symbol], quantities: Sequence[str], until: float
) -> list[SizeLaw]:
    """Laws in all sizes that became numbers or, if none is found, in one of them."""

    def sampled(sizes: Sequence[Symbol]) -> Sampler:
        names = tuple(s.name for s in sizes)
        least = max(s.lower for s in sizes)
        sampler = Sampler(run, trace.trail.example, names, quantities, until, least)
        sampler.keep(trace)
        return sampler

    asked = [f.value for f in trace.trail.fixed.values()]
    asked += [QUANTITIES[quantity](trace.ledger).expression for quantity in quantities]
    if len(fixed) == 1:
        return laws_of(sampled(fixed), fixed[0], _book(fixed[0], asked))
    if (found := law_in_several(sampled(fixed), fixed, asked)) is not None:
        return [found]
    samplers = {s: sampled([s]) for s in fixed}
    for s, sampler in samplers.items():
        if (found := law_for_all(sampler, s, _book(s, asked))) is not None:
            return [found]
    s, sampler = next(iter(samplers.items()))
    return laws_of(sampler, s, _book(s, asked))


def _rest(trace: Trace, fixed: Sequence[Symbol], found: Sequence[SizeLaw]) -> str:
    """The sizes that became numbers and are not interpolated, with their values at the example."""
    left = (s for s in fixed if found[0].about and s not in found[0].about)
    return ", ".join(f"{s} = {trace.trail.example[s.name]}" for s in left)


def _domain(law: SizeLaw) -> str:
    """The part of a law's domain that is about the interpolated sizes, in words."""
    return domain_text((), [c for c in law.conditions if c.symbols() <= law.about])


def fixed_symbols(trace: Trace) -> list[Symbol]:
    found = {s for value in trace.trail.fixed for s in value.symbols()}
    return sorted(found, key=lambda s: s.name)


def _book(s: Symbol, asked: Iterable[Polynomial]) -> Book:
    """The forms in a size to be tried, among them those with floors that the code asked for or that
    occur in counts."""
    floors = dict.fromkeys(floor for value in asked for floor in floors_in(value))
    return Book(alone(s), [floor for floor in floors if floor.symbols() == {s}])
