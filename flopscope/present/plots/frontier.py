"""Cost against accuracy, with the frontier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from flopscope.catalog.titles import FAMILIES, title
from flopscope.catalog.variant import Resolution
from flopscope.choosing.front import Front
from flopscope.choosing.points import Point
from flopscope.errors import BadInput
from flopscope.present.front_times import cost_words
from flopscope.present.plots.axes import Span, set_axes
from flopscope.present.plots.export import figure, make_room
from flopscope.present.plots.labels import Label, place_labels
from flopscope.present.plots.legends import legend_below, legend_height
from flopscope.present.plots.look import COLUMN, LOG, PAGE, PLAIN, Look
from flopscope.present.plots.names import (
    cut,
    drawn_amount,
    one_size,
    own_title,
    quantity_words,
    with_size,
)
from flopscope.present.plots.style import (
    DASHES,
    GREY,
    LINE,
    dress,
    family_style,
    set_title,
    tick,
)
from flopscope.present.words import size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NARROW, WIDE = 2.4, 3.8
"""The height in inches of the axes in one column of a paper, and across both."""
ASTERISK = "$\\ast$"
OTHER, OWN = "not in the catalogue", "yours"
"""The name in the legend for networks without a family, where all points are the reader's, and
beside published ones."""
YOURS = 2.2
"""How much larger the reader's own points are than the published ones beside them."""
KNEE = "knee"
FINE = 200
"""The number of points that stand for the line of a budget, which no label may cover."""


def frontier(ax: Axes, front: Front, look: Look = PLAIN) -> Axes:
    """All points, of which those on the frontier are filled and joined by steps. As many labels are
    drawn as fit.

    x is the cost on a logarithmic axis, y the accuracy. Points of a family look alike; a network
    that is not in the catalogue is a black asterisk, and a user's own points have black edges. The
    knee has a ring, and the budget of the cost is a dashed line. Raises BadInput for a front of
    several costs.
    """
    if len(front.question.criteria) > 1:
        raise BadInput(
            f"a plot has one cost, not {', '.join(front.question.criteria)}; give --x once to draw"
        )
    cost = front.question.costs[0]
    xs = [drawn_amount(cost, float(point.costs[0])) for point in front.points]
    ys = [float(point.top1) for point in front.points]
    # labels stand to the left of a frontier
    x = Span([*xs, *_limits(front)], LOG, below=0.3)
    set_axes(ax, look, x, Span(ys, below=0.12, above=0.12, form=_plain))
    dress(ax, *_axis_labels(front))
    steps = _steps([(xs[i], ys[i]) for i in front.on], ax.get_xlim()[1])
    ax.plot(*zip(*steps, strict=True), color=GREY, linewidth=LINE, zorder=2)
    for limit, name in zip(_limits(front), _budget_names(front), strict=True):
        ax.axvline(limit, color=GREY, linewidth=LINE, linestyle=DASHES, zorder=1, label=name)
    _scatter(ax, front, xs, ys)
    legend_below(ax, handle=1.0)
    _label_points(ax, front, xs, ys, steps)
    set_title(ax, look)
    return ax


def frontier_figure(front: Front, wide: bool = False, look: Look = PLAIN) -> Figure:
    """The frontier as a figure for print, as wide as one column of a paper or both."""
    width = PAGE if wide else COLUMN
    across = look.figsize(width, 0)[0]
    high = WIDE if across >= PAGE else NARROW
    made = figure(width, high, look)
    ax = made.subplots()
    make_room(made, legend_height(_legend_labels(front), across), look)
    frontier(ax, front, look)
    return made


def _label_points(
    ax: Axes,
    front: Front,
    xs: Sequence[float],
    ys: Sequence[float],
    steps: Sequence[tuple[float, float]],
) -> None:
    """Name the points of the frontier and the reader's own: these first, then knee and ends."""
    left, right = ax.get_xlim()
    low, high = ax.get_ylim()
    shown = [i for i, (x, y) in enumerate(zip(xs, ys, strict=True))
             if left <= x <= right and low <= y <= high]  # fmt: skip
    named = [i for i in shown if front.by[i] < 0 or front.points[i].yours]
    ends = (front.knee, front.on[0], front.on[-1])
    first = sorted(named, key=lambda i: (not front.points[i].yours, i not in ends))
    usual, bold = _usual_size(front), _mixed(front)
    labels = [
        Label(xs[i], ys[i], _label(front.points[i], usual), bold and front.points[i].yours)
        for i in first
    ]
    dots = [(xs[i], ys[i]) for i in shown]
    dots += [(limit, y) for limit in _limits(front) for y in np.linspace(low, high, FINE)]
    place_labels(ax, labels, dots, steps)


