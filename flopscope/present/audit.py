"""The published figures against the exact counts as a table, and the verdicts counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flopscope.catalog.metrics import Score
from flopscope.catalog.variant import parse
from flopscope.present.audit_schedules import schedule_table, time_table, training_data
from flopscope.present.numbers import chance_text, integer
from flopscope.present.scores import score_data, score_notes
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import wrapped
from flopscope.reconciling.audit import FigureVerdict, Finding
from flopscope.reconciling.mechanism import Explained
from flopscope.reconciling.schedules import schedules, times
from flopscope.reconciling.source_tables import QUANTITIES

SCHEMA = "flopscope.audit/2"


def audit_document(findings: Sequence[Finding], *, whole: bool = True) -> Document:
    """The count of each verdict, below one line for each stated number if the document is
    `whole`, and below how the networks were trained where that is published twice."""
    summary, data = _summary(findings), partial(_data, findings)
    if not whole:
        return Document([summary], data)
    trained, faster = list(schedules(_plain(findings))), list(times(_plain(findings)))
    tables = [schedule_table(trained)] * bool(trained) + [time_table(faster)] * bool(faster)
    return Document([_numbers(findings), *tables, replace(summary, aside=True)], data)


def _plain(findings: Sequence[Finding]) -> list[str]:
    """The networks without options, each once."""
    return list(dict.fromkeys(f.figure.model for f in findings if not f.figure.variant))


def _numbers(findings: Sequence[Finding]) -> Table:
    """A line for each stated number, with sources and causes in notes."""
    references = list(dict.fromkeys(map(_reference, findings)))
    columns = [
        Column(
            "model",
            "Model",
            _label,
            numeric=False,
            raw=lambda finding: finding.subject,
            fold=_folded,
        ),
        Column("stated", "Stated"),
        Column("exact", "Exact", integer),
        Column(
            "verdict",
            "Verdict",
            said,
            numeric=False,
            raw=lambda finding: finding.verdict.value,
            fold=lambda finding, room: wrapped(said(finding), room),
        ),
        Column("source", "Ref.", lambda r: f"[{references.index(r) + 1}]", raw=_source),
        Column("resolution", "Input", _size, raw=_size, shown=False),
        Column("quantity", "Of", numeric=False, shown=False),
        Column("unit", "Unit", numeric=False, shown=False),
        Column("because", "Because", numeric=False, shown=False),
        Column("agreeing", "Agreeing", shown=False),
        Column("siblings", "Siblings", shown=False),
        Column("chance", "Chance", raw=float, shown=False),
        Column("mechanism", "Table", numeric=False, shown=False),
        Column("nearest", "Nearest", numeric=False, shown=False),
        Column("note", "Note", numeric=False, shown=False),
    ]
    rows = [
        [
            finding,
            finding.reported.text,
            finding.exact,
            finding,
            _reference(finding),
            finding.figure.resolution,
            finding.quantity,
            _unit(finding) if finding.quantity == "compute" else None,
            finding.because,
            finding.explained.agreeing,
            finding.explained.siblings,
            finding.explained.chance,
            finding.mechanism,
            finding.nearest.name if finding.verdict in UNEXPLAINED else None,
            finding.figure.note,
        ]
        for finding in findings
    ]
    notes = [f"[{n}] {' '.join(filter(None, r))}" for n, r in enumerate(references, start=1)]
    notes += [_nearest(f) for f in findings if f.verdict in UNEXPLAINED]
    if scored := score_notes(_scores(findings).items()):
        notes += [*scored, NO_VERDICT]
    title = f"Published figures. Exact: {EXACT}. {MEANINGS}"
    return Table(columns, rows, title, notes)


NO_VERDICT = "What was measured by such a metric cannot be counted, and has no verdict."
"""Why scores stand below the table and not in it."""


def _scores(findings: Sequence[Finding]) -> dict[str, tuple[Score, ...]]:
    """The networks with scores by other metrics than top-1, by their names."""
    of = {f.subject: (parse(f.subject), f.figure.resolution) for f in findings}
    return {name: variant.scores(resolution) for name, (variant, resolution) in of.items()}


UNEXPLAINED = (FigureVerdict.EXCEPTION, FigureVerdict.IRREPRODUCIBLE, FigureVerdict.OPEN)
"""The verdicts on numbers that no reading gives, for which the nearest reading is named."""

EXACT = (
    "parameters, MACs of convention macs, and as activations the outputs of convolutions, linear "
    "layers and products"
)
MEANINGS = (
    "Behind a reading stand how many of the other numbers in the column of its table it gives, and "
    "the chance that a number within a tenth of this one would be explained as well."
)


def said(finding: Finding) -> str:
    """The verdict in words, with its reading or cause if there is one."""
    if _may_be(finding):
        weight = f"{_siblings(finding.explained)}, {chance_text(finding.explained.chance)} %"
        doubt = ": could be a coincidence" if finding.verdict is FigureVerdict.COINCIDENCE else ""
        return f"{finding.because} ({weight}){doubt}"
    if finding.verdict is FigureVerdict.EXCEPTION:
        return f"exception in a table of {finding.mechanism}"
    return finding.because or finding.verdict.value


def _may_be(finding: Finding) -> bool:
    """Does the verdict rest on a reading, which could be a coincidence?"""
    return finding.verdict in (FigureVerdict.EXPLAINED, FigureVerdict.COINCIDENCE)


def _siblings(explained: Explained) -> str:
    return f"{explained.agreeing} of {explained.siblings}" if explained.siblings else "alone"


def _reference(finding: Finding) -> tuple[str, str | None]:
    """The source of a figure, and its note unless the figure is simply right."""
    plain = finding.verdict is FigureVerdict.EQUAL or _may_be(finding)
    return f"{finding.figure.source}.", None if plain else finding.figure.note


def _source(reference: tuple[str, str | None]) -> str:
    return reference[0].removesuffix(".")


def _nearest(finding: Finding) -> str:
    count = integer(int(finding.nearest.count))
    return (
        f"{finding.subject}, {finding.quantity} {finding.reported.text}: the nearest reading is "
        f"{finding.nearest.name}, {count}"
    )


def _summary(findings: Sequence[Finding]) -> Table:
    counts = Counter(finding.verdict for finding in findings)
    columns = [
        Column("verdict", "Verdict", numeric=False),
        *(Column(quantity, quantity.capitalize()) for quantity in QUANTITIES),
        Column("numbers", "Numbers"),
        Column("short", "Of 1 or 2\ndigits"),
    ]
    rows: list[list[Any]] = []
    for verdict in FigureVerdict:
        of = [f.quantity for f in findings if f.verdict is verdict]
        few = sum(f.short for f in findings if f.verdict is verdict)
        rows.append([verdict.value, *map(of.count, QUANTITIES), counts[verdict], few])
    quantities = [f.quantity for f in findings]
    few = sum(finding.short for finding in findings)
    whole = [*map(quantities.count, QUANTITIES), len(findings), few]
    return Table(columns, [*rows, ["total", *whole]], headline(findings), total=True)


def headline(findings: Sequence[Finding]) -> str:
    """The verdicts in a sentence. An exception is open, and so is a number that no rule gives."""
    counts = Counter(finding.verdict for finding in findings)
    left = sum(counts[verdict] for verdict in UNEXPLAINED)
    return (
        f"{len(findings):,} numbers: {counts[FigureVerdict.EQUAL]:,} equal, "
        f"{counts[FigureVerdict.EXPLAINED]:,} explained by a mechanism that their tables or their "
        f"digits confirm, {counts[FigureVerdict.COINCIDENCE]:,} explained by what could be a "
        f"coincidence, {counts[FigureVerdict.STATED]:,} with a stated cause, {left:,} open."
    )


def _label(finding: Finding) -> str:
    """The id, each option, the input and the quantity on lines of their own, so that the column
    stays narrow."""
    model, _, options = finding.subject.partition(":")
    of = f"{_size(finding.figure.resolution)}, {finding.quantity}"
    return "\n  ".join([model, *(options.split(",") if options else []), of])


def _folded(finding: Finding, room: int) -> str:
    """The same with a long id on two lines, broken behind an underscore."""
    name, *others = _label(finding).split("\n")
    at = name.rfind("_", 0, room)
    whole = len(name) <= room or at < 0
    lines = [name] if whole else [name[: at + 1], f"  {name[at + 1 :]}"]
    return "\n".join([*lines, *others])


def _unit(finding: Finding) -> str | None:
    """What the number counts, for work in the source's own word."""
    units = {"params": "parameters", "compute": finding.figure.unit, "acts": "activations"}
    return units[finding.quantity]


