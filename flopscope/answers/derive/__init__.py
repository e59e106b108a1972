"""Formulas of a module in its own arguments: pieces by branch, and interpolation where a size must
be a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from time import monotonic
from typing import TYPE_CHECKING, Any

from flopscope.answers.derive.laws import law_for_all, laws
from flopscope.answers.derive.odd import condition_in_odd, halves, in_odd
from flopscope.answers.derive.samples import MOST_SECONDS, Run, Sampler, conditions_of
from flopscope.answers.derive.several import law_in_several
from flopscope.answers.derive.stating import Law
from flopscope.answers.fit import Book, floors_in
from flopscope.answers.formula import QUANTITIES
from flopscope.arguments import HALF, parse_input, parse_symbolics
from flopscope.closedform import Formula
from flopscope.closedform.text import domain_text
from flopscope.domain import Condition, Multiple, Relation
from flopscope.domain.regions import simplified
from flopscope.errors import UnknownName
from flopscope.extras import require_witnesses
from flopscope.symbolic import Polynomial, Symbol, alone, symbol

if TYPE_CHECKING:
    from flopscope.tracing import Trace

MOST_PIECES = 6
MOST_TRIES = 40
"""Pieces that are looked for, and examples that are tried to find them."""

MOST_LISTED = 12
"""Pieces that are kept, where laws in a size that must be a number have several stretches."""


@dataclass(frozen=True)
class Piece:
    """Formulas by quantity, and the conditions under which they hold."""

    formulas: Mapping[str, Formula]
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Derivation:
    """What `derive` finds: pieces with disjoint domains, and notes on what was assumed."""

    target: str
    inputs: tuple[Any, ...]
    pieces: tuple[Piece, ...]
    notes: tuple[str, ...]

    def formula(self, quantity: str = "macs") -> Formula:
        """Of the first piece. Raises UnknownName for another quantity."""
        formulas = self.pieces[0].formulas
        if quantity not in formulas:
            raise UnknownName("quantity", quantity, formulas)
        return formulas[quantity]


def derive(
    target: str,
    arguments: Sequence[str] = (),
    inputs: Sequence[str] = (),
    quantities: Sequence[str] = ("macs", "params"),
    example: Mapping[str, int] | None = None,
) -> Derivation:
    """The formulas of a target in its own arguments, given as text: `in_channels=C`, `dim=h*d`.

    Without inputs the first layer tells what the module takes. Needs torch. Raises BadInput or
    UnknownName for a target that cannot be made or run, or arguments that are none.
    """
    require_witnesses()
    for quantity in quantities:
        if quantity not in QUANTITIES:
            raise UnknownName("quantity", quantity, QUANTITIES)
    from flopscope.tracing import derive as traced_constructor
    from flopscope.tracing.building.constructing import given_module
    from flopscope.tracing.inputs import tensors_for
    from flopscope.tracing.loading.targets import maker, resolved
    from flopscope.tracing.loading.usercode import importable

    parsed = parse_symbolics(arguments)
    positional, named = tensors_for([parse_input(text) for text in inputs])
    with importable(target):  # also what the network imports as it runs
        make = given_module(maker(target), parsed, target)
        given = resolved(target, parsed)

        def run(sizes: Mapping[str, Any]) -> Trace:
            return traced_constructor(make, given, *positional, example=sizes, **named)

        said = ", ".join(arguments) or "no arguments"
        said += f" on {' and '.join(inputs)}" if inputs else ""
        first = first_trace(target, said, run, example or {}, make, given)
        return derivation(target, run, first, quantities)


def first_trace(
    name: str,
    said: str,
    run: Run,
    example: Mapping[str, int],
    make: Callable[..., Any],
    given: Mapping[str, Any],
    option: str = "--arg ",
) -> Trace:
    """The trace at the example. Raises BadInput where the module cannot be made from what was
    `given`, which the message says as `said`, or not be run."""
    from flopscope.tracing.loading.refusals import making_refused

    with making_refused(f"{name} cannot be derived with {said}", make, given, option):
        return run(example)


def derivation(target: str, run: Run, first: Trace, quantities: Sequence[str]) -> Derivation:
    """From a first trace to all pieces."""
    traces, more = _at_examples(run, first, [s.name for s in _fixed_symbols(first)])
    pieces: list[Piece] = []
    notes: list[str] = []
    until = monotonic() + MOST_SECONDS
    for trace in traces:
        found, said = _pieces(run, trace, quantities, until)
        for piece in found:
            pieces = _joined(pieces, piece)
        notes += [note for note in said if note not in notes]
    pieces.sort(key=lambda piece: not _holds(piece.conditions, first.trail.example))
    if more or len(pieces) > MOST_LISTED:
        notes.append("there may be more pieces; another --example may find one")
    inputs = tuple(_in_whole_sizes(value) for value in first.inputs)
    return Derivation(
        target, inputs, tuple(map(_with_odd_sizes, pieces[:MOST_LISTED])), tuple(notes)
    )


# --- pieces -----------------------------------------------------------------------------------


def _at_examples(run: Run, first: Trace, fixed: Sequence[str]) -> tuple[list[Trace], bool]:
    """Traces, each at an example outside the domains of those before; is there a further one?"""
    found = [first]
    tries = 0
    for point in _candidates(first.trail.example, fixed):
        if tries == MOST_TRIES:
            break
        if any(_holds(trace.ledger.conditions, point) for trace in found):
            continue
        tries += 1
        try:
            trace = run(point)
        except Exception:  # the module does not exist at these sizes
            continue
        if len(found) == MOST_PIECES:
            return found, True
        found.append(trace)
    return found, False


def _candidates(base: Mapping[str, Any], fixed: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The example with one size changed, then with two: to its neighbours, to small sizes, to
    multiples, and to the other sizes."""
    free = [n for n, value in base.items() if isinstance(value, int) and n not in fixed]
    values = {
        name: dict.fromkeys((*base.values(), base[name] + 1, 2 * base[name], 1, 2, 3, 8, 64, 224))
        for name in free
    }
    for count in (1, 2):
        for names in combinations(free, count):
            for chosen in product(*(values[name] for name in names)):
                if all(isinstance(value, int) for value in chosen):
                    yield {**base, **dict(zip(names, chosen, strict=True))}


