"""One network, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flopscope.api.given import scaling
from flopscope.api.networks import formed, named
from flopscope.api.public import public
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from torch import nn

    from flopscope.answers.compare import Entry
    from flopscope.catalog.scaling import Scaling
    from flopscope.conventions import Convention
    from flopscope.ledger import Ledger, Level


@dataclass(frozen=True, repr=False)
class ShowReport(Report):
    """The report that `show` returns: one network, a line for each layer or group."""

    entry: Entry
    convention: Convention
    level: Level

    @property
    def ledger(self) -> Ledger:
        """The rows that it shows."""
        return self.entry.ledger

    def document(self) -> Document:
        """The layers or groups, and the total."""
        from flopscope.present.catalog import show_document

        return show_document(self.entry, self.convention, self.level)

    @property
    def about(self) -> str:
        return f"{named([self.entry])}, by {self.level.value}"


@public()
def show(
    target: str | nn.Module,
    *,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    convention: str = "macs",
    by: str = "layer",
    scale: Scaling | str | None = None,
    form: str | None = None,
) -> ShowReport:
    """One network, a line for each layer, block, stage or kind of operator. Raises BadInput,
    UnknownName.

    >>> show("mobilenetv2", by="stage").ledger.macs().value
    300774272
    """
    from flopscope.answers import compare as answers
    from flopscope.conventions import CONVENTIONS
    from flopscope.ledger import Level

    level = Level.named(by)
    compared = answers.compare(formed([target], form), res=res, batch=batch, scaling=scaling(scale))
    return ShowReport(compared.entries[0], CONVENTIONS[convention], level)
