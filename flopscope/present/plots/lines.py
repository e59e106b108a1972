"""The lines of a sweep: a quantity over one axis, with a line for each value of a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flopscope.present.plots.axes import Span, scale_for, set_axes
from flopscope.present.plots.legends import add_legend
from flopscope.present.plots.look import LOG, Look
from flopscope.present.plots.style import (
    DASHES,
    FONT,
    GREY,
    LINE,
    SMALL,
    STYLES,
    dress,
    series_style,
    set_title,
    tick,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from flopscope.present.plots.sweep import SweepAxis, SweepPicture

MARKED = 25
"""The most points of a line that have markers."""
TICKS = 8
"""The most values of an axis that are all written."""
NAN = float("nan")


def lines(ax: Axes, picture: SweepPicture, look: Look) -> Axes:
    """A point for each design. A line has a gap where no network exists, and the limit of the
    budget is a dashed line."""
    first, second = picture.first, picture.second
    names = second.texts if second else [""]
    for index, (row, name) in enumerate(zip(picture.counts, names, strict=True)):
        colour, marker = series_style(index)
        ax.plot(
            first.positions, [NAN if count is None else float(count) for count in row],
            STYLES[index % len(STYLES)], color=colour, marker=marker, linewidth=LINE,
            markersize=3.5 if len(row) <= MARKED else 0, label=name or None,
        )  # fmt: skip
    limits = [] if picture.budget is None else [picture.budget]
    for limit in limits:
        ax.axhline(limit, color=GREY, linewidth=LINE, linestyle=DASHES, zorder=1,
                   label=f"budget {tick(limit)}")  # fmt: skip
    values = [*picture.known, *limits]
    scale = scale_for(values)
    y = Span(values, scale, grounded=scale != LOG and min(values) >= 0)
    set_axes(ax, look, None if first.named else Span(first.positions, below=0.03, above=0.03), y)
    dress(ax, first.words, picture.quantity)
    _name_values(ax, first, look)
    if second:
        add_legend(ax, second.words)
    elif limits:
        ax.legend(fontsize=SMALL, frameon=False, loc="best")
    set_title(ax, look)
    return ax


def _name_values(ax: Axes, axis: SweepAxis, look: Look) -> None:
    """Write the values themselves at the ticks where they are few."""
    from matplotlib.ticker import NullLocator

    few = len(axis.values) <= TICKS and not (look.xlim or look.xscale)
    if axis.named or few:
        ax.set_xticks(axis.positions, axis.texts, fontsize=FONT, parse_math=False)
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:.10g}")
