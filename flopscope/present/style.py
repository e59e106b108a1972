"""How a table is written for a paper: counts in a unit, a caption, the best values in bold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Any, NamedTuple

from flopscope.errors import BadInput, listed
from flopscope.present.numbers import in_unit
from flopscope.present.table import Best, Cell, Column, Document, Table, marked


class Unit(NamedTuple):
    """How many make one, and the decimals that a count in it has if none are asked for."""

    per: int
    digits: int


EXACT = "exact"
UNITS: Mapping[str, Unit] = {
    EXACT: Unit(1, 0),
    "k": Unit(10**3, 1),
    "M": Unit(10**6, 1),
    "G": Unit(10**9, 2),
    "T": Unit(10**12, 2),
}
"""The units in which counts can be written."""

MOST_DIGITS = 12
"""The most decimals of a count in a unit: in T it is exact then."""

_WORD = re.compile(r"[A-Za-z][\w-]*")
_LABEL = re.compile(r"[A-Za-z0-9:._+/-]+")
_PLAIN_CONVENTION = "(macs)"
"""The convention that a heading does not name beside a unit, as the unit says as much."""


@dataclass(frozen=True)
class Style:
    """What a reader asks of a table.

    `units` is exact, k, M, G or T, or has one for each column of counts by the first word of its
    heading, as in 'params=M,macs=G'; without it, each table writes counts as it does. `digits` are
    the decimals of counts in k, M, G or T, rounded from the exact count with halves to even; MB,
    accuracies, ratios and shares keep their own. `caption` stands above the table, `label` names it
    in LaTeX, and `bold` sets the lowest cost and the highest accuracy of each column in bold, all
    of them if several print alike. CSV and JSON stay exact.

    Raises BadInput for what is none of these.

    >>> Style("params=M,macs=G", digits=1).chosen
    {'params': 'M', 'macs': 'G'}
    """

    units: str | None = None
    digits: int | None = None
    caption: str | None = None
    label: str | None = None
    bold: bool = False

    def __post_init__(self) -> None:
        _check_text("units", self.units, "M")
        _check_text("caption", self.caption, "'Cost at 224×224'")
        _check_text("label", self.label, "tab:cost")
        for unit in self.chosen.values():
            if unit not in UNITS:
                raise BadInput(f"'{unit}' is not a unit of counts; {UNITS_TAKEN}")
        self._check_digits()
        if not isinstance(self.bold, bool):
            raise BadInput(f"bold is True or False, not {self.bold!r}")
        self._check_label()

    @cached_property
    def chosen(self) -> dict[str, str]:
        """The unit of each column by the first word of its heading; under '', that of all."""
        if self.units is None:
            return {}
        pairs = [part.strip().rpartition("=")[::2] for part in self.units.split(",")]
        found = {name.strip().lower(): unit.strip() for name, unit in pairs}
        if len(found) < len(pairs):
            raise BadInput(f"units {self.units} name a column twice; {UNITS_TAKEN}")
        return found

    def unit(self, column: Column) -> str | None:
        """The unit in which a column is written; None if it is left as it is."""
        if not column.counted:
            return None
        return self.chosen.get(_word(column), self.chosen.get(""))

    def _check_digits(self) -> None:
        if self.digits is None:
            return
        if type(self.digits) is not int or not 0 <= self.digits <= MOST_DIGITS:
            raise BadInput(
                f"digits {self.digits} is not an integer from 0 to {MOST_DIGITS}; give one such "
                "as 1"
            )
        if all(unit == EXACT for unit in self.chosen.values()):
            raise BadInput(
                "digits are the decimals of counts in a unit, and none is given; give units too, "
                "such as M"
            )

    def _check_label(self) -> None:
        if self.label is None:
            return
        if not _LABEL.fullmatch(self.label):
            raise BadInput(
                f"label '{self.label}' has signs that LaTeX does not take there; give letters, "
                "digits and any of : . _ + - /, as in tab:cost"
            )
        if self.caption is None:
            raise BadInput(
                "a label refers to the number that stands in a caption; give a caption too"
            )


UNITS_TAKEN = f"give {listed(UNITS)}, or one for each column, as in params=M,macs=G"


def _check_text(name: str, text: Any, example: str) -> None:
    if text is not None and not (isinstance(text, str) and text.strip()):
        raise BadInput(f"{name} is a text such as {example}, not {text!r}")


def styled(document: Document, style: Style) -> Document:
    """The document in this style. The caption is that of its first table that is no aside.

    Raises BadInput where no column has counts to be written in units, or no value is the best.
    """
    if style == Style():
        return document
    _check_columns(document, style)
    main = next((n for n, table in enumerate(document.tables) if not table.aside), 0)
    tables = [_united(table, style) for table in document.tables]
    if style.bold:
        tables = [replace(table, best=frozenset(_best(table))) for table in tables]
    caption, label = style.caption or "", style.label or ""
    tables[main] = replace(tables[main], caption=caption, label=label)
    return replace(document, tables=tables)


def _check_columns(document: Document, style: Style) -> None:
    columns = [c for table in document.tables for c in table.columns if c.shown]
    counted = dict.fromkeys(_word(column) for column in columns if column.counted)
    if style.chosen and not counted:
        raise BadInput("units are for counts at numbers, and this table has none; leave units out")
    for name in style.chosen:
        if name and name not in counted:
            raise BadInput(
                f"this table has no counts of '{name}'; it has those of {listed(counted)}"
            )
    if style.bold and not any(column.best for column in columns):
        raise BadInput(
            "bold marks the best of several networks, and the rows of this table are not networks "
            "to choose from; leave bold out"
        )


def _word(column: Column) -> str:
    """The first word of a column's heading, without the sign of a difference."""
    match = _WORD.search(column.line)
    return match[0].lower() if match else ""


