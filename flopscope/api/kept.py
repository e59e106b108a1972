"""What is kept of a sweep, as a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.errors import BadInput
from flopscope.extras import require_plots
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from flopscope.sweeping.answer import Prepared
    from flopscope.sweeping.result import Reduced


@dataclass(frozen=True, repr=False)
class KeptReport(Report):
    """The report that `sweep` returns where a part of the designs is kept. It is false where no
    design keeps the budgets."""

    found: Reduced
    path: str = ""

    def document(self) -> Document:
        """What was kept, in a table."""
        from flopscope.present.kept import kept_document

        return kept_document(self.found, self.path)

    @property
    def about(self) -> str:
        from flopscope.present.kept import kept_title

        found = self.found
        return f"{kept_title(found)}: {found.keep} of {found.kept:,} of {found.grid.size:,} designs"

    @property
    def holds(self) -> bool:
        return bool(self.found.kept)

    def plot(self, ax: Axes | None = None, **look: Any) -> Axes:
        """The bars of a histogram on these axes or new ones. `look` has the command's options:
        size, title, xlim="100M:1G", ylim, xscale, yscale. Needs matplotlib.

        Raises BadInput for what is no histogram, and for a look that cannot be drawn.
        """
        require_plots()
        from flopscope.present.kept_picture import histogram_of
        from flopscope.present.plots.export import axes_for
        from flopscope.present.plots.histogram import draw_histogram
        from flopscope.present.plots.look import read_look

        picture, seen = histogram_of(self.found), read_look(**look)
        return draw_histogram(axes_for(ax, seen), picture, seen)


def kept_report(
    asked: Prepared, output: str | None, workers: int | None, scheduler: str | None
) -> KeptReport:
    """The report of a sweep of which a part is kept; every design goes to the file `output`. Raises
    what `flopscope.sweep` raises."""
    from flopscope.sweeping.answer import answer
    from flopscope.sweeping.distributed import runner
    from flopscope.sweeping.journal import Journal

    if asked.keep.kind != "all" and output is not None:
        raise BadInput(
            f"output is for keep='all', and keep='{asked.keep}' returns what it found; write it "
            "with to_csv or to_frame"
        )
    journal = None if output is None else Journal(output, asked.question)
    with runner(workers, scheduler) as who:
        found = answer(asked, runner=who, journal=journal)
    if journal is not None:
        journal.put_in_place()
    return KeptReport(found, output or "")
