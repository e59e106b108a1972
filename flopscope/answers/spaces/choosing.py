"""Which space a target has, and values for free sizes that have none."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flopscope.answers.ranges import Range
from flopscope.answers.spaces.catalog import CatalogSpace
from flopscope.answers.spaces.graphs import GraphSpace
from flopscope.answers.spaces.space import BATCH, RES, Fixed, Space
from flopscope.answers.spaces.traced import TracedSpace
from flopscope.answers.target import Target
from flopscope.errors import BadInput

TIMES = 8
"""An integer argument without a range is tried up to so many times its default."""
REAL_TIMES, REAL_STEPS = 4, 20
"""The same of a real one, and its steps in one default."""
SIDES, BATCHES = range(1, 2049), range(1, 1025)
"""The sides of images and the batches that are tried where no range is given."""


def space_of(target: Target, fixed: Fixed) -> Space:
    """The space of a target. Raises BadInput for sizes or arguments that it does not take."""
    if target.variant is not None:
        return CatalogSpace(target, fixed)
    return GraphSpace(target, fixed) if target.is_graph else TracedSpace(target, fixed)


def with_values(space: Space, ranges: Sequence[Range], step: int | None) -> tuple[Range, ...]:
    """The ranges, with usual values where there are none: every side of an image, or multiples of
    `step`, every batch, and numbers around the default of an argument.

    Raises BadInput for a size whose own value is not known.
    """
    return tuple(each if each.values else _usual(space, each.name, step) for each in ranges)


def _usual(space: Space, name: str, step: int | None) -> Range:
    if name == RES:
        return Range(name, tuple(side for side in SIDES if side % (step or 1) == 0))
    if name == BATCH:
        return Range(name, tuple(BATCHES))
    default = space.usual(name)
    if default is None:
        raise BadInput(
            f"{name} of {space.name} needs a range, for it has no default that is a number; write "
            f"--free {name}=FROM:TO:STEP or values, such as {name}=16:64:8 or {name}=0.5,1,2"
        )
    if isinstance(default, int):
        return Range(name, tuple(range(1, TIMES * default + 1)))
    unit = Fraction(repr(default)) / REAL_STEPS
    return Range(name, tuple(float(unit * n) for n in range(1, REAL_TIMES * REAL_STEPS + 1)))


def require_values(space: Space, ranges: Sequence[Range]) -> None:
    """Raises BadInput for a range without values, and for a network at whose other sizes it is not
    known."""
    for each in ranges:
        if not each.values:
            usual = space.usual(each.name)
            such = (
                f"{each.name}=0.25:2:0.25" if isinstance(usual, float) else f"{each.name}=16:64:8"
            )
            raise BadInput(
                f"{each.name} has no values; write --free {each.name}=FROM:TO:STEP or values, "
                f"such as {such}"
            )
