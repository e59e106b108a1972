"""A comparison as a document: the table that people read, and its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flopscope.agreement.records import Agreement
from flopscope.answers.compare import Comparison, Entry
from flopscope.catalog.scaling import Scaling
from flopscope.ledger import Level
from flopscope.present.numbers import integer, percent, ratio, ratio_in_three
from flopscope.present.operators import path_lines
from flopscope.present.quantities import cautions, cautions_data, ledger_data, number_column
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import input_text, inputs_data, lengths, merged, size, statement
from flopscope.quantities import MACS, PARAMS, Place, columns, standing


def comparison_document(comparison: Comparison) -> Document:
    """Totals, then the split by stage, block, layer or kind where it is asked for, which is then
    what CSV holds."""
    totals, data = _totals(comparison), _data(comparison)
    if comparison.by is None:
        return Document([totals], data)
    return Document([replace(totals, aside=True), _split(comparison, comparison.by)], data)


def _totals(comparison: Comparison) -> Table:
    several = len({input_text(entry) for entry in comparison.entries}) > 1
    asked = columns(Place.NETWORKS, comparison.convention)
    compared = partial(Column, text=ratio, raw=float, fold=lambda value, _: ratio_in_three(value))
    cited = [entry for entry in comparison.entries if entry.published]
    shown = [
        _model_column(several),
        *([_input_column()] if several else []),
        *map(number_column, asked),
        Column("top1", "Top-1\n%", _cited, raw=lambda cited: cited[0]),
        compared("params_ratio", "Size\n×"),
        compared(f"{comparison.convention.unit.lower()}_ratio", "Work\n×"),
    ]
    rows = [
        [
            entry,
            *([entry] if several else []),
            *(int(row.read(entry.ledger)) for row in asked),
            (entry.published[0].top1, cited.index(entry) + 1) if entry.published else None,
            comparison.ratio(PARAMS, entry),
            comparison.ratio(MACS.under(comparison.convention), entry),
        ]
        for entry in comparison.entries
    ]
    notes = [
        f"[{n}] {e.variant}: {statement(e.published[0])}" for n, e in enumerate(cited, start=1)
    ]
    notes += [*_scaled(comparison), *_verdicts(comparison), *cautions(asked)]
    return Table(shown, rows, _title(comparison), notes)


def _model_column(several: bool) -> Column:
    label = _label_and_input if several else _label
    return Column("model", "Model", label, numeric=False, raw=lambda entry: str(entry.variant))


def _cited(cited: tuple[float | None, int]) -> str:
    """The accuracy, if there is one, and the number of the note that quotes its source."""
    top1, note = cited
    return f"[{note}]" if top1 is None else f"{top1:.1f} [{note}]"


def _split(comparison: Comparison, level: Level) -> Table:
    """One line for each group with the models side by side, and with shares if there is room for
    them."""
    work = MACS.under(comparison.convention)
    groups = [entry.ledger.group_by(level) for entry in comparison.entries]
    keys = merged([list(group) for group in groups])
    totals = [int(work.read(entry.ledger)) for entry in comparison.entries]
    shares = len(comparison.entries) <= 2
    shown = [Column(level.value, level.value.capitalize(), numeric=False, fold=path_lines)]
    for entry in comparison.entries:
        heading = f"{_label(entry)}\n{work.line}"
        shown.append(Column(f"{entry.variant} {work.line}", heading, integer))
        shown += [Column(f"{entry.variant} %", "\n%")] if shares else []
    rows: list[list[Any]] = []
    for key in keys:
        counts = [int(work.read(g[key])) if key in g else None for g in groups]
        rows.append([key, *_with_shares(counts, totals, shares)])
    rows.append(["total", *_with_shares(totals, totals, shares)])
    return Table(shown, rows, total=True)


def _with_shares(counts: Sequence[int | None], totals: Sequence[int], shares: bool) -> list[Any]:
    if not shares:
        return list(counts)
    pairs = zip(counts, totals, strict=True)
    return [c for n, t in pairs for c in (n, None if n is None else percent(n, t))]


def _title(comparison: Comparison) -> str:
    counting = comparison.convention
    inputs = {input_text(entry) for entry in comparison.entries}
    at = f"Input {inputs.pop()}, batch" if len(inputs) == 1 else "Batch"
    batch = comparison.entries[0].batch
    return f"{at} {batch}. {counting.unit}, convention {counting.name}: {counting.counts}."


def _scaled(comparison: Comparison) -> list[str]:
    """The scaled networks, as one writes them on the command line."""
    if comparison.scaling is None:
        return []
    depth, width, resolution = comparison.scaling.factors
    by = f"depth × {depth:g}, width × {width:g}, resolution × {resolution:g}"
    sizes = [(entry.variant, *(entry.resolution or ())) for entry in comparison.entries]
    became = [f"{variant} --res {height}x{width}" for variant, height, width in sizes]
    return [f"scaled with {comparison.scaling} ({by}):", *became]


def _verdicts(comparison: Comparison) -> list[str]:
    return [
        f"check of {entry.variant} against fvcore and torch: {verdict_text(entry.agreement)}"
        for entry in comparison.entries
        if entry.agreement is not None
    ]


def _label(entry: Entry) -> str:
    """The id and each option on a line of its own, so that the column stays narrow."""
    options = entry.variant.options_text
    return "\n  ".join(
        [entry.variant.model.id, *options.split(",")] if options else [entry.variant.model.id]
    )


def _label_and_input(entry: Entry) -> str:
    """The label, with a line for each size of the input if the networks' inputs differ."""
    image = [size(entry.resolution)] if entry.resolution else []
    return "\n  ".join([_label(entry), *image, *lengths(entry.variant)])


def _input_column() -> Column:
    return Column("resolution", "Input", raw=lambda entry: entry.resolution, shown=False)


def _data(comparison: Comparison) -> dict[str, Any]:
    return {
        "schema": "flopscope.compare/1",
        "convention": comparison.convention.name,
        "unit": comparison.convention.unit,
        **_scale_data(comparison.scaling),
        **cautions_data(standing(Place.DATA)),
        "models": [_entry_data(comparison, entry) for entry in comparison.entries],
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


def _entry_data(comparison: Comparison, entry: Entry) -> dict[str, Any]:
    ledger, counting = entry.ledger, comparison.convention
    data: dict[str, Any] = {
        "model": entry.variant.model.id,
        "variant": entry.variant.options_text,
        **inputs_data(entry),
        "batch": entry.batch,
        **ledger_data(ledger, Place.DATA, counting),
        "count_ratio": float(comparison.ratio(MACS.under(counting), entry)),
        "published": [figure._asdict() for figure in entry.published],
        "check": None if entry.agreement is None else _check_data(entry.agreement),
    }
    if comparison.by is not None:
        data["by"] = comparison.by.value
        data["groups"] = [
            {"group": key, **ledger_data(part, Place.PARTS, counting)}
            for key, part in ledger.group_by(comparison.by).items()
        ]
    return data
