"""Cost against accuracy, with the frontier."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

from flopscope.errors import BadInput
from flopscope.present.plots.export import figure
from flopscope.present.plots.labels import Label, place_labels
from flopscope.present.plots.look import COLUMN, PAGE
from flopscope.present.plots.style import (
    GREY,
    LINE,
    SMALL,
    bounds,
    dress,
    family_style,
    log_ticks,
    short_name,
)
from flopscope.present.words import size
from flopscope.quantities import MACS
from flopscope.search.front import Front
from flopscope.search.points import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NARROW, WIDE, ROW = (COLUMN, 2.4), (PAGE, 3.8), 0.12
"""Width and height in inches, without the legend; and the height of each of its rows."""
LEGEND_COLUMN = 0.85
"""Inches."""
ASTERISK = "$\\ast$"
OTHER = "other, cost as stated"
"""The name in the legend for networks that are not in the catalogue."""


def frontier(ax: Axes, front: Front) -> Axes:
    """All points, of which those on the frontier are filled and joined by steps. As many labels are
    drawn as fit.

    x is the cost on a logarithmic axis, y the accuracy. Points of a family look alike; a network
    that is not in the catalogue is a black asterisk, and a user's own points have black edges. The
    knee has a ring. Raises BadInput for a front of several costs.
    """
    if len(front.question.criteria) > 1:
        raise BadInput(
            f"a plot has one cost, not {', '.join(front.question.criteria)}; give --x once to draw"
        )
    xs = [float(point.costs[0]) for point in front.points]
    ys = [float(point.top1) for point in front.points]
    on = list(front.on)
    left, right = bounds(xs, below=0.3)  # labels stand to the left of a frontier
    ax.set_xscale("log")
    ax.set_xlim(left, right)
    room = 0.06 * (max(ys) - min(ys)) or 1.0
    ax.set_ylim(min(ys) - 2 * room, max(ys) + 2 * room)
    log_ticks(ax.xaxis, left, right)
    dress(ax, *_axis_labels(front))
    steps = _steps([(xs[i], ys[i]) for i in on], right)
    ax.plot(*zip(*steps, strict=True), color=GREY, linewidth=LINE, zorder=2)
    _scatter(ax, front, xs, ys)
    if front.knee is not None:
        ax.plot(
            xs[front.knee], ys[front.knee], "o", markersize=7, markerfacecolor="none",
            markeredgecolor="black", markeredgewidth=0.7, zorder=4, label="knee",
        )  # fmt: skip
    _legend(ax)
    ends = (front.knee, on[0], on[-1])
    first = sorted(on, key=lambda i: (not front.points[i].yours, i not in ends))
    several = len({point.resolution for point in front.points}) > 1
    labels = [Label(xs[i], ys[i], _label(front.points[i], several)) for i in first]
    place_labels(ax, labels, list(zip(xs, ys, strict=True)), steps)
    return ax


def frontier_figure(front: Front, wide: bool = False) -> Figure:
    """The frontier as a figure for print, as wide as one column of a paper or both."""
    width, height = WIDE if wide else NARROW
    made = figure(width, height)
    ax = made.subplots()
    entries = 1 + len({point.family for point in front.points})
    made.set_size_inches(width, height + ROW * ceil(entries / _columns(ax)))
    frontier(ax, front)
    return made


def _steps(corners: Sequence[tuple[float, float]], right: float) -> list[tuple[float, float]]:
    """The vertices of the frontier, which runs level to the cost of the next point, and then up."""
    ends = [*(x for x, _ in corners[1:]), right]
    return [at for (x, y), end in zip(corners, ends, strict=True) for at in ((x, y), (end, y))]


def _scatter(ax: Axes, front: Front, xs: Sequence[float], ys: Sequence[float]) -> None:
    """Draw the points of each family together, and others last. Each family is in the legend
    once."""
    families = dict.fromkeys(point.family for point in front.points)
    for family in sorted(families, key=lambda name: (name is None, name or "")):
        colour, marker = ("black", ASTERISK) if family is None else family_style(family)
        for on in (True, False):
            mine = [
                i
                for i, point in enumerate(front.points)
                if point.family == family and (front.by[i] < 0) == on
            ]
            edges = ["black" if front.points[i].yours else colour for i in mine]
            ax.scatter(
                [xs[i] for i in mine], [ys[i] for i in mine], s=13 if on else 8, marker=marker,
                facecolors=colour if on or family is None else "none", edgecolors=edges,
                linewidths=0.6, alpha=1.0 if on else 0.55, zorder=3,
            )  # fmt: skip
        ax.scatter([], [], s=13, marker=marker, color=colour, linewidths=0.6, label=family or OTHER)


def _legend(ax: Axes) -> None:
    """Put the legend below the axes, in as many columns as the width has room for."""
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.45, -0.13 if _columns(ax) > 3 else -0.17),
        ncols=_columns(ax), fontsize=SMALL, frameon=False, handletextpad=0.1, columnspacing=0.9,
        labelspacing=0.3, borderpad=0,
    )  # fmt: skip


def _columns(ax: Axes) -> int:
    """The number of columns of a legend that is as wide as the axes."""
    return max(1, int(ax.get_window_extent().width / ax.figure.dpi / LEGEND_COLUMN))


def _label(point: Point, with_size: bool) -> str:
    name = short_name(point.name)
    if not with_size or point.resolution is None:
        return name
    height, width = point.resolution
    return f"{name} @{height}" if height == width else f"{name} @{height}×{width}"


def _axis_labels(front: Front) -> tuple[str, str]:
    """The label of x with unit, convention and input size, and that of y with the source of the
    accuracies."""
    cost, counting = front.question.costs[0], front.question.convention
    if cost == MACS.under(counting):
        words = f"{counting.unit}, convention {counting.name}"
    else:
        words = f"{cost.words.capitalize()}{f' ({cost.unit})' if cost.unit else ''}"
    sizes = {point.resolution for point in front.points}
    one = sizes.pop() if len(sizes) == 1 else None
    if not cost.stored:
        words += f"; input {size(one)}" if one else "; input size as stated"
    whose = "" if any(point.yours for point in front.points) else "ImageNet-1k "
    accuracy = f"{whose}top-1, as stated (%)"
    return words, accuracy[0].upper() + accuracy[1:]
