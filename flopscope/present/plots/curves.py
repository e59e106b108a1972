"""The count of each network against its input size and its width, evaluated from its formula, and
against its activations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flopscope.answers.compare import Comparison, Entry, at_any_resolution
from flopscope.catalog.variant import FREE, Variant
from flopscope.closedform import Formula
from flopscope.errors import BadInput, OutsideDomain
from flopscope.present.plots.style import (
    LINE,
    STYLES,
    bounds,
    count_words,
    dress,
    entry_name,
    input_words,
    legend_beside,
    log_ticks,
    series_style,
    short_name,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTHS = [percent / 100 for percent in range(25, 201)]
"""Width multipliers from a quarter to twice the paper's width, in hundredths."""
SECOND_LINE = "\n"
NAN = float("nan")


def against_resolution(ax: Axes, comparison: Comparison) -> Axes:
    """Counts at every square input from half the smallest compared side to twice the largest.

    A marker is at each network's own input if that is square. A line has gaps at sizes for which
    the network does not exist. Raises BadInput if no network takes an image.
    """
    sides = [side for entry in comparison.entries for side in entry.resolution or ()]
    if not sides:
        raise BadInput(_without(comparison, "image", "stage"))
    sizes = range(max(1, min(sides) // 2), 2 * max(sides) + 1)
    for index, entry in enumerate(comparison.entries):
        ledger = at_any_resolution(entry)
        if entry.resolution is None or ledger is None:
            continue
        closed = ledger.flops(comparison.convention.name).formula
        height, width = entry.resolution
        counts = [_defined(closed, H=side, W=side) for side in sizes]
        _curve(ax, index, entry, sizes, counts, height if height == width else None)
    ax.locator_params(axis="x", nbins=4)
    return _finished(ax, "Input height = width (pixels)", count_words(comparison))


def against_width(ax: Axes, comparison: Comparison) -> Axes:
    """Counts at widths from a quarter to twice the paper's, of the networks that have a width.

    A marker is at each network's own width. Raises BadInput if no network has a width.
    """
    from matplotlib.ticker import MultipleLocator

    if not any(has_width(entry) for entry in comparison.entries):
        raise BadInput(_without(comparison, "width", "resolution"))
    for index, entry in enumerate(comparison.entries):
        if entry.variant is None or not has_width(entry):
            continue
        ledger = entry.variant.ledger(entry.resolution, entry.batch, width=FREE["width"])
        closed = ledger.flops(comparison.convention.name).formula
        counts = [_defined(closed, width=width) for width in WIDTHS]
        _curve(ax, index, entry, WIDTHS, counts, _width(entry.variant))
    ax.xaxis.set_major_locator(MultipleLocator(0.5))
    return _finished(
        ax, f"Width multiplier{input_words(comparison, SECOND_LINE)}", count_words(comparison)
    )


def against_activations(ax: Axes, comparison: Comparison) -> Axes:
    """The count of each network against its activations, with which run time goes more closely
    (arXiv 2003.13678, section 3.3)."""
    name = comparison.convention.name
    xs = [float(int(entry.ledger.activations())) for entry in comparison.entries]
    ys = [float(entry.count(name)) for entry in comparison.entries]
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(*bounds(xs, 0.25, 0.25))
    ax.set_ylim(*bounds(ys, 0.25, 0.25))
    log_ticks(ax.xaxis, *ax.get_xlim(), most=4)
    log_ticks(ax.yaxis, *ax.get_ylim())
    for index, (x, y, entry) in enumerate(zip(xs, ys, comparison.entries, strict=True)):
        colour, marker = series_style(index)
        name = entry_name(comparison, entry)
        ax.plot(x, y, marker, color=colour, markersize=4, label=name)
    dress(
        ax, f"Activations (elements){input_words(comparison, SECOND_LINE)}", count_words(comparison)
    )
    legend_beside(ax)
    return ax


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
    ax: Axes, n: int, entry: Entry, xs: Sequence[float], ys: list[float], own: float | None
) -> None:
    """Draw a line, with a marker at the compared value. The n-th network has the same look in every
    picture."""
    colour, marker = series_style(n)
    ax.plot(
        xs, ys, STYLES[n % len(STYLES)], drawstyle="steps-mid", color=colour, linewidth=LINE,
        marker=marker, markersize=4, markevery=[i for i, x in enumerate(xs) if x == own],
        label=short_name(entry.name),
    )  # fmt: skip


def _finished(ax: Axes, xlabel: str, ylabel: str) -> Axes:
    ax.set_yscale("log")
    ax.autoscale(axis="x", tight=True)
    log_ticks(ax.yaxis, *ax.get_ylim())
    dress(ax, xlabel, ylabel)
    legend_beside(ax)
    return ax
