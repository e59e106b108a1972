"""The catalogue and one model's layers as documents."""

from __future__ import annotations

from flopscope.catalog.variant import Variant
from flopscope.choosing.listing import Listing
from flopscope.conventions import CONVENTIONS
from flopscope.present.numbers import integer, short
from flopscope.present.quantities import (
    cautions,
    cautions_data,
    number_column,
)
from flopscope.present.scores import listed_notes, score_data
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import wrapped
from flopscope.quantities import MACS, PARAMS

USUAL = ("params", "macs")
"""The quantities that a list always has."""


def list_document(listing: Listing) -> Document:
    """The models with their papers, options, and cost at their native resolutions; of the budgets,
    what they bound."""
    found = listing.models
    papers = {model.paper.arxiv: model.paper for model, _ in found}
    references = {arxiv: f"[{n}]" for n, arxiv in enumerate(papers, start=1)}
    bounded = [b.of for b in listing.budgets if b.quantity not in USUAL]
    columns = [
        Column("model", "Model", numeric=False, fold=_id_lines),
        Column("options", "Options", lambda names: names.replace(",", ""), numeric=False),
        Column("resolution", "Input"),
        Column(PARAMS.column, PARAMS.heading, integer),
        Column(MACS.column, MACS.heading, short),
        *map(number_column, bounded),
        Column("arxiv", "Ref.", references.__getitem__, numeric=False),
    ]
    rows = []
    for model, ledger in found:
        options = ", ".join(option.name for option in model.options)
        native = model.resolution if Variant(model).takes_image else None
        counts = [int(row.read(ledger)) for row in (PARAMS, MACS, *bounded)]
        rows.append([model.id, options, native, *counts, model.paper.arxiv])
    notes = [
        f"{references[p.arxiv]} arXiv {p.arxiv} ({p.year}): {p.title}" for p in papers.values()
    ]
    scores = [(model.id, Variant(model).scores(Variant(model).resolution())) for model, _ in found]
    notes += listed_notes(scores)
    keys = [column.key for column in columns]
    data = {
        "schema": "flopscope.list/1",
        "models": [
            {**dict(zip(keys, row, strict=True)), "scores": list(map(score_data, of))}
            for row, (_, of) in zip(rows, scores, strict=True)
        ],
        **cautions_data(bounded),
    }
    return Document([Table(columns, rows, notes=[*notes, *cautions(bounded)])], data)


def _id_lines(id: str, room: int) -> str:
    """An id on several lines, each of them broken after an underscore.

    >>> print(_id_lines("mobilenetv4_conv_blur_medium", 24))
    mobilenetv4_conv_blur_
      medium
    """
    return wrapped(id.replace("_", "-"), room).replace("-", "_")


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
