"""The catalogue and one model's layers as documents."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from flopscope.answers.compare import Entry
from flopscope.answers.operators import operator_text, shape_text
from flopscope.catalog.variant import Variant
from flopscope.conventions import CONVENTIONS, Convention
from flopscope.ledger import Ledger, Level
from flopscope.present.numbers import integer, percent, short
from flopscope.present.operators import facts_data, path_lines
from flopscope.present.quantities import (
    cautions,
    cautions_data,
    exactly,
    ledger_data,
    number_column,
)
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import identity, input_text, inputs_data, reservations
from flopscope.quantities import MACS, PARAMS, Place, standing
from flopscope.search.listing import Listing

USUAL = ("params", "macs")
"""The quantities that a list always has."""


def list_document(listing: Listing) -> Document:
    """The models with their papers, options, and cost at their native resolutions; of the budgets,
    what they bound."""
    papers = {model.paper.arxiv: model.paper for model, _ in listing.models}
    references = {arxiv: f"[{n}]" for n, arxiv in enumerate(papers, start=1)}
    bounded = [b.of for b in listing.budgets if b.quantity not in USUAL]
    columns = [
        Column("model", "Model", numeric=False),
        Column("options", "Options", lambda names: names.replace(",", ""), numeric=False),
        Column("resolution", "Input"),
        Column(PARAMS.column, PARAMS.heading, integer),
        Column(MACS.column, MACS.heading, short),
        *map(number_column, bounded),
        Column("arxiv", "Ref.", references.__getitem__, numeric=False),
    ]
    rows = []
    for model, ledger in listing.models:
        options = ", ".join(option.name for option in model.options)
        native = model.resolution if Variant(model).takes_image else None
        counts = [int(row.read(ledger)) for row in (PARAMS, MACS, *bounded)]
        rows.append([model.id, options, native, *counts, model.paper.arxiv])
    notes = [
        f"{references[p.arxiv]} arXiv {p.arxiv} ({p.year}): {p.title}" for p in papers.values()
    ]
    keys = [column.key for column in columns]
    data = {
        "schema": "flopscope.list/1",
        "models": [dict(zip(keys, row, strict=True)) for row in rows],
        **cautions_data(bounded),
    }
    return Document([Table(columns, rows, notes=[*notes, *cautions(bounded)])], data)


def conventions_document() -> Document:
    """Every convention: its unit, what it counts, and its source."""
    columns = [
        Column("convention", "Convention", numeric=False),
        Column("unit", "Unit", numeric=False),
        Column("counts", "Counts", numeric=False),
        Column("source", "Source", numeric=False),
    ]
    rows = [[c.name, c.unit, c.counts, c.source] for c in CONVENTIONS.values()]
    keys = [column.key for column in columns]
    data = [dict(zip(keys, row, strict=True)) for row in rows]
    return Document(
        [Table(columns, rows)], {"schema": "flopscope.conventions/1", "conventions": data}
    )


def show_document(entry: Entry, convention: Convention, level: Level) -> Document:
    """One network row by row, or grouped by stage, block or kind; the last line is the total."""
    title = f"{entry.name}, input {input_text(entry)}, batch {entry.batch}. {convention.unit}, "
    title += f"convention {convention.name}: {convention.counts}."
    notes = reservations(entry, convention)
    table = ledger_table(entry.ledger, convention, level, title, notes)
    return Document([table], partial(_data, entry, convention, level))


def ledger_table(
    ledger: Ledger, convention: Convention, level: Level, title: str, notes: Sequence[str] = ()
) -> Table:
    """A ledger at concrete sizes, grouped; the last line is the total."""
    work = MACS.under(convention)
    whole = work.read(ledger)
    columns = [
        Column(level.value, level.value.capitalize(), numeric=False, fold=path_lines),
        *_shape_columns(level),
        number_column(PARAMS),
        Column(work.column, work.heading, exactly, raw=int, counted=True),
        *_share_columns(level),
    ]
    rows: list[list[Any]] = []
    for key, part in ledger.group_by(level).items():
        count = work.read(part)
        shapes = _shapes(part) if level is Level.LAYER else []
        shares = [percent(int(count), int(whole)) for _ in _share_columns(level)]
        rows.append([key, *shapes, int(PARAMS.read(part)), count, *shares])
    blanks = [None for _ in _shape_columns(level)]
    shares = ["100.0" for _ in _share_columns(level)]
    rows.append(["total", *blanks, int(PARAMS.read(ledger)), whole, *shares])
    return Table(columns, rows, title, notes, total=True)


def _shape_columns(level: Level) -> list[Column]:
    if level is not Level.LAYER:
        return []
    return [
        Column("operator", "Operator", numeric=False),
        Column("output", "Output", lambda shape: shape_text(shape[1:]), raw=list),
    ]


def _share_columns(level: Level) -> list[Column]:
    """Columns of shares of the total. Tables of single layers have none, to leave room for
    shapes."""
    return [] if level is Level.LAYER else [Column("percent", "%")]


def _shapes(part: Ledger) -> list[Any]:
    """The operator and its output. A path may stand for several operators, if a module is called
    twice."""
    several = len(part.rows) > 1
    return [
        f"{len(part.rows)} operators" if several else operator_text(part.rows[0]),
        part.rows[-1].output,
    ]


def _data(entry: Entry, convention: Convention, level: Level) -> dict[str, Any]:
    return {
        "schema": "flopscope.show/1",
        **identity(entry),
        **inputs_data(entry),
        "batch": entry.batch,
        "convention": convention.name,
        "unit": convention.unit,
        **cautions_data(standing(Place.PARTS)),
        level.value + "s": _items(entry.ledger, convention, level),
    }


def _items(ledger: Ledger, convention: Convention, level: Level) -> list[dict[str, Any]]:
    """Every operator or every group, by name."""

    def counts(part: Ledger) -> dict[str, int]:
        return ledger_data(part, Place.PARTS, convention)

    if level is Level.LAYER:
        return [facts_data(row) | counts(Ledger((row,))) for row in ledger.rows]
    groups = ledger.group_by(level).items()
    return [{level.value: key, **counts(part)} for key, part in groups]
