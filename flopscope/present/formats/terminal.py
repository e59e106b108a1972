"""A table for a terminal: aligned columns under a title with notes below, 80 columns wide."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING

from flopscope.present.table import Document, Table

if TYPE_CHECKING:
    from rich.table import Table as RichTable

TERMINAL_WIDTH = 80
"""Tables are laid out for this width in a pipe, the README and every terminal that is not
narrower."""
LEAST_ROOM = 20
"""A column is not folded to less than this width."""


def text(document: Document, width: int | None = None) -> str:
    """Aligned columns under a title, notes below. Wider than 80 columns only if the cells are. If a
    width is given, a table that is wider stands in several parts, each with the first column."""
    room = TERMINAL_WIDTH if width is None else min(width, TERMINAL_WIDTH)
    return "\n\n".join(_text(table.shown(), room, width) for table in document.tables)


def _text(table: Table, room: int, width: int | None) -> str:
    rows = _folded(table, room)
    widths = _widths(table, rows)
    fits = width is None or _beside(widths) <= width
    parts = [list(range(len(widths)))] if fits else _parts(widths, width or room)
    bodies = (
        _body(_only(table, part), [[row[i] for i in part] for row in rows], room) for part in parts
    )
    return "\n".join((*_title(table, room), "\n\n".join(bodies), *_notes(table, room)))


def _parts(widths: Sequence[int], width: int) -> list[list[int]]:
    """The columns in parts that fit, each with the first column."""
    parts = [[0]]
    for index in range(1, len(widths)):
        if len(parts[-1]) > 1 and _beside([widths[i] for i in (*parts[-1], index)]) > width:
            parts.append([0])
        parts[-1].append(index)
    return parts


def _only(table: Table, part: Sequence[int]) -> Table:
    """The table with these columns alone."""
    rows = [[row[i] for i in part] for row in table.rows]
    return replace(table, columns=[table.columns[i] for i in part], rows=rows)


def _body(table: Table, rows: list[list[str]], room: int) -> str:
    """The columns, without title and notes."""
    from rich.console import Console

    buffer = io.StringIO()
    width = max(room, _beside(_widths(table, rows)))
    # in a notebook rich would otherwise show the table itself and write no text
    console = Console(
        file=buffer, width=width, color_system=None, legacy_windows=False, force_jupyter=False
    )
    console.print(_grid(table, rows))
    printed = buffer.getvalue().replace("\u00a0", " ")
    return "\n".join(line.rstrip() for line in printed.splitlines())


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


def _title(table: Table, room: int) -> list[str]:
    """The title, each of its lines a paragraph with a blank line below."""
    texts = table.above.split("\n") if table.above else []
    return [line for text in texts for line in (*wrap(text, room, break_on_hyphens=False), "")]


def _notes(table: Table, room: int) -> list[str]:
    lines = [
        line
        for note in table.below
        for line in wrap(note, room, subsequent_indent="    ", break_on_hyphens=False)
    ]
    return ["", *lines] if lines else []


def _folded(table: Table, width: int) -> list[list[str]]:
    """The cells, folded if the table is wider than this and their column can be folded: the last
    column first, and texts before numbers."""
    rows = table.texts()
    columns = reversed(list(enumerate(table.columns)))
    for index, column in sorted(columns, key=lambda pair: pair[1].numeric):
        widths = _widths(table, rows)
        room = width - _beside(widths) + widths[index]
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
