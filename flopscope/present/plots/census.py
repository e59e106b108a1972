"""How the costs of all designs of a space are spread, as a histogram with exact counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flopscope.present.plots.axes import Span, set_axes
from flopscope.present.plots.export import figure
from flopscope.present.plots.look import COLUMN, PLAIN, Look
from flopscope.present.plots.style import COLOURS, DASHES, FONT, LINE, SMALL, dress, set_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 100
"""About so many bars a picture has."""


@dataclass(frozen=True)
class Spread:
    """Shares in per cent of all designs between `edges`, the labels of both axes, and the most that
    is allowed, if anything is."""

    edges: Sequence[int]
    shares: Sequence[float]
    cost: str
    share: str
    budget: int | None = None


def draw_spread(ax: Axes, spread: Spread, look: Look = PLAIN) -> Axes:
    """Draw the shares as a filled step line, and the budget as a dashed one."""
    edges, shares = list(map(float, spread.edges)), list(spread.shares)
    dress(ax, spread.cost, spread.share)
    ax.stairs(shares, edges, fill=True, color=COLOURS[0], linewidth=0)
    reach = [*edges] if spread.budget is None else [*edges, float(spread.budget)]
    set_axes(ax, look, Span(reach), Span([0.0, *shares], grounded=True, below=0.0))
    if spread.budget is not None:
        ax.axvline(float(spread.budget), color=COLOURS[8], linestyle=DASHES, linewidth=LINE)
        ax.annotate(
            "budget", (float(spread.budget), 1), (2, -2), ("data", "axes fraction"),
            textcoords="offset points", fontsize=SMALL, va="top", color=COLOURS[8],
        )  # fmt: skip
    ax.tick_params(labelsize=FONT)
    set_title(ax, look)
    return ax


def spread_figure(spread: Spread, look: Look = PLAIN) -> Figure:
    """The histogram as a figure as wide as one column of a paper."""
    made = figure(COLUMN, 2.1, look)
    draw_spread(made.subplots(), spread, look)
    return made
