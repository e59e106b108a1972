"""Documents to text: terminal table, Markdown, LaTeX, CSV, JSON, HTML."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from textwrap import wrap

from flopscope.errors import UnknownName
from flopscope.present.table import Cell, Column, Document, Table

TERMINAL_WIDTH = 80
"""Tables are laid out for this width, on a terminal, in a pipe and in the README alike."""
LEAST_ROOM = 20
"""A column is not folded to less than this."""


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
    return "\n\n".join(_terminal_table(table.shown()) for table in document.tables)


def as_markdown(document: Document) -> str:
    """GitHub tables, numbers aligned right."""
    return "\n\n".join(_markdown_table(table.shown()) for table in document.tables)


def as_latex(document: Document) -> str:
    """booktabs tables."""
    return "\n\n".join(_latex_table(table.shown()) for table in document.tables)


def as_csv(document: Document) -> str:
    """Raw values under plain names: integers without separators, no total row. Several tables are
    separated by an empty line."""
    parts = []
    for table in document.tables:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow([column.key for column in table.columns])
        writer.writerows(table.raw())
        parts.append(buffer.getvalue())
    return "\n".join(parts)


def as_json(document: Document) -> str:
    """One object; integers are integers."""
    return json.dumps(document.data, indent=2, ensure_ascii=False)


def as_html(document: Document) -> str:
    """Plain tables for a notebook or a page, everything escaped."""
    return "\n".join(_html_table(table.shown()) for table in document.tables)


FORMATS: Mapping[str, Callable[[Document], str]] = {
    "table": as_terminal,
    "markdown": as_markdown,
    "latex": as_latex,
    "csv": as_csv,
    "json": as_json,
    "html": as_html,
}


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
            no_wrap=column.numeric or index == 0 or column.fold is not None,
        )
    rows = _folded(table)
    for index, row in enumerate(rows):
        last = table.total and index == len(rows) - 2
        if (over := table.heading(index)) is not None:
            grid.add_row(Text(f"{over}:"))
        grid.add_row(*map(Text, row), end_section=last)
    buffer = io.StringIO()
    width = max(TERMINAL_WIDTH, _beside(_widths(table, rows)))
    # text even in a notebook, where rich would show the table itself and write nothing
    console = Console(
        file=buffer, width=width, color_system=None, legacy_windows=False, force_jupyter=False
    )
    console.print(grid)
    printed = buffer.getvalue().replace("\u00a0", " ")
    body = "\n".join(line.rstrip() for line in printed.splitlines())
    return "\n".join((*_title(table), body, *_notes(table)))


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
    """The cells, folded where 80 columns need it and their column can: the last column first, texts
    before numbers."""
    rows = _cells(table)
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


def _markdown_table(table: Table) -> str:
    heads = [_markdown(_one_line(column)) for column in table.columns]
    rules = ["---:" if column.numeric else "---" for column in table.columns]
    lines = [_piped(heads), _piped(rules)]
    for index, row in enumerate(_cells(table)):
        if (heading := table.heading(index)) is not None:
            lines.append(_piped([f"**{_markdown(heading)}**", *[""] * (len(heads) - 1)]))
        lines.append(_piped([_markdown(cell) for cell in row]))
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
    rows = []
    for index, row in enumerate(table.rows):
        if (heading := table.heading(index)) is not None:
            over = rf"\multicolumn{{{len(table.columns)}}}{{l}}{{\emph{{{_latex(heading)}}}}} \\"
            rows += [r"\midrule", over] if index else [over]
        rows.append(" & ".join(_latex_cells(table, row)) + r" \\")
    if table.total:
        rows.insert(-1, r"\midrule")
    body = [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule", heads + r" \\", r"\midrule"]
    body += [*rows, r"\bottomrule", r"\end{tabular}"]
    texts = (table.title, *table.notes, *table.bibliography)
    comments = [f"% {line}" for text in texts if text for line in text.split("\n")]
    return "\n".join([*comments, *body])


def _latex_cells(table: Table, row: Sequence[Cell]) -> list[str]:
    return [
        _latex(c.write(cell)) if c.latex is None or cell is None else c.latex(cell)
        for c, cell in zip(table.columns, row, strict=True)
    ]


_LATEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {
        "×": r"$\times$",
        "α": r"$\alpha$",
        "ρ": r"$\rho$",
        "≥": r"$\geq$",
        "−": "$-$",
        "½": r"$\frac{1}{2}$",
        "\n": " ",
        "\u00a0": "~",
    }
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

    def over(index: int) -> str:
        heading, columns = table.heading(index), len(table.columns)
        return (
            ""
            if heading is None
            else f'<tr><th colspan="{columns}" style="text-align:left">{escape(heading)}</th></tr>'
        )

    caption = (
        f'<caption style="text-align:left">{escape(table.title)}</caption>' if table.title else ""
    )
    head = row("th", [_one_line(column) for column in table.columns])
    body = "".join(over(index) + row("td", cells) for index, cells in enumerate(_cells(table)))
    notes = "".join(f"<div>{escape(note)}</div>" for note in table.notes)
    return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>{notes}"
