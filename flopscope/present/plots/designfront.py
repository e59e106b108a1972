"""The frontier of a space: the best score at each cost, as a step line with its budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flopscope.present.plots.axes import Span, set_axes
from flopscope.present.plots.export import figure
from flopscope.present.plots.look import COLUMN, PLAIN, Look
from flopscope.present.plots.style import COLOURS, DASHES, FONT, LINE, dress, set_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Rise:
    """Costs in rising order and the best score at each, the labels of both axes, and the budget."""

    costs: Sequence[float]
    scores: Sequence[float]
    cost: str
    score: str
    budget: float | None = None


def draw_rise(ax: Axes, rise: Rise, look: Look = PLAIN) -> Axes:
    """Draw the frontier as steps, its best design as a point, the budget as a dashed line."""
    costs, scores = list(map(float, rise.costs)), list(rise.scores)
    dress(ax, rise.cost, rise.score)
    ax.step(costs, scores, where="post", color=COLOURS[0], linewidth=LINE)
    ax.plot(costs[-1:], scores[-1:], "o", color=COLOURS[0], markersize=4)
    reach = costs if rise.budget is None else [*costs, float(rise.budget)]
    set_axes(ax, look, Span(reach), Span(scores))
    if rise.budget is not None:
        ax.axvline(float(rise.budget), color=COLOURS[8], linestyle=DASHES, linewidth=LINE)
    ax.tick_params(labelsize=FONT)
    set_title(ax, look)
    return ax


def rise_figure(rise: Rise, look: Look = PLAIN) -> Figure:
    """The frontier as a figure as wide as one column of a paper."""
    made = figure(COLUMN, 2.1, look)
    draw_rise(made.subplots(), rise, look)
    return made
