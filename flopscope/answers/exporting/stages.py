"""A network from its module to its file, and to the graph that a runtime really runs: what it costs
at each stage, and what became of its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flopscope.answers.changes import LAYERS, NONE, Change
from flopscope.answers.compare import Entry, of_counted
from flopscope.answers.counted import Counted, Given, counted, image_of
from flopscope.answers.diff import Diff, Pair, added
from flopscope.answers.exporting.matching import matched
from flopscope.answers.profile import profile
from flopscope.answers.target import Target, parse_target
from flopscope.conventions import convention
from flopscope.facts import InputSpec, Kind
from flopscope.ledger import kind_name
from flopscope.quantities import Quantity

CONVENTION = convention("macs")
MODULE = "module"


@dataclass(frozen=True)
class Stage:
    """A network at one stage: what it is called there, its rows, and of a graph the number of nodes
    by operator and the bytes of its file."""

    name: str
    entry: Entry
    operators: Mapping[str, int] = field(default_factory=dict)
    bytes: int | None = None

    @property
    def nodes(self) -> int | None:
        """How many nodes it has; None for a module."""
        return sum(self.operators.values()) if self.operators else None


@dataclass(frozen=True)
class Fate:
    """What became of rows of one kind: how many, with the path of the first one."""

    what: str
    fate: str
    pairs: tuple[Pair, ...]

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.pairs)

    @property
    def example(self) -> str:
        """The path of the first of them."""
        return self.pairs[0].former or self.pairs[0].path

    def difference(self, quantity: Quantity) -> int | None:
        """How much more there is of a quantity; None where that is not known."""
        return added(pair.difference(quantity) for pair in self.pairs)


@dataclass(frozen=True)
class Step:
    """From one stage to a later one."""

    before: Stage
    after: Stage
    diff: Diff

    @property
    def operators(self) -> dict[str, tuple[int, int]]:
        """The operators of whose nodes the later stage has another number, with both numbers."""
        names = sorted({*self.before.operators, *self.after.operators})
        both = {
            name: (self.before.operators.get(name, 0), self.after.operators.get(name, 0))
            for name in names
        }
        return {name: pair for name, pair in both.items() if pair[0] != pair[1]}

    @property
    def fates(self) -> tuple[Fate, ...]:
        """What became of the rows that are not the same, kind by kind."""
        rows = {row.id: row for row in self.before.entry.ledger.rows}
        found: dict[tuple[str, str], list[Pair]] = {}
        for pair in self.diff.pairs:
            fate = _fate(pair, rows)
            if fate:
                found.setdefault((kind_name(pair.sides[0].row), fate), []).append(pair)
        return tuple(Fate(what, fate, tuple(pairs)) for (what, fate), pairs in found.items())

    @property
    def other_macs(self) -> tuple[Pair, ...]:
        """The rows whose multiply-accumulates are not the same in both."""
        macs = next(q for q in self.diff.quantities if q.unit == CONVENTION.unit)
        return tuple(pair for pair in self.diff.pairs if pair.difference(macs) != 0)


def step(before: Stage, after: Stage) -> Step:
    """Match the rows of two stages."""
    exported = before.name == MODULE
    pairs = matched(before.entry.ledger, after.entry.ledger, exported=exported)
    return Step(before, after, Diff(before.entry, after.entry, pairs, CONVENTION))


def of_module(
    target: Target, specs: Sequence[InputSpec], arguments: Mapping[str, object] | None
) -> Stage:
    """The network as it is written: the module is traced, so that rows have its names and its
    order, which the file has too."""
    found = profile(target, specs, arguments)
    image = image_of(found.shapes)
    rows = Counted(target, tuple(specs), found.shapes, image, found.ledger, found.expected)
    return Stage(MODULE, of_counted(rows))


def of_file(name: str, file: Path, shapes: Sequence[tuple[int, ...]]) -> Stage:
    """The network in an ONNX file, on inputs of these shapes."""
    from flopscope.onnxgraph.overview import overview

    given = Given(inputs=tuple(InputSpec(None, shape) for shape in shapes))
    entry = of_counted(counted(parse_target(str(file)), given))
    operators = Counter(overview(file).operators)
    return Stage(name, entry, operators, file.stat().st_size)


def _fate(pair: Pair, rows: Mapping[int, object]) -> str:
    """What became of a row in words; "" where it is the same."""
    if pair.before is None:
        return "added"
    if pair.after is None:
        return _gone(pair, rows)
    if pair.moved:
        return "moved"
    changes = [c for c in pair.changes if c.what != "types"]
    if not changes:
        return ""
    return ", ".join(map(_said, changes))


def _said(change: Change) -> str:
    """A change as something that the row did."""
    if change.what == "bias" and NONE in (change.before, change.after):
        return "gained a bias" if change.before == NONE else "lost its bias"
    if change.what == "weights" and change.after.startswith("shared"):
        return "shares a tensor with another"
    return f"changed its {change.what}"


def _gone(pair: Pair, rows: Mapping[int, object]) -> str:
    assert pair.before is not None
    row = pair.before.row
    sources = [rows[place] for place in row.reads if place in rows]
    kinds = [getattr(source, "kind", None) for source in sources]
    if row.kind is Kind.BATCH_NORM and kinds and kinds[0] in LAYERS:
        return f"folded into the {kinds[0].value} before it"
    return "removed"
