"""A comparison as pictures: one panel, or all panels that make sense for the compared networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from flopscope.answers.compare import Comparison
from flopscope.errors import UnknownName
from flopscope.ledger import Level
from flopscope.present.plots.breakdown import breakdown
from flopscope.present.plots.curves import (
    against_activations,
    against_resolution,
    against_width,
    has_width,
)
from flopscope.present.plots.export import figure
from flopscope.present.plots.look import PAGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel: TypeAlias = "Callable[[Axes, Comparison], Axes]"

PANELS: Mapping[str, Panel] = {
    "stage": partial(breakdown, level=Level.STAGE),
    "kind": partial(breakdown, level=Level.KIND),
    "resolution": against_resolution,
    "width": against_width,
    "activations": against_activations,
}
BARS = ("stage", "kind")
HEIGHT = 2.3
"""The height in inches of a row of panels other than bars."""


def draw(ax: Axes, comparison: Comparison, name: str) -> Axes:
    """Draw one panel by name. Raises UnknownName for an unknown panel, and what the panel
    raises."""
    if name not in PANELS:
        raise UnknownName("panel", name, PANELS)
    return PANELS[name](ax, comparison)


def sensible(comparison: Comparison) -> list[str]:
    """The panels that make sense for these networks."""
    entries = comparison.entries
    varied = {
        "resolution": any(entry.resolution is not None for entry in entries),
        "width": any(has_width(entry) for entry in entries),
        "activations": len(entries) > 1,
    }
    return [name for name in PANELS if varied.get(name, True)]


def comparison_figure(comparison: Comparison) -> Figure:
    """The sensible panels, as wide as one page: bars in rows of their own, the others in one
    row."""
    names = sensible(comparison)
    bars = [name for name in names if name in BARS]
    others = [name for name in names if name not in BARS]
    bar = 0.75 + 0.22 * max(3, len(comparison.entries))
    heights = [bar] * len(bars) + [HEIGHT] * bool(others)
    made = figure(PAGE, sum(heights))
    grid = made.add_gridspec(len(heights), max(1, len(others)), height_ratios=heights)
    places = {name: grid[row, :] for row, name in enumerate(bars)}
    places |= {name: grid[-1, column] for column, name in enumerate(others)}
    axes = {name: made.add_subplot(place) for name, place in places.items()}
    for name, ax in axes.items():
        draw(ax, comparison, name)
        # In a row each network has one look, so the last panel's legend serves all panels.
        if name in others[:-1] and (legend := ax.get_legend()):
            legend.remove()
    return made