def _size(resolution: tuple[int, int]) -> str:
    """An input size as text: 224, or 192×256."""
    height, width = resolution
    return str(height) if height == width else f"{height}×{width}"


def _data(findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "verdicts": {v.value: sum(f.verdict is v for f in findings) for v in FigureVerdict},
        "figures": [
            {
                "model": finding.figure.model,
                "variant": finding.figure.variant,
                "resolution": list(finding.figure.resolution),
                "quantity": finding.quantity,
                "stated": finding.reported.text,
                "unit": _unit(finding),
                "counted": finding.figure.counted if finding.quantity == "compute" else None,
                "exact": finding.exact,
                "verdict": finding.verdict.value,
                "because": finding.because,
                "mechanism": finding.mechanism,
                "agreeing": finding.explained.agreeing,
                "siblings": finding.explained.siblings,
                "readings_allowed": finding.explained.allowed,
                "chance": float(finding.explained.chance),
                "digits": len(str(int(finding.reported.value / finding.reported.unit))),
                "nearest": finding.nearest.name,
                "nearest_count": finding.nearest.count,
                "kind": finding.figure.kind,
                "source": finding.figure.source,
                "note": finding.figure.note,
            }
            for finding in findings
        ],
        "scores": [
            {"model": score.model, "variant": score.variant, **score_data(score)}
            for scores in _scores(findings).values()
            for score in scores
        ],
        **training_data(list(schedules(_plain(findings))), list(times(_plain(findings)))),
    }
