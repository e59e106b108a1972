"""The picture of what was kept of a sweep: a histogram."""

from __future__ import annotations

from flopscope.errors import BadInput
from flopscope.present.plots.histogram import HistogramPicture
from flopscope.present.plots.names import quantity_words, target_title
from flopscope.sweeping.asking import Keep
from flopscope.sweeping.result import Reduced


def check_pictured(keep: Keep, panel: str | None = None) -> None:
    """Raises BadInput for anything but a histogram, and for a panel of it."""
    if keep.kind != "histogram":
        raise BadInput(
            f"'{keep}' has no picture; a histogram has one, and so has the table of all designs"
        )
    if panel is not None:
        raise BadInput("a histogram has one panel; leave --panel out")


def histogram_of(found: Reduced) -> HistogramPicture:
    """The histogram as a picture. Raises BadInput for another answer, and where no design keeps the
    budgets."""
    check_pictured(found.keep)
    fixed = filter(None, (target_title(found.target), found.words))
    words = f"{quantity_words(found.ranked)}; {', '.join(fixed)}"
    bins = found.bins
    edges = [least for least, _, _ in bins] + [most + 1 for _, most, _ in bins[-1:]]
    return HistogramPicture(words, edges, [n for _, _, n in bins])
