"""The count of each network against its input size and its width, evaluated from its formula, and
against its activations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from flopscope.answers.compare import Comparison, Entry, at_any_resolution
from flopscope.catalog.variant import FREE, Variant
from flopscope.closedform import Formula
from flopscope.errors import BadInput, OutsideDomain
from flopscope.present.plots.axes import Span, set_axes
from flopscope.present.plots.legends import add_legend
from flopscope.present.plots.look import LOG, PLAIN, Look
from flopscope.present.plots.names import count_words, input_words, network_names
from flopscope.present.plots.style import LINE, STYLES, dress, series_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTHS = [percent / 100 for percent in range(25, 201)]
"""Width multipliers from a quarter to twice the paper's width, in hundredths."""
LARGEST = 4096
"""The largest side of an image that is drawn, in pixels."""
SECOND_LINE = "\n"
NAN = float("nan")


def against_resolution(ax: Axes, comparison: Comparison, look: Look = PLAIN) -> Axes:
    """Counts at every square input from half the smallest compared side to twice the largest, or
    between the reader's limits.

    A marker is at each network's own input if that is square. A line has gaps at sizes for which
    the network does not exist. Raises BadInput if no network takes an image.
    """
    sides = [side for entry in comparison.entries for side in entry.resolution or ()]
    if not sides:
        raise BadInput(_without(comparison, "image", "stage"))
    sizes = _sizes(look, min(sides) // 2, 2 * max(sides))
    names = network_names(comparison, inputs=False)
    for index, entry in enumerate(comparison.entries):
        ledger = at_any_resolution(entry)
        if entry.resolution is None or ledger is None:
            continue
        closed = ledger.flops(comparison.convention.name).formula
        height, width = entry.resolution
        counts = [_defined(closed, H=side, W=side) for side in sizes]
        _curve(ax, index, names[index], sizes, counts, height if height == width else None)
    _finish(ax, look, sizes)
    dress(ax, "Input height = width (pixels)", count_words(comparison))
    add_legend(ax)
    return ax


def against_width(ax: Axes, comparison: Comparison, look: Look = PLAIN) -> Axes:
    """Counts at widths from a quarter to twice the paper's, of the networks that have a width.

    A marker is at each network's own width. Raises BadInput if no network has a width.
    """
    if not any(has_width(entry) for entry in comparison.entries):
        raise BadInput(_without(comparison, "width", "resolution"))
    names = network_names(comparison)
    for index, entry in enumerate(comparison.entries):
        if entry.variant is None or not has_width(entry):
            continue
        ledger = entry.variant.ledger(entry.resolution, entry.batch, width=FREE["width"])
        closed = ledger.flops(comparison.convention.name).formula
        counts = [_defined(closed, width=width) for width in WIDTHS]
        _curve(ax, index, names[index], WIDTHS, counts, _width(entry.variant))
    _finish(ax, look, WIDTHS)
    words = f"Width multiplier{input_words(comparison, SECOND_LINE)}"
    dress(ax, words, count_words(comparison))
    add_legend(ax)
    return ax


def against_activations(ax: Axes, comparison: Comparison, look: Look = PLAIN) -> Axes:
    """The count of each network against its activations, with which run time goes more closely
    (arXiv 2003.13678, section 3.3)."""
    name = comparison.convention.name
    xs = [float(int(entry.ledger.activations())) for entry in comparison.entries]
    ys = [float(entry.count(name)) for entry in comparison.entries]
    for index, (x, y, called) in enumerate(zip(xs, ys, network_names(comparison), strict=True)):
        colour, marker = series_style(index)
        ax.plot(x, y, linestyle="", marker=marker, color=colour, markersize=4, label=called)
    set_axes(ax, look, Span(xs, LOG, 0.25, 0.25, most=4), Span(ys, LOG, 0.25, 0.25))
    words = f"Activations (elements){input_words(comparison, SECOND_LINE)}"
    dress(ax, words, count_words(comparison))
    add_legend(ax)
    return ax


def _sizes(look: Look, low: int, high: int) -> range:
    """The sizes between these, or between the reader's limits. Raises BadInput for a limit that is
    no size of an image."""
    first, last = look.xlim or (None, None)
    for limit in (first, last):
        if limit is not None and not 0 <= limit <= LARGEST:
            raise BadInput(
                f"the axis x is the side of an image in pixels, and has no {limit:g}; give limits "
                f"from 0 to {LARGEST}, such as 96:384"
            )
    low = low if first is None else round(first)
    return range(max(1, low), (high if last is None else round(last)) + 1)


def has_width(entry: Entry) -> bool:
    """Does the network have a width that can vary?"""
    options = () if entry.variant is None else entry.variant.model.options
    return any(option.name == "width" for option in options)


def _width(variant: Variant) -> float:
    defaults = {option.name: option.default for option in variant.model.options}
    return float((defaults | dict(variant.options))["width"])


def _without(comparison: Comparison, what: str, other: str) -> str:
    names = ", ".join(entry.name for entry in comparison.entries)
    return f"{names}: no {what} whose size could vary; draw another panel, such as {other}"


def _defined(closed: Formula, **sizes: Any) -> float:
    """The counts at these sizes; NaN where the network does not exist."""
    try:
        return float(closed.at(**sizes))
    except OutsideDomain:
        return NAN


def _curve(
    ax: Axes, n: int, name: str, xs: Sequence[float], ys: list[float], own: float | None
) -> None:
    """Draw a line, with a marker at the compared value. The n-th network has the same look in every
    picture."""
    colour, marker = series_style(n)
    ax.plot(
        xs, ys, STYLES[n % len(STYLES)], drawstyle="steps-mid", color=colour, linewidth=LINE,
        marker=marker, markersize=4, markevery=[i for i, x in enumerate(xs) if x == own],
        label=name,
    )  # fmt: skip


def _finish(ax: Axes, look: Look, xs: Sequence[float]) -> None:
    """The axes of curves over `xs`, whose counts stand on a logarithmic scale."""
    counts = [float(count) for line in ax.lines for count in np.asarray(line.get_ydata())]
    across = Span([xs[0], xs[-1]], below=0.02, above=0.02, form=_plain, most=5)
    set_axes(ax, look, across, Span(counts, LOG))


def _plain(value: float, _: object = None) -> str:
    return f"{value:g}"
