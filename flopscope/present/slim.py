"""Slimming as tables: the steps that were taken, and the stages before and after; or the latency
table of the parts."""

from __future__ import annotations

from functools import partial
from typing import Any

from flopscope.brief import number_of
from flopscope.catalog.latencies import Trust
from flopscope.choosing.slim import Start
from flopscope.choosing.slimming.actions import Move
from flopscope.choosing.slimming.design import SlimDesign
from flopscope.choosing.slimming.loop import Candidate, Slimming, Step
from flopscope.choosing.slimming.part_times import LEVEL, PartTimes, Span
from flopscope.present.slim_notes import slimming_notes, times_notes
from flopscope.present.table import Column, Document, Table
from flopscope.present.times import device_data, interval, milli

SCHEMA = "flopscope.slim/1"


def parts_document(begun: Start) -> Document:
    """The latency table of the parts of a design. As CSV it has the columns of a table of measured
    parts."""
    return Document([_parts(begun)], partial(_parts_data, begun))


def slimming_document(found: Slimming, *, every: bool = False) -> Document:
    """The steps and the stages. `every` shows the actions that were not taken, too."""
    return Document([_steps(found, every), _stages(found)], partial(_data, found))


def _parts(begun: Start) -> Table:
    columns = [
        Column("part", "Part", numeric=False),
        Column("stage", "Stage"),
        Column("before", "From\nchannels"),
        Column("width", "Channels"),
        Column("latency_ms", "Time\n(ms)", milli, raw=_ms),
        Column("low_ms", f"{LEVEL} %\n(ms)", interval, raw=lambda ends: _ms(ends[0])),
        Column("high_ms", f"{LEVEL} %, high", raw=_ms, shown=False),
        Column("trust", "Source", numeric=False),
    ]
    rows = [
        [
            part.kind,
            part.stage or None,
            part.before or None,
            part.width,
            span.seconds,
            (span.low, span.high),
            span.high,
            _trust(begun.times.is_measured(part)),
        ]
        for part, span in begun.times.table(begun.first)
    ]
    title = f"Parts of {begun.name} and its blocks at narrower widths, {_run(begun.times)}"
    notes = [
        "The time of a design is the sum over its parts. The interval is that of networks: single "
        "blocks were not measured, and may be further off.",
        *times_notes(begun.times),
    ]
    return Table(columns, rows, title, notes)


def _trust(measured: bool) -> str:
    return str((Trust.MEASURED_HERE if measured else Trust.PREDICTED).value)


def _ms(seconds: float) -> float:
    return 1e3 * seconds


def _run(times: PartTimes) -> str:
    height, width = times.res
    return f"{height}×{width}, batch {times.batch:,}"


def _steps(found: Slimming, every: bool) -> Table:
    lost = "Accuracy\nlost" if found.evaluated else "Importance\nlost"
    columns = [
        Column("step", "Step"),
        Column("action", "Action", _words, raw=_name, numeric=False),
        Column("of", "Of", shown=False, numeric=False),
        Column("saved_seconds", "Saved\n(ms)", _signed),
        Column("saved_low", f"{LEVEL} %\n(ms)", _ends, raw=lambda ends: ends[0]),
        Column("saved_high", f"{LEVEL} %, high", shown=False),
        Column("lost", lost, _short),
        Column("lost_per_ms", "per ms\nsaved", _short),
        Column("seconds", "Time\n(ms)", milli),
        Column("taken", "Taken", _yes, shown=every, numeric=False),
    ]
    rows = []
    for place, step in enumerate(found.steps, 1):
        shown = step.candidates if every else (step.taken,)
        rows += [_row(place, each, step) for each in shown]
    after = found.times.of(found.design)
    title = (
        f"{found.name}, {_run(found.times)}: from {milli(found.times.of(found.first).seconds)} to "
        f"{milli(after.seconds)} ms, {LEVEL} %: {interval((after.low, after.high))} ms, in "
        f"{number_of(found.steps, 'step')}; at most {milli(found.target)} ms are asked for"
    )
    return Table(columns, rows, title, slimming_notes(found, after))


