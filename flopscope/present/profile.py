"""A traced network as a document: numbers or, at free sizes, formulas for each part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flopscope.alphabet import ALPHABET
from flopscope.answers.epoch import Epoch
from flopscope.answers.operators import unknown_operators
from flopscope.answers.parts import Part, shared_parameters, whole
from flopscope.answers.profile import Profile
from flopscope.brief import sizes_text
from flopscope.errors import BadInput
from flopscope.extras import require_plots
from flopscope.present.columns import share_of
from flopscope.present.epoch import epoch_data, epoch_table
from flopscope.present.passes import passes_data, passes_table
from flopscope.present.profile_columns import Filled, formula_columns, number_columns, totals_table
from flopscope.present.profile_data import domain_of, free_symbols, profile_data
from flopscope.present.quantities import cautions
from flopscope.present.report import Report
from flopscope.present.table import Document, Table
from flopscope.present.view import View
from flopscope.present.words import counted_title, meanings
from flopscope.quantities import PARAMS, QUANTITIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLACES = 3
"""The most places that the note on an unknown operator names."""


@dataclass(frozen=True, repr=False)
class ProfileReport(Report):
    """A profile in a view, with what an epoch of its training costs if that is asked for. It prints
    as a table, and converts to a data frame, Markdown, LaTeX, CSV and HTML."""

    profile: Profile
    view: View
    epoch: Epoch | None = None

    def __post_init__(self) -> None:
        check_view(self.view, free=self.free, backward=self.profile.backward)

    @property
    def free(self) -> bool:
        """Does it have free sizes, so that its readings are formulas?"""
        return bool(free_symbols(self.profile))

    def document(self) -> Document:
        return self._document

    @property
    def about(self) -> str:
        return f"{self.profile.target} on {_on(self.profile)}, by {self.view.by}"

    def plot(self, ax: Axes | None = None, **look: Any) -> Axes:
        """A bar for each of the largest parts, on these axes or new ones.

        `look` has the command's options: size, title, xlim="0:20M". Needs matplotlib. Raises
        BadInput at free sizes, and for a look that cannot be drawn.
        """
        require_plots()
        from flopscope.present.plots.export import axes_for
        from flopscope.present.plots.look import read_look
        from flopscope.present.plots.parts import profile_bars

        seen = read_look(**look)
        return profile_bars(axes_for(ax, seen), self.profile, self.view, seen)

    @cached_property
    def _document(self) -> Document:
        notes, counting = notes_of(self.profile, self.view), self.view.convention
        shown, data = self._tables(notes), self._data(notes)
        if self.profile.backward:
            shown.append(passes_table(self.profile, counting, free=self.free))
            data |= passes_data(self.profile, counting)
        if self.epoch is not None:
            shown.append(epoch_table(self.epoch, counting))
            data |= epoch_data(self.epoch, counting)
        if self.view.flat:  # the split is what was asked for
            shown = [shown[0], *(replace(table, aside=True) for table in shown[1:])]
        return Document(shown, data)

    def _title(self) -> str:
        own = ", which it is made for" if self.profile.native else ""
        return counted_title(
            f"{self.profile.target} on {_on(self.profile)}{own}", self.view.conventions
        )

    def _tables(self, notes: Sequence[str]) -> list[Table]:
        tables = _formulas if self.free else _numbers
        return tables(self.profile, self.view, self._title(), notes)

    def _data(self, notes: Sequence[str]) -> dict[str, Any]:
        return profile_data(self.profile, self.view, notes)


def check_view(view: View, *, free: bool, backward: bool = False) -> None:
    """Raises BadInput for an order by formulas, since which of two is larger depends on the sizes,
    for columns that need numbers, and for the peak of a training step, which is not known."""
    peaks = [name for name, row in view.asked.items() if not row.additive]
    if backward and peaks:
        raise BadInput(
            f"the column {peaks[0]} is of a forward pass, and this is a training step; leave "
            "--backward or the column out; the bytes saved for the backward pass are below the "
            "table"
        )
    needing = [name for name in view.columns if _needs_numbers(name, view)]
    if free and needing:
        raise BadInput(
            f"the column {needing[0]} needs numbers, and some sizes are free; give numbers, such "
            "as --res 224, or leave the column out"
        )
    if free and view.order is not None and not view.order.stored:
        raise BadInput(
            f"the order by {view.sort} depends on the free sizes; "
            "give numbers, or sort by params, or leave sort out"
        )


def _needs_numbers(name: str, view: View) -> bool:
    """Is it a column of shares or of a quantity that does not add up?"""
    return share_of(name) is not None or (name in view.asked and not view.asked[name].additive)


def _numbers(profile: Profile, view: View, title: str, notes: Sequence[str]) -> list[Table]:
    """A line for each part, with the total last if anything adds up. A sum over unknown operators
    is marked as a lower bound."""
    split, total = view.parts(profile.ledger), whole(profile.ledger)
    columns = number_columns(view, total, _batch(profile))
    summed = not view.columns or bool(view.asked)
    parts = (*split, total) if summed else split
    rows = [[column.cell(part) for column in columns] for part in parts]
    shares = [view.asked[base] for base in map(share_of, view.columns) if base is not None]
    shares = shares if view.columns else [view.work]
    complete = all(total.read(row).complete for row in shares)
    notes = [*_legend(split, columns), *notes, *([] if complete else ["%: of what is counted"])]
    return [Table([c.column for c in columns], rows, title, notes, total=summed)]


def _formulas(profile: Profile, view: View, title: str, notes: Sequence[str]) -> list[Table]:
    """The same table in free sizes, and below it the totals with their domain."""
    split, total = view.parts(profile.ledger), whole(profile.ledger)
    columns = formula_columns(view, total)
    rows = [[column.cell(part) for column in columns] for part in split]
    tree = Table([c.column for c in columns], rows, title, _legend(split, columns))
    return [tree, totals_table(total, view, [*_domain_notes(profile), *notes])]


def notes_of(profile: Profile, view: View) -> list[str]:
    """Notes on what the numbers leave out or assume, one sentence each."""
    notes = []
    if unknown := unknown_operators(profile.ledger.rows, view.conventions):
        named = "; ".join(f"{name} in {_places(at)}" for name, at in unknown.items())
        notes.append(
            f"≥: a lower bound; the cost of these operators is unknown and not counted: {named}"
        )
    notes += [f"fixed by the trace: {fixed}" for fixed in profile.fixed]
    notes += [f"expected: {text}" for text in profile.expected]
    active, stored = QUANTITIES["active_params"].read(profile.ledger), PARAMS.read(profile.ledger)
    if active.value != stored.value:
        shown = f"{active.value:,}" if isinstance(active.value, int) else str(active.value)
        notes.append(f"{shown} of the parameters are active: those that one token uses")
    if shared := shared_parameters(profile.ledger):
        notes.append(f"counted once, where it is read first: {_places(shared)}")
    return [*notes, *_meanings(view), *cautions(view.quantities)]


def _meanings(view: View) -> list[str]:
    """What the columns count, where the title does not say it, and what a peak of a part is."""
    said = meanings(view.conventions)
    if any(not row.additive for row in view.quantities):
        said.append("peak of a part: the most that is live at once while it runs")
    return said


def _places(places: Iterable[str]) -> str:
    """The first few modules or tensors, and the number of the others."""
    distinct = list(dict.fromkeys(place or "the network itself" for place in places))
    more = len(distinct) - PLACES
    return ", ".join(distinct[:PLACES]) + (f" and {more} more" if more > 0 else "")


def _on(profile: Profile) -> str:
    """The shapes of its inputs, in brackets."""
    return " and ".join(map(sizes_text, profile.shapes))


def _batch(profile: Profile) -> int:
    first = profile.shapes[0] if profile.shapes else ()
    return int(first[0]) if first else 0


def _legend(split: Sequence[Part], columns: Sequence[Filled]) -> list[str]:
    written = columns[0].column.text
    return ["dw: depthwise convolution"] if any("dw " in written(part) for part in split) else []


def _domain_notes(profile: Profile) -> list[str]:
    free = {s.name for s in free_symbols(profile) if not s.own}
    meanings = [f"{d.text}: {d.meaning}" for name, d in ALPHABET.items() if name in free]
    return [f"domain: {domain_of(profile)}", *(["; ".join(meanings)] if meanings else [])]
