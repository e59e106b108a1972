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


def check_drawn(names: Sequence[str]) -> None:
    """Raises BadInput for more than two free sizes."""
    if len(names) > 2:
        raise BadInput(
            f"a picture has one or two free sizes, not {', '.join(names)}; fix some, or leave the "
            "picture out"
        )


def picture_of(sweep: Sweep, quantity: Quantity | None = None) -> SweepPicture:
    """The picture of a quantity: the first that was asked for, or the work where nothing was. The
    longer of two axes lies across.

    A limit of the quantity itself is a line in it; other limits leave gaps, as sizes do at which
    there is no network. Raises BadInput for more than two free sizes.
    """
    check_drawn([axis.name for axis in sweep.axes])
    drawn = quantity or _drawn(sweep)
    limit = sweep.most.get(drawn.name) if drawn in (MACS, drawn.under(sweep.convention)) else None
    limit = limit if drawn.convention in ("", MACS.convention) else None
    without = [drawn.name] if limit is not None else []
    along, *others = sorted(sweep.axes, key=lambda axis: -len(axis.values))
    counts = [
        [None if cell is None else drawn_amount(drawn, cell) for cell in row]
        for row in sweep.table(drawn, along, without)
    ]
    second = _axis(others[0]) if others else None
    return SweepPicture(_words(sweep, drawn), _axis(along), counts, second, limit)


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
