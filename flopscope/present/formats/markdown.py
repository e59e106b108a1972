"""Tables in GitHub's Markdown."""

from __future__ import annotations

from flopscope.present.table import Document, Table, marked


def text(document: Document) -> str:
    """GitHub tables with numbers aligned to the right."""
    return "\n\n".join(_text(table.shown()) for table in document.tables)


def _text(table: Table) -> str:
    heads = [_escaped(column.line) for column in table.columns]
    rules = ["---:" if column.numeric else "---" for column in table.columns]
    lines = [_piped(heads), _piped(rules)]
    for index, row in enumerate(table.texts()):
        if (heading := table.heading(index)) is not None:
            lines.append(_piped([f"**{_escaped(heading)}**", *[""] * (len(heads) - 1)]))
        lines.append(_piped([_cell(table, index, at, text) for at, text in enumerate(row)]))
    title = [f"**{_escaped(table.above)}**", ""] if table.above else []
    notes = ["", *(f"{_escaped(note)}  " for note in table.below)] if table.below else []
    return "\n".join([*title, *lines, *notes])


def _cell(table: Table, row: int, column: int, text: str) -> str:
    if (row, column) not in table.best:
        return _escaped(text)
    lead, value, note = map(_escaped, marked(text))
    return f"{lead}**{value}**{note}"


def _piped(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split("\n"))
