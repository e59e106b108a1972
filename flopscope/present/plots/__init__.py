"""Pictures of readings. Each function draws on axes and returns them; none shows or saves a picture
or changes global settings. Needs matplotlib."""

from flopscope.present.plots.breakdown import breakdown
from flopscope.present.plots.comparison import comparison_figure
from flopscope.present.plots.curves import against_activations, against_resolution, against_width
from flopscope.present.plots.frontier import frontier, frontier_figure
from flopscope.present.plots.look import Look, read_look
from flopscope.present.plots.sweep import SweepAxis, SweepPicture, draw_sweep, sweep_figure

__all__ = [
    "Look",
    "SweepAxis",
    "SweepPicture",
    "against_activations",
    "against_resolution",
    "against_width",
    "breakdown",
    "comparison_figure",
    "draw_sweep",
    "frontier",
    "frontier_figure",
    "read_look",
    "sweep_figure",
]
