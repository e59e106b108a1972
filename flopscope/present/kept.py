"""What was kept of a sweep as a document: counts of designs, a histogram, or a row for each design
that was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flopscope.answers.sweep import is_bounded
from flopscope.present.numbers import integer
from flopscope.present.quantities import cautions, cautions_data, is_count, number
from flopscope.present.sweep import (
    LOWER_BOUND,
    axis_column,
    count_column,
    designs_text,
    designs_were,
    key,
    nearest,
)
from flopscope.present.table import Column, Document, Table
from flopscope.quantities import QUANTITIES, Quantity
from flopscope.sweeping.result import Design, Reduced

LEAST_OF_ALL = (
    "Without --gain a frontier has the designs with the least of every quantity; --gain width, for "
    "example, says that more of it is better."
)


def kept_document(found: Reduced, path: str = "") -> Document:
    """What was kept; `path` is the file that every design was written to."""
    made = {"histogram": _histogram, "count": _counts, "all": _counts}.get(
        found.keep.kind, _designs
    )
    columns, rows = made(found)
    table = Table(columns, rows, _title(found), _notes(found, path))
    return Document([table], lambda: _data(found))


def kept_title(found: Reduced) -> str:
    """The network and the sizes that are not free: 'mobilenetv2, 224×224, batch 1'."""
    return ", ".join(filter(None, (found.target.name, found.words)))


def _title(found: Reduced) -> str:
    along = ", ".join(map(str, found.axes))
    work = [row for row in found.quantities if row.convention]
    counted = f" {work[0].words}: {found.convention.counts}." if work else ""
    whole = designs_text(found.grid.size)
    these = whole if found.kept == found.grid.size else f"{found.kept:,} of {whole}"
    return f"{kept_title(found)}: {_said(found)}{these} along {along}.{counted}"


def _said(found: Reduced) -> str:
    """What the table shows of the designs, in words."""
    kind, number = found.keep
    name = found.ranked.words
    if kind == "front":
        gains = f" and the most {' and '.join(found.gains)}" if found.gains else ""
        costs = [row.words for row in found.quantities if row.name not in found.gains]
        return f"the frontier of the least {' and '.join(costs)}{gains} of "
    return {
        "count": "",
        "all": "",
        "histogram": f"a histogram of the {name} of ",
        "top": f"the {number:,} with the most {name} of ",
        "bottom": f"the {number:,} with the least {name} of ",
    }[kind]


# --- tables -------------------------------------------------------------------------------------

Rows = list[list[Any]]
SHARE = Column("share", "Share", lambda share: f"{100 * share:.3g} %")
"""The share of a part, from 0 to 1."""


def _counts(found: Reduced) -> tuple[list[Column], Rows]:
    numbers = {
        "in the grid": found.grid.size,
        "that do not exist": found.missing,
        "over a budget": found.over,
        "kept": found.kept,
    }
    if not found.most:
        del numbers["over a budget"]
    if not found.missing:
        del numbers["that do not exist"]
    columns = [
        Column("designs", "Designs", numeric=False), Column("number", "Number", integer), SHARE,
    ]  # fmt: skip
    return columns, [[name, n, n / found.grid.size] for name, n in numbers.items()]


def _histogram(found: Reduced) -> tuple[list[Column], Rows]:
    row = found.ranked
    text = number(row)
    ends = [
        Column(f"{row.column}_{end}", f"{row.title}\n{end}", text, counted=is_count(row))
        for end in ("from", "to")
    ]
    columns = [*ends, Column("designs", "Designs", integer), SHARE]
    return columns, [[least, most, n, n / found.kept] for least, most, n in found.bins]


def _designs(found: Reduced) -> tuple[list[Column], Rows]:
    columns = [*map(axis_column, found.axes), *map(count_column, _shown(found))]
    return columns, [_row(found, design) for design in found.designs]


def _shown(found: Reduced) -> tuple[Quantity, ...]:
    """The quantities asked for, and those that are gains."""
    asked = {row.name for row in found.quantities}
    gains = [QUANTITIES[name] for name in found.gains if name in QUANTITIES.keys() - asked]
    return (*found.quantities, *gains)


def _row(found: Reduced, design: Design) -> list[Any]:
    counts = dict(zip(found.counted, design.counts, strict=True))
    sizes = [design.sizes[axis.name] for axis in found.axes]
    return [*sizes, *((counts[row], design.bound) for row in _shown(found))]


# --- notes --------------------------------------------------------------------------------------


def _notes(found: Reduced, path: str) -> list[str]:
    notes = [f"{designs_were(found.there)} counted {found.means}."]
    if path:
        notes.append(f"{designs_were(found.kept)} written to {path}.")
    if found.over:
        amounts = [row.amount(found.most[name]) for name, row in _bounded(found).items()]
        notes.append(f"{designs_were(found.over)} left out, with more than {' or '.join(amounts)}.")
    if found.nearest is not None:
        counts = dict(zip(found.counted, found.nearest.counts, strict=True))
        amounts = [row.amount(counts[row]) for row in _bounded(found).values()]
        notes.append(nearest(found.nearest.sizes, amounts))
    if found.missing:
        what = "does" if found.missing == 1 else "do"
        notes.append(
            f"{found.missing:,} of the grid {what} not exist; one of them {found.refused}."
        )
    if found.keep.kind == "front" and not found.gains:
        notes.append(LEAST_OF_ALL)
    if found.bound:
        notes.append(LOWER_BOUND)
    return [*notes, *found.expected, *cautions(found.quantities)]


def _bounded(found: Reduced) -> dict[str, Quantity]:
    """The quantities that budgets bound, by their names."""
    return {
        name: next(row for row in found.counted if is_bounded(row, name)) for name in found.most
    }


# --- data ---------------------------------------------------------------------------------------


def _data(found: Reduced) -> dict[str, Any]:
    return {
        "schema": "flopscope.kept/1",
        "target": found.target.name,
        "source": found.target.source.value,
        "resolution": found.resolution and list(found.resolution),
        "batch": found.batch,
        "convention": found.convention.name,
        "unit": found.convention.unit,
        "free": {axis.name: list(axis.values) for axis in found.axes},
        "budgets": dict(found.most),
        **cautions_data(found.quantities),
        "keep": str(found.keep),
        "gains": list(found.gains),
        "grid": found.grid.size,
        "kept": found.kept,
        **_found(found),
        "over_budget": found.over,
        "nearest": found.nearest and _design(found, found.nearest),
        "missing": found.missing,
        "first_missing": found.refused or None,
        "ledgers": found.parts,
        "expected": list(found.expected),
    }


def _found(found: Reduced) -> dict[str, Any]:
    if found.keep.kind == "histogram":
        bins = [{"from": a, "to": b, "designs": n} for a, b, n in found.bins]
        return {"quantity": found.ranked.name, "bins": bins}
    if found.keep.kind in ("count", "all"):
        return {}
    return {"designs": [_design(found, design) for design in found.designs]}


def _design(found: Reduced, design: Design) -> Mapping[str, Any]:
    counts = zip(found.counted, design.counts, strict=True)
    bound = {"lower_bound": True} if design.bound else {}
    return {**design.sizes, **{key(row): n for row, n in counts}, **bound}
