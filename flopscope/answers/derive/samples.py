"""Traces of a module at numbers for the sizes that its code needs as numbers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from time import process_time
from typing import TYPE_CHECKING, Any

from flopscope.answers.derive.conditions import Outline, outlined
from flopscope.answers.fit import Vector
from flopscope.answers.formula import QUANTITIES
from flopscope.domain import Condition, Relation
from flopscope.domain.regions import simplified
from flopscope.symbolic import ONE, Polynomial, substitute

if TYPE_CHECKING:
    from flopscope.tracing import Trace
    from flopscope.tracing.pieces import Run

MOST_TRACES, MOST_FAILURES = 60, 40
"""The most traces for one formula, and the most sizes tried at which the module raises."""

MOST_ROWS = 12_000
LARGEST_GROWTH, MOST_GROWTH = 800, 1100
"""The most operators in all traces together, and how many more than the smallest trace one trace,
and all traces together, may have: networks of that depth show how deeper ones go on. A size below
`SMALL` is tried whatever it costs, and several of them together where they add no more than
`SMALL_GROWTH`. Work is counted and not time, so that every machine tries the same sizes."""

SMALL, SMALL_GROWTH = 17, 50
MOST_SECONDS = 60.0
"""The most processor time for all samples of a derivation. Only a very slow module reaches it, and
other work on the machine does not bring it nearer."""


@dataclass(frozen=True)
class Sample:
    """The result of a trace at numbers: expressions in the other sizes, and the conditions on
    these.

    `relations` are the branches that were taken on the numbers' own symbols.
    """

    expressions: Mapping[str, Any]
    conditions: tuple[Condition, ...]
    relations: frozenset[Relation]
    rows: int
    outline: Outline
    vector: Vector


@dataclass
class Sampler:
    """Makes traces at points, each once, as long as the budget lasts and `until` has not passed.
    `least` is the smallest size that is tried."""

    run: Run
    example: Mapping[str, Any]
    names: tuple[str, ...]
    quantities: Sequence[str]
    until: float
    least: int = 1
    known: dict[tuple[int, ...], Sample | None] = field(default_factory=dict)

    def keep(self, trace: Trace) -> None:
        """Keep a trace that was made before."""
        self.known[tuple(trace.trail.example[n] for n in self.names)] = self._sample(trace)

    def at(self, *point: int) -> Sample | None:
        """The sample at these numbers; None where the module raises or the budget is used up."""
        if point not in self.known and self._affordable(point):
            numbers = dict(zip(self.names, point, strict=True))
            try:
                found = self._sample(self.run({**self.example, **numbers}))
            except Exception:  # the module does not exist at these numbers
                found = None
            self.known[point] = found
        return self.known.get(point)

    def ran(self) -> dict[tuple[int, ...], Sample]:
        """The samples by their points, in order of size."""
        return {p: s for p, s in sorted(self.known.items()) if s is not None}

    def failed(self) -> list[tuple[int, ...]]:
        """The points at which the module raised."""
        return sorted(p for p, s in self.known.items() if s is None)

    def _affordable(self, point: tuple[int, ...]) -> bool:
        sizes = [s.rows for s in self.known.values() if s is not None]
        failures = len(self.known) - len(sizes)
        if len(sizes) >= MOST_TRACES or failures >= MOST_FAILURES or process_time() > self.until:
            return False
        least, expected = min(sizes, default=0), self._expected_rows(point)
        growth = expected - least
        grown = sum(size - least for size in sizes)
        if max(point) < SMALL and (len(point) == 1 or growth <= SMALL_GROWTH):
            return True
        return (
            growth <= LARGEST_GROWTH
            and grown + growth <= MOST_GROWTH
            and sum(sizes) + expected <= MOST_ROWS
        )

    def _expected_rows(self, point: tuple[int, ...]) -> int:
        """The number of rows to expect, by a straight line through the smallest and the largest
        sample up to this point."""
        inside = [
            (max(p), s.rows)
            for p, s in self.ran().items()
            if all(a <= b for a, b in zip(p, point, strict=True))
        ]
        if not inside:
            return 0
        (low, few), (high, many) = min(inside), max(inside)
        growth = (many - few) / (high - low) if high > low else 0
        return round(many + growth * (max(point) - high))

    def _sample(self, trace: Trace) -> Sample:
        numbers = {name: trace.trail.example[name] for name in self.names}
        expressions = {
            quantity: substitute(QUANTITIES[quantity](trace.ledger).expression, numbers)
            for quantity in self.quantities
        }
        there = (condition.at(numbers) for condition in conditions_of(trace))
        conditions = simplified(c for c in there if c.broken() is not False)
        own = frozenset(
            r for r in trace.trail.relations if {s.name for s in r.symbols()} <= set(self.names)
        )
        outline, figures = outlined(conditions)
        vector: dict[Hashable, Any] = {("condition", *at): n for at, n in figures.items()}
        for quantity, value in expressions.items():
            terms = value.terms if isinstance(value, Polynomial) else {ONE: value}
            vector |= {(quantity, monomial): c for monomial, c in terms.items()}
        vector = {key: number for key, number in vector.items() if number}
        return Sample(expressions, conditions, own, len(trace.ledger.rows), outline, vector)


def conditions_of(trace: Trace) -> tuple[Condition, ...]:
    """The domain of a trace in which the sizes that became fractions equal these numbers."""
    broken = (
        Relation(f.value - f.number, equality=True)
        for f in trace.trail.fixed.values()
        if not isinstance(f.number, int)
    )
    return (*trace.ledger.conditions, *broken)
