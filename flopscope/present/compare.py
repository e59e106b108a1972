"""A comparison as a document: the table that people read, and its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from flopscope.answers.compare import Comparison, Entry
from flopscope.answers.timed import warnings
from flopscope.catalog.figures import Figure
from flopscope.catalog.scaling import Scaling
from flopscope.ledger import Level
from flopscope.present.accuracies import accuracy_data, other_notes
from flopscope.present.numbers import percent, ratio, ratio_in_three
from flopscope.present.operators import path_lines
from flopscope.present.order import TOP1, Order, baseline, top1_cell, top1_notes
from flopscope.present.quantities import (
    cautions,
    cautions_data,
    exactly,
    ledger_data,
    reading_column,
)
from flopscope.present.scores import score_data, score_notes
from flopscope.present.table import Column, Document, Table
from flopscope.present.times import time_data
from flopscope.present.words import (
    identity,
    input_text,
    inputs_data,
    inputs_title,
    merged,
    other_sizes,
    reservations,
    size,
)
from flopscope.quantities import MACS, PARAMS, Place, columns, standing
from flopscope.readings import Reading

if TYPE_CHECKING:
    from flopscope.agreement.records import Agreement

FOLDED = {"catalogue": "cata-\nlogue", "torchvision": "torch-\nvision"}
SOURCE = Column("source", "From", numeric=False, fold=lambda word, _: FOLDED.get(word, word))
"""Where networks come from, in a table in which some are not of the catalogue."""
FAMILY = Column("family", "Family", numeric=False, shown=False)
"""The family of a network, in CSV alone: people see it above its rows."""


def comparison_document(comparison: Comparison, order: Order | None = None) -> Document:
    """Totals, then the split by stage, block, layer or kind where it is asked for, which is then
    what CSV holds."""
    totals, data = (
        _totals(comparison, order or Order(comparison.entries)),
        partial(_data, comparison),
    )
    if comparison.by is None:
        return Document([totals], data)
    return Document([replace(totals, aside=True), _split(comparison, comparison.by)], data)


def _totals(comparison: Comparison, order: Order) -> Table:
    several = len({input_text(entry) for entry in comparison.entries}) > 1
    asked = columns(Place.NETWORKS, comparison.convention)
    compared = partial(Column, text=ratio, raw=float, fold=lambda value, _: ratio_in_three(value))
    grouped = order.by == "family"
    shown = [
        _model_column(several),
        *([FAMILY] if grouped else []),
        *([SOURCE] if comparison.mixed else []),
        *([_input_column()] if several else []),
        *map(reading_column, (*asked, *comparison.times)),
        replace(TOP1, shown=bool(order.cited)),
        Column("whose", "Whose", numeric=False, raw=lambda taken: taken.words, shown=False),
        compared("params_ratio", "Size\n×"),
        compared(f"{comparison.convention.unit.lower()}_ratio", "Work\n×"),
    ]
    rows = [
        [
            entry,
            *([entry.family] if grouped else []),
            *([entry.target.source.value] if comparison.mixed else []),
            *([entry] if several else []),
            *(row.read(entry.ledger) for row in (*asked, *comparison.times)),
            top1_cell(comparison, order, entry),
            comparison.accuracy(entry),
            comparison.ratio(PARAMS, entry),
            comparison.ratio(MACS.under(comparison.convention), entry),
        ]
        for entry in order.entries
    ]
    notes = [
        *top1_notes(comparison, order),
        *baseline(comparison, order),
        *_scaled(comparison),
        *_verdicts(comparison),
        *other_notes(comparison),
        *score_notes((entry.name, entry.scores) for entry in order.entries),
    ]
    notes += [n for e in comparison.entries for n in reservations(e, comparison.convention)]
    notes += [*unlike_notes(comparison), *cautions((*asked, *comparison.times))]
    title = inputs_title(comparison.entries, [comparison.convention])
    return Table(
        shown,
        rows,
        title,
        notes,
        headings=order.groups,
    )


def unlike_notes(comparison: Comparison) -> list[str]:
    """Where networks are unlike those that the devices were calibrated with."""
    return [
        said
        for each in comparison.times
        for entry in comparison.entries
        for said in warnings(entry.name, entry.ledger, each.device)
    ]


def _model_column(several: bool) -> Column:
    label = _label_and_input if several else _label
    return Column("model", "Model", label, numeric=False, raw=lambda entry: entry.name)


def _split(comparison: Comparison, level: Level) -> Table:
    """One line for each group with the models side by side, and with shares if there is room for
    them."""
    work = MACS.under(comparison.convention)
    groups = [entry.ledger.group_by(level) for entry in comparison.entries]
    keys = merged([list(group) for group in groups])
    totals = [work.read(entry.ledger) for entry in comparison.entries]
    shares = len(comparison.entries) <= 2
    shown = [Column(level.value, level.value.capitalize(), numeric=False, fold=path_lines)]
    for entry in comparison.entries:
        heading = f"{_label(entry)}\n{work.line}"
        shown.append(Column(f"{entry.name} {work.line}", heading, exactly, raw=int, counted=True))
        shown += [Column(f"{entry.name} %", "\n%")] if shares else []
    rows: list[list[Any]] = []
    for key in keys:
        counts = [work.read(g[key]) if key in g else None for g in groups]
        rows.append([key, *_with_shares(counts, totals, shares)])
    rows.append(["total", *_with_shares(totals, totals, shares)])
    return Table(shown, rows, total=True)


def _with_shares(
    counts: Sequence[Reading | None], totals: Sequence[Reading], shares: bool
) -> list[Any]:
    if not shares:
        return list(counts)
    pairs = zip(counts, totals, strict=True)
    return [c for n, t in pairs for c in (n, None if n is None else percent(int(n), int(t)))]


def _scaled(comparison: Comparison) -> list[str]:
    """The scaled networks, as one writes them on the command line."""
    if comparison.scaling is None:
        return []
    depth, width, resolution = comparison.scaling.factors
    by = f"depth × {depth:g}, width × {width:g}, resolution × {resolution:g}"
    sizes = [(entry.name, *(entry.resolution or ())) for entry in comparison.entries]
    became = [f"{name} --res {height}x{width}" for name, height, width in sizes]
    return [f"scaled with {comparison.scaling} ({by}):", *became]


def _verdicts(comparison: Comparison) -> list[str]:
    return [
        f"check of {entry.name} against fvcore and torch: {verdict_text(entry.agreement)}"
        for entry in comparison.entries
        if entry.agreement is not None
    ]


def _label(entry: Entry) -> str:
    """Id, and each option on a line of its own, so that the column stays narrow."""
    if entry.variant is None:
        return _own_label(entry)
    options = entry.variant.options_text
    return "\n  ".join(
        [entry.variant.model.id, *options.split(",")] if options else [entry.variant.model.id]
    )


LONG = 20
"""Letters of a name from which on it stands on two lines."""


def _own_label(entry: Entry) -> str:
    """The target's text, each argument on a line of its own, a long one broken at its colon."""
    target = entry.target
    name = target.place or target.name
    if len(name) > LONG:
        name = name.replace(":", ":\n  ", 1)
    return "\n  ".join([name, *target.pairs])


