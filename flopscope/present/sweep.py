"""A sweep as a document: a row for each design."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flopscope.answers.ranges import Range, Value
from flopscope.answers.sweep import Sweep
from flopscope.present.quantities import cautions, cautions_data, is_count, number
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import size_name, size_value
from flopscope.quantities import MACS, QUANTITIES, Quantity

Cell = tuple[int, bool]
"""A count, and whether it is a lower bound."""
LOWER_BOUND = "≥: an operator has an unknown cost, so that the count is a lower bound."


def sweep_document(sweep: Sweep) -> Document:
    """The designs in a table, the last free size going fastest."""
    columns = [*map(axis_column, sweep.axes), *map(count_column, sweep.quantities)]
    axes = [sweep.values(axis) for axis in sweep.axes]
    counts = [zip(sweep.counts(each), sweep.bounds, strict=True) for each in sweep.quantities]
    rows = [list(row) for row in zip(*axes, *counts, strict=True)]
    return Document([Table(columns, rows, _title(sweep), _notes(sweep))], _data(sweep))


def title(sweep: Sweep) -> str:
    """The network and the sizes that are not free: 'mobilenetv2, 224×224, batch 1'."""
    return ", ".join(filter(None, (sweep.target.name, sweep.words)))


def axis_column(axis: Range) -> Column:
    """The column of a free size."""
    return Column(axis.name, size_name(axis.name), size_value)


def count_column(row: Quantity) -> Column:
    """The column of a quantity, whose cells are `Cell`s."""
    text = number(row)

    def shown(cell: Cell) -> str:
        return f"{'≥ ' if cell[1] else ''}{text(cell[0])}"

    return Column(row.column, row.title, shown, raw=lambda cell: cell[0], counted=is_count(row))


def _title(sweep: Sweep) -> str:
    along = ", ".join(map(str, sweep.axes))
    work = [row for row in sweep.quantities if row.convention]
    counted = f" {work[0].words}: {sweep.convention.counts}." if work else ""
    return f"{title(sweep)}: {designs_text(sweep.kept.size)} along {along}.{counted}"


def _notes(sweep: Sweep) -> list[str]:
    notes = [f"{designs_were(int(sweep.counted.there.sum()))} counted {sweep.means}."]
    if sweep.over:
        notes.append(f"{designs_were(sweep.over)} left out, with more than {limits(sweep.most)}.")
    if (near := sweep.nearest) is not None:
        counts = {name: int(sweep.counted.counts[QUANTITIES[name]][near]) for name in sweep.most}
        notes.append(nearest(sweep.counted.design(near), counts))
    if sweep.missing:
        what = "does" if sweep.missing == 1 else "do"
        notes.append(
            f"{sweep.missing:,} of the grid {what} not exist; one of them {sweep.counted.refused}."
        )
    if any(sweep.bounds):
        notes.append(LOWER_BOUND)
    return [*notes, *sweep.counted.expected, *cautions(sweep.quantities)]


def limits(most: Mapping[str, int]) -> str:
    """'300,000,000 MACs or 5,000,000 params'."""
    return " or ".join(f"{limit:,} {QUANTITIES[name].noun}" for name, limit in most.items())


def nearest(sizes: Mapping[str, Value], counts: Mapping[str, int]) -> str:
    """A note on the design that is nearest to budgets that none keeps, and its counts of what they
    bound."""
    at = ", ".join(f"{name} {value:g}" for name, value in sizes.items())
    amounts = " and ".join(f"{n:,} {QUANTITIES[name].noun}" for name, n in counts.items())
    return f"No design keeps the budgets; the nearest is {at}, with {amounts}."


def designs_were(number: int) -> str:
    """'1 design was', '2 designs were'."""
    return f"{designs_text(number)} {'was' if number == 1 else 'were'}"


def designs_text(designs: int) -> str:
    """'1 design', '2 designs'."""
    return f"{designs:,} design{'s' * (designs != 1)}"


def _data(sweep: Sweep) -> dict[str, Any]:
    return {
        "schema": "flopscope.sweep/1",
        "target": sweep.target.name,
        "source": sweep.target.source.value,
        "resolution": sweep.resolution and list(sweep.resolution),
        "batch": sweep.batch,
        "convention": sweep.convention.name,
        "unit": sweep.convention.unit,
        "free": {axis.name: list(axis.values) for axis in sweep.axes},
        "budgets": dict(sweep.most),
        **cautions_data(sweep.quantities),
        "designs": _designs_data(sweep),
        "over_budget": sweep.over,
        "missing": sweep.missing,
        "first_missing": sweep.counted.refused or None,
        "ledgers": sweep.counted.parts,
        "expected": list(sweep.counted.expected),
    }


def key(row: Quantity) -> str:
    """The key of a quantity: the work in MACs is `macs`, and `count` under another convention."""
    return row.name if row.convention == MACS.convention else row.key


def _designs_data(sweep: Sweep) -> list[dict[str, Any]]:
    columns = {axis.name: sweep.values(axis) for axis in sweep.axes}
    columns |= {key(row): sweep.counts(row) for row in sweep.quantities}
    if any(sweep.bounds):
        columns["lower_bound"] = sweep.bounds
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
