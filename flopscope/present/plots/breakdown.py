"""Where the work of each network is: a bar for each network, with its parts side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from flopscope.answers.compare import Comparison
from flopscope.errors import BadInput
from flopscope.ledger import Level
from flopscope.present.numbers import short
from flopscope.present.plots.axes import Span, set_axes
from flopscope.present.plots.legends import add_legend
from flopscope.present.plots.look import LINEAR, LOG, PLAIN, Look
from flopscope.present.plots.names import count_words, input_words, network_names
from flopscope.present.plots.style import COLOURS, FONT, HATCHES, SMALL, dress, tick
from flopscope.present.words import merged

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 9
"""The most parts with a name of their own; the rest of a network is one part."""
REST = "others"
NAME, TICK = 0.05, 0.34
"""The width in inches of a character of a name, and of a tick's text."""
LEAST = 3
"""The least number of bars for which the height has room."""


def breakdown(
    ax: Axes, comparison: Comparison, level: Level, look: Look = PLAIN, *, shares: bool = False
) -> Axes:
    """The count of each network under the comparison's convention, split by stage, block or kind.

    The parts with the largest share in any network have a colour and a hatch, the same in every
    bar; all others are one part. Their lengths add up to the network's whole count, or to 100 % in
    `shares`, which show networks of very different size. The count stands beside the bar. Raises
    BadInput for a logarithmic axis, on which lengths do not add up.
    """
    _refuse_log(look)
    counts = [
        {key: int(part.flops(comparison.convention.name)) for key, part in groups.items()}
        for groups in (entry.ledger.group_by(level) for entry in comparison.entries)
    ]
    wholes = [sum(count.values()) for count in counts]
    units = [whole / 100 or 1.0 if shares else 1 for whole in wholes]
    ends = _bars(ax, counts, units)
    span = Span([0.0, *ends], grounded=True, above=0.14, form=_per_cent if shares else tick)
    words = f"{count_words(comparison)}{input_words(comparison)}"
    if shares:
        span = Span([0.0, 100.0], grounded=True, above=0.14, form=_per_cent)
        words = f"Share of {words}"
    _finish(ax, look, span, network_names(comparison))
    dress(ax, words, "")
    ax.grid(False, axis="y")
    _write_wholes(ax, ends, wholes)
    add_legend(ax, f"by {level.value}")
    return ax


def totals(ax: Axes, comparison: Comparison, look: Look = PLAIN) -> Axes:
    """The count of each network as a point, which a logarithmic axis shows at any size."""
    counts = [float(entry.count(comparison.convention.name)) for entry in comparison.entries]
    bars = range(len(counts))
    ax.plot(counts, bars, "o", color=COLOURS[0], markersize=4)
    _finish(ax, look, Span(counts, LOG, below=0.1, above=0.25), network_names(comparison))
    dress(ax, f"{count_words(comparison)}{input_words(comparison)}", "")
    _write_wholes(ax, counts, [int(count) for count in counts], away=4)
    return ax


def _refuse_log(look: Look) -> None:
    if look.xscale == LOG:
        raise BadInput(
            "the parts of a bar add up, which a logarithmic axis does not show; draw the panel "
            f"totals, or give the scale {LINEAR}"
        )


def _bars(ax: Axes, counts: list[dict[str, int]], units: Sequence[float]) -> list[float]:
    """Draw the bars, each in its unit; where they end."""
    named = _largest(counts)
    ends = [0.0] * len(counts)
    for index, key in enumerate([*named, REST]):
        parts = [_part(count, named, key) / unit for count, unit in zip(counts, units, strict=True)]
        if not any(parts):
            continue
        rest = key == REST
        ax.barh(
            range(len(counts)), parts, left=ends, height=0.7, label=key, linewidth=0.3,
            edgecolor="white", color="#BBBBBB" if rest else COLOURS[index % len(COLOURS)],
            hatch="" if rest else HATCHES[index % len(HATCHES)],
        )  # fmt: skip
        ends = [end + part for end, part in zip(ends, parts, strict=True)]
    return ends


def _finish(ax: Axes, look: Look, span: Span, names: Sequence[str]) -> None:
    """The axes of bars, which have names on y, the first at the top."""
    inches = ax.get_window_extent().width / ax.figure.dpi - NAME * max(map(len, names))
    set_axes(ax, look, replace(span, most=min(7, max(3, int(inches / TICK)))), None)
    ax.set_yticks(range(len(names)), names, fontsize=FONT, parse_math=False)
    around = max(0, LEAST - len(names)) / 2
    ax.set_ylim(len(names) - 0.5 + around, -0.5 - around)


def _write_wholes(
    ax: Axes, ends: Sequence[float], wholes: Sequence[int], away: float = 2.0
) -> None:
    """Write the count of each network beside the end of its bar, inside the limits."""
    low, high = ax.get_xlim()
    for bar, (end, whole) in enumerate(zip(ends, wholes, strict=True)):
        if low <= end <= high:
            ax.annotate(
                short(whole), (end, bar), (away, 0), textcoords="offset points", va="center",
                fontsize=SMALL,
            )  # fmt: skip


def _per_cent(value: float, _: object = None) -> str:
    return f"{value:g} %"


def _largest(counts: list[dict[str, int]]) -> list[str]:
    """The parts to be named, in order of appearance."""
    share: dict[str, float] = {}
    for count in counts:
        whole = sum(count.values()) or 1
        for key, value in count.items():
            share[key] = max(share.get(key, 0.0), value / whole)
    chosen = sorted(share, key=lambda key: -share[key])[:MOST]
    order = merged([list(count) for count in counts])
    return [key for key in order if key in chosen and share[key] > 0]


def _part(count: dict[str, int], named: list[str], key: str) -> int:
    if key == REST:
        return sum(value for other, value in count.items() if other not in named)
    return count.get(key, 0)
