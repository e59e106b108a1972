"""A table as data: headed columns, typed cells, notes. Renderers decide how it looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Cell: TypeAlias = Any
"""A value, or None for nothing to show. Formatting happens at rendering, never in the data."""


@dataclass(frozen=True)
class Column:
    """`key` names the column in CSV; `heading` is read by people, with unit and convention.

    `text` writes a value for people, `raw` for CSV.
    """

    key: str
    heading: str
    text: Callable[[Any], str] = str
    numeric: bool = True
    raw: Callable[[Any], Any] = lambda value: value

    def write(self, cell: Cell) -> str:
        """The cell as text; an empty string for None."""
        return "" if cell is None else self.text(cell)


@dataclass(frozen=True)
class Table:
    """Rows of cells under columns; `total` marks the last row as a sum of the others."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    notes: Sequence[str] = ()
    total: bool = False


@dataclass(frozen=True)
class Document:
    """What a command prints: its tables, and the same facts as one JSON object."""

    tables: Sequence[Table]
    data: dict[str, Any] = field(default_factory=dict)
