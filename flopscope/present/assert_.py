"""The verdicts on budgets as a document, and as the sentences of a failed test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flopscope.choosing.assertion import BudgetVerdict
from flopscope.present.numbers import integer, percent
from flopscope.present.quantities import cautions, cautions_data
from flopscope.present.table import Column, Document, Table

SHOWN = 12
"""The most offending layers in a table; the JSON has all."""


def verdict_document(name: str, verdicts: Sequence[BudgetVerdict]) -> Document:
    """Every budget with its verdict, then the layers that hold each excess."""
    broken = [verdict for verdict in verdicts if verdict.offenders]
    return Document(
        [_verdicts(name, verdicts), *(_offenders(verdict) for verdict in broken)],
        {
            "schema": "flopscope.assert/1",
            "target": name,
            "kept": all(verdicts),
            **cautions_data(verdict.budget.of for verdict in verdicts),
            "budgets": [_data(verdict) for verdict in verdicts],
        },
    )


def _verdicts(name: str, verdicts: Sequence[BudgetVerdict]) -> Table:
    columns = [
        Column("quantity", "Reading", numeric=False),
        Column("limit", "At most", integer),
        Column("value", "Counted", integer),
        Column("share", "Used\n%"),
        Column("verdict", "Verdict", numeric=False),
    ]
    rows = [
        [
            v.budget.of.noun,
            v.budget.limit,
            v.value,
            percent(v.value, v.budget.limit),
            _word(v),
        ]
        for v in verdicts
    ]
    unknown = sorted({path for verdict in verdicts for path in verdict.unknown})
    notes = cautions(verdict.budget.of for verdict in verdicts)
    if unknown:
        notes.append(
            f"The cost of {', '.join(unknown)} is not known: what is counted is a lower bound, "
            "and no budget is kept for certain."
        )
    return Table(columns, rows, f"{name} against its budgets.", notes)


def _word(verdict: BudgetVerdict) -> str:
    if verdict.excess:
        return f"broken by {verdict.excess:,}"
    return "not certain" if verdict.unknown else "kept"


def _offenders(verdict: BudgetVerdict) -> Table:
    quantity = verdict.budget.of
    columns = [
        Column("layer", "Layer", numeric=False),
        Column(quantity.name, quantity.noun, integer),
        Column("percent", "%"),
    ]
    rows = [
        [path, value, percent(value, verdict.value)] for path, value in verdict.offenders[:SHOWN]
    ]
    more = len(verdict.offenders) - len(rows)
    notes = [f"and {more} more, smaller ones; --format json lists all."] if more else []
    excess = f"{verdict.excess:,} {quantity.noun}"
    title = f"The largest layers, which together have the {excess} too many:"
    return Table(columns, rows, title, notes)


def _data(verdict: BudgetVerdict) -> dict[str, Any]:
    return {
        "quantity": verdict.budget.quantity,
        "limit": verdict.budget.limit,
        "value": verdict.value,
        "kept": bool(verdict),
        "unknown": list(verdict.unknown),
        "offenders": [{"layer": path, "value": value} for path, value in verdict.offenders],
    }
