"""The heat map of a sweep: a cell for each design of two axes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from flopscope.errors import BadInput
from flopscope.present.numbers import short
from flopscope.present.plots.axes import refuse_axes, scale_for
from flopscope.present.plots.look import LOG, Look
from flopscope.present.plots.style import FONT, SMALL, dress, fitted, log_ticks, set_title, tick

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh

    from flopscope.present.plots.sweep import SweepAxis, SweepPicture

COLOURS = "Blues"
"""One hue, darker for more, which print in grey and every kind of colour vision keep."""
EDGE = "#D55E00"
"""The colour of the line between the designs that a budget allows and the others."""
ROOM = (0.32, 0.13)
"""The least width and height in inches of a cell with its number in it."""
TICKS = 9
"""The most values of an axis that are all written."""


def heat_map(ax: Axes, picture: SweepPicture, look: Look) -> Axes:
    """A cell for each design, darker for more, with the number in it where there is room. A line
    parts the designs that the budget allows from the others; the cell of a network that does not
    exist is hatched.

    Raises BadInput for a sweep over one axis, and for limits and scales, which cells do not have.
    """
    first, second = picture.first, picture.second
    if second is None:
        raise BadInput("a heat map has two axes, and this sweep has one; draw the panel lines")
    refuse_axes("a heat map", look)
    mesh = _cells(ax, picture, first, second)
    _explain([ax], mesh, picture)
    _draw_budget(ax, picture)
    set_title(ax, look)
    _write(ax, picture, mesh)
    return ax


def heat_maps(axes: Sequence[Axes], pictures: Sequence[SweepPicture], look: Look) -> None:
    """The same of several pictures that share their colours and the bar beside them. Domain: two
    axes each. Raises BadInput for limits and scales."""
    refuse_axes("a heat map", look)
    meshes = []
    for ax, picture in zip(axes, pictures, strict=True):
        assert picture.second is not None
        meshes.append(_cells(ax, picture, picture.first, picture.second))
        ax.set_title(picture.part, fontsize=FONT, loc="right", parse_math=False)
    _explain(axes, meshes[0], pictures[0])
    for ax, picture, mesh in zip(axes, pictures, meshes, strict=True):
        _draw_budget(ax, picture)
        _write(ax, picture, mesh)


def _cells(ax: Axes, picture: SweepPicture, first: SweepAxis, second: SweepAxis) -> QuadMesh:
    mesh = ax.pcolormesh(amounts(picture), cmap=COLOURS, norm=_norm(picture), edgecolors="white",
                         linewidth=0.4)  # fmt: skip
    dress(ax, first.words, second.words)
    ax.grid(False)
    ax.patch.set(hatch="////", edgecolor="#BBBBBB")  # seen where there is no cell
    ax.tick_params(length=0)
    ax.set_xticks(*_ticks(first), fontsize=FONT, parse_math=False)
    ax.set_yticks(*_ticks(second), fontsize=FONT, parse_math=False)
    return mesh


def amounts(picture: SweepPicture) -> Any:
    """The amounts with a row for each value of the second axis; masked where there is none."""
    import numpy as np

    rows = [[float("nan") if n is None else float(n) for n in row] for row in picture.counts]
    return np.ma.masked_invalid(np.array(rows))


def _norm(picture: SweepPicture) -> Any:
    from matplotlib.colors import LogNorm, Normalize

    ends = picture.span
    return LogNorm(*ends) if scale_for(ends) == LOG else Normalize(*ends)


def _ticks(axis: SweepAxis) -> tuple[list[float], list[str]]:
    """The middles of the cells, and the values there, of which some are left out if they are
    many."""
    step = -(-len(axis.values) // TICKS)
    return [n + 0.5 for n in range(0, len(axis.values), step)], axis.texts[::step]


def _explain(axes: Sequence[Axes], mesh: QuadMesh, picture: SweepPicture) -> None:
    """The bar that says which colour is which amount, and where the budget is."""
    figure, boxes = axes[0].figure, [ax.get_window_extent() for ax in axes]
    bar = figure.colorbar(mesh, ax=list(axes), pad=0.02)
    height = (max(box.y1 for box in boxes) - min(box.y0 for box in boxes)) / figure.dpi
    bar.set_label(fitted(picture.quantity, height), fontsize=FONT, parse_math=False)
    bar.ax.tick_params(labelsize=FONT, width=0.5, length=2.5)
    bar.ax.spines["outline"].set_linewidth(0.5)
    bar.ax.minorticks_off()
    if scale_for(picture.span) == LOG:
        log_ticks(bar.ax.yaxis, *bar.ax.get_ylim(), most=6)
    else:
        bar.ax.yaxis.set_major_formatter(tick)
    if picture.budget is not None:
        bar.ax.axhline(picture.budget, color=EDGE, linewidth=1.5)


def _draw_budget(ax: Axes, picture: SweepPicture) -> None:
    """A line around the designs that the budget allows."""
    if picture.budget is None:
        return
    within = [[n is not None and n <= picture.budget for n in row] for row in picture.counts]
    rows, columns = len(within), len(within[0])
    for y, x in product(range(rows), range(columns)):
        if x + 1 < columns and within[y][x] != within[y][x + 1]:
            ax.plot((x + 1, x + 1), (y, y + 1), color=EDGE, linewidth=1.5)
        if y + 1 < rows and within[y][x] != within[y + 1][x]:
            ax.plot((x, x + 1), (y + 1, y + 1), color=EDGE, linewidth=1.5)
    text = f"line: budget of {tick(picture.budget)}"
    ax.annotate(
        text, (0, 1), (0, 2), xycoords="axes fraction", textcoords="offset points",
        fontsize=SMALL, color=EDGE, va="bottom",
    )  # fmt: skip


def _write(ax: Axes, picture: SweepPicture, mesh: QuadMesh) -> None:
    """Write the amounts into the cells, if all cells have room."""
    figure = ax.figure
    figure.draw_without_rendering()  # type: ignore[union-attr]
    extent = ax.get_window_extent()
    rows, columns = len(picture.counts), len(picture.first.values)
    if extent.width / columns < ROOM[0] * figure.dpi or extent.height / rows < ROOM[1] * figure.dpi:
        return
    for y, row in enumerate(picture.counts):
        for x, count in enumerate(row):
            if count is not None:
                dark = _is_dark(mesh, count)
                ax.text(
                    x + 0.5, y + 0.5, short(round(count)), ha="center", va="center",
                    fontsize=SMALL - 1, color="white" if dark else "black",
                )  # fmt: skip


def _is_dark(mesh: QuadMesh, count: float) -> bool:
    """Is the colour of the amount darker than a middle grey?"""
    import numpy as np

    ((red, green, blue, _),) = mesh.to_rgba(np.array([count]))
    return bool(0.299 * red + 0.587 * green + 0.114 * blue < 0.5)
