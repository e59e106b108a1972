"""A table for a terminal: aligned columns under a title with notes below, 80 columns wide."""

from __future__ import annotations

import io
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from flopscope.present.table import Document, Table

if TYPE_CHECKING:
    from rich.table import Table as RichTable

TERMINAL_WIDTH = 80
"""The width of tables, which is the same on a terminal, in a pipe and in the README."""
LEAST_ROOM = 20
"""A column is not folded to less than this width."""


def text(document: Document) -> str:
    """Aligned columns under a title with notes below. They are wider than 80 columns only if the
    cells cannot be folded."""
    return "\n\n".join(_text(table.shown()) for table in document.tables)


def _text(table: Table) -> str:
    from rich.console import Console

    rows = _folded(table)
    buffer = io.StringIO()
    width = max(TERMINAL_WIDTH, _beside(_widths(table, rows)))
    # in a notebook rich would otherwise show the table itself and write no text
    console = Console(
        file=buffer, width=width, color_system=None, legacy_windows=False, force_jupyter=False
    )
    console.print(_grid(table, rows))
    printed = buffer.getvalue().replace("\u00a0", " ")
    body = "\n".join(line.rstrip() for line in printed.splitlines())
    return "\n".join((*_title(table), body, *_notes(table)))


def _grid(table: Table, rows: list[list[str]]) -> RichTable:
    """The table as rich draws it, with these texts in its cells."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    height = max(column.heading.count("\n") for column in table.columns)
    for index, column in enumerate(table.columns):
        heading = "\n" * (height - column.heading.count("\n")) + column.heading
        grid.add_column(
            Text(heading),
            justify="right" if column.numeric else "left",
            no_wrap=column.numeric or index == 0 or column.fold is not None,
        )
    for index, row in enumerate(rows):
        if (over := table.heading(index)) is not None:
            grid.add_row(Text(f"{over}:"))
        grid.add_row(*map(Text, row), end_section=table.total and index == len(rows) - 2)
    return grid


def _title(table: Table) -> list[str]:
    return [*wrap(table.title, TERMINAL_WIDTH, break_on_hyphens=False), ""] if table.title else []


def _notes(table: Table) -> list[str]:
    lines = [
        line
        for note in table.notes
        for line in wrap(note, TERMINAL_WIDTH, subsequent_indent="    ", break_on_hyphens=False)
    ]
    return ["", *lines] if lines else []


def _folded(table: Table) -> list[list[str]]:
    """The cells, folded if the table is wider than 80 columns and their column can be folded: the
    last column first, and texts before numbers."""
    rows = table.texts()
    columns = reversed(list(enumerate(table.columns)))
    for index, column in sorted(columns, key=lambda pair: pair[1].numeric):
        widths = _widths(table, rows)
        room = TERMINAL_WIDTH - _beside(widths) + widths[index]
        if column.fold is None or room >= widths[index]:
            continue
        room = room if column.numeric else max(room, LEAST_ROOM)
        for cells, row in zip(rows, table.rows, strict=True):
            if row[index] is not None and (column.numeric or len(cells[index]) > room):
                cells[index] = column.fold(row[index], room)
    return rows


def _beside(widths: Sequence[int]) -> int:
    """The width of columns of these widths side by side."""
    return sum(widths) + 2 * (len(widths) - 1)


def _widths(table: Table, rows: list[list[str]]) -> list[int]:
    """The least width of each column, at which no number and no row's name is broken."""
    widths = []
    for index, column in enumerate(table.columns):
        cells = [row[index] for row in rows] + column.heading.split("\n")
        if not column.numeric and index > 0 and column.fold is None:
            cells = [word for cell in cells for word in cell.split()]
        cells = [line for cell in cells for line in cell.split("\n")]
        widths.append(max((len(cell) for cell in cells), default=0))
    return widths
