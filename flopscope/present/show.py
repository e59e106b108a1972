"""One network row by row: what it does, on which sizes, and what each row costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flopscope.answers.compare import Entry
from flopscope.answers.counted import image_of
from flopscope.answers.parts import operators
from flopscope.ledger import Ledger, Level
from flopscope.present.columns import PERCENT
from flopscope.present.operators import facts_data, size_data
from flopscope.present.profile import ProfileReport
from flopscope.present.profile_data import amounts_of, parts_data
from flopscope.present.quantities import cautions_data
from flopscope.present.scores import score_data, score_notes
from flopscope.present.table import Table
from flopscope.present.view import View
from flopscope.present.words import counted_title, identity, input_text, inputs_data
from flopscope.quantities import MACS, Place, standing

GROUPED = ("params", "count", "percent")
USUAL: Mapping[Level, Sequence[str]] = {
    Level.LAYER: ("operator", "output", "params", "count"),
    Level.BLOCK: GROUPED,
    Level.STAGE: GROUPED,
    Level.KIND: GROUPED,
}
"""The columns of a table at each level, where none is asked for. A tree has those of a profile."""


@dataclass(frozen=True, repr=False)
class ShowReport(ProfileReport):
    """The same as a profile, by default in order of execution, with the operators in a column."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "view", _with_columns(self.view, free=self.free))
        super().__post_init__()

    @property
    def ledger(self) -> Ledger:
        """The rows that it shows."""
        return self.profile.ledger

    @property
    def about(self) -> str:
        return f"{self.profile.target} at {input_text(self.entry)}, by {self.view.by}"

    @property
    def entry(self) -> Entry:
        """The network at its sizes, which may be free."""
        return entry_of(self)

    def _title(self) -> str:
        entry = self.entry
        at = f"input {input_text(entry)}, batch {entry.batch}"
        return counted_title(f"{entry.name}, {at}", self.view.conventions)

    def _tables(self, notes: Sequence[str]) -> list[Table]:
        first, *others = super()._tables(notes)
        named = replace(first.columns[0], key=self.view.by)
        scored = score_notes([(self.entry.name, self.entry.scores)])
        notes = [*first.notes, *scored]
        return [replace(first, columns=[named, *first.columns[1:]], notes=notes), *others]

    def _data(self, notes: Sequence[str]) -> dict[str, Any]:
        counting, entry = self.view.convention, self.entry
        return {
            "schema": "flopscope.show/1",
            **identity(entry),
            **inputs_data(entry),
            "batch": size_data(entry.batch),
            "convention": counting.name,
            "unit": counting.unit,
            **cautions_data([*standing(Place.PARTS), *self.view.quantities]),
            "notes": list(notes),
            "scores": [score_data(score) for score in entry.scores],
            **_rows_data(self),
        }


def _with_columns(view: View, *, free: bool) -> View:
    if view.columns or view.level is None:
        return view
    usual = [name for name in USUAL[view.level] if not (free and name == PERCENT)]
    by = view.sorted_by
    if by is None or by in (*usual, MACS.name):
        return replace(view, columns=usual)
    return replace(view, columns=(*usual, by))


def entry_of(report: ProfileReport) -> Entry:
    """The network of a report, as a row of a comparison has it."""
    found, network = report.profile, report.profile.network
    assert network is not None
    shapes = found.shapes
    pictured = network.variant is not None and network.variant.takes_image
    resolution = (shapes[0][-2], shapes[0][-1]) if pictured else image_of(shapes)
    batch = shapes[0][0] if shapes and shapes[0] else 1
    scores = network.variant.scores(resolution) if network.variant is not None else ()
    return Entry(
        network, resolution, batch, found.ledger,
        shapes=shapes, expected=found.expected, scores=scores,
    )  # fmt: skip


def _rows_data(report: ProfileReport) -> dict[str, Any]:
    """Every operator or every group, by name."""
    view, ledger = report.view, report.profile.ledger
    if view.level is None:
        return {"modules": parts_data(report.profile, view)}
    amounts = amounts_of(view, ledger)
    if view.level is Level.LAYER:
        rows = [facts_data(part.rows[0]) | amounts(part) for part in operators(ledger)]
    else:
        rows = [{view.level.value: part.path, **amounts(part)} for part in view.parts(ledger)]
    return {f"{view.level.value}s": rows}
