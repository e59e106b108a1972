"""A user's own results: accuracies from a CSV file, joined with the catalogue's networks.

Two layouts are read, which differ in the names of their columns: that of timm's
`results-imagenet.csv` (huggingface/pytorch-image-models, results/) and a minimal one. Nothing is
guessed, and nothing is dropped silently: a row that cannot be read is a `Skip` with its line and
reason, and a name that is not in the catalogue is kept without a variant.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from flopscope.catalog.figures import stated
from flopscope.catalog.names import catalog_name
from flopscope.catalog.variant import Variant, parse
from flopscope.errors import BadInput, FlopscopeError

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "model": ("model",),
    "top1": ("top1",),
    "size": ("img_size", "res"),
    "params": ("param_count", "params"),
    "macs": ("macs",),
    "latency_ms": ("latency_ms",),
}
"""The fields that are read, by the names that their column may have. Every other column is
ignored."""
NEEDED = ("model", "top1")
IN_MILLIONS = ("param_count",)
"""The columns that timm writes in units of 10⁶."""

_GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?")
_SIZE = re.compile(r"0*([1-9][0-9]{0,5})(?:[xX]0*([1-9][0-9]{0,5}))?")


class Result(NamedTuple):
    """One row.

    line: its line in the file. name: the network as the file names it. variant: the catalogue's
    network of that name, None if there is none. resolution: (height, width) as stated, or else the
    network's own, times its ρ; None if neither is known. top1: per cent. params, macs: as stated,
    exact, None where the file is silent. latency_ms: milliseconds as stated, None where the file is
    silent.
    """

    line: int
    name: str
    variant: Variant | None
    resolution: tuple[int, int] | None
    top1: Fraction
    params: Fraction | None
    macs: Fraction | None
    latency_ms: Fraction | None


class Skip(NamedTuple):
    """A row that was not taken, and why."""

    line: int
    name: str
    reason: str


@dataclass(frozen=True)
class Results:
    """The contents of a file: its rows in order, and the rows that were skipped."""

    path: str
    rows: tuple[Result, ...]
    skipped: tuple[Skip, ...]


def read_results(path: str) -> Results:
    """Read the results in a CSV file with the columns model and top1, and any of img_size or res,
    param_count (in millions, as timm has it) or params, macs and latency_ms.

    A row is skipped if it has more or fewer cells than there are columns, if its name is empty, not
    printable or has an option that the model does not have, if a cell is not a number (1,234 and
    4.2M are), or if its name and size repeat an earlier line. Raises BadInput for a file that is no
    such table, has no row that can be read, or gives top1 as a share of 1.
    """
    lines = _lines(path)
    header = next(lines, None)
    if header is None:
        raise BadInput(f"'{path}' is empty; {_ACCEPTED}")
    cells = _columns(path, [name.strip() for name in header[1]])
    rows: list[Result] = []
    skipped: list[Skip] = []
    seen: dict[tuple[str, tuple[int, int] | None], int] = {}
    for line, row in lines:
        name = row[cells["model"][1]].strip() if len(row) == len(header[1]) else ", ".join(row)
        try:
            if len(row) != len(header[1]):
                raise BadInput(f"has {len(row)} cells, the header {len(header[1])}")
            result = _result(line, name, {key: (of, row[at]) for key, (of, at) in cells.items()})
            first = seen.setdefault((name, result.resolution), line)
            if first != line:
                raise BadInput(f"repeats line {first}")
        except FlopscopeError as error:
            skipped.append(Skip(line, _printable(name), str(error)))
        else:
            rows.append(result)
    if not rows:
        raise BadInput(_nothing(path, skipped))
    if all(row.top1 <= 1 for row in rows):
        raise BadInput(f"top1 in '{path}' is nowhere above 1; give it in per cent, as in 72.0")
    return Results(path, tuple(rows), tuple(skipped))


_ACCEPTED = (
    "a results file is a CSV with columns model and top1, and may have img_size or res, "
    "param_count or params, macs, latency_ms"
)


def _lines(path: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of its line. Raises BadInput if the file is
    not CSV."""
    try:
        # utf-8-sig: spreadsheets write a byte order mark before the first name
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield reader.line_num, row
    except OSError as error:
        raise BadInput(f"cannot read '{path}': {error.strerror}; give a CSV file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"'{path}' is not CSV text in UTF-8: {error}") from error


def _columns(path: str, names: Sequence[str]) -> dict[str, tuple[str, int]]:
    """For each field that is read, the name and place of its column. Raises BadInput for a column
    that is missing or occurs twice."""
    found: dict[str, tuple[str, int]] = {}
    for key, known in COLUMNS.items():
        places = [(name, at) for at, name in enumerate(names) if name in known]
        if len(places) > 1:
            raise BadInput(f"'{path}' has columns {places[0][0]} and {places[1][0]}; keep one")
        if places:
            found[key] = places[0]
    if missing := [key for key in NEEDED if key not in found]:
        raise BadInput(f"'{path}' has no column {' and no column '.join(missing)}; {_ACCEPTED}")
    return found


def _result(line: int, name: str, cells: Mapping[str, tuple[str, str]]) -> Result:
    """The row as a result. Raises a FlopscopeError that says why the row is skipped."""
    if not name:
        raise BadInput("has no name")
    if not name.isprintable():
        raise BadInput("its name has control characters")
    variant = None if (known := catalog_name(name)) is None else parse(known)
    size = _size(*cells["size"]) if "size" in cells else None
    if variant is not None:
        size = variant.resolution(size)
    top1 = _number(*cells["top1"])
    if top1 is None:
        raise BadInput("states no top1")
    amounts = {
        key: _number(*cells[key]) if key in cells else None
        for key in ("params", "macs", "latency_ms")
    }
    return Result(line, name, variant, size, top1, **amounts)


def _number(column: str, text: str) -> Fraction | None:
    """The exact value of '5.29', '1,234' or '4.2M'; None for an empty cell."""
    text = text.strip()
    if not text:
        return None
    plain = text.replace(",", "") if _GROUPED.fullmatch(text) else text
    if column in ("params", "macs"):
        return _count(column, text, plain)
    value = Fraction(plain) if _DECIMAL.fullmatch(plain) else None
    if column == "top1":
        if value is None or value > 100:
            raise BadInput(f"top1 '{text}' is not a percentage from 0 to 100")
        return value
    if not value:
        raise BadInput(f"{column} '{text}' is not a number above 0 such as 5.29")
    return value * (10**6 if column in IN_MILLIONS else 1)


def _count(column: str, text: str, plain: str) -> Fraction:
    try:
        value = stated(plain)[0]
    except ValueError:
        value = Fraction(0)
    if value == 0 or value.denominator != 1:
        raise BadInput(f"{column} '{text}' is not a count such as 3504872 or 4.2M")
    return value


def _size(column: str, text: str) -> tuple[int, int] | None:
    """(height, width) of '224' or '192x256'; None for an empty cell."""
    if not text.strip():
        return None
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise BadInput(f"{column} '{text.strip()}' is not a size such as 224 or 192x256")
    return int(match[1]), int(match[2] or match[1])


def _printable(text: str) -> str:
    """The text on one line, with visible signs in place of control characters."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def _nothing(path: str, skipped: Sequence[Skip]) -> str:
    if not skipped:
        return f"'{path}' has a header and no rows; give a row for each network"
    first = skipped[0]
    return (
        f"no row of '{path}' can be read; the first, line {first.line} ({first.name}): "
        f"{first.reason}"
    )
