"""Legends outside of the axes: to the right where the picture is wide, else below."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

from flopscope.present.plots.style import FONT, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NARROW = 4.5
"""Below this width in inches a picture has no room for a legend beside its axes."""
ROW = 0.12
"""The height in inches of a row of a legend."""
HANDLE, CHARACTER = 0.34, 0.047
"""The width in inches of a legend's line or mark with the gaps around it, and of a character."""


def add_legend(ax: Axes, title: str = "") -> None:
    """A legend where there is room for it."""
    if ax.figure.get_figwidth() >= NARROW:  # type: ignore[union-attr]
        legend_beside(ax, title)
    else:
        legend_below(ax, title)


def height_below(ax: Axes) -> float:
    """The height in inches that a legend below the axes takes; 0 where none is there."""
    legend = ax.get_legend()
    if legend is None or ax.figure.get_figwidth() >= NARROW:  # type: ignore[union-attr]
        return 0.0
    labels = [text.get_text() for text in legend.get_texts()]
    across = ax.figure.get_figwidth()  # type: ignore[union-attr]
    return legend_height(labels, across) + ROW * bool(legend.get_title().get_text())


def legend_height(labels: Sequence[str], inches: float) -> float:
    """The height in inches of a legend below axes, in a picture of this width."""
    return ROW * ceil(len(labels) / columns_of(labels, inches))


def legend_beside(ax: Axes, title: str = "") -> None:
    """A legend to the right of the axes, outside of everything that is drawn."""
    ax.legend(
        title=title, loc="upper left", bbox_to_anchor=(1.0, 1.02), fontsize=SMALL,
        title_fontsize=SMALL, frameon=False, borderpad=0, handlelength=2.0, labelspacing=0.35,
        alignment="left",
    )  # fmt: skip


def legend_below(ax: Axes, title: str = "", handle: float = 2.0) -> None:
    """A legend below the label of x, in as many columns as the picture has room for.
    `handle` is the length of a line or mark in it, in widths of a letter."""
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    figure = ax.get_figure(root=True)
    assert figure is not None
    alone = len(figure.axes) == 1
    _, labels = ax.get_legend_handles_labels()
    columns = columns_of(labels, figure.get_figwidth())
    lines = ax.get_xlabel().count("\n") + 1
    down = ScaledTranslation(0, -(15 + 1.3 * FONT * lines) / 72, figure.dpi_scale_trans)
    across = figure.transFigure if alone else ax.transAxes
    ax.legend(
        title=title, loc="upper center", bbox_to_anchor=(0.5, 0.0),
        bbox_transform=blended_transform_factory(across, ax.transAxes + down), ncols=columns,
        fontsize=SMALL, title_fontsize=SMALL, frameon=False, handlelength=handle,
        handletextpad=0.5, columnspacing=1.0, labelspacing=0.35, borderpad=0,
    )  # fmt: skip


def columns_of(labels: Sequence[str], inches: float) -> int:
    """The number of columns of a legend with these labels in this width.

    >>> columns_of(["MobileNetV2", "GhostNet"], 3.3), columns_of(["x" * 60], 3.3)
    (3, 1)
    """
    widest = HANDLE + CHARACTER * max(map(len, labels), default=0)
    return max(1, int(0.95 * inches / widest))
