"""The latency table of parts that a user measured: a CSV file with a row for each part.

Its columns are part, stage, width and latency_ms; `before` for a downsampling; low_ms and high_ms
where the measurement has quartiles or another interval; device, runtime, dtype and batch where they
are known.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flopscope.brief import shown
from flopscope.catalog.latencies import Trust
from flopscope.choosing.slimming.design import Part
from flopscope.errors import BadInput, check_name, listed
from flopscope.timing.device import Device
from flopscope.timing.measurement import OTHER_NAMES

KINDS: Mapping[str, tuple[str, ...]] = {
    "stem": ("width",),
    "downsample": ("stage", "before", "width"),
    "mb4d": ("stage", "width"),
    "mb3d": ("stage", "width"),
    "head": ("width",),
}
"""The columns that say which part of a kind a row is of."""

NEEDED = ("part", "stage", "width", "latency_ms")
SETTING = ("device", "runtime", "dtype", "batch")
"""Where and how the parts ran. In one table they are the same in every row."""


@dataclass(frozen=True)
class Measured:
    """The seconds of a part, and their interval; both ends are the time where none is stated."""

    seconds: float
    low: float
    high: float


@dataclass(frozen=True)
class MeasuredParts:
    """The measured parts of a table, and where and how they ran, as far as it says."""

    name: str
    parts: Mapping[Part, Measured]
    setting: Mapping[str, str]

    def check(self, device: Device | None, batch: int) -> None:
        """Raises BadInput where the table is of another batch, or of another runtime or type of
        numbers than the device that predicts the parts which it has not."""
        own = {"batch": str(batch)}
        if device is not None:
            own |= {"runtime": device.runtime, "dtype": device.dtype}
        for column, wanted in own.items():
            found = self.setting.get(column)
            if found is not None and found != wanted:
                of = f"the device {device.name}" if device and column != "batch" else "this run"
                raise BadInput(
                    f"{self.name} was measured with the {column} {found}, and {of} has {wanted}; "
                    f"give times of one {column}"
                )


def read_parts(path: str | Path) -> MeasuredParts:
    """The table of a CSV file. Raises BadInput, with the line, for a file that is no such table and
    for a row that states what cannot be, UnknownName for a part that is none."""
    name = str(path)
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            rows = [(f"{name}, line {reader.line_num}", row) for row in reader]
            header = reader.fieldnames or ()
    except OSError as error:
        raise BadInput(f"cannot read '{name}': {error.strerror}; give a CSV file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"'{name}' is no CSV in UTF-8; give a CSV file") from error
    for column in NEEDED:
        if column not in header:
            raise BadInput(
                f"'{name}' has no column {column}; a table of parts has {listed(NEEDED)}, and may "
                f"have {listed(('before', 'low_ms', 'high_ms', *SETTING))}"
            )
    parts: dict[Part, Measured] = {}
    setting: dict[str, str] = {}
    for place, row in rows:
        if row.get("trust") == Trust.PREDICTED.value:
            raise BadInput(
                f"{place}: this time is predicted, not measured; measure it and clear its column "
                "trust, or leave the row out"
            )
        part = _part(row, place)
        if part in parts:
            raise BadInput(f"{place}: {part} stands twice; keep one of its rows")
        parts[part] = _measured(row, place)
        for column in SETTING:
            if row.get(column):
                value = OTHER_NAMES.get(row[column], row[column])
                if setting.setdefault(column, value) != value:
                    raise BadInput(
                        f"{place}: the {column} is {value}, and {setting[column]} above; a table "
                        f"is of one {column}"
                    )
    if not parts:
        raise BadInput(f"'{name}' has no row; give a row a part")
    return MeasuredParts(name, parts, setting)


def _part(row: Mapping[str, Any], place: str) -> Part:
    kind = (row["part"] or "").strip()
    check_name("part", kind, KINDS)
    sizes = {column: _size(row, column, place) for column in KINDS[kind]}
    return Part(kind, **{"stage": 0, **sizes})


def _size(row: Mapping[str, Any], column: str, place: str) -> int:
    text = (row.get(column) or "").strip()
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise BadInput(f"{place}: {column} is {shown(text)}, and must be an integer from 1")
    return int(text)


def _measured(row: Mapping[str, Any], place: str) -> Measured:
    time = _time(row, "latency_ms", place)
    low, high = (_time(row, c, place) if row.get(c) else time for c in ("low_ms", "high_ms"))
    if not low <= time <= high:
        raise BadInput(
            f"{place}: latency_ms is {row['latency_ms']}, outside its interval; give a low_ms "
            "below it and a high_ms above it"
        )
    return Measured(time, low, high)


def _time(row: Mapping[str, Any], column: str, place: str) -> float:
    try:
        value = float(row[column] or "")
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise BadInput(f"{place}: {column} is {shown(row[column])}, and must be a number above 0")
    return value / 1e3
