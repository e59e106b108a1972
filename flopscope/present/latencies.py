"""Published latencies as documents: of networks, of a device, and the devices themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

from flopscope.answers.latencies import Known, Latencies, Measured
from flopscope.catalog.latencies import Device, Latency, Trust
from flopscope.present.numbers import MILLIJOULE, in_units_briefly, integer
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import size
from flopscope.readings.energy import CAUTION

TRUSTED = "Times are to be trusted in this order: " + ", ".join(each.value for each in Trust) + "."
"""The order of trust, as a note."""

APART = (
    "Latencies are comparable within one device alone, and there at one batch and one input size."
)


def latencies_document(found: Latencies) -> Document:
    """The devices where nothing is asked for, else the latencies with their sources."""
    table = _devices(found.known) if found.known else _measured(found)
    return Document([table], partial(_data, found))


def _devices(known: Iterable[Known]) -> Table:
    columns = [
        Column("device", "Device", numeric=False),
        Column("networks", "Net-\nworks", integer),
        Column("catalogue", "Of the\ncatalogue", integer),
        Column("words", "What it is", numeric=False),
    ]
    rows = [[each.device.name, each.networks, each.ours, each.device.words] for each in known]
    notes = [
        "`flopscope latencies --device NAME` shows the networks of a device, and `flopscope "
        "pareto --x latency --device NAME` their frontier.",
        APART,
        TRUSTED,
    ]
    return Table(columns, rows, "Devices with published latencies.", notes)


def _measured(found: Latencies) -> Table:
    cited = citations(each.row for each in found.measured)
    columns = [
        Column("model", "Model", numeric=False),
        Column("name", "Name", numeric=False, shown=False),
        *([] if found.on else [Column("device", "Device", numeric=False)]),
        Column("resolution", "Input", size, raw=lambda shape: f"{shape[0]}x{shape[1]}"),
        Column("batch", "Batch", integer),
        Column("latency_ms", "Latency\nms", milliseconds, raw=float),
        Column("images_per_s", "Images\na second", milliseconds, raw=float),
        Column("energy_fj", "Energy\nmJ", partial(in_units_briefly, MILLIJOULE)),
        Column("source", "Source", lambda row: f"[{cited[citation(row)]}]", False, citation),
    ]
    rows = [_row(each, found.on is None) for each in found.measured]
    notes = [f"No latency of {name} is published here." for name in found.missing]
    notes += [APART, TRUSTED] if rows else []
    notes += [CAUTION] if any(each.energy is not None for each in found.measured) else []
    there = dict.fromkeys(each.row.device for each in found.measured)
    notes += [f"{of.name}: {of.words}." for of in there if found.on is None]
    notes += [f"[{number}] {text}" for text, number in cited.items()]
    return Table(columns, rows, _title(found), notes)


def _title(found: Latencies) -> str:
    of = f" of {', '.join(found.networks)}" if found.networks else ""
    on = f" on {found.on.name} ({found.on.words})" if found.on else ""
    return f"Published latencies{of}{on}, of a whole batch."


def _row(each: Measured, named: bool) -> list[Any]:
    row = each.row
    return [
        row.catalogue,
        row.model,
        *([row.device.name] if named else []),
        row.resolution,
        row.batch,
        row.latency_ms,
        row.throughput_ips,
        each.energy,
        row,
    ]


def milliseconds(value: Fraction) -> str:
    """A stated number with its digits.

    >>> milliseconds(Fraction("278.633")), milliseconds(Fraction(12))
    ('278.633', '12')
    """
    return f"{float(value):,.12g}"


def citation(row: Latency) -> str:
    """Where a latency stands, and what it is as far as the source says."""
    statistic = f"; {row.source.statistic}" if row.source.statistic else ""
    return row.source.citation + statistic


def citations(rows: Iterable[Latency]) -> Mapping[str, int]:
    """The citations of these rows with their numbers, from 1."""
    return {text: number for number, text in enumerate(dict.fromkeys(map(citation, rows)), 1)}


def device_data(of: Device) -> dict[str, Any]:
    """A device for JSON."""
    return dict(of._asdict())


def _data(found: Latencies) -> dict[str, Any]:
    shown = [each.device for each in found.known] or [each.row.device for each in found.measured]
    return {
        "schema": "flopscope.latencies/1",
        "trust": Trust.PUBLISHED.value,
        "devices": [device_data(of) for of in dict.fromkeys(shown)],
        "latencies": [_row_data(each) for each in found.measured],
        "missing": list(found.missing),
        "cautions": [CAUTION] if any(each.energy for each in found.measured) else [],
    }


def _row_data(each: Measured) -> dict[str, Any]:
    row = each.row
    return {
        "variant": row.catalogue,
        "name": row.model,
        "device": row.device.name,
        "resolution": row.resolution and list(row.resolution),
        "batch": row.batch,
        "latency_ms": None if row.latency_ms is None else float(row.latency_ms),
        "images_per_s": None if row.throughput_ips is None else float(row.throughput_ips),
        "energy_fj": each.energy,
        "source": citation(row),
    }
