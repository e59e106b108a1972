"""The columns of latencies in a table for a paper: as published on a device, or as predicted on
one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from flopscope.answers.compare import Comparison, Entry
from flopscope.answers.timed import TimeQuantity
from flopscope.catalog.latencies import Latency, Trust, batches, device, measured
from flopscope.errors import BadInput, listed
from flopscope.present.columns import LATENCY, PREDICTED, TIME
from flopscope.present.latencies import citation, milliseconds
from flopscope.present.quantities import reading_column
from flopscope.present.table import Best, Column


class Shown(NamedTuple):
    """A column, its value for a network, and the note that it needs."""

    column: Column
    cell: Callable[[Entry], Any]
    caution: str = ""


def is_published(name: str) -> bool:
    """Is it a column of published latencies?"""
    return name.startswith(LATENCY)


def is_predicted(name: str) -> bool:
    """Is it a column of latencies that are predicted on a device that it names?"""
    return name.startswith(PREDICTED)


def of_device(name: str, devices: Sequence[str]) -> str:
    """The name of a column, with its device where it is a predicted latency on one of these.

    Raises BadInput where there is no device, or not this one, or where it may be each of several.

    >>> of_device("latency", ["laptop"]), of_device("params", ["laptop"])
    ('predicted:laptop', 'params')
    """
    if name != TIME and not is_predicted(name):
        return name
    if not devices:
        raise BadInput(
            f"the column {name} is predicted on a device, and none is named; name one with "
            f"--device, or take published latencies, as in {LATENCY}pixel3-cpu-tflite"
        )
    if name == TIME and len(devices) > 1:
        raise BadInput(
            f"latencies are predicted on {' and '.join(devices)}; name one of them, as in "
            f"{PREDICTED}{devices[0]}"
        )
    found = devices[0] if name == TIME else name.removeprefix(PREDICTED)
    if found not in devices:
        raise BadInput(
            f"the column {name} names no device on which a latency is predicted here; name "
            f"{listed(devices)}, or give another --device too"
        )
    return PREDICTED + found


def with_times(names: Sequence[str], comparison: Comparison) -> list[str]:
    """The columns that are asked for, and behind them the predicted latencies that are not among
    them."""
    return list(dict.fromkeys([*names, *map(_name, comparison.times)]))


def _name(row: TimeQuantity) -> str:
    return PREDICTED + row.name_of_device


def predicted(name: str, comparison: Comparison) -> Shown:
    """The column of latencies that are predicted on the device of this name."""
    row = next(each for each in comparison.times if _name(each) == name)
    return Shown(reading_column(row), lambda entry: row.read(entry.ledger), row.caution)


def published(name: str, comparison: Comparison) -> Shown:
    """The column of published latencies on the device of this name."""
    on = name.removeprefix(LATENCY)
    found = {id(entry): _measured(on, entry) for entry in comparison.entries}
    column = Column(f"latency_ms_{on}", f"{on}\nms", milliseconds, raw=float, best=Best.LEAST)

    def cell(entry: Entry) -> Any:
        row = found[id(entry)]
        return None if row is None else row.latency_ms

    return Shown(column, cell, _note(on, comparison, list(found.values())))


def _measured(name: str, entry: Entry) -> Latency | None:
    if entry.variant is None or entry.resolution is None:
        return None
    height, width = entry.resolution
    return measured(name, str(entry.variant), (int(height), int(width)), entry.batch)


def _note(name: str, comparison: Comparison, rows: list[Latency | None]) -> str:
    batch = comparison.entries[0].batch
    tables = "; ".join(dict.fromkeys(citation(row) for row in rows if row is not None))
    where = f", {Trust.PUBLISHED.value}: {tables}" if tables else ""
    note = f"Latency of a batch of {batch} on {name} ({device(name).words}){where}."
    if all(rows):
        return note
    there = ", ".join(map(str, batches(name))) or "none that is stated"
    return (
        f"{note} Where there is none, it is not published for this network, input size and batch; "
        f"batches there: {there}."
    )
