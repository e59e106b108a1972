"""Tables in HTML, for a notebook or a page."""

from __future__ import annotations

from html import escape

from flopscope.present.table import Document, Table


def text(document: Document) -> str:
    """Plain tables for a notebook or a page, with every text escaped."""
    return "\n".join(_text(table.shown()) for table in document.tables)


def _text(table: Table) -> str:
    head = _row(table, "th", [column.line for column in table.columns])
    body = "".join(
        _over(table, index) + _row(table, "td", cells) for index, cells in enumerate(table.texts())
    )
    notes = "".join(f"<div>{escape(note)}</div>" for note in table.notes)
    return f"<table>{_caption(table)}<thead>{head}</thead><tbody>{body}</tbody></table>{notes}"


def _caption(table: Table) -> str:
    if not table.title:
        return ""
    return f'<caption style="text-align:left">{escape(table.title)}</caption>'


def _row(table: Table, tag: str, cells: list[str]) -> str:
    styled = (
        f'<{tag} style="text-align:{"right" if c.numeric else "left"}">{escape(cell)}</{tag}>'
        for c, cell in zip(table.columns, cells, strict=True)
    )
    return f"<tr>{''.join(styled)}</tr>"


def _over(table: Table, index: int) -> str:
    """The line above the first row of a group."""
    if (heading := table.heading(index)) is None:
        return ""
    style = 'style="text-align:left"'
    return f'<tr><th colspan="{len(table.columns)}" {style}>{escape(heading)}</th></tr>'
