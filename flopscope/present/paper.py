"""A comparison as a table for a paper, with chosen columns, an order, groups and citations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from flopscope.answers.compare import Comparison, Entry
from flopscope.catalog.papers import Paper
from flopscope.conventions import CONVENTIONS, Convention
from flopscope.errors import BadInput, UnknownName
from flopscope.present.citations import bibtex, key, papers
from flopscope.present.columns import (
    Rows,
    canonical,
    check_column,
    check_once,
    known,
    parse_columns,
)
from flopscope.present.compare import FAMILY, SOURCE, comparison_document, unlike_notes
from flopscope.present.numbers import ratio
from flopscope.present.order import TOP1, Order, top1_cell, top1_notes
from flopscope.present.paper_times import (
    Shown,
    is_predicted,
    is_published,
    of_device,
    predicted,
    published,
    with_times,
)
from flopscope.present.quantities import reading_column
from flopscope.present.scores import SCORES, best_score, column_notes
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import input_text, inputs_title, meanings, reservations
from flopscope.quantities import MACS, PARAMS, askable

GROUPS: Mapping[str, Callable[[Entry], str]] = {
    "family": lambda entry: entry.family,
    "source": lambda entry: entry.target.source.value,
}
"""What rows can be grouped by, and the group of a network."""


Maker: TypeAlias = Callable[[Comparison, Order], Shown]


def _top1(comparison: Comparison, order: Order) -> Shown:
    return Shown(TOP1, lambda entry: top1_cell(comparison, order, entry))


def _paper(entry: Entry) -> Paper | None:
    return None if entry.variant is None else entry.variant.model.paper


def _quantity(name: str) -> Maker:
    """The column of a quantity, by the name that it is chosen by."""

    def shown(comparison: Comparison, order: Order) -> Shown:
        row = askable(comparison.convention)[name]
        return Shown(reading_column(row), lambda entry: row.read(entry.ledger), row.caution)

    return shown


def _count_ratio(comparison: Comparison, order: Order) -> Shown:
    work = MACS.under(comparison.convention)
    column = Column(f"{comparison.convention.unit.lower()}_ratio", "Work\n×", ratio, raw=float)
    return Shown(column, lambda entry: comparison.ratio(work, entry))


def _params_ratio(comparison: Comparison, order: Order) -> Shown:
    column = Column("params_ratio", "Size\n×", ratio, raw=float)
    return Shown(column, lambda entry: comparison.ratio(PARAMS, entry))


def _same(column: Column, cell: Callable[[Entry], Any]) -> Maker:
    return lambda comparison, order: Shown(column, cell)


def _score(name: str) -> Maker:
    """The column of a metric."""
    return lambda comparison, order: Shown(SCORES[name], lambda entry: best_score(entry, name))


_FACTS: Mapping[str, Maker] = {
    "input": _same(Column("input", "Input", input_text, raw=input_text), lambda entry: entry),
    "top1": _top1,
    **{name: _score(name) for name in SCORES},
    "params_ratio": _params_ratio,
    "count_ratio": _count_ratio,
    "source": _same(SOURCE, lambda entry: entry.target.source.value),
    "year": _same(Column("year", "Year"), lambda entry: p.year if (p := _paper(entry)) else None),
    "cite": _same(
        Column(
            "arxiv",
            "arXiv",
            lambda paper: paper.arxiv,
            numeric=False,
            raw=lambda paper: paper.arxiv,
            latex=lambda paper: rf"\cite{{{key(paper)}}}",
        ),
        _paper,
    ),
}
"""The columns that are no quantities."""

COLUMNS: Mapping[str, Maker] = {
    name: _FACTS.get(name) or _quantity(name) for name in known(Rows.NETWORKS)
}
"""The columns by the names that --columns takes, in their usual order."""


def _shown(name: str, comparison: Comparison, order: Order) -> Shown:
    """The column of this name: one of `COLUMNS`, or of a device."""
    if is_predicted(name):
        return predicted(name, comparison)
    return published(name, comparison) if is_published(name) else COLUMNS[name](comparison, order)


UNORDERED = ("input", "source", "cite")
"""The columns that are no numbers."""


@dataclass(frozen=True)
class Layout:
    """Which columns a table has, and the order of its rows. Without `columns` it has the usual
    ones. `sort` names a column, largest first, or smallest first with a plus before it. `group` is
    "family", "source" or None; groups and their rows are in the order of `sort`. Latencies that are
    predicted are named with their device, as in "predicted:pixel3-cpu-tflite"."""

    columns: tuple[str, ...] = ()
    sort: str | None = None
    group: str | None = None

    @classmethod
    def parse(
        cls,
        columns: str | None,
        sort: str | None,
        group: str | None,
        devices: Sequence[str] = (),
    ) -> Layout:
        """Read 'params, macs, top1' as a layout, where latencies are predicted on these devices.

        Raises UnknownName for an unknown column or group, BadInput for a column that is given
        twice or left out, or that has no order, and for a predicted latency on no device or on
        several.

        >>> Layout.parse("params, top1", "+macs", "family").columns
        ('params', 'top1')
        >>> Layout.parse(None, "+latency", None, ["laptop"]).sort
        '+predicted:laptop'
        """
        asked = () if columns is None else parse_columns(columns, Rows.NETWORKS)
        names = check_once([of_device(name, devices) for name in asked])
        plus = "+" if sort is not None and sort.strip().startswith("+") else ""
        by = None if sort is None else canonical(sort.strip().removeprefix("+"))
        if by is not None:
            check_column(by, Rows.NETWORKS)
            by = of_device(by, devices)
        if by in UNORDERED:
            raise BadInput(f"rows are sorted by numbers, and {by} has none; sort by params")
        if group is not None and group not in GROUPS:
            raise UnknownName("group", group, GROUPS)
        return cls(names, None if by is None else plus + by, group)


def paper_document(comparison: Comparison, layout: Layout) -> Document:
    """The comparison in a layout. Its data, and its split if it has one, are those of the plain
    comparison."""
    order = _ordered(comparison, layout)
    plain = comparison_document(comparison, order)
    if not layout.columns:
        return plain
    table = _table(comparison, layout, order, plain.tables[0])
    return Document([table, *plain.tables[1:]], plain.facts)


def _table(comparison: Comparison, layout: Layout, order: Order, plain: Table) -> Table:
    shown = [_shown(name, comparison, order) for name in with_times(layout.columns, comparison)]
    columns = [
        Column("model", "Model", str, numeric=False),
        FAMILY,
        *(one.column for one in shown),
    ]
    rows = [[e.name, e.family, *(one.cell(e) for one in shown)] for e in order.entries]
    cited = papers(comparison) if "cite" in layout.columns else []
    notes = [
        *_notes(comparison, layout, order),
        *unlike_notes(comparison),
        *dict.fromkeys(o.caution for o in shown if o.caution),
    ]
    references = [f"arXiv {p.arxiv} ({p.year}): {p.title}" for p in cited]
    entries = [bibtex(paper) for paper in cited]
    title = inputs_title(comparison.entries, _conventions(comparison, layout))
    return Table(
        columns, rows, title, notes,
        headings=order.groups, references=references, bibliography=entries, aside=plain.aside,
    )  # fmt: skip


def _notes(comparison: Comparison, layout: Layout, order: Order) -> list[str]:
    notes = [_baseline(comparison)] if RATIOS & {*layout.columns} else []
    if "top1" in layout.columns:
        notes += top1_notes(comparison, order)
    notes += column_notes(order.entries, layout.columns)
    counting = _conventions(comparison, layout)
    notes += meanings(counting)
    for entry in order.entries:
        notes += dict.fromkeys(n for each in counting for n in reservations(entry, each))
    return notes


RATIOS = {"params_ratio", "count_ratio"}
"""The columns of ratios to the first network."""


def _conventions(comparison: Comparison, layout: Layout) -> list[Convention]:
    """The conventions under which the columns count."""
    rows = [askable(comparison.convention).get(name) for name in layout.columns]
    names = [row.convention for row in rows if row is not None and row.convention]
    ratio = [comparison.convention.name] if "count_ratio" in layout.columns else []
    return [CONVENTIONS[name] for name in dict.fromkeys([*names, *ratio])]


def _ordered(comparison: Comparison, layout: Layout) -> Order:
    """The entries sorted by the layout, those without a value last. Groups then come in the order
    of their first rows, and keep the order of their rows."""
    entries = list(comparison.entries)
    if layout.sort:
        by = _shown(layout.sort.removeprefix("+"), comparison, Order(entries))
        sign = 1 if layout.sort.startswith("+") else -1
        values = {id(e): _ordinal(by, e) for e in entries}
        entries.sort(key=lambda e: (values[id(e)] is None, sign * (values[id(e)] or 0)))
    if layout.group is None:
        return Order(entries)
    group = GROUPS[layout.group]
    groups = list(dict.fromkeys(map(group, entries)))
    entries.sort(key=lambda e: groups.index(group(e)))
    return Order(entries, layout.group, [group(e) for e in entries])


def _ordinal(by: Shown, entry: Entry) -> Any:
    """The number by which a network is sorted; None if it has none."""
    cell = by.cell(entry)
    return None if cell is None else by.column.raw(cell)


def _baseline(comparison: Comparison) -> str:
    return f"Ratios are to {comparison.entries[0].name}."
