"""Is every size of a profile one that the network takes? Those between its ends are tried too."""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.answers.counted import counted
from flopscope.answers.exporting.checked import Subject
from flopscope.answers.exporting.sizes import Range
from flopscope.domain import Condition, check_conditions
from flopscope.errors import BadInput, FlopscopeError, OutsideDomain

AXES: Mapping[str, str] = {"batch": "B", "height": "H", "width": "W"}
"""The dimensions, by the letters that formulas have for them."""

SHOWN = 4
"""The most sizes that a sentence names."""


def check_ends(subject: Subject) -> None:
    """Raises BadInput where the least or the greatest sizes are none that a model of the catalogue
    takes. A network of one's own is run at them instead."""
    if subject.target.variant is None:
        return
    for place in (0, 2):
        try:
            counted(subject.target, subject.at(place))
        except OutsideDomain as error:
            batch, image = subject.sizes.at(place)
            size = "" if image is None else f" at {image[0]}×{image[1]}"
            which = "smallest" if place == 0 else "largest"
            raise BadInput(
                f"{subject.target.name} does not exist{size}, batch {batch}, the {which} sizes of "
                f"the profile: {error}"
            ) from error


def beyond(subject: Subject) -> str:
    """The sizes between the ends of a profile that a model of the catalogue does not take, as a
    sentence; "" where it takes all of them, or where its formula is not known."""
    variant = subject.target.variant
    sizes = subject.sizes
    if variant is None or not (sizes.has_range("height") or sizes.has_range("width")):
        return ""
    try:
        conditions = variant.free_ledger().conditions
    except FlopscopeError:
        return ""
    found: dict[int, None] = {}
    for name in ("height", "width"):
        found |= dict.fromkeys(_outside(conditions, subject, name))
    if not found:
        return ""
    such = ", ".join(map(str, list(found)[:SHOWN]))
    more = " and others" if len(found) > SHOWN else ""
    return (
        f"{variant} does not take every size between those of the profile: not {such}{more}; an "
        "engine lets them pass all the same"
    )


def _outside(conditions: tuple[Condition, ...], subject: Subject, name: str) -> list[int]:
    span: Range | None = getattr(subject.sizes, name)
    if span is None:
        return []
    return [
        size
        for size in range(span.least, span.most + 1)
        if not _takes(conditions, subject, name, size)
    ]


def _takes(conditions: tuple[Condition, ...], subject: Subject, name: str, size: int) -> bool:
    usual = {AXES[each]: getattr(subject.sizes, each) for each in AXES}
    values = {letter: span.usual for letter, span in usual.items() if span is not None}
    values[AXES[name]] = size
    try:
        check_conditions(conditions, values)
    except OutsideDomain:
        return False
    return True
