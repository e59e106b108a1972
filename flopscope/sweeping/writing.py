"""Every design of a sweep in a file: CSV or Parquet, written in parts that are put together."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from flopscope.errors import BadInput
from flopscope.extras import require_parquet
from flopscope.sweeping.grid import Grid
from flopscope.sweeping.journal import Journal
from flopscope.sweeping.regions import Region
from flopscope.sweeping.running import Runner, Shared

ROWS = 2**18
"""How many designs of the grid a part has."""

Columns: TypeAlias = dict[str, NDArray[Any]]


class Span(NamedTuple):
    """Designs of the grid by number, from `start` to before `stop`."""

    start: int
    stop: int


@dataclass(frozen=True)
class Names:
    """The names of the columns of counts, and whether one says which counts are lower bounds."""

    counts: tuple[str, ...]
    bounds: bool


class Written(NamedTuple):
    """How many designs were written, and how many exist."""

    kept: int
    there: int


MOST_WRITTEN = 10**9
"""The most designs of a grid of which every one is written."""


def spans(grid: Grid) -> list[Span]:
    """The parts of a grid. Raises BadInput for more than MOST_WRITTEN designs."""
    if grid.size > MOST_WRITTEN:
        raise BadInput(
            f"every design of a grid is written for at most {MOST_WRITTEN:,} of them, and this one "
            f"has {grid.size:,}; keep a part, such as --keep top:100, front or histogram"
        )
    return [Span(n, min(grid.size, n + ROWS)) for n in range(0, grid.size, ROWS)]


def rows_of(shared: Shared, span: Span) -> tuple[Columns, int]:
    """The columns of the designs of a span that exist and keep the limits, and how many exist."""
    grid, names = shared.regions.grid, shared.reduction
    designs = np.arange(span.start, span.stop)
    there, bounds = np.zeros((2, len(designs)), dtype=bool)
    counts: list[NDArray[Any]] = []
    choices = [grid.choices(side, designs) for side in shared.regions.sides]
    for region in shared.regions.regions:
        own, rows, columns = _inside(region, choices[0], choices[1])
        there[own], bounds[own] = True, region.bound
        counts = counts or [np.zeros(len(designs), dtype=np.int64) for _ in region.evaluators]
        found = (integral(each.pairs(rows, columns)) for each in region.evaluators)
        counts = [_put(old, own, new) for old, new in zip(counts, found, strict=True)]
    kept = there.copy()
    for limit in shared.limits:
        kept &= np.asarray(counts[limit.quantity] <= limit.most, dtype=bool)
    table: Columns = grid.columns(designs[kept])
    table |= {name: count[kept] for name, count in zip(names.counts, counts, strict=False)}
    return table | ({"lower_bound": bounds[kept]} if names.bounds else {}), int(there.sum())


def _put(counts: NDArray[Any], places: NDArray[np.int64], values: NDArray[Any]) -> NDArray[Any]:
    """The counts with these values there, as Python's integers where the values are."""
    if values.dtype.kind != counts.dtype.kind:
        counts, values = counts.astype(object), values.astype(object)
    counts[places] = values
    return counts


