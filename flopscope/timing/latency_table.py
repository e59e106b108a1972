"""Tables of measured latencies: CSV files in flopscope's columns or in timm's.

A column that is not known is left alone, since published tables have columns of their own. A name
that is nearly a known one is refused, because a misspelt column would be silently lost.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from flopscope.brief import shown
from flopscope.errors import BadInput, listed
from flopscope.numerals import image_size
from flopscope.timing.measurement import (
    COUNTED,
    FIELDS,
    LATENCY,
    OTHER_NAMES,
    THROUGHPUT,
    TIMES,
    Latency,
)
from flopscope.timing.timm_table import is_timm, timm_facts, timm_row

COLUMNS = (
    "model", "catalogue", "device", "runtime", "runtime_version", "dtype", "threads", "batch",
    "resolution", "latency_ms", "q25_ms", "q75_ms", "min_ms", "cpu_ms", "cpu_min_ms",
    "throughput_ips", "rounds", "anchor_ms", "memory_bytes", "memory_is", "energy_mj", "energy_is",
    "layout", "mode", "date", "statistic", "source", "table_or_file", "commit", "note",
)  # fmt: skip
"""The columns, in the order in which they are written."""

ALWAYS = COLUMNS[:10]
"""The columns that are written even if they are empty."""

TEXTS = frozenset(FIELDS) - {*TIMES, *COUNTED, THROUGHPUT, "energy_mj", "resolution"}


MOST = 10**9
"""Of what a table states the most; the least is one over it. More milliseconds are twelve days, and
fewer no measurement."""


def read_latencies(path: str | Path) -> list[Latency]:
    """The latencies of a CSV file, in its order. Columns may come in any order.

    A row has a model, a device, and a latency_ms, or a throughput_ips with a batch. timm's
    benchmark files have neither device nor runtime, which their names say:
    benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv.

    Raises BadInput, with the line, for a file that is no such table and for a row that states
    what cannot be.
    """
    name = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"cannot read '{name}': {error.strerror}; give a CSV file") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"'{name}' is not text in UTF-8; give a CSV file") from error
    return parse_latencies(text, name)


def parse_latencies(text: str, name: str) -> list[Latency]:
    """The latencies of a CSV table, whose name says in messages where it is from.

    >>> parse_latencies("model,device,latency_ms\\nmobilenetv2,a laptop,12.7\\n", "m.csv")
    [Latency(mobilenetv2, 12.7 ms, a laptop)]
    >>> parse_latencies("model,device,latency_ms\\nmobilenetv2,a laptop,0\\n", "m.csv")
    Traceback (most recent call last):
    ...
    flopscope.errors.BadInput: m.csv, line 2: latency_ms is '0', and must be a number above 0
    """
    header, rows = _lines(text, name)
    made: Callable[[Mapping[str, str]], Mapping[str, str]] = dict
    if is_timm(header):
        facts = timm_facts(name)
        made = lambda row: timm_row(row, facts)  # noqa: E731 - one expression, named above
    else:
        _check_header(header, name)
    return [_latency(made(row), f"{name}, line {line}") for line, row in rows]


def latencies_csv(latencies: Sequence[Latency]) -> str:
    """The CSV table of latencies, which `read_latencies` reads as the same latencies. A column that
    is empty in every row is left out.

    >>> latencies_csv([Latency("mobilenetv2", "a laptop", 12.7, threads=1)]).splitlines()[1]
    'mobilenetv2,,a laptop,,,,1,,,12.7'
    """
    rows = [{column: _cell(getattr(each, column)) for column in COLUMNS} for each in latencies]
    kept = [column for column in COLUMNS if column in ALWAYS or any(row[column] for row in rows)]
    file = io.StringIO()
    writer = csv.DictWriter(file, kept, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def known_as(latencies: Iterable[Latency], names: Mapping[str, str]) -> list[Latency]:
    """The latencies with the catalogue's names of their models, where they state none.

    >>> runs = known_as([Latency("regnetx_002", "a GPU", 1.0)], {"regnetx_002": "regnetx_200mf"})
    >>> runs[0].catalogue
    'regnetx_200mf'
    """
    return [
        replace(each, catalogue=names[each.model])
        if not each.catalogue and each.model in names
        else each
        for each in latencies
    ]


def _lines(text: str, name: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The names of the columns, and each row with the number of its last line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        found = [(reader.line_num, [c.strip() for c in cells]) for cells in reader if any(cells)]
    except csv.Error as error:
        raise BadInput(f"{name}, line {reader.line_num}: this is no CSV: {error}") from error
    if len(found) < 2:
        raise BadInput(f"'{name}' has no row; give a CSV file with a header and a row a latency")
    header = found[0][1]
    if double := [column for column in dict.fromkeys(header) if header.count(column) > 1]:
        raise BadInput(f"'{name}' has the column '{double[0]}' twice; keep one of them")
    for line, cells in found[1:]:
        if len(cells) != len(header):
            raise BadInput(
                f"{name}, line {line}: {len(cells)} cells, but the header has {len(header)}; give "
                "each row one cell for each column"
            )
    return header, [(line, dict(zip(header, cells, strict=True))) for line, cells in found[1:]]


_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
"""What spreadsheets write in place of commas."""


def _check_header(header: Sequence[str], name: str) -> None:
    for column in header:
        if column not in COLUMNS and (near := get_close_matches(column, COLUMNS, 1, 0.8)):
            raise BadInput(
                f"'{name}' has no column '{near[0]}' but '{column}'; write '{near[0]}', or give a "
                "column of your own another name"
                if near[0] not in header
                else f"'{name}' has the columns '{near[0]}' and '{column}'; give a column of your "
                "own a name that is less like it"
            )
    missing = [column for column in ("model", "device") if column not in header]
    if len(header) == 1 and (sign := next((s for s in _SEPARATORS if s in header[0]), None)):
        raise BadInput(
            f"the cells of '{name}' are separated by {_SEPARATORS[sign]}; write commas, and "
            "decimals with a point"
        )
    if missing or not {LATENCY, THROUGHPUT} & set(header):
        needed = missing[0] if missing else LATENCY
        raise BadInput(
            f"'{name}' has no column '{needed}'; a table of latencies has model, device and "
            f"latency_ms, or throughput_ips and batch, and may have {listed(COLUMNS[3:9])}"
        )


def _latency(row: Mapping[str, str], place: str) -> Latency:
    try:
        return Latency(**_facts(row))
    except BadInput as error:
        raise BadInput(f"{place}: {error}") from error


def _facts(row: Mapping[str, str]) -> dict[str, Any]:
    """The fields that a row states, as values."""
    facts = {name: _value(name, row[name]) for name in FIELDS if row.get(name)}
    for name in ("model", "device"):
        facts.setdefault(name, "")
    if LATENCY not in facts:
        facts[LATENCY] = _from_throughput(facts)
    return facts


def _from_throughput(facts: Mapping[str, Any]) -> float:
    if THROUGHPUT not in facts:
        raise BadInput("it states neither latency_ms nor throughput_ips; give one of them")
    if "batch" not in facts:
        raise BadInput(
            "it states throughput_ips without a batch, from which no latency follows; give the "
            "batch or latency_ms"
        )
    return 1e3 * int(facts["batch"]) / float(facts[THROUGHPUT])


def _value(name: str, text: str) -> Any:
    if name in TEXTS:
        return OTHER_NAMES.get(text, text) if name in ("dtype", "mode") else text
    if name == "resolution":
        return _resolution(text)
    return _counted(name, text) if name in COUNTED else _positive(name, text)


def _positive(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise BadInput(f"{name} is {shown(text)}, and must be a number above 0")
    if not 1 / MOST <= value <= MOST:
        raise BadInput(f"{name} is {shown(text)}, and must be from {1 / MOST:g} to {MOST:,}")
    return value


def _counted(name: str, text: str) -> int:
    # Data frames write a column of integers with gaps as 1.0, 2.0.
    whole = text.removesuffix(".0")
    if not (whole.isascii() and whole.isdigit() and int(whole) > 0):
        raise BadInput(f"{name} is {shown(text)}, and must be an integer from 1")
    return int(whole)


def _resolution(text: str) -> tuple[int, int]:
    size = image_size(text.removesuffix(".0"))
    if size is None:
        raise BadInput(
            f"resolution is {shown(text)}, and must be one size or height×width, such as 224 or "
            "192x256"
        )
    return size


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        height, width = value
        return str(height) if height == width else f"{height}x{width}"
    return repr(value) if isinstance(value, float) else str(value)