def _holds(conditions: Sequence[Condition], point: Mapping[str, Any]) -> bool:
    return all(condition.at(point).broken() is False for condition in conditions)


def _joined(pieces: list[Piece], found: Piece) -> list[Piece]:
    """The pieces and one more. Where it has the formulas of another, and their domains differ in
    one condition that is the contrary in the other, they are one piece without that condition."""
    for other in pieces:
        same = all(f.expression == other.formulas[n].expression for n, f in found.formulas.items())
        apart = set(other.conditions) ^ set(found.conditions)
        contrary = len(apart) == 2 and _are_contrary(*apart)
        if same and (contrary or not apart):
            kept = tuple(c for c in other.conditions if c not in apart)
            rest = [piece for piece in pieces if piece is not other]
            formulas = {n: replace(f, conditions=kept) for n, f in other.formulas.items()}
            return _joined(rest, Piece(formulas, kept))
    return [*pieces, found]


def _are_contrary(a: Condition, b: Condition) -> bool:
    return isinstance(a, Relation) and a.negation() == b


# --- one piece --------------------------------------------------------------------------------


def _pieces(
    run: Run, trace: Trace, quantities: Sequence[str], until: float
) -> tuple[list[Piece], list[str]]:
    """The formulas of a trace; over sizes that became numbers, by interpolation."""
    notes = [f"a size became a number: {where}" for where in trace.fixed]
    notes += [f"expected: {text}" for text in trace.expected]
    formulas = {quantity: QUANTITIES[quantity](trace.ledger) for quantity in quantities}
    fixed = _fixed_symbols(trace)
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


