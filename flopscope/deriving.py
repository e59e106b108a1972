"""Formulas of a module in its own arguments: pieces by branch, and interpolation where a size must
be a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

from flopscope.arguments import HALF, parse_input, parse_symbolics
from flopscope.catalog.formulas import QUANTITIES
from flopscope.closedform import Formula
from flopscope.domain import Condition, Multiple, Relation
from flopscope.errors import UnknownName
from flopscope.interpolation import polynomial_through
from flopscope.ledger import Ledger
from flopscope.symbolic import Polynomial, substitute, symbol
from flopscope.witnesses import require_witnesses

if TYPE_CHECKING:
    from flopscope.tracing import Trace

MOST_PIECES = 6
MOST_TRIES = 40
"""Pieces that are looked for, and examples that are tried to find them."""

POINTS, CHECKS = 5, 2
"""Interpolation is from up to this many points, and holds at this many more."""

Run = Callable[[Mapping[str, Any]], "Trace"]
"""Trace at an example; where none is given for a size, at one of the engine's own."""


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
    from flopscope.tracing.constructing import given_module
    from flopscope.tracing.inputs import tensors_for
    from flopscope.tracing.targets import maker, resolved
    from flopscope.tracing.usercode import importable

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
    from flopscope.tracing.refusals import making_refused

    with making_refused(f"{name} cannot be derived with {said}", make, given, option):
        return run(example)


def derivation(target: str, run: Run, first: Trace, quantities: Sequence[str]) -> Derivation:
    """From a first trace to all pieces."""
    fixed = _fixed_symbols(first)
    traces, more = _at_examples(run, first, fixed)
    pieces: list[Piece] = []
    notes: list[str] = []
    for trace in traces:
        found, said = _piece(run, trace, fixed, quantities)
        pieces = _joined(pieces, found)
        notes += [note for note in said if note not in notes]
    if more:
        notes.append("there may be more pieces; another --example may find one")
    inputs = tuple(_in_whole_sizes(value) for value in first.inputs)
    return Derivation(target, inputs, tuple(map(_with_odd_sizes, pieces)), tuple(notes))


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


def _piece(
    run: Run, trace: Trace, fixed: Sequence[str], quantities: Sequence[str]
) -> tuple[Piece, list[str]]:
    """The formulas of a trace; over sizes that became numbers, by interpolation."""
    notes = [f"a size became a number: {where}" for where in trace.fixed]
    conditions = trace.ledger.conditions
    expressions = _expressions(trace.ledger, quantities)
    at = ", ".join(f"{name} = {trace.trail.example[name]}" for name in fixed)
    if len(fixed) > 1:
        notes.append(f"several sizes became numbers: the formulas hold at {at} only")
    elif fixed and (found := _interpolated(run, trace, fixed[0], quantities)) is not None:
        expressions, said = found
        conditions = _without(conditions, fixed[0])
        notes.append(said)
    elif fixed:
        notes.append(f"no polynomial was found: the formulas hold at {at} only")
    formulas = {
        quantity: replace(_formula(trace.ledger, quantity), expression=expression,
                          conditions=conditions)
        for quantity, expression in expressions.items()
    }  # fmt: skip
    return Piece(formulas, conditions), notes


def _formula(ledger: Ledger, quantity: str) -> Formula:
    return QUANTITIES[quantity](ledger)


def _expressions(ledger: Ledger, quantities: Sequence[str]) -> dict[str, Any]:
    return {quantity: _formula(ledger, quantity).expression for quantity in quantities}


def _fixed_symbols(trace: Trace) -> list[str]:
    names = (s.name for value in trace.trail.fixed for s in value.symbols())
    return sorted(dict.fromkeys(names))


def _interpolated(
    run: Run, trace: Trace, name: str, quantities: Sequence[str]
) -> tuple[dict[str, Any], str] | None:
    """Polynomials in a size that code wants as a number, from traces at several numbers."""
    points: list[int] = []
    values: list[dict[str, Any]] = []
    domain = set(_without(trace.ledger.conditions, name))
    changes = False
    for number in range(1, 4 * (POINTS + CHECKS)):
        try:
            found = run({**trace.trail.example, name: number})
        except Exception:  # the module does not exist at this number
            continue
        points.append(number)
        values.append(_expressions(found.ledger, quantities))
        changes |= set(_without(found.ledger.conditions, name)) != domain
        if len(points) == POINTS + CHECKS:
            break
    if len(points) < POINTS + CHECKS:
        return None
    fitted = {
        quantity: polynomial_through(points, [v[quantity] for v in values], symbol(name), CHECKS)
        for quantity in quantities
    }
    if None in fitted.values():
        return None
    shown = ", ".join(map(str, points[:-CHECKS]))
    checks = " and ".join(map(str, points[-CHECKS:]))
    said = f"interpolated from {name} = {shown}; equal at {name} = {checks} too"
    if changes:
        said += f"; the domain is that at {name} = {trace.trail.example[name]}, others have others"
    return fitted, said


def _without(conditions: Sequence[Condition], name: str) -> tuple[Condition, ...]:
    return tuple(c for c in conditions if name not in {s.name for s in c.symbols()})


def _with_odd_sizes(piece: Piece) -> Piece:
    """The formulas in a size that is odd by name, instead of the j of 2·j + 1 that was traced."""
    symbols = {s.name for f in piece.formulas.values() for s in f.symbols}
    symbols |= {s.name for c in piece.conditions for s in c.symbols()}
    sizes = [symbol(n.removeprefix(HALF)) for n in sorted(symbols) if n.startswith(HALF)]
    halves = _halves(symbols)
    conditions = tuple(c.at(halves) for c in piece.conditions)
    conditions += tuple(Multiple(size - 1, 2, str(size)) for size in sizes)
    formulas = {
        name: replace(f, expression=substitute(f.expression, halves), conditions=conditions)
        for name, f in piece.formulas.items()
    }
    return Piece(formulas, conditions)


def _halves(names: Iterable[str]) -> dict[str, Any]:
    return {n: (symbol(n.removeprefix(HALF)) - 1) / 2 for n in names if n.startswith(HALF)}


def _in_whole_sizes(value: Any) -> Any:
    value = getattr(value, "shape", value)  # of an input with a type
    if isinstance(value, tuple):
        return tuple(map(_in_whole_sizes, value))
    names = [s.name for s in value.symbols()] if isinstance(value, Polynomial) else []
    return substitute(value, _halves(names))
