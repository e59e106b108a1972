"""Free sizes and the values that they may take: `width=0.25:2:0.05`, `width=16,24` or `width`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise, product
from math import inf
from typing import Any, NamedTuple, TypeAlias

from flopscope.errors import BadInput
from flopscope.numerals import number

Value: TypeAlias = int | float

MOST = 100_000
"""The most values of one range."""

GRAMMAR = "write width=0.25:2:0.05 (from, to, step), width=16,24,32 or width"


class Range(NamedTuple):
    """A free size by its name, and its values in ascending order; none where a command chooses
    them."""

    name: str
    values: tuple[Value, ...] = ()

    def __str__(self) -> str:
        """As a command line has it: 'width', 'width=16,24,32' or 'width=1:9:1'."""
        return f"{self.name}={spelled(self.values)}" if self.values else self.name

    @property
    def whole(self) -> bool:
        """Are all its values integers?"""
        return all(isinstance(value, int) for value in self.values)


Free: TypeAlias = str | Sequence[str | Range] | Mapping[str, Iterable[float] | None]
"""Free sizes as Python gives them: 'width,res', ['width=16:64:8'], {'width': [16, 24]}."""


def range_of(name: str, values: Any) -> Range:
    """A free size with values as Python has them. Raises BadInput for what are no numbers above 0.

    >>> str(range_of("width", range(16, 25, 4))), str(range_of("width", None))
    ('width=16,20,24', 'width')
    """
    if values is None:
        return Range(name)
    given = list(values) if isinstance(values, Iterable) and not isinstance(values, str) else []
    plain = [value.item() if hasattr(value, "item") else value for value in given]
    numbers = all(type(value) in (int, float) and 0 < value < inf for value in plain)
    if not plain or not numbers:
        raise BadInput(
            f"the values of {name} are not numbers above 0; give some such as [16, 24, 32], or "
            "range(16, 65, 8)"
        )
    whole = all(isinstance(value, int) for value in plain)
    return Range(name, tuple(sorted({value if whole else float(value) for value in plain})))


def spelled(values: Sequence[Value]) -> str:
    """Values as a range is written: 16,24 or, with equal steps, 0.25:2:0.25.

    >>> spelled((16, 24)), spelled((0.5, 0.75, 1.0, 1.25))
    ('16,24', '0.5:1.25:0.25')
    """
    exact = [Fraction(repr(value)) for value in values]
    steps = {b - a for a, b in pairwise(exact)}
    if len(values) > 3 and len(steps) == 1:
        return ":".join(f"{float(each):g}" for each in (exact[0], exact[-1], steps.pop()))
    return ",".join(f"{value:g}" for value in values)


def parse_ranges(text: str) -> tuple[Range, ...]:
    """Read 'width=0.25:2:0.25,res=160:256:32' or 'width=16,24,res': free sizes joined by commas,
    and after a size's equals sign a range or values, joined by commas too.

    Raises BadInput for text that is not written so, for a range without a value, and for a name
    that is given twice.

    >>> [str(each) for each in parse_ranges("width=16,24,res,depth=1:9:2")]
    ['width=16,24', 'res', 'depth=1:9:2']
    """
    written: list[tuple[str, list[str]]] = []
    for part in text.split(","):
        name, equals, first = (piece.strip() for piece in part.partition("="))
        if written and written[-1][1] and not equals and number(name) is not None:
            written[-1][1].append(name)  # one more value of the size before it
        elif name.isidentifier() and bool(equals) == bool(first):
            written.append((name, [first] if equals else []))
        else:
            raise BadInput(f"'{part}' in --free {text} is neither a size nor its range; {GRAMMAR}")
    names = [name for name, _ in written]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"{name} is free twice; name it once")
    return tuple(Range(name, _values(name, texts)) for name, texts in written)


def read_ranges(free: Free) -> tuple[Range, ...]:
    """The same of what Python gives: a text, several texts or ranges, or a mapping from names to
    values, where None stands for no values of one's own.

    >>> [str(each) for each in read_ranges(["width=16,24", Range("res")])]
    ['width=16,24', 'res']
    """
    if isinstance(free, Mapping):
        return tuple(range_of(name, values) for name, values in free.items())
    given = [free] if isinstance(free, str) else list(free)
    for each in given:
        if not isinstance(each, str | Range):
            raise BadInput(f"{each!r} is not the name of a size; {GRAMMAR}")
    if given and all(isinstance(each, Range) for each in given):
        return tuple(each for each in given if isinstance(each, Range))
    return parse_ranges(",".join(map(str, given))) if given else ()


def _values(name: str, texts: Sequence[str]) -> tuple[Value, ...]:
    if not texts:
        return ()
    whole = not any("." in text for text in texts)
    exact = sorted({value for text in texts for value in _spread(name, text)})
    if whole and all(value.denominator == 1 for value in exact):
        return tuple(int(value) for value in exact)
    return tuple(float(value) for value in exact)


def _spread(name: str, text: str) -> list[Fraction]:
    """The value that a text states, or those of a range. Raises BadInput for any other text."""
    ends = [number(part) for part in text.split(":")]
    if len(ends) == 3 and all(ends[:2]) and ends[2] == 0:
        raise BadInput(f"{name}={text} has a step of 0, which leads nowhere; give one above 0")
    if len(ends) == 1 and ends[0]:
        return [ends[0]]
    if len(ends) != 3 or not all(ends):
        raise BadInput(
            f"{name}={text} is not a range of numbers above 0; write {name}=FROM:TO:STEP or "
            f"values, such as {name}=16:64:8 or {name}=16,24,32"
        )
    first, last, step = (Fraction(end or 0) for end in ends)
    if first > last:
        large, small, by = (part.strip() for part in text.split(":"))
        raise BadInput(
            f"{name}={text} has no value, for it goes from the larger to the smaller; write "
            f"{name}={small}:{large}:{by}"
        )
    if (last - first) // step >= MOST:
        raise BadInput(f"{name}={text} has more than {MOST:,} values; give a larger step")
    return [first + step * index for index in range((last - first) // step + 1)]


def grid_size(ranges: Sequence[Range]) -> int:
    """How many designs the product of the ranges has."""
    size = 1
    for each in ranges:
        size *= len(each.values)
    return size


def grid(ranges: Sequence[Range]) -> Iterator[tuple[Value, ...]]:
    """Every combination of values, the last range going fastest.

    >>> list(grid(parse_ranges("width=1,2,res=32")))
    [(1, 32), (2, 32)]
    """
    return product(*(each.values for each in ranges))
