"""Measured latencies as a document: a row for each network, and what keeps them from being the
whole truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from flopscope.answers.layer_times import LayerTime
from flopscope.answers.measure import Measured, Measurements
from flopscope.present import render
from flopscope.present.numbers import integer
from flopscope.present.report import Report
from flopscope.present.table import Best, Column, Document, Table
from flopscope.present.words import size, wrapped
from flopscope.timing.latency_table import COLUMNS, latencies_csv

SCHEMA = "flopscope.measure/1"


class MeasurementReport(Report):
    """The report that `measure` returns. It is false where a runtime computed something else than
    PyTorch. `latencies` are what a table of them has."""

    def __init__(self, measurements: Measurements) -> None:
        self.measurements = measurements
        self.latencies = measurements.latencies

    def document(self) -> Document:
        """A row for each network; with `by`, a table of layers for each."""
        return measurement_document(self.measurements)

    @property
    def formats(self) -> render.Formats:
        return formats_of(self.measurements)

    @property
    def about(self) -> str:
        return ", ".join(f"{each.model} {_ms(each.latency_ms)} ms" for each in self.latencies)

    @property
    def holds(self) -> bool:
        return self.measurements.agrees


def formats_of(found: Measurements) -> render.Formats:
    """The formats of documents, where CSV is the table of latencies that `calibrate` reads."""
    if found.how.by is not None:
        return render.FORMATS
    csv: Callable[[Document], str] = lambda _: latencies_csv(found.latencies)  # noqa: E731
    return {**render.FORMATS, "csv": csv}


def measurement_document(found: Measurements) -> Document:
    """The latencies, and the layers of each network where they are asked for."""
    layers = [_layer_table(entry) for entry in found.entries if entry.layers]
    return Document([_latency_table(found), *layers], lambda: _data(found))


def _latency_table(found: Measurements) -> Table:
    columns = [
        Column("model", "Network", numeric=False, fold=wrapped),
        Column("input", "Input", numeric=False),
        Column("latency_ms", "Latency\nms", _ms, best=Best.LEAST),
        Column("quartiles_ms", "Quartiles\nms", _between),
        Column("cpu_ms", "CPU\nms", _ms),
        Column("throughput_ips", "Images\n/s", _three),
        Column("memory_bytes", "Peak\nMB", lambda value: f"{value / 1e6:.1f}"),
        Column("energy_mj", "Energy\nmJ", _three),
        Column("difference", "Differ-\nence", lambda value: f"{value:.0e}"),
    ]
    rows = [_row(entry) for entry in found.entries]
    kept = [
        place
        for place, column in enumerate(columns)
        if column.key in ALWAYS or any(row[place] is not None for row in rows)
    ]
    return Table(
        [columns[place] for place in kept],
        [[row[place] for place in kept] for row in rows],
        _title(found),
        _notes(found),
    )


ALWAYS = ("model", "input", "latency_ms", "quartiles_ms", "throughput_ips")
"""The columns that are there even if they are empty."""


def _row(entry: Measured) -> list[Any]:
    one = entry.latency
    return [
        one.model,
        size(one.resolution) if one.resolution else _shapes(entry.shapes),
        one.latency_ms,
        (one.q25_ms, one.q75_ms),
        one.cpu_ms,
        one.throughput_ips,
        one.memory_bytes,
        one.energy_mj,
        entry.difference,
    ]


def _title(found: Measurements) -> str:
    if not found.entries:
        return f"{found.title}."
    first = found.entries[0].latency
    batches = dict.fromkeys(each.batch for each in found.latencies)
    threads = f"{_plural(first.threads, 'thread')}, " if first.threads else ""
    return (
        f"{found.title} ({first.runtime_version}) on {first.device}: {threads}{first.dtype}, batch "
        f"{' and '.join(map(str, batches))}. Latency: wall time of a run of the whole batch, "
        f"{first.statistic} of the rounds; weights are random."
    )


def _notes(found: Measurements) -> list[str]:
    busy = [entry for entry in found.entries if entry.is_loaded]
    notes = [_crowded(busy)] if busy else []
    if (drift := found.drift) is not None:
        notes.append(
            f"the machine changed its speed: a product of matrices of one size, timed beside each "
            f"network, took up to {drift:.2f} times its shortest time"
        )
    if left := sum(entry.left_out for entry in found.entries):
        every = left + sum(entry.latency.rounds or 0 for entry in found.entries)
        notes.append(
            f"{left} of {_plural(every, 'round')} do not count, as a product of matrices beside "
            "them showed that the machine was slower than at its best"
        )
    notes += [_apart(entry) for entry in found.entries if not entry.is_same]
    firsts = [entry.latency for entry in found.entries]
    memory = {one.memory_is for one in firsts if one.memory_is}
    energy = {one.energy_is for one in firsts if one.energy_is}
    notes += [f"Peak: {words}" for words in sorted(memory)]
    notes += [f"Energy of a run: {words}" for words in sorted(energy)]
    if any(entry.difference is not None for entry in found.entries):
        notes.append(
            "Difference: of the results from those of PyTorch in float32, over their largest value"
        )
    return notes


NAMED = 4
"""The most networks that a note names."""


def _crowded(entries: Sequence[Measured]) -> str:
    """That other programs kept the machine busy during these."""
    names = ", ".join(entry.target.name for entry in entries[:NAMED])
    more = f" and {len(entries) - NAMED} more" if len(entries) > NAMED else ""
    times = sorted(entry.crowding or 1.0 for entry in entries)
    ratio = f"{times[0]:.2f}" if len(times) == 1 else f"{times[0]:.2f} to {times[-1]:.2f}"
    long = "the latency is too long" if len(times) == 1 else "these latencies are too long"
    return (
        f"{names}{more}: wall time was {ratio} times processor time, so other programs kept the "
        f"machine busy and {long}; CPU ms is nearer to an idle machine's"
    )


def _apart(entry: Measured) -> str:
    return (
        f"{entry.target.name}: the results differ from PyTorch's by {entry.difference:.1e} of "
        f"their largest value, more than {entry.tolerance:g}: this runtime computes something else"
    )


# --- layers ---------------------------------------------------------------------------------------


def _layer_table(entry: Measured) -> Table:
    columns = [
        Column("layer", "Layer", numeric=False),
        Column("operators", "Operators", numeric=False, fold=wrapped),
        Column("macs", "MACs", integer),
        Column("ms", "ms", lambda value: f"{value:.3f}"),
        Column("share", "%", lambda value: f"{value:.1f}"),
        Column("gmacs_per_s", "GMACs\n/s", lambda value: f"{value:.1f}"),
    ]
    total = sum(each.seconds for each in entry.layers)
    rows: list[list[Any]] = [_layer_row(each, total) for each in entry.layers]
    macs = sum(each.macs or 0 for each in entry.layers)
    rows.append(["total", "", macs, 1e3 * total, 100.0, macs / total / 1e9 if total else None])
    title = f"{entry.target.name}: the time of each layer, by the runtime's own profiler."
    notes = [
        "an operator that the runtime has fused into another stands with that one; a line without "
        "a name has operators whose names state no layer"
    ]
    return Table(columns, rows, title, notes, total=True)


def _layer_row(each: LayerTime, total: float) -> list[Any]:
    speed = each.macs_per_second
    return [
        each.path,
        ", ".join(each.operators),
        each.macs,
        1e3 * each.seconds,
        100 * each.seconds / total if total else 0.0,
        None if speed is None else speed / 1e9,
    ]


# --- data -----------------------------------------------------------------------------------------


def _data(found: Measurements) -> dict[str, Any]:
    how = found.how
    return {
        "schema": SCHEMA,
        "runtime": how.runtime,
        "agrees": found.agrees,
        "drift": found.drift,
        "models": [_entry_data(entry) for entry in found.entries],
    }


def _entry_data(entry: Measured) -> dict[str, Any]:
    facts = asdict(entry.latency)
    data: dict[str, Any] = {name: facts[name] for name in COLUMNS if facts[name] not in (None, "")}
    if entry.latency.resolution:
        data["resolution"] = list(entry.latency.resolution)
    data |= {
        "inputs": [list(shape) for shape in entry.shapes],
        "wall_over_cpu": entry.crowding,
        "loaded": entry.is_loaded,
        "rounds_left_out": entry.left_out,
        "difference": entry.difference,
        "same_results": entry.is_same,
    }
    return data | _layers_data(entry.layers)


def _layers_data(layers: Sequence[LayerTime]) -> dict[str, Any]:
    if not layers:
        return {}
    return {
        "layers": [
            {
                "layer": each.path,
                "operators": list(each.operators),
                "seconds": each.seconds,
                "macs": each.macs,
            }
            for each in layers
        ]
    }


def _ms(value: float) -> str:
    """Milliseconds in three significant digits.

    >>> _ms(12.7345), _ms(0.0123), _ms(1234.5)
    ('12.7', '0.0123', '1234')
    """
    return _three(value)


def _three(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:#.3g}" if value >= 1e-3 else f"{value:.2g}"


def _between(values: tuple[float, float]) -> str:
    return f"{_ms(values[0])}–{_ms(values[1])}"


def _plural(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _shapes(shapes: Sequence[Sequence[int]]) -> str:
    return ", ".join("×".join(map(str, shape)) for shape in shapes)
