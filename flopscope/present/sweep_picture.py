"""What a picture of a sweep shows: one quantity along one free size, or along two."""

from __future__ import annotations

from collections.abc import Sequence

from flopscope.answers.ranges import Range
from flopscope.answers.sweep import USUAL, Sweep
from flopscope.errors import BadInput
from flopscope.present.plots.names import drawn_amount, quantity_words, target_title
from flopscope.present.plots.sweep import SweepAxis, SweepPicture
from flopscope.present.words import size_name
from flopscope.quantities import MACS, Quantity

PARTS = 6
"""The most values of the third of three sizes."""


def check_drawn(axes: Sequence[Range]) -> None:
    """Raises BadInput for more than three free sizes, and for three of which each has many
    values."""
    names = ", ".join(axis.name for axis in axes)
    if len(axes) > 3:
        raise BadInput(
            f"a picture has one to three free sizes, not {names}; fix some, or leave the picture "
            "out"
        )
    if len(axes) == 3 and len(_parted(axes).values) > PARTS:
        least = _parted(axes)
        raise BadInput(
            f"a picture along {names} has a part for each value of one of them, at most {PARTS}, "
            f"and {least.name} has {len(least.values)}, the fewest; give fewer of one, or fix one"
        )


def _parted(axes: Sequence[Range]) -> Range:
    """Of three sizes, that with the fewest values; of equally many, the last."""
    return min(reversed(axes), key=lambda axis: len(axis.values))


def pictures_of(sweep: Sweep) -> tuple[SweepPicture, ...]:
    """A picture for each value of one of three sizes, with the same colours. Raises BadInput for
    another number of sizes and where no design exists."""
    check_drawn(sweep.axes)
    drawn = _drawn(sweep)
    limit, without = _limit(sweep, drawn)
    parted = _parted(sweep.axes)
    first, second = sorted(
        (axis for axis in sweep.axes if axis != parted), key=lambda axis: -len(axis.values)
    )
    cells = sweep.cells(drawn, (parted, second, first), without)
    amounts = [
        [[None if cell is None else drawn_amount(drawn, cell) for cell in row] for row in part]
        for part in cells
    ]
    known = [float(n) for part in amounts for row in part for n in row if n is not None]
    if not known:
        raise BadInput("no design of the sweep exists, so there is nothing to draw")
    words, ends = _words(sweep, drawn), (min(known), max(known))
    named = "Input" if parted.name == "res" else size_name(parted.name)
    return tuple(
        SweepPicture(words, _axis(first), part, _axis(second), limit, f"{named} {value:g}", ends)
        for part, value in zip(amounts, parted.values, strict=True)
    )


def picture_of(sweep: Sweep, quantity: Quantity | None = None) -> SweepPicture:
    """The picture of a quantity: the first that was asked for, or the work where nothing was. The
    longer of two axes lies across.

    A limit of the quantity itself is a line in it; other limits leave gaps, as sizes do at which
    there is no network. Raises BadInput for more than two free sizes.
    """
    if len(sweep.axes) > 2:
        raise BadInput(
            "one pair of axes shows one or two free sizes, not "
            f"{', '.join(axis.name for axis in sweep.axes)}; fix some, or draw three with --plot "
            "of flopscope sweep"
        )
    drawn = quantity or _drawn(sweep)
    limit, without = _limit(sweep, drawn)
    along, *others = sorted(sweep.axes, key=lambda axis: -len(axis.values))
    counts = [
        [None if cell is None else drawn_amount(drawn, cell) for cell in row]
        for row in sweep.table(drawn, along, without)
    ]
    second = _axis(others[0]) if others else None
    return SweepPicture(_words(sweep, drawn), _axis(along), counts, second, limit)


def _limit(sweep: Sweep, drawn: Quantity) -> tuple[int | None, list[str]]:
    """The limit that is a line in the picture, and its name."""
    limit = sweep.most.get(drawn.name) if drawn in (MACS, drawn.under(sweep.convention)) else None
    limit = limit if drawn.convention in ("", MACS.convention) else None
    return limit, [drawn.name] if limit is not None else []


def _drawn(sweep: Sweep) -> Quantity:
    usual = tuple(row.name for row in sweep.quantities) == USUAL
    return sweep.quantities[-1 if usual else 0]


def _axis(axis: Range) -> SweepAxis:
    words = "Input height = width (pixels)" if axis.name == "res" else size_name(axis.name)
    return SweepAxis(words, axis.values)


def _words(sweep: Sweep, quantity: Quantity) -> str:
    """The quantity with its unit, the network, and the sizes that are not free."""
    fixed = filter(None, (target_title(sweep.target), sweep.words))
    return f"{quantity_words(quantity)}; {', '.join(fixed)}"
