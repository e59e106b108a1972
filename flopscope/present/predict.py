"""Predicted times as a table: a line for each network, or for each part of one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from flopscope.answers.counted import Counted
from flopscope.answers.predict import Prediction, Share
from flopscope.catalog.latencies import Trust
from flopscope.errors import BadInput, listed
from flopscope.present.numbers import MILLIJOULE, in_units_briefly, integer
from flopscope.present.table import Column, Document, Table
from flopscope.present.times import (
    BOUNDS,
    device_data,
    interval,
    milli,
    percent,
    prediction_data,
    protocol_notes,
)
from flopscope.present.words import size
from flopscope.readings.energy import CAUTION
from flopscope.timing.roofline import Bound

SCHEMA = "flopscope.predict/1"


def prediction_document(predictions: Sequence[Prediction], by: str | None = None) -> Document:
    """The times of networks in a table or, with `by`, of the parts of one network.

    Raises BadInput for the parts of several networks, UnknownName for a level that does not exist.
    """
    if by is None:
        return Document([_networks(predictions)], lambda: _data(predictions, None, ()))
    if len(predictions) != 1:
        raise BadInput(
            f"--by {by} shows the parts of one network, and {len(predictions)} are given; give one"
        )
    shares = predictions[0].by(by)
    return Document([_parts(predictions[0], by, shares)], lambda: _data(predictions, by, shares))


def _networks(predictions: Sequence[Prediction]) -> Table:
    device = predictions[0].time.device
    columns = [
        Column("network", "Network", numeric=False),
        Column("input", "Input", _input, raw=_shapes),
        Column("seconds", "Time\n(ms)", milli),
        Column("low_80", "80 %\n(ms)", interval, raw=lambda ends: ends[0]),
        Column("low_90", "90 %\n(ms)", interval, raw=lambda ends: ends[0]),
        Column(
            "measured_seconds",
            "Mea-\nsured\n(ms)",
            milli,
            shown=any(each.measured for each in predictions),
        ),
        *(_bound_column(bound) for bound in Bound),
        Column(
            "energy_fj",
            "Energy\n(mJ)",
            partial(in_units_briefly, MILLIJOULE),
            shown=any(each.energy is not None for each in predictions),
        ),
        Column("high_80", "80 %, high", shown=False),
        Column("high_90", "90 %, high", shown=False),
    ]
    rows = [_row(each) for each in predictions]
    notes = [f"Warning: {each}." for p in predictions for each in p.warnings]
    batches = listed(sorted({f"{each.network.batch:,}" for each in predictions}))
    title = (
        f"Predicted time of one run of a batch of {batches} on {device.device}, {device.runtime}, "
        f"{device.dtype}"
    )
    notes += [*_measured(predictions), *_legend(), *protocol_notes(device)]
    notes += [CAUTION] if any(each.energy is not None for each in predictions) else []
    return Table(columns, rows, title, notes)


def _row(each: Prediction) -> list[Any]:
    time = each.time
    shares = time.shares()
    return [
        each.network.target.name,
        each.network,
        time.seconds,
        time.interval(80),
        time.interval(90),
        _measured_seconds(each),
        *(shares[bound] for bound in Bound),
        each.energy,
        time.interval(80)[1],
        time.interval(90)[1],
    ]


def _input(network: Counted) -> str:
    if network.resolution:
        return size(network.resolution)
    return ", ".join("×".join(map(str, shape)) for shape in network.shapes)


def _shapes(network: Counted) -> list[list[int]]:
    return [list(map(int, shape)) for shape in network.shapes]


def _measured_seconds(each: Prediction) -> float | None:
    found = each.measured
    return float(found.latency_ms) / 1e3 if found and found.latency_ms else None


def _measured(predictions: Sequence[Prediction]) -> list[str]:
    """Where the measured times beside the predicted ones are from."""
    found = [each.measured for each in predictions if each.measured]
    tables = "; ".join(dict.fromkeys(each.source.citation for each in found))
    return [f"Measured: {Trust.PUBLISHED.value}, {tables}."] if found else []


def _bound_column(bound: Bound) -> Column:
    return Column(bound.value, f"{BOUNDS[bound].capitalize()}\n(%)", percent)


def _legend() -> list[str]:
    return [
        "Arithmetic, memory, launches: the share of the time in units of which this takes most."
    ]


def _parts(prediction: Prediction, by: str, shares: Sequence[Share]) -> Table:
    time = prediction.time
    whole = time.seconds
    columns = [
        Column("name", by.capitalize(), numeric=False),
        Column("seconds", "Time\n(ms)", milli),
        Column("share", "Share\n(%)", percent),
        Column("bound", "Waits for", lambda bound: BOUNDS[bound], numeric=False, raw=_value),
        Column("macs", "MACs", integer, counted=True),
        Column("bytes", "Bytes", integer, counted=True),
    ]
    rows: list[list[Any]] = [
        [s.name, s.seconds, s.seconds / whole if whole else 0.0, s.bound, s.macs, s.bytes]
        for s in shares
    ]
    total = [
        "total", whole, 1.0, None, sum(s.macs for s in shares), sum(s.bytes for s in shares)
    ]  # fmt: skip
    device = time.device
    network = prediction.network
    title = (
        f"{network.target.name} on {_input(network)}, batch {network.batch:,}: {milli(whole)} ms "
        f"predicted, 90 %: {interval(time.interval(90))} ms"
    )
    warnings = [f"Warning: {each}." for each in prediction.warnings]
    return Table(columns, [*rows, total], title, [*warnings, *protocol_notes(device)], total=True)


def _value(bound: Bound) -> str:
    return bound.value


def _data(
    predictions: Sequence[Prediction], by: str | None, shares: Sequence[Share]
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "device": device_data(predictions[0].time.device),
        "networks": [
            {
                "name": each.network.target.name,
                "inputs": _shapes(each.network),
                **prediction_data(each.time),
                "trust": Trust.PREDICTED.value,
                "measured_seconds": _measured_seconds(each),
                "energy_fj": each.energy,
                "warnings": list(each.warnings),
            }
            for each in predictions
        ],
        **({} if by is None else {"by": by, "parts": [_part(share) for share in shares]}),
    }


def _part(share: Share) -> dict[str, Any]:
    return {
        "name": share.name,
        "seconds": share.seconds,
        "macs": share.macs,
        "bytes": share.bytes,
        "bound": share.bound.value,
    }
