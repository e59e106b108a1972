"""Row by row: the ledger's rows against the module's layers, fact by fact, and their MACs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeAlias

from flopscope import readings
from flopscope.agreement.counts import WitnessAnswer, check, operator_class, why
from flopscope.agreement.records import FVCORE, LEDGER, MODULE, TORCH, Check, RowAgreement
from flopscope.facts import Kind, Operator

if TYPE_CHECKING:
    from flopscope.measured import Counts, Measurement

COMPARED_KINDS = frozenset(
    {
        Kind.CONVOLUTION,
        Kind.TRANSPOSED_CONVOLUTION,
        Kind.LINEAR,
        Kind.EMBEDDING,
        Kind.BATCH_NORM,
        Kind.LAYER_NORM,
        Kind.GROUP_NORM,
        Kind.RMS_NORM,
        Kind.ACTIVATION,
        Kind.MAX_POOL,
        Kind.AVERAGE_POOL,
        Kind.AVERAGE_POOL_INSIDE,
        Kind.GLOBAL_POOL,
    }
)
"""Kinds that networks write as layers. The other kinds are written as functions as often as not."""

FIELDS: Mapping[str, Callable[[Operator], Any]] = {
    "kind": lambda row: row.kind,
    "function": lambda row: row.function,
    "input": lambda row: row.inputs[0],
    "output": lambda row: row.output,
    "weights": lambda row: tuple(weight.shape for weight in row.weights),
    "buffers": lambda row: tuple(buffer.shape for buffer in row.buffers),
    "window": lambda row: row.window,
    "groups": lambda row: row.groups,
}
"""The facts of a row that a layer has too. Paths differ between the two sides and are not
compared."""

RowPair: TypeAlias = tuple[Operator | None, Operator | None]


def comparable(rows: Sequence[Operator]) -> list[Operator]:
    """The rows that are compared one by one. A product with a constant is not a layer, nor is a
    look-up at places that no input chooses."""
    return [row for row in rows if row.inputs and operator_class(row) in COMPARED_KINDS]


def layers(measurement: Measurement) -> list[Operator]:
    """The layers of the module that are compared one by one."""
    return comparable([row.operator for row in measurement.rows])


def row_agreements(rows: Sequence[Operator], measurement: Measurement) -> tuple[RowAgreement, ...]:
    """One comparison for each row that either side has, in execution order."""
    pairs = list(_aligned(comparable(rows), layers(measurement)))
    work = _Work(pairs, measurement)
    return tuple(
        _matched(row, layer, work) if row and layer else _missing(row, layer)
        for row, layer in pairs
    )


def _aligned(ours: list[Operator], theirs: list[Operator]) -> Iterator[RowPair]:
    """Pairs in execution order; None stands for a row that the other side does not have.

    If both sides have the same kinds in the same order, rows pair by position. Otherwise the
    longest runs of equal rows are paired, so that a missing row is one difference, and not one in
    every row after it.
    """
    if [row.kind for row in ours] == [row.kind for row in theirs]:
        yield from zip(ours, theirs, strict=True)
        return
    matcher = SequenceMatcher(None, _keys(ours), _keys(theirs), autojunk=False)
    for _, i1, i2, j1, j2 in matcher.get_opcodes():
        yield from zip_longest(ours[i1:i2], theirs[j1:j2])


def _keys(rows: list[Operator]) -> list[tuple[Any, ...]]:
    return [tuple(of(row) for of in FIELDS.values()) for row in rows]


def _matched(row: Operator, layer: Operator, work: _Work) -> RowAgreement:
    facts = (
        Check(f"{row.path}: {name}", {LEDGER: of(row), MODULE: of(layer)})
        for name, of in FIELDS.items()
    )
    return RowAgreement(row.path, layer.path, (*facts, work.check(row, layer)))


def _missing(row: Operator | None, layer: Operator | None) -> RowAgreement:
    ours, theirs = row.path if row else "", layer.path if layer else ""
    found = {LEDGER: _described(row), MODULE: _described(layer)}
    return RowAgreement(ours, theirs, (Check(f"{ours or theirs}: row", found),))


def _described(row: Operator | None) -> str:
    return f"{row.kind.value} {row.inputs[0]} → {row.output}" if row else "none"


class _Work:
    """MACs by module. A counter has one number for a module that is called several times."""

    def __init__(self, pairs: Sequence[RowPair], measurement: Measurement) -> None:
        self._measurement = measurement
        self._calls = Counter(layer.path for _, layer in pairs if layer)
        self._macs: Counter[str] = Counter()
        for row, layer in pairs:
            if row and layer:
                self._macs[layer.path] += int(readings.macs((row,)))

    def check(self, row: Operator, layer: Operator) -> Check:
        """The check of the ledger's MACs in all calls of the layer against the counters'
        numbers."""
        path, calls = layer.path, self._calls[layer.path]
        whole = f" of {path}'s {calls} calls" if calls > 1 else ""
        answers = {
            LEDGER: (self._macs[path], ""),
            FVCORE: _of_module(self._measurement.fvcore, path),
            TORCH: _of_module(self._measurement.torch, path),
        }
        return check(f"{row.path}: MACs{whole}", answers)


def _of_module(counts: Counts, path: str) -> WitnessAnswer:
    """What the module at this path does itself, without the work of the modules inside it.

    Subtracted are the outermost modules inside it that counted anything; a list of modules never
    runs, and counts nothing.
    """
    skipped = [skip for skip in counts.skipped if skip.path == path]
    macs = counts.by_module
    inside = [key for key, count in macs.items() if count and _contains(path, key)]
    outermost = [key for key in inside if not any(_contains(other, key) for other in inside)]
    own = macs.get(path, 0) - sum(macs[key] for key in outermost)
    return own, why(counts, skipped)


def _contains(outer: str, path: str) -> bool:
    return path != outer and path.startswith(f"{outer}." if outer else "")
