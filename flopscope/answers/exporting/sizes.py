"""The sizes of an exported network's inputs: one of each, or the three of a profile."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from flopscope.errors import BadInput, check_name
from flopscope.numerals import image_size, integer_from

Value = TypeVar("Value")

DIMENSIONS = ("batch", "height", "width")
"""The sizes of an input that can stay open, by the names that a file has for them."""

NAMES = ("minimum", "optimum", "maximum")


class Range(NamedTuple):
    """The least size, the one that counts most, and the greatest."""

    least: int
    usual: int
    most: int

    @property
    def is_one(self) -> bool:
        """Is it one size?"""
        return self.least == self.most

    def __str__(self) -> str:
        return str(self.usual) if self.is_one else ":".join(map(str, self))


ONE = Range(1, 1, 1)


@dataclass(frozen=True)
class Sizes:
    """The batch, and height and width of the image, which are None where they are the network's
    own; `asked` are the dimensions that stay open whatever their sizes."""

    batch: Range = ONE
    height: Range | None = None
    width: Range | None = None
    asked: frozenset[str] = frozenset()

    @property
    def open(self) -> tuple[str, ...]:
        """The dimensions that stay open: those that are asked for, and those with a range."""
        ranges = {name for name in DIMENSIONS if self.has_range(name)}
        return tuple(name for name in DIMENSIONS if name in self.asked | ranges)

    def has_range(self, name: str) -> bool:
        """Has the dimension several sizes?"""
        found: Range | None = getattr(self, name)
        return found is not None and not found.is_one

    def usually(self) -> Sizes:
        """The usual sizes alone, none of which stays open."""
        return Sizes(*(each and Range(*[each.usual] * 3) for each in self._ranges))  # type: ignore[arg-type]

    @property
    def _ranges(self) -> tuple[Range, Range | None, Range | None]:
        return self.batch, self.height, self.width

    def at(self, place: int) -> tuple[int, tuple[int, int] | None]:
        """The batch and the image of the minimum, the optimum or the maximum."""
        image = None
        if self.height is not None and self.width is not None:
            image = (self.height[place], self.width[place])
        return self.batch[place], image


def batches(text: str) -> Range:
    """'8' or '1:16:32'. Raises BadInput for any other text.

    >>> batches("1:16:32"), str(batches("8"))
    (Range(least=1, usual=16, most=32), '8')
    """
    parts = _read(text, "--batch", lambda part: integer_from(part, 1), "8", "1:16:32")
    return _ordered(parts, "--batch", text)


def images(text: str) -> tuple[Range, Range]:
    """The heights and the widths of '224', '192x256', '160:224:288' or '128x160:192x256:256x320'.
    Raises BadInput for any other text.

    >>> [str(each) for each in images("160:224:288")]
    ['160:224:288', '160:224:288']
    """
    parts = _read(text, "--res", image_size, "224", "160:224:288")
    heights, widths = zip(*parts, strict=True)
    return _ordered(heights, "--res", text), _ordered(widths, "--res", text)


def dimensions(names: Collection[str]) -> frozenset[str]:
    """The dimensions of these names, or of names with commas. Raises UnknownName."""
    split = [part.strip() for name in names for part in name.split(",")]
    for name in split:
        check_name("dimension that can stay open", name, DIMENSIONS)
    return frozenset(split)


def _read(
    text: str, option: str, read: Callable[[str], Value | None], one: str, three: str
) -> list[Value]:
    """One value, three times, or three. Raises BadInput for any other number of them."""
    parts = text.split(":")
    values = [value for part in parts if (value := read(part)) is not None]
    if len(values) != len(parts) or len(parts) not in (1, 3):
        raise BadInput(
            f"{option} {text} is neither a size of at least 1 nor three of them; give one such as "
            f"{one}, or minimum, optimum and maximum such as {three}"
        )
    return values * 3 if len(values) == 1 else values


def _ordered(parts: Collection[int], option: str, text: str) -> Range:
    found = Range(*parts)
    for place, (less, more) in enumerate(((found.least, found.usual), (found.usual, found.most))):
        if less > more:
            raise BadInput(
                f"{option} {text} has the {NAMES[place]} {less} above the {NAMES[place + 1]} "
                f"{more}; give them in rising order, such as {':'.join(map(str, sorted(parts)))}"
            )
    return found
