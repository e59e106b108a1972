"""How many designs have how much of a quantity, as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flopscope.errors import BadInput
from flopscope.present.plots.axes import Span, set_axes
from flopscope.present.plots.export import figure
from flopscope.present.plots.look import COLUMN, LOG, PLAIN, Look
from flopscope.present.plots.style import COLOURS, dress, set_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class HistogramPicture:
    """What a histogram shows: the quantity in words with its unit, the least amount of each bin and
    of the one behind the last, and how many designs each has. Raises BadInput for no design."""

    quantity: str
    edges: Sequence[int]
    designs: Sequence[int]

    def __post_init__(self) -> None:
        if not any(self.designs):
            raise BadInput("no design keeps the budgets, so there is nothing to draw")


def draw_histogram(ax: Axes, picture: HistogramPicture, look: Look = PLAIN) -> Axes:
    """A bar for each bin, as wide as the bin."""
    lefts = [float(edge) for edge in picture.edges[:-1]]
    widths = [float(b - a) for a, b in zip(picture.edges, picture.edges[1:], strict=False)]
    ax.bar(lefts, [float(n) for n in picture.designs], widths, align="edge", color=COLOURS[0],
           edgecolor="white", linewidth=0.3)  # fmt: skip
    ends = [float(edge) for edge in picture.edges]
    grounded = look.yscale != LOG
    heights = [float(n) for n in picture.designs if n]
    y = Span([0.0, *heights] if grounded else heights, grounded=grounded)
    set_axes(ax, look, Span(ends, below=0.02, above=0.02), y)
    dress(ax, picture.quantity, "Designs")
    set_title(ax, look)
    return ax


def histogram_figure(picture: HistogramPicture, look: Look = PLAIN) -> Figure:
    """The histogram as a figure as wide as one column of a paper."""
    made = figure(COLUMN, 2.1, look)
    draw_histogram(made.subplots(), picture, look)
    return made
