"""Formulas of a module in its own arguments. Each way through its code is a piece, with a trace of
its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import process_time
from typing import TYPE_CHECKING, Any

from flopscope.answers.derive.odd import condition_in_odd, halves, in_odd
from flopscope.answers.derive.one_trace import Piece, fixed_symbols, pieces_of
from flopscope.answers.derive.samples import MOST_SECONDS
from flopscope.answers.formula import QUANTITIES
from flopscope.arguments import HALF, parse_input, parse_symbolics
from flopscope.brief import number_of, short
from flopscope.closedform import Formula
from flopscope.domain import Condition, Multiple, Relation
from flopscope.errors import UnknownName
from flopscope.extras import require_witnesses
from flopscope.facts import InputSpec
from flopscope.symbolic import symbol

if TYPE_CHECKING:
    from flopscope.tracing import Trace
    from flopscope.tracing.pieces import Run

MOST_LISTED = 12
"""The most pieces that are kept where laws in a size that must be a number have several
stretches."""


@dataclass(frozen=True)
class Derivation:
    """The result of `derive`: pieces with disjoint domains, and notes on what was assumed."""

    target: str
    inputs: tuple[Any, ...]
    pieces: tuple[Piece, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        of = ", ".join(self.pieces[0].formulas)
        return short(self, f"{self.target}: {of}; {number_of(self.pieces, 'piece')}")

    def formula(self, quantity: str = "macs") -> Formula:
        """The formula of the first piece. Raises UnknownName for a quantity that was not
        derived."""
        formulas = self.pieces[0].formulas
        if quantity not in formulas:
            raise UnknownName("quantity", quantity, formulas)
        return formulas[quantity]


def derive(
    target: str,
    arguments: Sequence[str] | Mapping[str, Any] = (),
    inputs: Sequence[str | InputSpec] = (),
    quantities: Sequence[str] = ("macs", "params"),
    example: Mapping[str, int] | None = None,
) -> Derivation:
    """The formulas of a target in its own arguments, which are given as texts, `in_channels=C` and
    `dim=h*d`, or as a mapping from names to values.

    Without inputs, the first layer tells the shape of the module's input. Needs torch. Raises
    BadInput or UnknownName for a target that cannot be made or run, or for arguments that cannot be
    read.
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

    by_name = isinstance(arguments, Mapping)
    parsed = {**arguments} if isinstance(arguments, Mapping) else parse_symbolics(arguments)
    positional, named = tensors_for([parse_input(i) if isinstance(i, str) else i for i in inputs])
    with importable(target):  # the network may import more while it runs
        make = given_module(maker(target), parsed, target)
        given = resolved(target, parsed)

        def run(sizes: Mapping[str, Any]) -> Trace:
            return traced_constructor(make, given, *positional, example=sizes, **named)

        written = [f"{n}={v}" for n, v in parsed.items()] if by_name else list(arguments)
        said = ", ".join(written) or "no arguments"
        said += f" on {' and '.join(map(_text_of, inputs))}" if inputs else ""
        option = "" if by_name else "--arg "
        first = first_trace(target, said, run, example or {}, make, given, option)
        return derived(target, run, first, quantities)


def first_trace(
    name: str,
    said: str,
    run: Run,
    example: Mapping[str, int],
    make: Callable[..., Any],
    given: Mapping[str, Any],
    option: str = "--arg ",
) -> Trace:
    """The trace at the example. Raises BadInput where the module cannot be made from the `given`
    arguments, which the message calls `said`, or cannot be run."""
    from flopscope.tracing.loading.refusals import making_refused

    with making_refused(f"{name} cannot be derived with {said}", make, given, option):
        return run(example)


def derived(target: str, run: Run, first: Trace, quantities: Sequence[str]) -> Derivation:
    """Find all pieces, beginning with a first trace."""
    from flopscope.tracing.pieces import at_examples, holds

    traces, more = at_examples(run, first, [s.name for s in fixed_symbols(first)])
    pieces: list[Piece] = []
    notes: list[str] = []
    until = process_time() + MOST_SECONDS
    for trace in traces:
        found, said = pieces_of(run, trace, quantities, until)
        for piece in found:
            pieces = _joined(pieces, piece)
        notes += [note for note in said if note not in notes]
    pieces.sort(key=lambda piece: not holds(piece.conditions, first.trail.example))
    if more or len(pieces) > MOST_LISTED:
        notes.append("there may be more pieces; another --example may find one")
    inputs = tuple(_in_whole_sizes(value) for value in first.inputs)
    return Derivation(
        target, inputs, tuple(map(_with_odd_sizes, pieces[:MOST_LISTED])), tuple(notes)
    )


def _text_of(given: str | InputSpec) -> str:
    return given if isinstance(given, str) else ",".join(map(str, given.shape))


def _joined(pieces: list[Piece], found: Piece) -> list[Piece]:
    """The pieces and one more. If another piece has the same formulas, and one condition of its
    domain is the negation of one here, the two become one piece without that condition."""
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


def _with_odd_sizes(piece: Piece) -> Piece:
    """The formulas in a size K whose name says that it is odd, instead of the j that was traced for
    K = 2·j + 1."""
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
    value = getattr(value, "shape", value)  # an input with its type
    if isinstance(value, tuple):
        return tuple(map(_in_whole_sizes, value))
    return in_odd(value)
