"""An agreement as a document: rows, classes and totals, each with what every witness says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flopscope.agreement.records import (
    FVCORE,
    LEDGER,
    MODULE,
    TORCH,
    Agreement,
    Check,
    RowAgreement,
    Uncounted,
    Verdict,
)
from flopscope.answers.compare import Entry
from flopscope.present.compare import verdict_text
from flopscope.present.numbers import count_text, in_lines
from flopscope.present.operators import path_lines
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import identity, input_text, inputs_data

MACS = "MACs"
WITNESSES = (LEDGER, MODULE, FVCORE, TORCH)


def agreement_document(entries: Sequence[Entry]) -> Document:
    """Tables for each network, by row and of totals, and the verdict under them."""
    checked = [(entry, entry.agreement) for entry in entries if entry.agreement is not None]
    tables = [table for pair in checked for table in _tables(*pair)]
    data = {"schema": "flopscope.check/1", "models": [_data(*pair) for pair in checked]}
    return Document(tables, data)


def _tables(entry: Entry, agreement: Agreement) -> list[Table]:
    """Both, or the totals alone of a network that was traced, whose rows are the module's own."""
    if entry.variant is not None:
        return [_rows(entry, agreement), _totals(entry, agreement)]
    title = f"{entry.name}, input {input_text(entry)}, batch {entry.batch}: its trace against "
    return [replace(_totals(entry, agreement), title=f"{title}fvcore and torch.")]


def _rows(entry: Entry, agreement: Agreement) -> Table:
    columns = [
        Column("layer", "Layer", numeric=False, fold=path_lines),
        *(Column(f"macs_{w}", f"MACs\n{w}", count_text) for w in (LEDGER, FVCORE, TORCH)),
        Column("verdict", "Row", numeric=False),
    ]
    rows = [
        [row.path or f"({row.module})", *_row_macs(row), row.verdict.value]
        for row in agreement.rows
    ]
    title = f"{entry.name}, input {input_text(entry)}, batch {entry.batch}: each row's kind, "
    title += (
        "shapes, weights, window and groups against the layer of the real module, and its MACs "
    )
    title += "against fvcore and torch."
    notes = [_difference(row, c) for row in agreement.rows for c in row.checks if _differs(c)]
    return Table(columns, rows, title, notes)


def _row_macs(row: RowAgreement) -> list[Any]:
    macs = next((c for c in row.checks if f": {MACS}" in c.name), None)
    if macs is None:
        return [None, None, None]
    return [_said(macs, witness) for witness in (LEDGER, FVCORE, TORCH)]


def _totals(entry: Entry, agreement: Agreement) -> Table:
    columns = [
        Column("quantity", "Total", numeric=False),
        *(Column(w, w, count_text, fold=_count_lines) for w in WITNESSES),
        Column("verdict", "Verdict", numeric=False),
    ]
    rows = [
        [c.name, *(_said(c, w) for w in WITNESSES), c.verdict.value]
        for c in (*agreement.classes, *agreement.totals)
    ]
    notes = [_skip(skip) for skip in agreement.skipped]
    return Table(columns, rows, notes=[*notes, f"{entry.name}: {verdict_text(agreement)}"])


def _said(check: Check, witness: str) -> Any:
    """What the witness counted: 'not counted' if it left something out, None if it cannot say."""
    if witness in check.values:
        return check.values[witness]
    return Verdict.NOT_COUNTED.value if witness in check.not_counted else None


def _count_lines(value: Any, room: int) -> str:
    return in_lines(value, room) if isinstance(value, int) else str(value)


def _differs(check: Check) -> bool:
    return check.verdict is Verdict.DIFFERS


def _difference(row: RowAgreement, check: Check) -> str:
    return f"{row.path or 'no row'} ({row.module or 'no layer'}): {check}"


def _skip(skip: Uncounted) -> str:
    where = f" in {skip.path}" if skip.path else ""
    times = f", {skip.times} times" if skip.times > 1 else ""
    return f"{skip.witness} did not count {skip.what}{where}{times}"


def _data(entry: Entry, agreement: Agreement) -> dict[str, Any]:
    return {
        **identity(entry),
        **inputs_data(entry),
        "batch": entry.batch,
        "agrees": bool(agreement),
        "rows": [
            {
                "layer": row.path,
                "module": row.module,
                "verdict": row.verdict.value,
                "macs": next((dict(c.values) for c in row.checks if f": {MACS}" in c.name), None),
                "differences": [str(c) for c in row.checks if _differs(c)],
            }
            for row in agreement.rows
        ],
        "totals": [_check_data(c) for c in (*agreement.classes, *agreement.totals)],
        "skipped": [skip._asdict() for skip in agreement.skipped],
    }


def _check_data(check: Check) -> dict[str, Any]:
    return {
        "quantity": check.name,
        **dict(check.values),
        "not_counted": dict(check.not_counted),
        "verdict": check.verdict.value,
    }
