"""The level lines of a sweep: where a quantity is the same, over two axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flopscope.errors import BadInput
from flopscope.present.plots.axes import Span, scale_for, set_axes
from flopscope.present.plots.cells import COLOURS, EDGE, amounts
from flopscope.present.plots.look import LOG, Look
from flopscope.present.plots.style import LINE, SMALL, dress, set_title, tick

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from flopscope.present.plots.sweep import SweepPicture

NUMBER = 7
"""About how many lines there are."""
NEAR = 0.1
"""A line within this share of the budget is left out."""


def levels(ax: Axes, picture: SweepPicture, look: Look) -> Axes:
    """A line through the designs with equal amounts, with the amount on it; the budget is a line of
    its own colour. Between designs the amounts are interpolated.

    Raises BadInput for a sweep over one axis, for an axis with names or one value, and where all
    amounts are equal.
    """
    first, second = picture.first, picture.second
    if second is None or first.named or second.named or min(_lengths(picture)) < 2:
        raise BadInput(
            "level lines need two axes of numbers with at least 2 values each; draw the panel lines"
        )
    if picture.span[0] == picture.span[1]:
        raise BadInput("all designs have the same amount, so that there are no level lines")
    cells, budget = amounts(picture), _budget(picture)
    if at := _amounts_of_lines(picture, budget):
        lines = ax.contour(
            first.positions, second.positions, cells, levels=at, cmap=COLOURS, linewidths=LINE,
            norm=_norm(picture),
        )  # fmt: skip
        ax.clabel(lines, fmt=tick, fontsize=SMALL, colors="black")
    if budget is not None:
        edge = ax.contour(
            first.positions, second.positions, cells, levels=[budget], colors=EDGE, linewidths=1.5
        )
        ax.clabel(edge, fmt=lambda value: f"budget {tick(value)}", fontsize=SMALL)
    set_axes(ax, look, _exactly(first.positions), _exactly(second.positions))
    dress(ax, first.words, second.words)
    set_title(ax, look)
    ax.annotate(
        picture.quantity, (0, 1), (0, 2), xycoords="axes fraction", textcoords="offset points",
        fontsize=SMALL, va="bottom", parse_math=False,
    )  # fmt: skip
    return ax


def _lengths(picture: SweepPicture) -> list[int]:
    return [len(axis.values) for axis in (picture.first, picture.second) if axis is not None]


def _exactly(positions: list[float]) -> Span:
    return Span(positions, below=0.0, above=0.0, form=lambda value, _: f"{value:.10g}")


def _budget(picture: SweepPicture) -> float | None:
    """The budget where a line of it crosses the picture."""
    budget = picture.budget
    inside = budget is not None and picture.span[0] < budget < picture.span[1]
    return budget if inside else None


def _amounts_of_lines(picture: SweepPicture, budget: float | None) -> list[float]:
    """The amounts of the lines, without those so near to the budget that their texts would stand on
    each other."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    low, high = picture.span
    if scale_for(picture.span) == LOG:
        values = LogLocator(10, subs=(1.0, 2.0, 5.0)).tick_values(low, high)
    else:
        values = MaxNLocator(NUMBER, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    apart = (value for value in values if budget is None or abs(value - budget) > NEAR * budget)
    return [float(value) for value in apart if low < value < high]


def _norm(picture: SweepPicture) -> Any:
    """Colours from a middle one on: the lightest would vanish on white."""
    from matplotlib.colors import LogNorm, Normalize

    low, high = picture.span
    if scale_for(picture.span) == LOG:
        return LogNorm(low * low / high, high)
    return Normalize(2 * low - high, high)
