"""The axes that may be free in a search: resolution, batch, and a network's own multipliers and
counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import count, takewhile
from math import ceil
from typing import NamedTuple

from flopscope.alphabet import MULTIPLIERS
from flopscope.catalog.options import RHO, Choice
from flopscope.catalog.variant import FREE, Variant
from flopscope.errors import BadInput, UnknownName
from flopscope.symbolic import Polynomial, dimension


class Axis(NamedTuple):
    """A size that a search may choose: an integer from 1, or a real multiplier above 0.

    `limit` is the largest value that is tried. `step` is the step between round values, which the
    outer axes take in a search along several axes.
    """

    name: str
    limit: int
    step: Fraction

    @property
    def symbol(self) -> Polynomial:
        """The symbol that stands for it in formulas."""
        return dimension(self.name)

    @property
    def whole(self) -> bool:
        """Is it an integer? Multipliers are real numbers."""
        return self.name not in MULTIPLIERS

    def published(self, variant: Variant) -> float:
        """Its value in the network as published, batch 1."""
        if self.name == RESOLUTION.name:
            return variant.model.resolution
        options = {o.name: o.default for o in variant.model.options if not isinstance(o, Choice)}
        return options.get(self.name, 1)

    def tidy(self) -> Iterator[float | int]:
        """Its tidy values, in ascending order."""
        values = (self.step * number for number in count(1))
        for value in takewhile(lambda value: value <= self.limit, values):
            yield int(value) if self.whole else float(value)


RESOLUTION = Axis("res", 2**14, Fraction(32))
BATCH = Axis("batch", 2**20, Fraction(1))
LARGEST_COUNT, LARGEST_MULTIPLIER = 2**20, 64
ORDER = ("depth", "res", "batch", "classes", "tokens", "prompts", "queries", "width")
"""The order of free axes: the last one is solved exactly, and those before it step through round
values."""


def axes(variant: Variant) -> Mapping[str, Axis]:
    """The axes that can be free for a network, by name.

    >>> from flopscope.catalog.variant import parse
    >>> list(axes(parse("mobilenetv2")))
    ['res', 'batch', 'width', 'depth', 'classes']
    """
    own = (
        Axis(option.name, LARGEST_COUNT, Fraction(1))
        if isinstance(option.default, int)
        else Axis(option.name, LARGEST_MULTIPLIER, Fraction(1, 10))
        for option in variant.model.options
        if not isinstance(option, Choice) and option.name in FREE and option is not RHO
    )
    shared = (RESOLUTION, BATCH) if variant.takes_image else (BATCH,)
    return {axis.name: axis for axis in (*shared, *own)}


def chosen(variant: Variant, names: Sequence[str], step: int | None = None) -> tuple[Axis, ...]:
    """The named axes, with the one that is solved exactly as the last. `step` is the step between
    round resolutions.

    Raises UnknownName for a name that cannot be free, BadInput if there is no name, for a name
    given twice, and for an option that the variant fixes.
    """
    known = axes(variant)
    if not names:
        raise BadInput(f"nothing is free; name at least one of {', '.join(known)}")
    for name in names:
        if name not in known:
            raise UnknownName(f"free size of {variant.model.id}", name, known)
        if names.count(name) > 1:
            raise BadInput(f"{name} is free twice; name it once")
        if name in dict(variant.options):
            raise BadInput(
                f"{name} is fixed in '{variant}' and free at once; leave one of them out"
            )
    found = [known[name] for name in sorted(names, key=_position)]
    if step is not None:
        found = [a._replace(step=Fraction(step)) if a.name == "res" else a for a in found]
    return tuple(found)


def _position(name: str) -> int:
    return ORDER.index(name) if name in ORDER else 0


def shortest_decimal(low: float, high: float) -> float:
    """The number with the fewest decimals in [low, high]; of several such numbers, the least.
    Domain: 0 < low ≤ high.

    >>> shortest_decimal(0.7471, 0.7539)
    0.75
    """
    exact_low, exact_high = Fraction(low), Fraction(high)
    for decimals in range(18):
        scale = 10**decimals
        found = Fraction(max(1, ceil(exact_low * scale)), scale)
        if found <= exact_high and exact_low <= Fraction(float(found)) <= exact_high:
            return float(found)
    return high
