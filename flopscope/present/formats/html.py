"""Tables in HTML, for a notebook or a page."""

from __future__ import annotations

from html import escape

from flopscope.present.table import Document, Table, marked


def text(document: Document) -> str:
    """Plain tables for a notebook or a page, with every text escaped."""
    return "\n".join(_text(table.shown()) for table in document.tables)


def _text(table: Table) -> str:
    head = _row(table, "th", [escape(column.line) for column in table.columns])
    body = "".join(
        _over(table, index)
        + _row(table, "td", [_cell(table, index, *each) for each in enumerate(cells)])
        for index, cells in enumerate(table.texts())
    )
    notes = "".join(f"<div>{escape(note)}</div>" for note in table.below)
    return f"<table>{_caption(table)}<thead>{head}</thead><tbody>{body}</tbody></table>{notes}"


def _caption(table: Table) -> str:
    if not table.above:
        return ""
    return f'<caption style="text-align:left">{escape(table.above)}</caption>'


def _cell(table: Table, row: int, column: int, text: str) -> str:
    if (row, column) not in table.best:
        return escape(text)
    lead, value, note = map(escape, marked(text))
    return f"{lead}<b>{value}</b>{note}"


def _row(table: Table, tag: str, cells: list[str]) -> str:
    """A row of cells, whose texts are escaped."""
    styled = (
        f'<{tag} style="text-align:{"right" if c.numeric else "left"}">{cell}</{tag}>'
        for c, cell in zip(table.columns, cells, strict=True)
    )
    return f"<tr>{''.join(styled)}</tr>"


def _over(table: Table, index: int) -> str:
    """The line above the first row of a group."""
    if (heading := table.heading(index)) is None:
        return ""
    style = 'style="text-align:left"'
    return f'<tr><th colspan="{len(table.columns)}" {style}>{escape(heading)}</th></tr>'
