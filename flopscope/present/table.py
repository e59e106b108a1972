"""A table as data: columns with headings, typed cells, and notes. A format decides how it looks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from flopscope.brief import number_of, short

Cell: TypeAlias = Any
"""A value, or None for an empty cell. Values are formatted when they are rendered, never in the
data."""

INDENT = "\u00a0\u00a0"
"""The indent of one level of a tree in a cell's text. These blanks survive in Markdown and HTML."""


class Best(Enum):
    """Which value of a column is the best one."""

    LEAST = "least"
    MOST = "most"


@dataclass(frozen=True)
class Column:
    """A column. `key` names it in CSV; `heading` is for people and has unit and convention.

    `text` writes a value for people, `latex` for LaTeX if escaping the text is not enough, `raw`
    for CSV. `fold` writes a value into a given width if the table is too wide for a terminal: texts
    on several lines, numbers shorter. A column that is not `shown` is in CSV and data frames only.
    `counted` says that `raw` gives exact counts, which may be written in millions; `best` says
    which value may be set in bold.
    """

    key: str
    heading: str
    text: Callable[[Any], str] = str
    numeric: bool = True
    raw: Callable[[Any], Any] = lambda value: value
    latex: Callable[[Any], str] | None = None
    fold: Callable[[Any, int], str] | None = None
    shown: bool = True
    counted: bool = False
    best: Best | None = None

    @property
    def lines(self) -> list[str]:
        """The heading's lines, a word that is divided for a narrow column in one of them."""
        return self.heading.replace("-\n", "").split("\n")

    @property
    def line(self) -> str:
        """The heading on one line."""
        return " ".join(self.lines)

    def write(self, cell: Cell) -> str:
        """The cell as text; an empty string for None."""
        return "" if cell is None else self.text(cell)


class Marked(NamedTuple):
    """A cell's text in parts: the mark of a lower bound or a difference's sign, the value, the mark
    of a note."""

    lead: str
    value: str
    note: str


_MARKED = re.compile(r"(≥ |[+−])?(.*?)((?:(?<!.)| )\[\w+\]|(?<=\d)\*)?", re.DOTALL)


def marked(text: str) -> Marked:
    """The text in its parts. A note's mark is a number in brackets, or a star after a digit.

    >>> marked("72.0 [1]"), marked("≥ 5,000")
    (Marked(lead='', value='72.0', note=' [1]'), Marked(lead='≥ ', value='5,000', note=''))
    """
    match = _MARKED.fullmatch(text)
    assert match is not None
    return Marked(*match.groups(default=""))


@dataclass(frozen=True)
class Table:
    """Rows of cells under columns; `total` marks the last row as a sum of the others.

    `headings` name the group of each row, which people see as a line above the first row of the
    group. Papers stand below the table as `references`, and in LaTeX as entries of a
    `bibliography`. A table that is an `aside` stands
    beside another for people, and CSV leaves it out. A note that begins with a mark, as in '[1] …',
    belongs to the cells that end in it. A reader's own `caption` stands in place of the title,
    which becomes the first note; LaTeX refers to it by the `label`. The cells of `best`, by row and
    column, are bold.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    notes: Sequence[str] = ()
    total: bool = False
    headings: Sequence[str] = ()
    references: Sequence[str] = ()
    bibliography: Sequence[str] = ()
    aside: bool = False
    caption: str = ""
    label: str = ""
    best: frozenset[tuple[int, int]] = frozenset()

    @property
    def above(self) -> str:
        """What stands above the table."""
        return self.caption or self.title

    @property
    def below(self) -> list[str]:
        """What stands below the table, a note each."""
        title = [self.title] if self.caption and self.title else []
        return [*title, *self.notes, *self.references]

    def __repr__(self) -> str:
        return short(self, self.title or ", ".join(column.key for column in self.columns))

    def heading(self, index: int) -> str | None:
        """The heading above a row, which is the name of its group if the row before is in another
        group."""
        if not self.headings or (index and self.headings[index] == self.headings[index - 1]):
            return None
        return self.headings[index]

    def shown(self) -> Table:
        """The table with the columns that people read."""
        keep = [index for index, column in enumerate(self.columns) if column.shown]
        columns = [self.columns[index] for index in keep]
        rows = [[row[i] for i in keep] for row in self.rows]
        best = frozenset((row, keep.index(i)) for row, i in self.best if i in keep)
        return replace(self, columns=columns, rows=rows, best=best)

    def texts(self) -> list[list[str]]:
        """Every cell as people read it."""
        return [
            [c.write(cell) for c, cell in zip(self.columns, row, strict=True)] for row in self.rows
        ]

    def raw(self) -> list[list[Cell]]:
        """Every row but the total, with its values as they are; None in an empty cell."""
        rows = self.rows[:-1] if self.total else self.rows
        return [
            [
                None if cell is None else c.raw(cell)
                for c, cell in zip(self.columns, row, strict=True)
            ]
            for row in rows
        ]


@dataclass(frozen=True)
class Document:
    """What a command prints: its tables, and the same facts as one JSON object, or a function that
    makes it. A table on the screen does not wait for it."""

    tables: Sequence[Table]
    facts: dict[str, Any] | Callable[[], dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def data(self) -> dict[str, Any]:
        """The facts as one JSON object."""
        return self.facts() if callable(self.facts) else self.facts

    def __repr__(self) -> str:
        return short(self, f"{number_of(self.tables, 'table')}; {', '.join(self.data)}")
