"""What all pictures share: sizes in print, colours and markers, and how axes show counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil, floor, log10
from textwrap import wrap
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from flopscope.catalog.models import MODELS
from flopscope.present.numbers import PREFIXES
from flopscope.present.plots.look import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

FONT, SMALL = 7.0, 6.0
"""Font sizes in points: of axes, and of labels and legends."""
LINE = 0.9
CHARACTERS = 20
"""About how many characters of a title an inch has room for."""

COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#882255", "#56B4E9", "#AA4499",
    "#999933", "#332288", "#D55E00", "#7F4F24", "#CC79A7", "#117733",
)  # fmt: skip
"""Okabe and Ito's colours and some of Tol's, which people with any common kind of colour vision can
distinguish. Neighbours differ in lightness, for prints in grey. Yellow is left out because it
vanishes on white, and black because it is for points without a family."""
Marker: TypeAlias = str | tuple[int, Literal[1], int]
"""A marker's name, or a star as (points, 1, rotation in degrees)."""
MARKERS: Sequence[Marker] = (
    "o", "s", "^", "D", "v", "P", "X", "*", "p", "<", "h", ">", "d",
    r"$\spadesuit$", (4, 1, 0), r"$\clubsuit$", "$\u25e2$", "$\u25d7$", "$\u2665$", (3, 1, 0),
    "$\u25e4$", "$\u25e3$", "$\u25e5$", "$\u25d6$", "$\u2756$", "$\u2726$", (6, 1, 0), (8, 1, 0),
    "$\u25b0$", "$\u25ae$", "$\u25ac$",
)  # fmt: skip
STYLES = ("-", "--", "-.", ":")
DASHES = (0, (4, 2))
"""The line of a budget."""
HATCHES = ("", "////", "...", "\\\\", "xxxx", "----", "||||")
GREY = "#666666"
SUBS = ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,))
"""The ticks of a decade that may have a number, the largest set first."""
SHORT = 4.0
"""A logarithmic axis whose ends are within this factor has ticks like a linear one."""


class SeriesStyle(NamedTuple):
    """Colour and marker. Markers alone distinguish thirty-one things, for prints in grey."""

    colour: str
    marker: Marker


def series_style(index: int) -> SeriesStyle:
    """The look of the n-th thing. Colours and markers repeat, but no pair of them does for n below
    84."""
    return SeriesStyle(COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)])


def family_style(family: str) -> SeriesStyle:
    """The look of a family, which is the same in every picture."""
    families = list(dict.fromkeys(model.family for model in MODELS.values()))
    return series_style(families.index(family))


def tick(value: float, _: object = None) -> str:
    """A count as axes show it: 20 M, or a number below 1000 as it is.

    >>> tick(2e7), tick(1.5e9), tick(50)
    ('20 M', '1.5 G', '50')
    """
    for scale, prefix in PREFIXES:
        if value >= scale:
            return f"{float(Fraction(value) / scale):g} {prefix}"
    return f"{value:g}"


def log_ticks(
    axis: Axis,
    low: float,
    high: float,
    most: int = 7,
    form: Callable[[float, object], str] = tick,
) -> None:
    """Set the ticks on a logarithmic axis from `low` to `high`: 1, 2 and 5 of each decade if they
    are at most `most`, else 1 and 3, else the decades alone. A short range has round numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    if high / low < SHORT:
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        axis.set_minor_locator(LogLocator(10, subs=(), numticks=2))
    else:
        fits = (subs for subs in SUBS if _ticks(subs, low, high) <= most)
        axis.set_major_locator(LogLocator(10, subs=next(fits, SUBS[-1]), numticks=most))
        axis.set_minor_locator(LogLocator(10, subs=(1.0, 2.0, 5.0), numticks=60))
    axis.set_major_formatter(FuncFormatter(form))
    axis.set_minor_formatter(NullFormatter())


def _ticks(subs: Sequence[float], low: float, high: float) -> int:
    """The number of ticks within the limits."""
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    return sum(low <= sub * 10.0**decade <= high for decade in decades for sub in subs)


def dress(ax: Axes, xlabel: str, ylabel: str) -> None:
    """Set labels and ticks to their size in print, with a light grid behind and no box around."""
    extent, dpi = ax.get_window_extent(), ax.figure.dpi
    ax.set_xlabel(fitted(xlabel, extent.width / dpi), fontsize=FONT, parse_math=False)
    ax.set_ylabel(fitted(ylabel, extent.height / dpi), fontsize=FONT, parse_math=False)
    ax.tick_params(labelsize=FONT, width=0.5, length=2.5)
    ax.tick_params(which="minor", width=0.4, length=1.5)
    for side, spine in ax.spines.items():
        spine.set_linewidth(0.5)
        spine.set_visible(side in ("left", "bottom"))
    ax.grid(True, which="major", linewidth=0.3, color="#DDDDDD")
    ax.set_axisbelow(True)


def fitted(text: str, inches: float) -> str:
    """The text in as many lines as it needs in this length."""
    room = max(12, int(inches * CHARACTERS))
    return "\n".join(line for part in text.split("\n") for line in wrap(part, room))


def set_title(ax: Axes, look: Look) -> None:
    """The reader's title above the axes, if there is one, in as many lines as it needs."""
    if look.title is not None:
        width = ax.get_window_extent().width / ax.figure.dpi
        ax.set_title(fitted(look.title, width), fontsize=FONT, parse_math=False)


def bounds(
    values: Sequence[float], below: float = 0.06, above: float = 0.06
) -> tuple[float, float]:
    """The limits of a logarithmic axis: the range of the values, extended by these shares on either
    side."""
    low, high = min(values), max(values)
    ratio = high / low if high > low else 4.0
    return low / ratio**below, high * ratio**above