def _row(place: int, each: Candidate, step: Step) -> list[Any]:
    taken = each is step.taken
    return [
        place,
        each.move,
        each.move.what,
        each.saved.seconds,
        (each.saved.low, each.saved.high),
        each.saved.high,
        each.loss,
        each.rate,
        step.time.seconds if taken else None,
        taken,
    ]


def _words(move: Move) -> str:
    """'drop stage1.block2', 'narrow stage1 to 80'."""
    said = f"{move.action.value} {move.what}"
    return f"{said} to {move.design.channels[move.stage - 1]}" if move.stage else said


def _name(move: Move) -> str:
    return move.action.name.lower()


def _yes(taken: bool) -> str:
    return "yes" if taken else "no"


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _signed(seconds: float) -> str:
    return f"−{milli(-seconds)}" if seconds < 0 else milli(seconds)


def _ends(ends: tuple[float, float]) -> str:
    return " to ".join(map(_signed, ends))


def _stages(found: Slimming) -> Table:
    columns = [
        Column("stage", "Stage"),
        Column("channels_before", "Channels\nbefore"),
        Column("channels", "after"),
        Column("mb4d_before", "MB4D\nbefore"),
        Column("mb4d", "after"),
        Column("mb3d_before", "MB3D\nbefore"),
        Column("mb3d", "after"),
    ]
    before, after = _sizes(found.first), _sizes(found.design)
    rows = [
        [stage, *(size for pair in zip(old, new, strict=True) for size in pair)]
        for stage, (old, new) in enumerate(zip(before, after, strict=True), 1)
    ]
    counts = [
        f"{design.ledger(found.times.res).params().value:,} parameters and "
        f"{design.ledger(found.times.res).macs().value:,} MACs"
        for design in (found.first, found.design)
    ]
    note = f"{counts[0]} an image before, {counts[1]} after."
    return Table(columns, rows, "The design before and after", [note])


def _sizes(design: SlimDesign) -> list[tuple[int, int, int]]:
    """Channels, blocks that pool and blocks that attend, of each stage."""
    found = []
    for stage, width in enumerate(design.channels, 1):
        blocks = design.of_stage(stage)
        attending = sum(block.attends for block in blocks)
        found.append((width, len(blocks) - attending, attending))
    return found


def _span(span: Span) -> dict[str, Any]:
    return {"seconds": span.seconds, f"interval_{LEVEL}": [span.low, span.high]}


def _run_data(times: PartTimes) -> dict[str, Any]:
    return {
        "resolution": list(times.res),
        "batch": times.batch,
        "device": None if times.device is None else device_data(times.device),
        "table": None if times.measured is None else times.measured.name,
    }


def _parts_data(begun: Start) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "network": begun.name,
        **_run_data(begun.times),
        "parts": [
            {
                "part": part.kind,
                "stage": part.stage or None,
                "before": part.before or None,
                "width": part.width,
                **_span(span),
                "trust": _trust(begun.times.is_measured(part)),
            }
            for part, span in begun.times.table(begun.first)
        ],
    }


def _data(found: Slimming) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "network": found.name,
        **_run_data(found.times),
        "target_seconds": found.target,
        "loss": "accuracy" if found.evaluated else "importance",
        "before": _design(found, found.first),
        "after": _design(found, found.design),
        "after_as_a_whole_seconds": found.whole,
        "accuracies": list(found.accuracies),
        "steps": [
            {
                "candidates": [_candidate(each, step) for each in step.candidates],
                "time": _span(step.time),
            }
            for step in found.steps
        ],
        "warnings": found.warned,
    }


def _design(found: Slimming, design: SlimDesign) -> dict[str, Any]:
    ledger = design.ledger(found.times.res)
    return {
        "channels": list(design.channels),
        "pooling": list(design.stages.pooling),
        "attending": design.stages.attending,
        "blocks": [block.name for block in design.blocks],
        "params": ledger.params().value,
        "macs": ledger.macs().value,
        "time": _span(found.times.of(design)),
    }


def _candidate(each: Candidate, step: Step) -> dict[str, Any]:
    return {
        "action": _name(each.move),
        "of": each.move.what,
        "saved": _span(each.saved),
        "loss": each.loss,
        "loss_per_ms": each.rate,
        "taken": each is step.taken,
    }
