"""A sweep as a picture: a curve over one axis, lines for a second, a heat map or level lines over
both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from flopscope.errors import BadInput, UnknownName
from flopscope.present.plots.cells import heat_map
from flopscope.present.plots.export import figure, make_room
from flopscope.present.plots.legends import height_below
from flopscope.present.plots.levels import levels
from flopscope.present.plots.lines import lines
from flopscope.present.plots.look import COLUMN, PLAIN, Look
from flopscope.present.words import size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Value: TypeAlias = float | str | tuple[int, int]
"""A value of an axis: a number, a word such as a form's name, or the size of an image."""
Count: TypeAlias = float | None
"""An amount of the quantity; None where the network does not exist."""

LINES = 7
"""The most lines that are shown without being asked for; for more values there is a heat map."""


@dataclass(frozen=True)
class SweepAxis:
    """An axis of a sweep: what varies, in words with a unit, and its values in order."""

    words: str
    values: tuple[Value, ...]

    @property
    def named(self) -> bool:
        """Are its values names, which have an order but no distance?"""
        return any(isinstance(value, str | tuple) for value in self.values)

    @property
    def positions(self) -> list[float]:
        """Where its values stand."""
        if self.named:
            return [float(n) for n in range(len(self.values))]
        return [float(value) for value in self.values if not isinstance(value, str | tuple)]

    @property
    def texts(self) -> list[str]:
        """The values as ticks and legends show them."""
        return [_text(value) for value in self.values]


@dataclass(frozen=True)
class SweepPicture:
    """What a picture of a sweep shows.

    `counts` has a row for each value of `second`, or one row where there is no second axis, with an
    amount for each value of `first`. `quantity` is the label of the counts with unit, convention
    and input size; `budget` is the most that is allowed of it. Of one of several pictures that
    share their colours, `part` says what is the same in it, and `ends` are the least and the
    largest amount of all. Raises BadInput where no design exists.
    """

    quantity: str
    first: SweepAxis
    counts: Sequence[Sequence[Count]]
    second: SweepAxis | None = None
    budget: float | None = None
    part: str = ""
    ends: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not self.known and self.ends is None:
            raise BadInput("no design of the sweep exists, so there is nothing to draw")

    @cached_property
    def known(self) -> list[float]:
        """The counts of the designs that exist."""
        return [float(count) for row in self.counts for count in row if count is not None]

    @property
    def span(self) -> tuple[float, float]:
        """The least and the largest amount."""
        return self.ends or (min(self.known), max(self.known))

    @property
    def usual(self) -> str:
        """The panel that shows it best."""
        return "heatmap" if self.second and len(self.second.values) > LINES else "lines"


SWEEP_PANELS: Mapping[str, Callable[[Axes, SweepPicture, Look], Axes]] = {
    "lines": lines,
    "heatmap": heat_map,
    "levels": levels,
}


def draw_sweep(
    ax: Axes, picture: SweepPicture, look: Look = PLAIN, panel: str | None = None
) -> Axes:
    """Draw "lines", one for each value of the second axis, a "heatmap", or "levels", lines through
    equal amounts; without a panel lines or a heat map.

    Raises UnknownName for another panel, and what the panel raises.
    """
    name = panel or picture.usual
    if name not in SWEEP_PANELS:
        raise UnknownName("panel", name, SWEEP_PANELS)
    return SWEEP_PANELS[name](ax, picture, look)


def sweep_figure(picture: SweepPicture, look: Look = PLAIN, panel: str | None = None) -> Figure:
    """The sweep as a figure as wide as one column of a paper. Raises what `draw_sweep` raises."""
    made = figure(COLUMN, 2.3, look)
    ax = draw_sweep(made.subplots(), picture, look, panel)
    make_room(made, height_below(ax), look)
    return made


def _text(value: Value) -> str:
    """A value as a tick shows it.

    >>> _text(0.25), _text(224), _text((192, 256)), _text("train")
    ('0.25', '224', '192×256', 'train')
    """
    if isinstance(value, tuple):
        return size(value)
    return value if isinstance(value, str) else f"{value:.10g}"
