"""Comparison of counts by operator class and in total, and how a witness says that it did not
count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from flopscope import readings
from flopscope.agreement.records import (
    FVCORE,
    FVCORE_TOTAL,
    LEDGER,
    MODULE,
    TORCH,
    TORCH_TOTAL,
    Check,
)
from flopscope.facts import Kind, Operator

if TYPE_CHECKING:
    from flopscope.measured import Counts, Measurement, Skipped
    from flopscope.readings import Reading

WitnessAnswer: TypeAlias = tuple[Any, str]
"""A value, and the reason why it is not used, which is empty where the witness counted
everything."""

OPERATOR_CLASSES: Mapping[Kind, tuple[Kind, ...]] = {
    Kind.CONVOLUTION: (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION),
    Kind.LINEAR: (Kind.LINEAR,),
    Kind.MATMUL: (Kind.MATMUL,),
}
"""The classes whose MACs are compared, and the kinds of row in each."""


def operator_class(row: Operator) -> Kind:
    """The row's kind as counters see it. A product with a constant that the network stores is a
    function call to them, which they count as a matmul and not as a linear layer. (A matrix without
    a name is one that the network computes, for example from a transposed parameter.)"""
    constant = row.weights and all(w.key and not w.learnt for w in row.weights)
    return Kind.MATMUL if row.kind is Kind.LINEAR and constant else row.kind


def class_checks(rows: Sequence[Operator], measurement: Measurement) -> tuple[Check, ...]:
    """Checks of the MACs of convolution, linear and matmul."""
    return tuple(_of_class(rows, measurement, kind) for kind in OPERATOR_CLASSES)


def _of_class(rows: Sequence[Operator], measurement: Measurement, kind: Kind) -> Check:
    ours = readings.macs([row for row in rows if operator_class(row) in OPERATOR_CLASSES[kind]])

    def answer(counts: Counts) -> WitnessAnswer:
        skipped = [skip for skip in counts.skipped if skip.kind in (None, kind)]
        return counts.by_class.get(kind, 0), why(counts, skipped)

    answers = {FVCORE: answer(measurement.fvcore), TORCH: answer(measurement.torch)}
    return check(f"MACs of {kind.value}", {LEDGER: (int(ours), _unknown(rows)), **answers})


def total_checks(rows: Sequence[Operator], measurement: Measurement) -> tuple[Check, ...]:
    """Checks of parameters, buffers, MACs, activations, and of the totals in the two tools' own
    conventions."""
    fvcore, torch, unknown = measurement.fvcore, measurement.torch, _unknown(rows)
    fvcore_skips, torch_skips = why(fvcore, fvcore.skipped), why(torch, torch.skipped)
    activations = {
        FVCORE: (fvcore.activations, why(fvcore, fvcore.activations_skipped)),
        TORCH: (torch.activations, why(torch, torch.activations_skipped)),
    }

    def total(name: str, reading: Reading, others: Mapping[str, WitnessAnswer]) -> Check:
        return check(name, {LEDGER: (int(reading), unknown), **others})

    return (
        total("parameters", readings.params(rows), {MODULE: (measurement.params, "")}),
        total("buffers", readings.buffers(rows), {MODULE: (measurement.buffers, "")}),
        total(
            "MACs",
            readings.macs(rows),
            {FVCORE: (fvcore.macs, fvcore_skips), TORCH: (torch.macs, torch_skips)},
        ),
        total("activations", readings.activations(rows), activations),
        total(FVCORE_TOTAL, readings.flops(rows, "fvcore"), {FVCORE: (fvcore.total, fvcore_skips)}),
        total(TORCH_TOTAL, readings.flops(rows, "torch"), {TORCH: (torch.total, torch_skips)}),
    )


def check(name: str, answers: Mapping[str, WitnessAnswer]) -> Check:
    """The check of these answers, with values and reasons kept apart."""
    values = {witness: value for witness, (value, reason) in answers.items() if not reason}
    reasons = {witness: reason for witness, (_, reason) in answers.items() if reason}
    return Check(name, values, reasons)


def why(counts: Counts, skipped: Sequence[Skipped]) -> str:
    """Why a count that leaves out these operators is not used; "" where none is left out."""
    if counts.failure:
        return counts.failure
    operators = sorted({skip.operator for skip in skipped})
    return f"skipped {', '.join(operators)}" if operators else ""


def _unknown(rows: Sequence[Operator]) -> str:
    paths = [row.path for row in rows if row.kind is Kind.UNKNOWN]
    return f"unknown rows {', '.join(paths)}" if paths else ""