def _at_the_example(trace: Trace, fixed: Sequence[Symbol], formulas: Mapping[str, Formula]) -> Law:
    """What was traced, for the sizes that became numbers as they were there."""
    at = ", ".join(f"{s} = {trace.trail.example[s.name]}" for s in fixed)
    expressions = {quantity: formula.expression for quantity, formula in formulas.items()}
    note = f"no law was found: the formulas hold at {at} only"
    return Law(expressions, simplified(conditions_of(trace)), note)


def _laws(
    run: Run, trace: Trace, fixed: Sequence[Symbol], quantities: Sequence[str], until: float
) -> list[Law]:
    """Laws in the sizes that became numbers; in one of several, where there is none in all."""

    def sampled(sizes: Sequence[Symbol]) -> Sampler:
        names = tuple(s.name for s in sizes)
        least = max(s.lower for s in sizes)
        sampler = Sampler(run, trace.trail.example, names, quantities, until, least)
        sampler.keep(trace)
        return sampler

    asked = [f.value for f in trace.trail.fixed.values()]
    asked += [QUANTITIES[quantity](trace.ledger).expression for quantity in quantities]
    if len(fixed) == 1:
        return laws(sampled(fixed), fixed[0], _book(fixed[0], asked))
    if (found := law_in_several(sampled(fixed), fixed, asked)) is not None:
        return [found]
    samplers = {s: sampled([s]) for s in fixed}
    for s, sampler in samplers.items():
        if (found := law_for_all(sampler, s, _book(s, asked))) is not None:
            return [found]
    s, sampler = next(iter(samplers.items()))
    return laws(sampler, s, _book(s, asked))


def _rest(trace: Trace, fixed: Sequence[Symbol], found: Sequence[Law]) -> str:
    """The sizes that became numbers and are not interpolated: as they are at the example."""
    left = (s for s in fixed if found[0].about and s not in found[0].about)
    return ", ".join(f"{s} = {trace.trail.example[s.name]}" for s in left)


def _domain(law: Law) -> str:
    """What of a law's domain is about the size that was interpolated, in words."""
    return domain_text((), [c for c in law.conditions if c.symbols() <= law.about])


def _fixed_symbols(trace: Trace) -> list[Symbol]:
    found = {s for value in trace.trail.fixed for s in value.symbols()}
    return sorted(found, key=lambda s: s.name)


def _book(s: Symbol, asked: Iterable[Polynomial]) -> Book:
    """The forms in a size, those with floors that the code asked for or that counts have among
    them."""
    floors = dict.fromkeys(floor for value in asked for floor in floors_in(value))
    return Book(alone(s), [floor for floor in floors if floor.symbols() == {s}])


def _with_odd_sizes(piece: Piece) -> Piece:
    """The formulas in a size that is odd by name, instead of the j of 2·j + 1 that was traced."""
    symbols = {s.name for f in piece.formulas.values() for s in f.symbols}
    symbols |= {s.name for c in piece.conditions for s in c.symbols()}
    sizes = [symbol(n.removeprefix(HALF)) for n in sorted(symbols) if n.startswith(HALF)]
    known = halves(symbols)
    conditions = tuple(condition_in_odd(c, known) for c in piece.conditions)
    conditions += tuple(Multiple(size - 1, 2, str(size)) for size in sizes)
    formulas = {
        name: replace(f, expression=in_odd(f.expression), conditions=conditions)
        for name, f in piece.formulas.items()
    }
    return Piece(formulas, conditions)


def _in_whole_sizes(value: Any) -> Any:
    value = getattr(value, "shape", value)  # of an input with its type
    if isinstance(value, tuple):
        return tuple(map(_in_whole_sizes, value))
    return in_odd(value)
