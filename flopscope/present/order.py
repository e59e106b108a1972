"""The order of a comparison's rows, and what depends on it: the numbers of the notes on accuracies,
and the note on what the ratios are to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flopscope.answers.compare import Comparison, Entry
from flopscope.catalog.accuracies import Accuracy
from flopscope.present.accuracies import published_note
from flopscope.present.table import Best, Column


@dataclass(frozen=True)
class Order:
    """The networks in the order of a table's rows, and what they are grouped `by`, with the group
    of each."""

    entries: Sequence[Entry]
    by: str = ""
    groups: Sequence[str] = ()

    @property
    def cited(self) -> list[Entry]:
        """The networks of which figures are published."""
        return [entry for entry in self.entries if entry.published]


def baseline(comparison: Comparison, order: Order) -> list[str]:
    """A note on what the ratios are to, where that is not the network of the first row."""
    first = comparison.entries[0]
    return [] if order.entries[0] is first else [f"Ratios are to {first.name}."]


def _cited(cited: tuple[Accuracy | None, int]) -> str:
    """The accuracy, if there is one, and the number of the note that quotes its source."""
    accuracy, note = cited
    return f"[{note}]" if accuracy is None else f"{float(accuracy.top1):.1f} [{note}]"


TOP1 = Column(
    "top1",
    "Top-1\n%",
    _cited,
    raw=lambda cited: cited[0] and float(cited[0].top1),
    best=Best.MOST,
)
"""The accuracies that are stated of networks, with the numbers of their notes."""


def top1_cell(
    comparison: Comparison, order: Order, entry: Entry
) -> tuple[Accuracy | None, int] | None:
    """The accuracy of a network and the number of its note; None where nothing is published."""
    return (comparison.accuracy(entry), order.cited.index(entry) + 1) if entry.published else None


def top1_notes(comparison: Comparison, order: Order) -> list[str]:
    """The notes that quote what is published of each network, in the order of the rows."""
    return [f"[{n}] {published_note(comparison, e)}" for n, e in enumerate(order.cited, start=1)]