# --- units ----------------------------------------------------------------------------------------


def _united(table: Table, style: Style) -> Table:
    columns = [_column(column, style.unit(column), style.digits) for column in table.columns]
    return replace(table, columns=columns)


def _column(column: Column, name: str | None, digits: int | None) -> Column:
    if name is None:
        return column
    unit = UNITS[name]
    decimals = unit.digits if digits is None or name == EXACT else digits
    return replace(
        column,
        heading=column.heading if name == EXACT else headed(column.heading, name),
        text=partial(_text, column, unit.per, decimals),
        fold=None,
    )


def _text(column: Column, per: int, digits: int, cell: Cell) -> str:
    """A count in its unit, between the marks that the cell's text has."""
    if isinstance(cell, str):  # a word in a number's place
        return column.text(cell)
    lead, _, note = marked(column.text(cell))
    return lead + in_unit(abs(Fraction(column.raw(cell))), per, digits) + note


def headed(heading: str, unit: str) -> str:
    r"""A heading with the unit in brackets, beside the convention where the unit does not tell it.

    >>> headed("Params", "M"), headed("MACs\n(macs)", "M"), headed("MACs\n(fvcore)", "G")
    ('Params\n(M)', 'MACs\n(M)', 'MACs\n(fvcore, G)')
    """
    heading = heading.removesuffix(_PLAIN_CONVENTION).rstrip("\n")
    if heading.endswith(")"):
        return f"{heading[:-1]}, {unit})"
    return f"{heading}\n({unit})"


# --- the best values ------------------------------------------------------------------------------

CHOOSE: Mapping[Best, Callable[..., Any]] = {Best.LEAST: min, Best.MOST: max}


def _best(table: Table) -> Iterator[tuple[int, int]]:
    """The cells with the best value of their column, by row and column."""
    for at, column in enumerate(table.columns):
        if column.best is not None and column.shown:
            yield from ((row, at) for row in _best_rows(table, column, at))


def _best_rows(table: Table, column: Column, at: int) -> list[int]:
    """The rows with a column's best value, and those whose value prints alike. A lower bound is
    never the best, and keeps what is above it from being so."""
    assert column.best is not None
    rows = table.rows[:-1] if table.total else table.rows
    known = {n: row[at] for n, row in enumerate(rows) if row[at] is not None}
    values = {n: value for n, cell in known.items() if (value := column.raw(cell)) is not None}
    if len(values) < 2:
        return []
    best = CHOOSE[column.best](values.values())
    parts = {n: marked(column.text(known[n])) for n in values}
    exact = {n: part.value for n, part in parts.items() if not part.lead}
    winning = {text for n, text in exact.items() if values[n] == best}
    return [n for n, text in exact.items() if text in winning]
