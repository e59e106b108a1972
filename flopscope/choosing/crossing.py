"""Where one cost of a network overtakes another as a size grows: 'attention = conv'."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from flopscope.answers.counting import at
from flopscope.answers.ranges import read_ranges
from flopscope.answers.spaces import CatalogSpace, Fixed
from flopscope.answers.target import of_variant, variant_of
from flopscope.brief import short
from flopscope.catalog.variant import Resolution, Variant
from flopscope.choosing.axes import Axis, axis_of
from flopscope.choosing.designs import Designs
from flopscope.choosing.staircase import boundary
from flopscope.closedform import Formula
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import Operator
from flopscope.laws.compared import PARTS

TERMS: Mapping[str, Callable[[Operator], bool]] = {
    **{name: partial(lambda kinds, row: row.kind in kinds, kinds) for name, kinds in PARTS.items()},
    "macs": lambda row: True,
}
"""The terms that can be compared, each in MACs: the parts of a network, and the whole of it. A term
says which rows belong to it."""

_SIDE = r"\s*(?:([0-9]+(?:\.[0-9]+)?)\s*\*?\s*)?([a-z]+)\s*"


class Side(NamedTuple):
    """`factor` times the MACs of a term."""

    factor: Fraction
    term: str

    def __str__(self) -> str:
        return self.term if self.factor == 1 else f"{float(self.factor):g} {self.term}"


@dataclass(frozen=True)
class Crossing:
    """`left` first reaches `right` at the value `first` of the axis, and from `settled` on it is
    never below.

    Both are None if it stays below for all designs that are tried. `ideal` is where the laws
    without roundings meet. `counts` are the MACs of both terms at `at`, which is `settled` or the
    last design.
    """

    variant: Variant
    axis: Axis
    resolution: Resolution | None
    left: Side
    right: Side
    first: int | None
    settled: int | None
    ideal: float | None
    at: int
    counts: tuple[int, int]

    def __repr__(self) -> str:
        at = "never" if self.settled is None else f"from {self.axis.name}={self.settled}"
        return short(self, f"{self.variant}: {self.left} = {self.right} {at}")


def parse_when(text: str) -> tuple[Side, Side]:
    """Read 'attention = 0.5 conv' as its two sides. Raises BadInput for text that is not an
    equation, UnknownName for an unknown term.

    >>> [str(side) for side in parse_when("attention = 0.5 macs")]
    ['attention', '0.5 macs']
    """
    found = re.fullmatch(f"{_SIDE}={_SIDE}", text)
    if found is None:
        raise BadInput(
            f"'{text}' is not an equation of two costs; write it like 'attention = conv' or "
            f"'attention = 0.5 macs', of {', '.join(TERMS)}"
        )
    sides = Side(Fraction(found[1] or 1), found[2]), Side(Fraction(found[3] or 1), found[4])
    for side in sides:
        if side.term not in TERMS:
            raise UnknownName("cost", side.term, TERMS)
    return sides


def crossing(
    model: str,
    when: str,
    free: str = "res",
    *,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
) -> Crossing:
    """Where the left side of `when` overtakes the right one, for a catalogue model along the axis
    `free`.

    Raises BadInput for text that is not an equation, for a network that has no operator of a term,
    and for an axis that is a multiplier; UnknownName for names that do not exist.

    >>> found = crossing("efficientnet_b0", "conv = 100 linear")
    >>> found.settled, found.counts
    (129, (163801568, 1280000))
    """
    left, right = parse_when(when)
    variant = variant_of(model)
    space = CatalogSpace(of_variant(variant), Fixed(res, batch=None if free == "batch" else batch))
    (along,) = space.checked(read_ranges(free))
    axis = axis_of(along)
    if along.values or not axis.whole:
        what = f"{along} has values" if along.values else f"{free} is a multiplier"
        raise BadInput(f"{what}; a crossing is looked for along res or another size")
    designs = Designs(variant, (axis,), variant.resolution(res), batch)
    costs = _Costs(designs, axis, left, right)
    grid = np.arange(1, axis.limit + 1)
    # Python's integers: products of the largest sizes would leave 64 bits.
    grid = grid[np.broadcast_to(designs.exists({axis.name: grid}), grid.shape)].astype(object)
    reached = np.asarray(costs.ahead(grid) >= 0)
    first = settled = None
    if reached[-1]:
        below = np.flatnonzero(~reached)
        settled = int(grid[below[-1] + 1 if below.size else 0])
        first = int(grid[np.flatnonzero(reached)[0]])
    shown = int(grid[-1]) if settled is None else settled
    return Crossing(
        variant,
        axis,
        designs.resolution,
        left,
        right,
        first,
        settled,
        None if settled is None else costs.ideal(),
        shown,
        costs.macs(shown),
    )


class _Costs:
    """The MACs of both sides along one axis."""

    def __init__(self, designs: Designs, axis: Axis, left: Side, right: Side) -> None:
        self.axis, self.left, self.right = axis, left, right
        self.formulas = tuple(_formula(designs, side.term) for side in (left, right))

    def macs(self, value: int) -> tuple[int, int]:
        """The MACs of the terms at one value, without factors."""
        left, right = (int(at(formula, {self.axis.name: value})) for formula in self.formulas)
        return left, right

    def ahead(self, value: Any, formulas: Sequence[Formula] | None = None) -> Any:
        """How far the left side is above the right one, multiplied by the factors' denominators."""
        left, right = (at(f, {self.axis.name: value}) for f in formulas or self.formulas)
        ours, theirs = self.left.factor, self.right.factor
        return (
            ours.numerator * theirs.denominator * left - theirs.numerator * ours.denominator * right
        )

    def ideal(self) -> float | None:
        """Where the sides meet without roundings; None if they do not meet."""
        laws = [formula.idealised() for formula in self.formulas]

        def below(value: float) -> bool:
            return bool(self.ahead(value, laws) < 0)

        low, high = 1.0, float(self.axis.limit)
        return boundary(below, low, high)[0] if below(low) and not below(high) else None


def _formula(designs: Designs, term: str) -> Formula:
    """The MACs of a term. Raises BadInput where the network has no such operator."""
    rows = designs.ledger.filter(TERMS[term])
    if not rows:
        raise BadInput(
            f"{designs.variant} has no operator of '{term}', so it never equals another cost"
        )
    return rows.macs().formula
