"""Proof by symbols: the closed form and the formula traced from the code are the same expression.

Both ledgers are in the free sizes B, H, W. Sizes have one canonical form, so rows that are equal as
objects are equal for every size in the domain, and totals whose difference is 0 are equal
everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from flopscope import readings
from flopscope.brief import short
from flopscope.closedform.text import domain_text
from flopscope.conventions import CONVENTIONS
from flopscope.domain import is_limit
from flopscope.domain.regions import implied, simplified
from flopscope.facts import Kind, Operator
from flopscope.ledger import Ledger, Level
from flopscope.sizes import Size, is_symbolic

if TYPE_CHECKING:
    from flopscope.catalog.variant import Variant
    from flopscope.tracing import Trace
    from flopscope.tracing.pieces import Run


@dataclass(frozen=True)
class Identity:
    """One total on both sides. It is proved if the difference is identically zero."""

    name: str
    closed_form: Size
    traced: Size

    @property
    def difference(self) -> Size:
        """closed form − traced."""
        return self.closed_form - self.traced

    @property
    def proved(self) -> bool:
        """Is the difference zero for all sizes?"""
        return not is_symbolic(self.difference) and self.difference == 0


@dataclass(frozen=True)
class Mismatch:
    """A row that differs, with the facts that differ: name → (closed form, traced)."""

    path: str
    module: str
    facts: Mapping[str, tuple[Any, Any]]

    def __str__(self) -> str:
        said = "; ".join(
            f"{name}: closed form {_text(a)}, traced {_text(b)}"
            for name, (a, b) in self.facts.items()
        )
        return f"{self.path or 'no row'} ({self.module or 'no layer'}): {said}"


@dataclass(frozen=True)
class Proof:
    """The comparison row by row and total by total. True where everything is identical and nothing
    was assumed.

    `domain` says for which sizes: those that the closed form takes. `pieces` is the number of ways
    that the code takes at different sizes. Each was compared, and together they are the domain.
    """

    rows: int
    mismatches: tuple[Mismatch, ...]
    totals: tuple[Identity, ...]
    assumptions: tuple[str, ...]
    domain: str
    pieces: int = 1

    def __repr__(self) -> str:
        return short(self, f"{'proved' if self else 'not proved'}, {self.rows} rows; {self.domain}")

    def __bool__(self) -> bool:
        proved = all(identity.proved for identity in self.totals)
        return proved and not self.mismatches and not self.assumptions


def prove(closed_form: Ledger, traced: Ledger) -> Proof:
    """Compare two ledgers in the same symbols. The trace assumes its domain, as far as the domain
    of the closed form does not imply it.

    Every row is compared, functional additions and multiplications included: kind, function,
    shapes, weights, buffers, window, groups, multiplicity. The operands of a commutative row may be
    swapped.
    """
    pairs = list(zip_longest(_ordered(closed_form.rows), _ordered(traced.rows)))
    mismatches = tuple(m for pair in pairs if (m := _mismatch(*pair)) is not None)
    assumptions = tuple(
        str(condition)
        for condition in traced.conditions
        if not (is_limit(condition) or implied(condition, closed_form.conditions))
    )
    domain = domain_text(closed_form.symbols(), simplified(closed_form.conditions))
    totals = tuple(_totals(closed_form, traced))
    return Proof(len(pairs), mismatches, totals, assumptions, domain)


def _ordered(rows: Sequence[Operator]) -> list[Operator]:
    """The rows in the order of execution, then the parameters that no row reads."""
    stored = [row for row in rows if row.kind is Kind.STORED]
    run = [row for row in rows if row.kind is not Kind.STORED]
    return run + sorted(stored, key=lambda row: str(facts(row)["weights"]))


def facts(row: Operator) -> dict[str, Any]:
    """The facts that must be equal. Paths, names of weights and row numbers differ between the two
    sides."""
    return {
        "kind": row.kind,
        "function": row.function,
        "inputs": sorted(row.inputs, key=str),
        "output": row.output,
        "weights": [weight.shape for weight in row.weights],
        "buffers": [buffer.shape for buffer in row.buffers],
        "window": row.window,
        "groups": row.groups,
        "repeat": row.repeat,
    }


def _text(fact: Any) -> str:
    if isinstance(fact, Enum):
        return str(fact.value)
    if isinstance(fact, list | tuple):
        return f"({', '.join(map(_text, fact))})"
    return str(fact)


def _mismatch(ours: Operator | None, theirs: Operator | None) -> Mismatch | None:
    if ours is None or theirs is None:
        found = {"row": (ours and ours.kind.value, theirs and theirs.kind.value)}
        return Mismatch(ours.path if ours else "", theirs.path if theirs else "", found)
    a, b = facts(ours), facts(theirs)
    differing = {name: (a[name], b[name]) for name in a if a[name] != b[name]}
    return Mismatch(ours.path, theirs.path, differing) if differing else None


def _totals(ours: Ledger, theirs: Ledger) -> Iterator[Identity]:
    yield Identity("parameters", ours.params().value, theirs.params().value)
    trainable = ours.trainable().value, theirs.trainable().value
    if trainable != (ours.params().value, theirs.params().value):
        yield Identity("trainable parameters", *trainable)
    yield Identity("buffers", ours.buffers().value, theirs.buffers().value)
    yield Identity("activations", ours.activations().value, theirs.activations().value)
    for name in CONVENTIONS:
        unit = CONVENTIONS[name].unit
        yield Identity(f"{unit} ({name})", ours.flops(name).value, theirs.flops(name).value)
    kinds, others = ours.group_by(Level.KIND), theirs.group_by(Level.KIND)
    for kind in dict.fromkeys([*kinds, *others]):
        a, b = (_macs(side.get(kind)) for side in (kinds, others))
        if is_symbolic(a) or is_symbolic(b) or a or b:
            yield Identity(f"MACs of {kind}", a, b)


def _macs(ledger: Ledger | None) -> Size:
    return 0 if ledger is None else readings.macs(ledger.rows).value


def prove_variant(variant: Variant) -> Proof:
    """Compare a catalogue model's closed form with the formula traced from its reference module.
    Needs torch.

    The sizes of its inputs (B, H, W, tokens) are free; width and classes are the variant's own.
    Where the code branches on its sizes, each way through it is compared.
    """
    from flopscope.measured import without_memory
    from flopscope.tracing import trace
    from flopscope.tracing.inputs import tensors_for

    inputs, _ = tensors_for(variant.free_inputs())
    module = without_memory(variant.build)

    def run(example: Mapping[str, Any]) -> Trace:
        return trace(module, *inputs, example=example)

    return prove_everywhere(variant.free_ledger(), run)


def prove_everywhere(closed_form: Ledger, run: Run) -> Proof:
    """The closed form against the traces of every way through the code; `run` traces at an example.

    A row counts as one for all pieces in which it occurs, and is identical if it is so in each.
    """
    from flopscope.tracing.pieces import pieces, restricted

    found = [
        prove(restricted(closed_form, way), restricted(traced, way))
        for way, traced in pieces(run, closed_form.conditions)
    ]
    if len(found) == 1:
        return found[0]
    mismatches = {(m.path, m.module): m for proof in found for m in proof.mismatches}
    totals: dict[str, Identity] = {}
    for identity in (identity for proof in found for identity in proof.totals):
        if identity.name not in totals or not identity.proved:
            totals[identity.name] = identity
    return Proof(
        rows=len(closed_form.rows),
        mismatches=tuple(mismatches.values()),
        totals=tuple(totals.values()),
        assumptions=tuple(dict.fromkeys(text for proof in found for text in proof.assumptions)),
        domain=domain_text(closed_form.symbols(), simplified(closed_form.conditions)),
        pieces=len(found),
    )
