"""Documents to text: terminal table, Markdown, LaTeX, CSV, JSON, HTML."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import Any

from flopscope.errors import UnknownName
from flopscope.present.table import Cell, Column, Document, Table

TERMINAL_WIDTH = 80
"""Tables are laid out for this width, on a terminal, in a pipe and in the README alike."""


def render(document: Document, format_name: str) -> str:
    """The document in the named format, ending in one newline. Raises UnknownName."""
    check_format(format_name)
    return FORMATS[format_name](document).rstrip("\n") + "\n"


def check_format(format_name: str) -> None:
    """Raises UnknownName for a format that tables do not have."""
    if format_name not in FORMATS:
        raise UnknownName("format", format_name, FORMATS)


def as_terminal(document: Document) -> str:
    """Aligned columns under a title, notes below. Wider than 80 columns only if the cells are."""
    return "\n\n".join(_terminal_table(table) for table in document.tables)


def as_markdown(document: Document) -> str:
    """GitHub tables, numbers aligned right."""
    return "\n\n".join(_markdown_table(table) for table in document.tables)


def as_latex(document: Document) -> str:
    """booktabs tables."""
    return "\n\n".join(_latex_table(table) for table in document.tables)


def as_csv(document: Document) -> str:
    """Raw values under plain names: integers without separators, no total row. Several tables are
    separated by an empty line."""
    parts = []
    for table in document.tables:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow([column.key for column in table.columns])
        rows = table.rows[:-1] if table.total else table.rows
        writer.writerows(_raw(table, row) for row in rows)
        parts.append(buffer.getvalue())
    return "\n".join(parts)


def as_json(document: Document) -> str:
    """One object; integers are integers."""
    return json.dumps(document.data, indent=2, ensure_ascii=False)


def as_html(document: Document) -> str:
    """Plain tables for a notebook or a page, everything escaped."""
    return "\n".join(_html_table(table) for table in document.tables)


FORMATS: Mapping[str, Callable[[Document], str]] = {
    "table": as_terminal,
    "markdown": as_markdown,
    "latex": as_latex,
    "csv": as_csv,
    "json": as_json,
    "html": as_html,
}


def _raw(table: Table, row: Sequence[Cell]) -> list[Any]:
    return ["" if cell is None else c.raw(cell) for c, cell in zip(table.columns, row, strict=True)]


def _cells(table: Table) -> list[list[str]]:
    return [
        [c.write(cell) for c, cell in zip(table.columns, row, strict=True)] for row in table.rows
    ]


def _terminal_table(table: Table) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    height = max(column.heading.count("\n") for column in table.columns)
    for index, column in enumerate(table.columns):
        heading = "\n" * (height - column.heading.count("\n")) + column.heading
        grid.add_column(
            Text(heading),
            justify="right" if column.numeric else "left",
            no_wrap=column.numeric or index == 0,
        )
    rows = _cells(table)
    for index, row in enumerate(rows):
        last = table.total and index == len(rows) - 2
        grid.add_row(*map(Text, row), end_section=last)
    buffer = io.StringIO()
    width = max(TERMINAL_WIDTH, _least_width(table, rows))
    console = Console(file=buffer, width=width, color_system=None, legacy_windows=False)
    console.print(grid)
    body = "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())
    return "\n".join((*_title(table), body, *_notes(table)))


def _title(table: Table) -> list[str]:
    return [*wrap(table.title, TERMINAL_WIDTH), ""] if table.title else []


def _notes(table: Table) -> list[str]:
    lines = [
        line
        for note in table.notes
        for line in wrap(note, TERMINAL_WIDTH, subsequent_indent="    ")
    ]
    return ["", *lines] if lines else []


def _least_width(table: Table, rows: list[list[str]]) -> int:
    """The width at which no number and no row's name is broken; other text may fold."""
    widths = []
    for index, column in enumerate(table.columns):
        cells = [row[index] for row in rows] + column.heading.split("\n")
        if not column.numeric and index > 0:
            cells = [word for cell in cells for word in cell.split()]
        cells = [line for cell in cells for line in cell.split("\n")]
        widths.append(max((len(cell) for cell in cells), default=0))
    return sum(widths) + 2 * len(widths)


def _markdown_table(table: Table) -> str:
    heads = [_markdown(_one_line(column)) for column in table.columns]
    rules = ["---:" if column.numeric else "---" for column in table.columns]
    lines = [_piped(heads), _piped(rules)]
    lines += [_piped([_markdown(cell) for cell in row]) for row in _cells(table)]
    title = [f"**{_markdown(table.title)}**", ""] if table.title else []
    notes = ["", *(f"{_markdown(note)}  " for note in table.notes)] if table.notes else []
    return "\n".join([*title, *lines, *notes])


def _piped(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split("\n"))


def _one_line(column: Column) -> str:
    return column.heading.replace("-\n", "").replace("\n", " ")


def _latex_table(table: Table) -> str:
    alignment = "".join("r" if column.numeric else "l" for column in table.columns)
    heads = " & ".join(_latex(_one_line(column)) for column in table.columns)
    rows = [" & ".join(map(_latex, row)) + r" \\" for row in _cells(table)]
    if table.total:
        rows.insert(-1, r"\midrule")
    body = [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule", heads + r" \\", r"\midrule"]
    body += [*rows, r"\bottomrule", r"\end{tabular}"]
    comments = [
        f"% {line}" for text in (table.title, *table.notes) if text for line in text.split("\n")
    ]
    return "\n".join([*comments, *body])


_LATEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"×": r"$\times$", "α": r"$\alpha$", "ρ": r"$\rho$", "≥": r"$\geq$", "\n": " "}
)


def _latex(text: str) -> str:
    return text.translate(_LATEX)


def _html_table(table: Table) -> str:
    def row(tag: str, cells: list[str]) -> str:
        styled = (
            f'<{tag} style="text-align:{"right" if c.numeric else "left"}">{escape(cell)}</{tag}>'
            for c, cell in zip(table.columns, cells, strict=True)
        )
        return f"<tr>{''.join(styled)}</tr>"

    caption = (
        f'<caption style="text-align:left">{escape(table.title)}</caption>' if table.title else ""
    )
    head = row("th", [_one_line(column) for column in table.columns])
    body = "".join(row("td", cells) for cells in _cells(table))
    notes = "".join(f"<div>{escape(note)}</div>" for note in table.notes)
    return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>{notes}"
