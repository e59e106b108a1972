"""Do the witnesses agree? A ledger compared, item by item, with a real module that was run.

Every check is an equality of integers, shapes or kinds: nothing is rounded, nothing tolerated.
Where a witness did not count a quantity, the comparison says so and names what was skipped. To
agree, at least one witness beside the ledger must have counted it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flopscope.agreement.counts import class_checks, total_checks
from flopscope.agreement.records import (
    FVCORE,
    FVCORE_TOTAL,
    LEDGER,
    MODULE,
    TORCH,
    TORCH_TOTAL,
    Agreement,
    Check,
    RowAgreement,
    Uncounted,
    Verdict,
)
from flopscope.agreement.rows import COMPARED_KINDS, comparable, layers, row_agreements
from flopscope.errors import BadInput, UnboundSymbols
from flopscope.facts import Kind, Operator
from flopscope.ledger import Ledger
from flopscope.sizes import is_concrete

if TYPE_CHECKING:
    from flopscope.catalog.variant import Variant
    from flopscope.measured import Measurement

__all__ = [
    "COMPARED_KINDS",
    "FVCORE",
    "FVCORE_TOTAL",
    "LEDGER",
    "MODULE",
    "TORCH",
    "TORCH_TOTAL",
    "Agreement",
    "Check",
    "RowAgreement",
    "Uncounted",
    "Verdict",
    "agree",
    "agree_in_total",
    "check_variant",
]


def agree(ledger: Ledger, measurement: Measurement) -> Agreement:
    """Compare a ledger at concrete sizes with a measured run on the same input shape.

    Row by row: kind, function, shapes, weights, window, groups and MACs of the rows in
    `COMPARED_KINDS`. Additions, multiplications, concatenations, matmuls and softmax are written as
    functions as often as layers and are not compared row by row; matmuls are, as a class.

    Raises UnboundSymbols for a ledger with free symbols, BadInput for one over arrays or with rows
    that stand for several copies.
    """
    rows = _concrete(ledger)
    count = Check("rows", {LEDGER: len(comparable(rows)), MODULE: len(layers(measurement))})
    return Agreement(
        rows=row_agreements(rows, measurement),
        classes=class_checks(rows, measurement),
        totals=(count, *total_checks(rows, measurement)),
        skipped=tuple(_skipped(measurement)),
    )


def agree_in_total(ledger: Ledger, measurement: Measurement) -> Agreement:
    """Compare the classes and totals of a ledger that was traced from the module that was measured:
    its rows are that module's, so that only the counters are other witnesses. What a counter adds
    up by itself depends on how the module is written, and is left out. Raises as `agree`."""
    rows = _concrete(ledger)
    totals = total_checks(rows, measurement)
    return Agreement(
        rows=(),
        classes=class_checks(rows, measurement),
        totals=tuple(check for check in totals if check.name not in (FVCORE_TOTAL, TORCH_TOTAL)),
        skipped=tuple(skip for skip in _skipped(measurement) if skip.witness != MODULE),
    )


def check_variant(
    variant: Variant, resolution: tuple[int, int] | None, batch: int = 1
) -> Agreement:
    """A catalogue model's closed form against its reference module, at one size of its inputs.
    Needs torch."""
    from flopscope.measured import measure, without_memory

    inputs = variant.inputs(resolution, batch)
    measurement = measure(without_memory(variant.build), *inputs)
    return agree(variant.ledger(resolution, batch), measurement)


def _concrete(ledger: Ledger) -> tuple[Operator, ...]:
    if free := sorted(symbol.name for symbol in ledger.symbols()):
        raise UnboundSymbols(f"the ledger depends on {', '.join(free)}; bind them with .at(...)")
    for row in ledger.rows:
        sizes = (row.repeat, *row.output, *(n for shape in row.inputs for n in shape))
        if not all(is_concrete(size) for size in sizes):
            raise BadInput(f"row {row.path} has a column of sizes; a module runs at one at a time")
        if row.repeat > 1:
            raise BadInput(f"row {row.path} stands for {row.repeat} copies; write them one by one")
    return tuple(row for row in ledger.rows if row.repeat)


def _skipped(measurement: Measurement) -> Iterator[Uncounted]:
    for witness, counts in ((FVCORE, measurement.fvcore), (TORCH, measurement.torch)):
        if counts.failure:
            yield Uncounted(witness, "", counts.failure)
        for skip in counts.skipped:
            yield Uncounted(witness, skip.path, skip.operator, skip.times)
    for row in measurement.rows:
        if row.operator.kind is Kind.UNKNOWN:
            yield Uncounted(MODULE, row.operator.path, f"{row.type}: {row.note}")
