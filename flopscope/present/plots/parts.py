"""Where the work of one network is: a bar for each of its parts, the largest with their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from flopscope.answers.parts import Part, whole
from flopscope.answers.profile import Profile
from flopscope.errors import BadInput
from flopscope.ledger import kind_name
from flopscope.present.numbers import percent, short
from flopscope.present.plots.axes import Span, set_axes
from flopscope.present.plots.export import figure, make_room
from flopscope.present.plots.legends import add_legend, height_below
from flopscope.present.plots.look import COLUMN, PLAIN, Look
from flopscope.present.plots.names import quantity_words
from flopscope.present.plots.style import SMALL, dress, set_title
from flopscope.present.view import View
from flopscope.quantities import Quantity
from flopscope.sizes import is_symbolic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 24
"""The most parts that have a bar of their own."""
LONGEST = 26
"""The most characters of a part's name; a longer one keeps its end."""
BAR = 0.125
"""The height in inches of a bar with the gap below it."""
BY_KIND = ("module", "layer", "block")
"""The splits whose parts have the colour of a kind of operator."""
KINDS: Mapping[str, str] = {
    "": "#0072B2", "standard convolution": "#332288", "depthwise convolution": "#E69F00",
    "pointwise convolution": "#0072B2", "grouped convolution": "#CC79A7", "linear": "#009E73",
    "matmul": "#882255",
}  # fmt: skip
"""The colours of the usual kinds, which are the same in every picture; the first is for no kind."""
OTHERS = ("#D55E00", "#56B4E9", "#AA4499", "#999933", "#7F4F24", "#117733")
"""The colours of all other kinds, which repeat."""


class Bar(NamedTuple):
    """A bar: its name, its length, and the kind of operator that does most of its work."""

    name: str
    amount: int
    kind: str


def profile_figure(profile: Profile, view: View, look: Look = PLAIN) -> Figure:
    """The parts of a profile as a figure as wide as one column of a paper. Raises what
    `profile_bars` raises."""
    rows = len(_bars(profile, view))
    made = figure(COLUMN, 0.55 + BAR * rows, look)
    ax = profile_bars(made.subplots(), profile, view, look)
    make_room(made, height_below(ax), look)
    return made


def profile_bars(ax: Axes, profile: Profile, view: View, look: Look = PLAIN) -> Axes:
    """A bar for each part of a profile as its view splits it, of the quantity by which it is
    sorted, or of the work; a tree has its leaves as bars. The colour is the kind of operator that
    has most of it. Where the parts are many, the sum of the smallest is written below.

    Raises BadInput at free sizes, where lengths are formulas.
    """
    bars = _bars(profile, view)
    for kind in dict.fromkeys(bar.kind for bar in bars[:MOST]):
        _draw_kind(ax, bars, kind)
    longest = max((float(bar.amount) for bar in bars[:MOST]), default=0.0)
    set_axes(ax, look, Span([0.0, longest], grounded=True, above=0.35), None)
    ax.set_yticks(range(len(bars)), [bar.name for bar in bars], fontsize=SMALL, parse_math=False)
    ax.set_ylim(len(bars) - 0.4, -0.6)
    dress(ax, _words(profile, view), "")
    ax.tick_params(axis="y", labelsize=SMALL, length=0)
    ax.grid(False, axis="y")
    _write_amounts(ax, bars)
    if any(bar.kind for bar in bars):
        add_legend(ax)
    set_title(ax, look)
    return ax


def _bars(profile: Profile, view: View) -> list[Bar]:
    """The largest parts in the order of the view, and last the sum of the others. Raises BadInput
    at free sizes."""
    if any(is_symbolic(size) for shape in profile.shapes for size in shape):
        raise BadInput(
            f"{profile.target} has free sizes, and the length of a bar is a number; give numbers, "
            "such as --res 224"
        )
    quantity = view.order or view.work
    parts = [part for part in view.parts(profile.ledger) if part.leaf or view.flat]
    amounts = [int(part.read(quantity)) for part in parts]
    ranked = sorted(range(len(parts)), key=lambda i: -amounts[i])
    kept = [i for i in ranked if amounts[i] > 0][:MOST]
    rest = sum(amounts) - sum(amounts[i] for i in kept)
    others = sum(amount > 0 for amount in amounts) - len(kept)
    kinds = view.by in BY_KIND
    bars = [
        Bar(_name(parts[i]), amounts[i], _kind(parts[i], quantity) if kinds else "")
        for i in sorted(kept)
    ]
    return [*bars, *[Bar(f"{others} others", rest, "")] * (rest > 0)]


def _name(part: Part) -> str:
    """The path of a part, and what it does where its module has other parts too."""
    text = part.path or "the network itself"
    if not part.name:
        text = f"{text}: {part.operator}"
    return text if len(text) <= LONGEST else f"…{text[1 - LONGEST :]}"


def _kind(part: Part, quantity: Quantity) -> str:
    """The kind of the operators of a part that have most of the quantity."""
    amounts: dict[str, int] = {}
    for counted in part.operators:
        row = counted.storing if quantity.stored else counted.row
        amounts[kind_name(row)] = amounts.get(kind_name(row), 0) + int(quantity.of([row]))
    return max(amounts, key=lambda kind: amounts[kind])


def _draw_kind(ax: Axes, bars: Sequence[Bar], kind: str) -> None:
    places = [n for n, bar in enumerate(bars[:MOST]) if bar.kind == kind]
    others = sorted({bar.kind for bar in bars} - set(KINDS))
    colour = KINDS[kind] if kind in KINDS else OTHERS[others.index(kind) % len(OTHERS)]
    ax.barh(places, [bars[n].amount for n in places], height=0.75, color=colour, label=kind or None)


def _words(profile: Profile, view: View) -> str:
    """What the bars show, with unit, convention and input size."""
    quantity = view.order or view.work
    words = quantity_words(quantity)
    if not whole(profile.ledger).read(quantity).complete:
        words += ", lower bound"
    shapes = " and ".join("×".join(map(str, shape)) for shape in profile.shapes)
    return words if quantity.stored else f"{words}; input {shapes}"


def _write_amounts(ax: Axes, bars: Sequence[Bar]) -> None:
    """Write the amount and the share of each part at the end of its bar, inside the limits."""
    low, high = ax.get_xlim()
    everything = sum(bar.amount for bar in bars)
    for n, bar in enumerate(bars):
        end = bar.amount if n < MOST else max(low, 0.0)
        if low <= end <= high:
            ax.annotate(
                f"{short(bar.amount)} ({percent(bar.amount, everything)} %)", (end, n), (2, 0),
                textcoords="offset points", va="center", fontsize=SMALL - 1,
            )  # fmt: skip
