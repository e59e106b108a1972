"""The scale, the limits and the ticks of an axis: the picture's choice, or the reader's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from flopscope.errors import BadInput
from flopscope.present.plots.look import LINEAR, LOG, Limits, Look
from flopscope.present.plots.style import bounds, log_ticks, tick

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

WIDE_RANGE = 30.0
"""A linear axis cannot show values whose ratio is larger."""

GAP, CHARACTER = 0.15, 0.055
"""The widths in inches of the gap between the texts of ticks, and of one of their characters."""


@dataclass(frozen=True)
class Span:
    """What a picture chooses for an axis with numbers where its reader does not.

    `values` lie on it; the limits are their range, extended by the shares `below` and `above`, or
    from 0 if it is `grounded` and linear. `form` writes a tick, and at most `most` of them are
    written.
    """

    values: Sequence[float]
    scale: str = LINEAR
    below: float = 0.06
    above: float = 0.06
    grounded: bool = False
    form: Callable[[float, object], str] = tick
    most: int = 7

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        known = [float(value) for value in self.values if isfinite(value)]
        return min(known), max(known)

    def limits(self, scale: str) -> tuple[float, float]:
        """The limits on this scale."""
        low, high = self.ends
        if scale == LOG:
            return bounds([low, high], self.below, self.above)
        low = 0.0 if self.grounded else low
        room = high - low or abs(high) or 1.0
        return low - (0.0 if self.grounded else self.below * room), high + self.above * room


def scale_for(values: Sequence[float]) -> str:
    """The scale on which these values can be told apart.

    >>> scale_for([1, 10]), scale_for([1, 100]), scale_for([0, 100])
    ('linear', 'log', 'linear')
    """
    known = [value for value in values if isfinite(value)]
    positive = bool(known) and min(known) > 0
    return LOG if positive and max(known) / min(known) > WIDE_RANGE else LINEAR


def set_axes(ax: Axes, look: Look, x: Span | None, y: Span | None) -> None:
    """Give both axes their scale, limits and ticks; None is an axis with names.

    Raises BadInput for limits or a scale of names, for limits within which nothing lies, and for a
    logarithmic axis of values that are not above 0.
    """
    for name, axis, span, limits, scale in (
        ("x", ax.xaxis, x, look.xlim, look.xscale),
        ("y", ax.yaxis, y, look.ylim, look.yscale),
    ):
        if span is None:
            _refuse_names(name, limits, scale)
        else:
            _set_axis(name, axis, span, limits, scale or span.scale)


def refuse_axes(what: str, look: Look) -> None:
    """Raises BadInput where the reader decides the limits or scales of what has none."""
    if look.shapes_axes:
        raise BadInput(
            f"{what} has no limits and no scales; leave xlim, ylim, xscale and yscale out"
        )


def _refuse_names(name: str, limits: Limits | None, scale: str | None) -> None:
    if limits or scale:
        raise BadInput(
            f"the axis {name} of this picture has names, which have no limits and no scale; "
            f"leave {name}lim and {name}scale out"
        )


def _set_axis(name: str, axis: Axis, span: Span, limits: Limits | None, scale: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    low, high = _limits(name, span, limits, scale)
    most = min(span.most, _room(axis.axes, span, scale, high)) if name == "x" else span.most
    if name == "x":
        axis.axes.set_xscale(scale)
        axis.axes.set_xlim(low, high)
    else:
        axis.axes.set_yscale(scale)
        axis.axes.set_ylim(low, high)
    if scale == LOG:
        log_ticks(axis, low, high, most, span.form)
    else:
        axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(span.form))


def _room(ax: Axes, span: Span, scale: str, high: float) -> int:
    """The number of ticks for whose texts x has room."""
    longest = 5 if scale == LOG else min(5, max(3, len(span.form(round(high), None))))
    inches = ax.get_window_extent().width / ax.figure.dpi
    return max(2, int(inches / (GAP + CHARACTER * longest)))


def _limits(name: str, span: Span, limits: Limits | None, scale: str) -> tuple[float, float]:
    least, most = span.ends
    if scale == LOG and least <= 0:
        raise BadInput(
            f"a logarithmic axis has no {least:g}, which the axis {name} shows; "
            f"leave {name}scale out, or give {LINEAR}"
        )
    own = span.limits(scale)
    low, high = (
        mine if given is None else given
        for mine, given in zip(own, limits or (None, None), strict=True)
    )
    if scale == LOG and low <= 0:
        raise BadInput(
            f"a logarithmic axis has no {low:g}; give limits of the axis {name} above 0, "
            f"or the scale {LINEAR}"
        )
    if low >= high or least > high or most < low:
        ends = f"{span.form(least, None)} to {span.form(most, None)}"
        raise BadInput(
            f"nothing lies within the limits of the axis {name}; its values run from {ends}"
        )
    return low, high