def _steps(corners: Sequence[tuple[float, float]], right: float) -> list[tuple[float, float]]:
    """The vertices of the frontier, which runs level to the cost of the next point, and then up."""
    ends = [*(x for x, _ in corners[1:]), right]
    return [at for (x, y), end in zip(corners, ends, strict=True) for at in ((x, y), (end, y))]


def _scatter(ax: Axes, front: Front, xs: Sequence[float], ys: Sequence[float]) -> None:
    """Draw the points of each family together, and others last. Each family is in the legend
    once."""
    larger = YOURS if _mixed(front) else 1.0
    for family in _families(front):
        colour, marker = ("black", ASTERISK) if family is None else family_style(family)
        for on in (True, False):
            mine = [
                i
                for i, point in enumerate(front.points)
                if point.family == family and (front.by[i] < 0) == on
            ]
            yours = [front.points[i].yours for i in mine]
            area = 13 if on else 8
            ax.scatter(
                [xs[i] for i in mine], [ys[i] for i in mine], marker=marker,
                s=[area * (larger if own else 1) for own in yours], linewidths=0.6,
                facecolors=colour if on or family is None else "none",
                edgecolors=["black" if own else colour for own in yours],
                alpha=1.0 if on else 0.55, zorder=3,
            )  # fmt: skip
        name = FAMILIES[family] if family else _other(front)
        ax.scatter([], [], s=13, marker=marker, color=colour, linewidths=0.6, label=name)
    if front.knee is not None:
        ax.plot(
            xs[front.knee], ys[front.knee], "o", markersize=7, markerfacecolor="none",
            markeredgecolor="black", markeredgewidth=0.7, zorder=4, label=KNEE,
        )  # fmt: skip


def _mixed(front: Front) -> bool:
    """Are there points of the reader's own beside published ones?"""
    return len({point.yours for point in front.points}) == 2


def _families(front: Front) -> list[str | None]:
    """The families in alphabetical order, and last None for networks without a family."""
    families = {point.family for point in front.points}
    return sorted(families, key=lambda name: (name is None, name or ""))


def _legend_labels(front: Front) -> list[str]:
    """What the legend names: the families, and what else is drawn."""
    families = [FAMILIES[family] if family else _other(front) for family in _families(front)]
    return [*_budget_names(front), *families, *[KNEE] * (front.knee is not None)]


def _other(front: Front) -> str:
    """The name of networks without a family, some of which may be counted and not stated."""
    if _mixed(front):
        return OWN
    others = [point for point in front.points if point.family is None]
    return OTHER if any(point.stated for point in others) else "other"


def _limits(front: Front) -> list[float]:
    """The budget of the cost, if there is one, as the axis shows it."""
    cost, named = front.question.criteria[0], front.question.costs[0]
    most = front.question.most
    return [drawn_amount(named, budget.limit) for budget in most if budget.quantity == cost]


def _budget_names(front: Front) -> list[str]:
    return [f"budget {tick(limit)}" for limit in _limits(front)]


def _label(point: Point, usual: Resolution | None) -> str:
    """The name that the reader's file has for a network, or the network's, with its input size if
    that is not the usual one."""
    published = None if point.yours else point.variant
    name = cut(title(published) if published else own_title(point.name))
    return name if point.resolution == usual else with_size(name, point.resolution)


def _usual_size(front: Front) -> Resolution | None:
    """The input size that the axis states, which no label repeats: that of all points, or of most
    of them where the cost depends on it."""
    sizes = [point.resolution for point in front.points]
    (usual, often), *_ = Counter(sizes).most_common(1)
    most = often == len(sizes) or (2 * often > len(sizes) and not front.question.costs[0].stored)
    return usual if most else None


def _plain(value: float, _: object = None) -> str:
    return f"{value:g}"


def _axis_labels(front: Front) -> tuple[str, str]:
    """The label of x with unit, convention and input size, and that of y with the source of the
    accuracies."""
    cost = front.question.costs[0]
    sizes = [point.resolution for point in front.points]
    words = quantity_words(replace(cost, words=cost_words(front, cost)))
    if not cost.stored:
        usual = _usual_size(front)
        words += f"; input {size(usual)}" if usual else "; input size as stated"
        words += "" if usual is None or one_size(sizes) else " or as stated"
    whose = "" if any(point.yours for point in front.points) else "ImageNet-1k "
    accuracy = f"{whose}top-1, as stated (%)"
    return words, accuracy[0].upper() + accuracy[1:]
