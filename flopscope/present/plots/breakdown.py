"""Where the work of each network is: a bar for each network, with its parts side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flopscope.answers.compare import Comparison
from flopscope.ledger import Level
from flopscope.present.plots.style import (
    COLOURS,
    FONT,
    HATCHES,
    count_words,
    dress,
    entry_name,
    input_words,
    legend_beside,
    tick,
)
from flopscope.present.words import merged

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 7
"""The most parts with a name of their own; the rest of a network is one part."""
REST = "others"
LEAST = 3
"""The least number of bars for which the height has room."""


def breakdown(ax: Axes, comparison: Comparison, level: Level) -> Axes:
    """The count of each network under the comparison's convention, split by stage, block or kind.

    The parts with the largest share in any network have a colour and a hatch, the same in every
    bar; all others are one part. Their lengths add up to the network's whole count.
    """
    counts = [
        {key: int(part.flops(comparison.convention.name)) for key, part in groups.items()}
        for groups in (entry.ledger.group_by(level) for entry in comparison.entries)
    ]
    named = _largest(counts)
    bars = range(len(counts))
    starts = [0] * len(counts)
    for index, key in enumerate([*named, REST]):
        parts = [_part(count, named, key) for count in counts]
        if not any(parts):
            continue
        rest = key == REST
        ax.barh(
            bars, parts, left=starts, height=0.7, label=key, linewidth=0.3, edgecolor="white",
            color="#BBBBBB" if rest else COLOURS[index % len(COLOURS)],
            hatch="" if rest else HATCHES[index % len(HATCHES)],
        )  # fmt: skip
        starts = [start + part for start, part in zip(starts, parts, strict=True)]
    dress(ax, f"{count_words(comparison)}{input_words(comparison)}", "")
    names = [entry_name(comparison, entry) for entry in comparison.entries]
    ax.set_yticks(bars, names, fontsize=FONT, parse_math=False)
    around = max(0, LEAST - len(counts)) / 2
    ax.set_ylim(len(counts) - 0.5 + around, -0.5 - around)
    ax.set_xlim(0, 1.03 * max(starts))
    ax.grid(False, axis="y")
    ax.locator_params(axis="x", nbins=6)
    ax.xaxis.set_major_formatter(tick)
    legend_beside(ax, f"by {level.value}")
    return ax


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
