"""A sweep as pictures: curves along one size, a curve for each value of a second, or a map."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from flopscope.answers.ranges import Range
from flopscope.answers.sweep import Sweep
from flopscope.errors import BadInput
from flopscope.present.plots.export import figure
from flopscope.present.plots.style import (
    COLUMN,
    FONT,
    LINE,
    SMALL,
    dress,
    legend_beside,
    log_ticks,
    series_style,
    tick,
)
from flopscope.present.sweep import heading, title, written
from flopscope.quantities import Quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CURVES = 6
"""The most curves of a panel; more values of the second size make a map."""
HEIGHT, LEGEND = 2.4, 0.9
"""Inches: of a panel, and of the room for a legend or a scale beside it."""
NAN = float("nan")


def check_axes(names: Sequence[str]) -> None:
    """Raises BadInput for more than two free sizes."""
    if len(names) > 2:
        raise BadInput(
            f"a picture has one or two free sizes, not {', '.join(names)}; fix some, or leave "
            "--plot out"
        )


def sweep_figure(sweep: Sweep) -> Figure:
    """A panel for each quantity, side by side."""
    panels = len(sweep.quantities)
    beside = LEGEND if len(sweep.axes) > 1 else 0.0
    made = figure(panels * COLUMN + beside * panels, HEIGHT)
    made.suptitle(title(sweep), fontsize=FONT, parse_math=False)
    for place, quantity in enumerate(sweep.quantities, start=1):
        draw(made.add_subplot(1, panels, place), sweep, quantity)
    return made


def draw(ax: Axes, sweep: Sweep, quantity: Quantity) -> Axes:
    """One quantity on these axes, with gaps where there is no design. Raises BadInput for more than
    two free sizes."""
    check_axes([axis.name for axis in sweep.axes])
    along, *others = sorted(sweep.axes, key=lambda axis: -len(axis.values))
    if not others:
        _curve(ax, along, _counts(sweep, quantity), 0, "")
    elif len(others[0].values) <= MOST_CURVES:
        for place, value in enumerate(others[0].values):
            _curve(ax, along, _counts(sweep, quantity, others[0], value), place, written(value))
        legend_beside(ax, heading(others[0]))
    else:
        return _map(ax, sweep, quantity)
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(tick)
    dress(ax, _words(along), _unit(quantity))
    return ax


def _curve(ax: Axes, along: Range, counts: dict[float, int], place: int, label: str) -> None:
    colour, marker = series_style(place)
    ys = [counts.get(value, NAN) for value in along.values]
    few = len(along.values) <= 40
    ax.plot(
        along.values, ys, color=colour, linewidth=LINE, marker=marker if few else "",
        markersize=3, label=label,
    )  # fmt: skip


def _map(ax: Axes, sweep: Sweep, quantity: Quantity) -> Axes:
    """The counts as colours on a logarithmic scale."""
    from matplotlib.colors import LogNorm

    across, up = sweep.axes
    columns = {value: _counts(sweep, quantity, across, value) for value in across.values}
    cells = [[columns[x].get(y, NAN) for x in across.values] for y in up.values]
    image = ax.pcolormesh(
        _edges(across), _edges(up), cells, norm=LogNorm(), cmap="viridis", shading="flat"
    )
    dress(ax, _words(across), _words(up))
    ax.grid(False)
    scale = ax.figure.colorbar(image, ax=ax)
    log_ticks(scale.ax.yaxis, *image.get_clim(), most=5)
    scale.ax.tick_params(labelsize=SMALL, width=0.5, length=2)
    scale.set_label(_unit(quantity), fontsize=FONT, parse_math=False)
    return ax


def _edges(axis: Range) -> list[float]:
    """The borders of the cells around the values: halfway between neighbours."""
    values = [float(value) for value in axis.values]
    middles = [(a + b) / 2 for a, b in pairwise(values)]
    return [2 * values[0] - middles[0], *middles, 2 * values[-1] - middles[-1]]


def _counts(
    sweep: Sweep, quantity: Quantity, other: Range | None = None, value: float = 0
) -> dict[float, int]:
    """The counts by the value of the axis that is not `other`, where that has this value."""
    (along,) = (axis for axis in sweep.axes if axis is not other)
    own = sweep.values(along)
    chosen = [value] * len(own) if other is None else sweep.values(other)
    rows = zip(own, chosen, sweep.counts(quantity), strict=True)
    return {at: count for at, beside, count in rows if beside == value}


def _words(axis: Range) -> str:
    return "Input height = width (pixels)" if axis.name == "res" else axis.name.capitalize()


def _unit(quantity: Quantity) -> str:
    words = quantity.words[0].upper() + quantity.words[1:]
    return f"{words} ({quantity.unit})" if quantity.unit and quantity.unit not in words else words
