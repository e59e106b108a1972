"""A comparison as pictures: one panel, or all panels that make sense for the compared networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from flopscope.answers.compare import Comparison
from flopscope.errors import BadInput, check_name
from flopscope.ledger import Level
from flopscope.present.plots.breakdown import breakdown, totals
from flopscope.present.plots.curves import (
    against_activations,
    against_resolution,
    against_width,
    has_width,
)
from flopscope.present.plots.export import figure, make_room
from flopscope.present.plots.legends import height_below
from flopscope.present.plots.look import COLUMN, PAGE, PLAIN, Look
from flopscope.present.plots.style import FONT, set_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel: TypeAlias = "Callable[[Axes, Comparison, Look], Axes]"


def _split(level: Level, *, shares: bool = False) -> Panel:
    return lambda ax, comparison, look: breakdown(ax, comparison, level, look, shares=shares)


PANELS: Mapping[str, Panel] = {
    "stage": _split(Level.STAGE),
    "kind": _split(Level.KIND),
    "stage-share": _split(Level.STAGE, shares=True),
    "kind-share": _split(Level.KIND, shares=True),
    "totals": totals,
    "resolution": against_resolution,
    "width": against_width,
    "activations": against_activations,
}
BARS = ("stage", "kind", "stage-share", "kind-share", "totals")
HEIGHT = 2.3
"""The height in inches of a row of panels other than bars."""
SPREAD = 12
"""Where one network has more work than so many of another, bars show shares: the lengths of the
smallest could not be seen."""


def draw(ax: Axes, comparison: Comparison, name: str, look: Look = PLAIN) -> Axes:
    """Draw one panel by name. Raises UnknownName for an unknown panel, and what the panel
    raises."""
    check_name("panel", name, PANELS)
    PANELS[name](ax, comparison, look)
    set_title(ax, look)
    return ax


def sensible(comparison: Comparison) -> list[str]:
    """The panels that make sense for these networks."""
    entries = comparison.entries
    counts = [entry.count(comparison.convention.name) for entry in entries]
    shares = max(counts) > SPREAD * max(1, min(counts))
    shown = {
        "stage": not shares,
        "kind": not shares,
        "stage-share": shares,
        "kind-share": shares,
        "totals": False,  # the bars have them
        "resolution": any(entry.resolution is not None for entry in entries),
        "width": any(has_width(entry) for entry in entries),
        "activations": len(entries) > 1,
    }
    return [name for name in PANELS if shown[name]]


def comparison_figure(
    comparison: Comparison, look: Look = PLAIN, panel: str | None = None
) -> Figure:
    """One panel, as wide as one column of a paper, or the sensible panels, as wide as both.

    Raises UnknownName for an unknown panel, and BadInput for limits or scales of several panels.
    """
    if panel is None:
        return _all_panels(comparison, look)
    made = figure(COLUMN, _height(panel, comparison), look)
    ax = draw(made.subplots(), comparison, panel, look)
    make_room(made, height_below(ax), look)
    return made


def _height(name: str, comparison: Comparison) -> float:
    """The height in inches of a panel."""
    return 0.75 + 0.22 * max(3, len(comparison.entries)) if name in BARS else HEIGHT


def _all_panels(comparison: Comparison, look: Look) -> Figure:
    """The sensible panels: bars in rows of their own, the others in one row."""
    names = sensible(comparison)
    if look.shapes_axes:
        raise BadInput(
            "limits and scales are those of one panel, and several are drawn; name one, such as "
            f"{names[-1]}"
        )
    bars = [name for name in names if name in BARS]
    others = [name for name in names if name not in BARS]
    heights = [_height(name, comparison) for name in [*bars, *others[:1]]]
    made = figure(PAGE, sum(heights), look)
    grid = made.add_gridspec(len(heights), max(1, len(others)), height_ratios=heights)
    places = {name: grid[row, :] for row, name in enumerate(bars)}
    places |= {name: grid[-1, column] for column, name in enumerate(others)}
    axes = {name: made.add_subplot(place) for name, place in places.items()}
    for name, ax in axes.items():
        draw(ax, comparison, name)
        # In a row each network has one look, so the last panel's legend serves all panels.
        if name in others[:-1] and (legend := ax.get_legend()):
            legend.remove()
    if look.title:
        made.suptitle(look.title, fontsize=FONT + 1, parse_math=False)
    return made
