"""A sweep over three sizes: a picture of two of them for each value of the third."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from flopscope.errors import BadInput, check_name
from flopscope.present.plots.cells import heat_maps
from flopscope.present.plots.export import figure
from flopscope.present.plots.levels import levels
from flopscope.present.plots.look import PAGE, PLAIN, Look
from flopscope.present.plots.style import FONT
from flopscope.present.plots.sweep import SWEEP_PANELS, SweepPicture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACROSS = 3
"""So many parts stand beside each other."""


def parted_figure(
    pictures: Sequence[SweepPicture], look: Look = PLAIN, panel: str | None = None
) -> Figure:
    """Heat maps with one bar of colours, or level lines, as a figure as wide as a page.

    Raises UnknownName for another panel, BadInput for lines, and what the panel raises.
    """
    name = panel or "heatmap"
    check_name("panel", name, SWEEP_PANELS)
    if name == "lines":
        raise BadInput(
            "lines show one or two free sizes, and this sweep has three; draw the panel heatmap or "
            "levels, or fix one"
        )
    columns = 2 if len(pictures) == 4 else min(ACROSS, len(pictures))
    rows = -(-len(pictures) // columns)
    made = figure(PAGE, 0.5 + 1.6 * rows, look)
    grid = made.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    axes = list(grid.flat)
    for ax in axes[len(pictures) :]:
        ax.remove()
    axes = axes[: len(pictures)]
    if name == "heatmap":
        heat_maps(axes, pictures, replace(look, title=None))
    else:
        for ax, picture in zip(axes, pictures, strict=True):
            levels(ax, replace(picture, quantity=picture.part), replace(look, title=None))
    for n, ax in enumerate(axes):
        if n % columns:
            ax.set_ylabel("")
        if n + columns < len(pictures):
            ax.set_xlabel("")
        else:
            ax.tick_params(labelbottom=True)  # where the part below it is missing, too
    words = [look.title or "", pictures[0].quantity if name == "levels" else ""]
    if any(words):
        made.suptitle("\n".join(filter(None, words)), fontsize=FONT, parse_math=False)
    return made
