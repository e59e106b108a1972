"""The units of a network under the roofs of a device: arithmetic intensity against the rate that is
reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from flopscope.answers.predict import Prediction
from flopscope.errors import BadInput
from flopscope.present.plots.axes import Span, set_axes
from flopscope.present.plots.export import figure, make_room
from flopscope.present.plots.legends import legend_below, legend_height
from flopscope.present.plots.look import COLUMN, LOG, PLAIN, Look
from flopscope.present.plots.style import DASHES, GREY, LINE, dress, series_style, set_title
from flopscope.timing.categories import PRODUCTS, Category
from flopscope.timing.constants import BYTE, MACS
from flopscope.timing.device import Device

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 2.6
"""The height in inches of the axes."""
AREA = (4.0, 70.0)
"""The areas of the smallest mark, and of one with a tenth of the time or more."""
BANDWIDTH = "memory"
"""The name in the legend of the roof that slopes."""


class Mark(NamedTuple):
    """A unit: MACs for each byte that it moves, MACs a second that it reaches, and its share of the
    network's time."""

    category: Category
    intensity: float
    rate: float
    share: float


def marks(prediction: Prediction) -> list[Mark]:
    """The units that multiply and accumulate. Raises BadInput for a network without any."""
    whole = prediction.time.seconds
    found = [
        Mark(
            unit.work.category, unit.work.macs / moved, unit.work.repeat * unit.work.macs
            / unit.seconds, unit.seconds / whole,
        )
        for unit in prediction.time.units
        if unit.work.macs and unit.seconds and (moved := unit.work.moved + unit.work.weights)
    ]  # fmt: skip
    if not found:
        raise BadInput(
            f"{prediction.network.target.name} does no multiply-accumulates, which a roofline is "
            "drawn of; give a network with convolutions or products of matrices"
        )
    return found


def roofline(ax: Axes, prediction: Prediction, look: Look = PLAIN) -> Axes:
    """The units of a network on these axes, each under the roofs of the device.

    x is MACs for each byte that is moved, y MACs a second, both logarithmic. A mark is a unit, as
    large as its share of the time. A level roof is the device's rate of a kind of arithmetic, the
    sloping one its bandwidth. A unit lies below its roof by its launch and, where a device adds
    arithmetic and memory, by both. Raises BadInput for a network without multiply-accumulates.
    """
    found = marks(prediction)
    device = prediction.time.device
    roofs = _roofs(device, [mark.category for mark in found])
    slope = _bandwidth(device)
    xs = [mark.intensity for mark in found]
    ys = [*(mark.rate for mark in found), *roofs.values()]
    set_axes(ax, look, Span(xs, LOG, below=0.08, above=0.12), Span(ys, LOG, above=0.12))
    dress(ax, "Arithmetic intensity (MACs per byte)", "MACs per second")
    _draw_roofs(ax, roofs, slope)
    for category in roofs:
        _draw_marks(ax, category, [mark for mark in found if mark.category is category])
    legend_below(ax, handle=1.0)
    set_title(ax, look)
    return ax


def roofline_figure(prediction: Prediction, look: Look = PLAIN) -> Figure:
    """The roofline as a figure for print, as wide as one column of a paper."""
    made = figure(COLUMN, HEIGHT, look)
    ax = made.subplots()
    across = look.figsize(COLUMN, 0)[0]
    roofs = _roofs(prediction.time.device, [mark.category for mark in marks(prediction)])
    make_room(made, legend_height([*map(_name, roofs), BANDWIDTH], across), look)
    return roofline(ax, prediction, look).figure  # type: ignore[return-value]


def _roofs(device: Device, used: Sequence[Category]) -> Mapping[Category, float]:
    """The MACs a second of each kind of arithmetic that is used, where the device has a limit."""
    rates = {each: device.constants[MACS[each].name] for each in PRODUCTS if each in used}
    return {each: 1 / seconds if seconds else 0.0 for each, seconds in rates.items()}


def _bandwidth(device: Device) -> float:
    """Bytes a second; 0 where memory takes too little to see."""
    seconds = device.constants[BYTE.name]
    return 1 / seconds if seconds else 0.0


def _draw_roofs(ax: Axes, roofs: Mapping[Category, float], bandwidth: float) -> None:
    left, right = ax.get_xlim()
    for category, rate in roofs.items():
        if rate:
            colour = series_style(PRODUCTS.index(category)).colour
            start = max(left, rate / bandwidth) if bandwidth else left
            ax.plot([start, right], [rate, rate], color=colour, linewidth=LINE, zorder=2)
    if bandwidth:
        top = max(roofs.values()) / bandwidth or right
        ends = [left, max(left * 1.001, min(top, right))]
        rates = [bandwidth * end for end in ends]
        ax.plot(ends, rates, color=GREY, linewidth=LINE, linestyle=DASHES, label=BANDWIDTH)


def _draw_marks(ax: Axes, category: Category, units: Sequence[Mark]) -> None:
    colour, marker = series_style(PRODUCTS.index(category))
    low, high = AREA
    ax.scatter(
        [mark.intensity for mark in units], [mark.rate for mark in units], marker=marker,
        s=[low + (high - low) * min(1.0, 10 * mark.share) for mark in units], facecolors="none",
        edgecolors=colour, linewidths=0.6, zorder=3,
    )  # fmt: skip
    ax.scatter([], [], s=13, marker=marker, color=colour, linewidths=0.6, label=_name(category))


def _name(category: Category) -> str:
    return category.value
