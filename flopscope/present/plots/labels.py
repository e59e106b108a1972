"""Labels beside points. They do not cover each other: each in turn takes the nearest free place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from math import ceil, cos, radians, sin
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flopscope.errors import BadInput
from flopscope.present.plots.style import GREY, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

REACHES = (4.0, 7.0, 11.0, 16.0, 22.0, 29.0)
"""Distances from the marker to the nearest point of the label, in points of print."""
DIRECTIONS = (180, 165, 150, 135, 120, 105, 90, 60, 30, 0, -30, -60, -90, -120, -150)
"""Directions in degrees, the preferred ones first: the space above and to the left of a frontier is
empty."""
NEAR = 5.0
"""A label at a larger distance has a line to its point."""
MARKER, GAP, STEP = 2.5, 0.8, 1.0
"""In points of print: half a marker, the least distance between things, and the distance between
the points that stand for a line."""

Coordinates = NDArray[np.float64]
"""One or more points (x, y) or boxes (x0, y0, x1, y1), a row each, in points of print."""


class Label(NamedTuple):
    """A text for the point (x, y), in data coordinates."""

    x: float
    y: float
    text: str
    bold: bool = False


class LabelPlace(NamedTuple):
    """The place of a label, and the points of the line to it, of which there are none if the label
    is near."""

    box: Coordinates
    leader: Coordinates


def place_labels(
    ax: Axes, labels: Sequence[Label], dots: ArrayLike = (), line: ArrayLike = ()
) -> list[Annotation]:
    """Draw the labels that find a free place. The first labels choose first.

    A place is free if it is inside the axes and covers nothing: no labels and lines to them, no
    points of labels, no `dots`, not the line through the vertices of `line`, and not the legend.
    Dots and vertices are pairs of data coordinates. Limits, scales and legend must be final.
    """
    if not labels:
        return []
    figure = ax.get_figure(root=True)
    if figure is None:
        raise BadInput("the axes are in no figure, and labels need its size; give axes of a figure")
    figure.draw_without_rendering()
    anchors = _printed(ax, [(label.x, label.y) for label in labels])
    around = np.vstack([anchors, _printed(ax, dots)])
    fixed = [_boxes(around, MARKER), _boxes(_along(_printed(ax, line)), GAP)]
    if (legend := ax.get_legend()) is not None:
        fixed.append(_extent(ax, legend.get_window_extent())[None])
    taken = np.vstack(fixed)
    inside = _extent(ax, ax.get_window_extent())
    drawn: list[Annotation] = []
    for label, anchor in zip(labels, anchors, strict=True):
        text = ax.annotate(
            label.text, (label.x, label.y), (0, 0), textcoords="offset points", va="bottom",
            fontsize=SMALL, parse_math=False, annotation_clip=False, zorder=5,
            fontweight="bold" if label.bold else "normal",
        )  # fmt: skip
        box = _extent(ax, text.get_window_extent())
        place = _free(taken, inside, anchor, box)
        if place is None:
            text.remove()
            continue
        text.set_position(tuple(place.box[:2] - box[:2]))
        taken = np.vstack([taken, place.box[None], _boxes(place.leader, GAP)])
        if len(place.leader):
            ax.annotate(
                "", (label.x, label.y), tuple(place.leader[-1] - anchor), zorder=4,
                textcoords="offset points", annotation_clip=False,
                arrowprops={
                    "arrowstyle": "-", "linewidth": 0.4, "color": GREY, "shrinkA": 0, "shrinkB": 2
                },
            )  # fmt: skip
        drawn.append(text)
    return drawn


def overlaps(boxes: Coordinates, box: Coordinates) -> NDArray[np.bool_]:
    """Which of the boxes overlap one box."""
    shared: NDArray[np.bool_] = np.all((boxes[:, :2] < box[2:]) & (boxes[:, 2:] > box[:2]), axis=1)
    return shared


def _free(
    taken: Coordinates, inside: Coordinates, anchor: Coordinates, box: Coordinates
) -> LabelPlace | None:
    """The nearest free place beside the anchor for a box of this size."""
    size = box[2:] - box[:2]
    for reach, degrees in product(REACHES, DIRECTIONS):
        way = np.array([cos(radians(degrees)), sin(radians(degrees))])
        low = anchor + reach * way - size * (1 - way) / 2
        spot = np.concatenate([low, low + size])
        within = bool(np.all(spot[:2] >= inside[:2]) and np.all(spot[2:] <= inside[2:]))
        wide = spot + np.array([-GAP, -GAP, GAP, GAP])
        if not within or overlaps(taken, wide).any():
            continue
        end = np.clip(anchor, spot[:2], spot[2:])
        leader = _along(np.array([anchor, end])) if reach > NEAR else np.empty((0, 2))
        # the line may cross what lies at its own point, but nothing further away
        away = leader[np.abs(leader - anchor).max(axis=1) > MARKER + GAP]
        if not any(overlaps(taken, point).any() for point in _boxes(away, GAP / 2)):
            return LabelPlace(spot, leader)
    return None


def _along(vertices: Coordinates) -> Coordinates:
    """Points on the line through the vertices, at most STEP apart."""
    parts = [np.empty((0, 2))]
    for start, end in pairwise(vertices):
        steps = ceil(float(np.hypot(*(end - start))) / STEP) + 1
        parts.append(np.linspace(start, end, steps))
    return np.vstack(parts)


def _boxes(points: Coordinates, half: float) -> Coordinates:
    return np.hstack([points - half, points + half])


def _printed(ax: Axes, points: ArrayLike) -> Coordinates:
    """Data coordinates as points of print."""
    found: Coordinates = ax.transData.transform(np.asarray(points, dtype=float).reshape(-1, 2))
    return found * 72 / ax.figure.dpi


def _extent(ax: Axes, extent: Bbox) -> Coordinates:
    return np.array(extent.extents, dtype=float) * 72 / ax.figure.dpi