def _inside(
    region: Region, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The designs that the region counts, and the places of their choices in its tables."""
    own = np.flatnonzero(region.extent.rows[rows] & region.extent.columns[columns])
    places = [np.searchsorted(region.at[n], side[own]) for n, side in enumerate((rows, columns))]
    if not region.whole:
        held = region.held_pairs(places[0], places[1])
        own, places = own[held], [place[held] for place in places]
    return own, places[0], places[1]


def integral(values: NDArray[Any]) -> NDArray[Any]:
    """Counts as integers; doubles that are integers among them."""
    return values.astype(np.int64) if values.dtype.kind == "f" else values


# --- formats ------------------------------------------------------------------------------------


class Format(NamedTuple):
    """How columns become a part of a file, and how parts become a file."""

    part: Callable[[Columns], bytes]
    join: Callable[[Sequence[str], str, Sequence[str]], None]


def _csv_part(columns: Columns) -> bytes:
    buffer = io.StringIO()
    lists = [column.tolist() for column in columns.values()]
    csv.writer(buffer, lineterminator="\n").writerows(zip(*lists, strict=True))
    return buffer.getvalue().encode()


def _csv_join(parts: Sequence[str], whole: str, names: Sequence[str]) -> None:
    with open(whole, "wb") as stream:
        stream.write((",".join(names) + "\n").encode())
        for each in parts:
            with open(each, "rb") as part:
                shutil.copyfileobj(part, stream)
        stream.flush()
        os.fsync(stream.fileno())


def _parquet_part(columns: Columns) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: _arrow(column) for name, column in columns.items()})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    found: bytes = sink.getvalue().to_pybytes()
    return found


def parquet(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Columns as the bytes of a Parquet file. Raises BadInput where pyarrow is missing."""
    require_parquet()
    return _parquet_part({name: np.array(values) for name, values in columns.items()})


def _arrow(column: NDArray[Any]) -> Any:
    """Counts as int64, or as decimals where they are larger."""
    import pyarrow as pa

    if column.dtype.kind != "O":
        return pa.array(column)
    fits = all(-(2**63) <= value < 2**63 for value in column.tolist())
    return pa.array(column.tolist(), type=pa.int64() if fits else pa.decimal128(38, 0))


def _parquet_join(parts: Sequence[str], whole: str, names: Sequence[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schemas = [pq.read_schema(each) for each in parts]
    wide = {n for schema in schemas for n in names if pa.types.is_decimal(schema.field(n).type)}
    fields = [
        pa.field(n, pa.decimal128(38, 0)) if n in wide else schemas[0].field(n) for n in names
    ]
    schema = pa.schema(fields)
    with pq.ParquetWriter(whole, schema, compression="zstd") as writer:
        for each in parts:
            table = pq.read_table(each)
            if table.num_rows:
                writer.write_table(table.cast(schema))


FORMATS: Mapping[str, Format] = {
    ".csv": Format(_csv_part, _csv_join),
    ".parquet": Format(_parquet_part, _parquet_join),
}
"""How a file is written, by its ending."""


def check_ending(path: str | None) -> str:
    """The ending of a file that designs can be written to. Raises BadInput for any other and for
    None, and where pyarrow is missing for a Parquet file."""
    if path is None:
        raise BadInput("every design goes to a file; name one, such as --output 'out.parquet'")
    ending = PurePath(path).suffix.lower()
    if ending not in FORMATS:
        raise BadInput(
            f"every design of a sweep is written to a file that ends in .csv or .parquet, and "
            f"'{path}' does not; give such a file with --output"
        )
    if ending == ".parquet":
        require_parquet()
    return ending


def write_all(
    shared: Shared,
    runner: Runner,
    journal: Journal,
    tell: Callable[[int, int], None] = lambda _, __: None,
) -> Written:
    """Write every design that keeps the limits into the journal's file `whole`, going on from the
    parts that are there. Raises BadInput where a file cannot be written."""
    form = FORMATS[check_ending(journal.path)]
    grid = shared.regions.grid
    parts = spans(grid)
    done = journal.parts()
    missing = [n for n in range(len(parts)) if n not in done]
    work = runner.each(rows_of, shared, [parts[n] for n in missing])
    for number, (columns, there) in zip(missing, work, strict=True):
        kept = len(next(iter(columns.values())))
        done[number] = journal.write_part(number, (kept, there), form.part(columns))
        tell(len(done), len(parts))
    names = [axis.name for axis in grid.axes] + list(shared.reduction.counts)
    names += ["lower_bound"] if shared.reduction.bounds else []
    with journal.writing():
        files = [str(done[n].file) for n in range(len(parts))]
        form.join(files, str(journal.whole), names)
    return Written(*(sum(part.numbers[n] for part in done.values()) for n in (0, 1)))
