"""Tables in LaTeX, by the packages booktabs and, for notes, threeparttable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from flopscope.present.formats.tex import escaped
from flopscope.present.table import Cell, Document, Table, marked

_NOTE = re.compile(r"(?:\[(\w+)\]|(\*)) (.*)", re.DOTALL)
"""A note that belongs to the cells with its mark."""


def text(document: Document) -> str:
    """Tables in the style of booktabs with their notes below. A table with a caption floats."""
    tables = [table.shown() for table in document.tables]
    packages = ["booktabs", *(["threeparttable"] if any(map(_notes, tables)) else [])]
    needs = "\n".join(rf"% needs \usepackage{{{name}}}" for name in packages)
    return "\n\n".join([f"{needs}\n{_text(tables[0])}", *map(_text, tables[1:])])


def _text(table: Table) -> str:
    notes = _notes(table)
    lines = [*_caption(table), *_tabular(table)]
    if notes:
        lines = _inside("threeparttable", [*lines, *_inside("tablenotes", _items(notes))])
    if table.caption:
        lines = _inside("table", [r"\centering", *lines])
    entries = (line for entry in table.bibliography for line in entry.split("\n"))
    return "\n".join([*lines, *(f"% {line}" for line in entries)])


def _inside(environment: str, lines: Sequence[str]) -> list[str]:
    return [rf"\begin{{{environment}}}", *lines, rf"\end{{{environment}}}"]


def _caption(table: Table) -> list[str]:
    caption = [rf"\caption{{{escaped(table.caption)}}}"] if table.caption else []
    return [*caption, *([rf"\label{{{table.label}}}"] if table.label else [])]


def _notes(table: Table) -> list[str]:
    return [*filter(None, [table.title]), *table.notes]


def _items(notes: Sequence[str]) -> list[str]:
    return [r"\footnotesize", *map(_item, notes)]


def _item(note: str) -> str:
    match = _NOTE.fullmatch(note)
    if match is None:
        return rf"\item {_guarded(escaped(note))}"
    number, star, said = match.groups()
    return rf"\item[{number or star}] {escaped(said)}"


def _tabular(table: Table) -> list[str]:
    alignment = "".join("r" if column.numeric else "l" for column in table.columns)
    rows = []
    for index, row in enumerate(table.rows):
        if (heading := table.heading(index)) is not None:
            over = rf"\multicolumn{{{len(table.columns)}}}{{l}}{{\emph{{{escaped(heading)}}}}} \\"
            rows += [r"\midrule", over] if index else [over]
        rows.append(_row(_cells(table, index, row)))
    if table.total:
        rows.insert(-1, r"\midrule")
    return [
        rf"\begin{{tabular}}{{{alignment}}}",
        r"\toprule",
        *_heads(table),
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
    ]


def _heads(table: Table) -> list[str]:
    """The headings in as many rows as the longest needs, the others in the last of them."""
    upwards = zip_longest(*(reversed(column.lines) for column in table.columns), fillvalue="")
    return [_row([escaped(line) for line in row]) for row in reversed([*upwards])]


def _row(cells: Sequence[str]) -> str:
    return _guarded(" & ".join(cells)) + r" \\"


def _guarded(text: str) -> str:
    r"""The text so that the command before it, such as \\, does not take it as its option."""
    return "{}" + text if text.startswith(("[", "*")) else text


def _cells(table: Table, index: int, row: Sequence[Cell]) -> list[str]:
    marks = _marks(table)
    return [
        _cell(c.write(cell), marks, bold=(index, at) in table.best)
        if c.latex is None or cell is None
        else c.latex(cell)
        for at, (c, cell) in enumerate(zip(table.columns, row, strict=True))
    ]


def _marks(table: Table) -> Mapping[str, str]:
    """The marks of notes as cells have them, and as the notes are numbered."""
    found = filter(None, map(_NOTE.fullmatch, table.notes))
    return {f"[{m[1]}]" if m[1] else m[2]: m[1] or m[2] for m in found}


def _cell(text: str, marks: Mapping[str, str], *, bold: bool) -> str:
    lead, value, note = marked(text)
    if note.strip() not in marks:
        lead, value, note = ("", text, "") if not bold else (lead, value, note)
    value = rf"\textbf{{{escaped(value)}}}" if bold else escaped(value)
    mark = marks.get(note.strip())
    return escaped(lead) + value + (rf"\tnote{{{mark}}}" if mark else escaped(note))
