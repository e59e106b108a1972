"""Quantities in tables of networks and in JSON: their columns, numbers and cautions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from flopscope.answers.timed import TimeQuantity
from flopscope.conventions import Convention
from flopscope.ledger import Ledger
from flopscope.present.numbers import in_units, in_units_briefly, integer, short
from flopscope.present.table import Best, Column
from flopscope.present.times import spread
from flopscope.quantities import Named, Place, Quantity, keys
from flopscope.readings import Reading


def number(row: Quantity) -> Callable[[int], str]:
    """The function that writes a quantity's number below its heading, in every digit or in its
    unit. A predicted time has its interval."""
    if isinstance(row, TimeQuantity):
        return partial(spread, row)
    return partial(in_units, row.per) if row.per > 1 else integer


def number_briefly(row: Quantity) -> Callable[[int], str]:
    """The function that writes it in three digits."""
    if isinstance(row, TimeQuantity):
        return partial(spread, row)
    return partial(in_units_briefly, row.per) if row.per > 1 else short


def number_column(row: Quantity) -> Column:
    """A column of a quantity's integers, written as tables of networks write them."""
    brief = number_briefly(row)
    column = partial(Column, row.column, row.heading, counted=is_count(row), raw=raw_number(row))
    if row.brief:
        return column(brief)
    return column(number(row), fold=lambda value, _: brief(value))


def raw_number(row: Named) -> Callable[[Any], Any]:
    """The function from an amount to the number that data have below its heading: milliseconds of a
    time, and otherwise the amount itself."""
    return row.milliseconds if isinstance(row, TimeQuantity) else _same


def _same(amount: Any) -> Any:
    return amount


def is_count(row: Quantity) -> bool:
    """Is it a number of things, as bytes, joules and seconds are not, so that it may be in
    millions?"""
    return row.per == 1 and row.unit != "bytes"


def bound(reading: Reading) -> str:
    """The mark before a number that is only a lower bound."""
    return "" if reading.complete else "≥ "


def exactly(reading: Reading) -> str:
    """Every digit of a reading, marked where it is only a lower bound."""
    return bound(reading) + integer(int(reading))


def reading_column(row: Quantity) -> Column:
    """The same of readings of rival networks, of which some may be lower bounds."""
    column = number_column(row)
    fold = column.fold
    return replace(
        column,
        text=lambda reading: bound(reading) + column.text(int(reading)),
        raw=lambda reading: raw_number(row)(int(reading)),
        best=Best.LEAST,
        fold=fold and (lambda reading, room: bound(reading) + fold(int(reading), room)),
    )


def readings_data(
    rows: Iterable[Quantity], read: Callable[[Quantity], Reading], value: Callable[[Reading], Any]
) -> dict[str, Any]:
    """Readings of the quantities for JSON, under their keys."""
    return {row.key: value(read(row)) for row in rows}


def ledger_data(ledger: Ledger, place: Place, convention: Convention) -> dict[str, int]:
    """The quantities of a ledger at numbers that JSON has at this place."""
    return readings_data(keys(place, convention), lambda row: row.read(ledger), int)


def cautions(rows: Iterable[Named]) -> list[str]:
    """The cautions that belong to these quantities."""
    return [said for said in dict.fromkeys(row.caution for row in rows) if said]


def cautions_data(rows: Iterable[Named]) -> dict[str, Any]:
    """The same for JSON; empty if there are none."""
    said = cautions(rows)
    return {"cautions": said} if said else {}