def _label_and_input(entry: Entry) -> str:
    """The label, with a line for each size of the input if the networks' inputs differ."""
    image = [size(entry.resolution)] if entry.resolution else []
    return "\n  ".join([_label(entry), *image, *other_sizes(entry)])


def _input_column() -> Column:
    return Column("resolution", "Input", raw=lambda entry: entry.resolution, shown=False)


def _data(comparison: Comparison) -> dict[str, Any]:
    return {
        "schema": "flopscope.compare/1",
        "convention": comparison.convention.name,
        "unit": comparison.convention.unit,
        **_scale_data(comparison.scaling),
        **cautions_data((*standing(Place.DATA), *comparison.times)),
        **_unlike_data(comparison),
        "models": [_entry_data(comparison, entry) for entry in comparison.entries],
    }


def _unlike_data(comparison: Comparison) -> dict[str, Any]:
    said = unlike_notes(comparison)
    return {"warnings": said} if said else {}


def _times(comparison: Comparison, entry: Entry) -> dict[str, Any]:
    """The predicted latency on each device, for JSON."""
    if not comparison.times:
        return {}
    reading = {each.device.name: int(each.read(entry.ledger)) for each in comparison.times}
    return {
        "latency": {
            each.device.name: time_data(each, reading[each.device.name])
            for each in comparison.times
        }
    }


def _scale_data(scaling: Scaling | None) -> dict[str, Any]:
    if scaling is None:
        return {}
    return {"scale": {name: float(value) for name, value in vars(scaling).items()}}


def verdict_text(agreement: Agreement) -> str:
    """'agrees', 'DIFFERS', or a text that something was not confirmed."""
    if agreement:
        return "agrees"
    return "DIFFERS" if agreement.differences else "NOT CONFIRMED"


def _check_data(agreement: Agreement) -> dict[str, Any]:
    return {
        "agrees": bool(agreement),
        "differences": [str(comparison) for comparison in agreement.differences],
        "skipped": [skip._asdict() for skip in agreement.skipped],
    }


def _figure_data(figure: Figure) -> dict[str, Any]:
    """A figure as its source states it, with the accuracy as a number."""
    return {**figure._asdict(), "top1": None if figure.top1 is None else float(figure.top1)}


def _entry_data(comparison: Comparison, entry: Entry) -> dict[str, Any]:
    ledger, counting = entry.ledger, comparison.convention
    taken = comparison.accuracy(entry)
    work = MACS.under(counting)
    work_ratio = comparison.ratio(work, entry)
    data: dict[str, Any] = {
        **identity(entry),
        **inputs_data(entry),
        "batch": entry.batch,
        **ledger_data(ledger, Place.DATA, counting),
        **_times(comparison, entry),
        "complete": work.read(ledger).complete,
        "count_ratio": None if work_ratio is None else float(work_ratio),
        "published": [_figure_data(figure) for figure in entry.published],
        "accuracy": taken and accuracy_data(taken),
        "accuracies": [accuracy_data(each) for each in entry.accuracies],
        "scores": [score_data(each) for each in entry.scores],
        "check": None if entry.agreement is None else _check_data(entry.agreement),
    }
    if comparison.by is not None:
        data["by"] = comparison.by.value
        data["groups"] = [
            {"group": key, **ledger_data(part, Place.PARTS, counting)}
            for key, part in ledger.group_by(comparison.by).items()
        ]
    return data
