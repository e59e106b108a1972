"""The space of a catalogue model, which is its closed form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from flopscope.alphabet import MULTIPLIERS
from flopscope.answers.ranges import Range, Value
from flopscope.answers.spaces.space import BATCH, HEIGHT, RES, WIDTH, Fixed, Part, Space
from flopscope.answers.target import Target, refuse_arguments
from flopscope.catalog.options import RHO, Choice
from flopscope.catalog.variant import FREE, Variant
from flopscope.errors import BadInput
from flopscope.sizes import Size
from flopscope.symbolic import dimension


class CatalogSpace(Space):
    """The designs of a variant. Its closed form holds wherever the network exists."""

    complete = True

    def __init__(self, target: Target, fixed: Fixed) -> None:
        super().__init__(target, fixed)
        assert target.variant is not None
        self.variant: Variant = target.variant
        refuse_arguments(target.name, fixed.arguments, fixed.examples)
        if fixed.inputs:
            raise BadInput(
                f"{target.name} is a catalogue model, whose input has one form; give --res and "
                "--batch in place of --input"
            )

    @property
    def free(self) -> Sequence[str]:
        """Its sizes and its options, but for choices among words."""
        options = self.variant.model.options
        own = [o.name for o in options if not isinstance(o, Choice) and o.name in FREE]
        own = [name for name in own if name != RHO.name]
        return [*([RES] if self.variant.takes_image else []), BATCH, *own]

    def takes(self, name: str) -> bool:
        """May a size of this name be free? Beside the side of a square image, height and width on
        their own may be."""
        return super().takes(name) or (name in (HEIGHT, WIDTH) and self.variant.takes_image)

    @property
    def shape(self) -> Any:
        """Height and width of its image."""
        return self.variant.resolution(self.fixed.res)

    def means(self, parts: int) -> str:
        """Its closed form counts every design."""
        return "by the closed form"

    def usual(self, name: str) -> Any:
        """Its value in the published network."""
        if name in (RES, HEIGHT, WIDTH):
            return self.variant.model.resolution
        defaults = {option.name: option.default for option in self.variant.model.options}
        return (defaults | dict(self.variant.options)).get(name, 1)

    def checked(self, ranges: Sequence[Range]) -> tuple[Range, ...]:
        """The same as of any space, and BadInput for an option that the variant fixes, and for
        decimals in place of an integer."""
        for each in ranges:
            if each.name in dict(self.variant.options):
                raise BadInput(
                    f"{each.name} is fixed in '{self.variant}' and free at once; leave one of "
                    "them out"
                )
        found = super().checked(ranges)
        for each in found:
            if each.name not in MULTIPLIERS and not each.whole:
                raise BadInput(
                    f"{each} has values that are not integers; {each.name} takes integers"
                )
        self._free = tuple(each.name for each in found)
        return found

    def part(self, at: Mapping[str, Value]) -> Part:
        """The closed form in the free sizes, which is the same everywhere."""
        return self._whole

    @cached_property
    def _whole(self) -> Part:
        free: dict[str, Size] = {name: dimension(name) for name in self._free}
        side = free.pop(RES, None)
        resolution = self.shape if side is None else (side, side)
        if HEIGHT in free or WIDTH in free:
            resolution = (free.pop(HEIGHT, resolution[0]), free.pop(WIDTH, resolution[1]))
        ledger = self.variant.ledger(resolution, free.pop(BATCH, self.batch or 1), **free)
        return Part(ledger, (), {})
