"""What every space has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from flopscope.answers.ranges import Range, Value
from flopscope.answers.target import Target
from flopscope.catalog.variant import check_size
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger

RES, BATCH = "res", "batch"
"""The names of the side of a square image, and of the number of inputs."""
HEIGHT, WIDTH = "H", "W"
"""The names of the sides of an image that need not be square."""


@dataclass(frozen=True)
class Fixed:
    """The sizes and arguments that are not free. Without `res` an image has the network's own size.

    `inputs` are texts such as '1,3,H,W' or their readings, whose names are free sizes; `arguments`
    are of the network's constructor; `examples` are the values of named sizes of an ONNX file.
    """

    res: int | tuple[int, int] | None = None
    batch: int | None = None
    inputs: tuple[str | InputSpec, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    examples: Mapping[str, int] = field(default_factory=dict)


class Part(NamedTuple):
    """A ledger in the free sizes, which holds where its conditions do and `numbers` have these
    values. `expected` says how choices were taken that depend on data."""

    ledger: Ledger
    expected: tuple[str, ...]
    numbers: Mapping[str, Value]


class Space(ABC):
    """The designs of a network along free sizes.

    `complete` says that its conditions decide where the network exists: outside of them, nothing
    needs to be tried.
    """

    complete = False

    def __init__(self, target: Target, fixed: Fixed) -> None:
        self.target, self.fixed = target, fixed
        if fixed.batch is not None:
            check_size("batch", fixed.batch, "such as 1")

    @property
    def name(self) -> str:
        """The name of its network."""
        return self.target.name

    @property
    def batch(self) -> int | None:
        """The number of inputs where it is not free; None where it has none."""
        return 1 if self.fixed.batch is None else self.fixed.batch

    @property
    @abstractmethod
    def free(self) -> Sequence[str]:
        """The names that may be free."""

    @property
    @abstractmethod
    def shape(self) -> Any:
        """Height and width of its image where they are not free; None if it has none."""

    def words(self, free: Collection[str]) -> str:
        """The sizes of its input that are not free: '160×160, batch 1'."""
        square = self.shape is None or RES in free
        image = "" if square else "×".join(_side(free, *each) for each in self._sides)
        batch = "" if BATCH in free or self.batch is None else f"batch {self.batch}"
        return ", ".join(filter(None, (image, batch)))

    @property
    def _sides(self) -> list[tuple[str, Any]]:
        return list(zip((HEIGHT, WIDTH), self.shape, strict=True))

    def means(self, parts: int) -> str:
        """How designs were counted, as a sentence ends: 'in 2 traces'."""
        return f"in {parts:,} trace{'s' * (parts != 1)}"

    def takes(self, name: str) -> bool:
        """May a size of this name be free?"""
        return name in self.free

    @abstractmethod
    def usual(self, name: str) -> Any:
        """The value that the network has unasked; None where it has none."""

    @abstractmethod
    def part(self, at: Mapping[str, Value]) -> Part:
        """A ledger made at these values of the free sizes, which holds as far around as it can.

        Raises a FlopscopeError where there is no such network.
        """

    def at_numbers(self, at: Mapping[str, Value]) -> Part:
        """A ledger that holds at these values and nowhere else, for values that are outside of what
        `part` gives. Raises a FlopscopeError where there is no such network."""
        return self.part(at)

    @contextmanager
    def open(self) -> Iterator[None]:
        """While active, parts are found without loading the network each time."""
        yield

    def checked(self, ranges: Sequence[Range]) -> tuple[Range, ...]:
        """The ranges, with the values as the network takes them.

        Raises BadInput if there is none, or a size is given and free at once; UnknownName for a
        name that cannot be free.
        """
        if not ranges:
            raise BadInput(f"nothing is free; name at least one of {', '.join(self.free)}")
        given = {RES: self.fixed.res, BATCH: self.fixed.batch, **self.fixed.arguments}
        given |= self.fixed.examples
        for each in ranges:
            if given.get(each.name) is not None:
                raise BadInput(f"{each.name} is given and free at once; leave one of them out")
            if not self.takes(each.name):
                raise UnknownName(f"free size of {self.name}", each.name, self.free)
        names = {each.name for each in ranges}
        sides = [name for name in (HEIGHT, WIDTH) if name in names]
        if sides and (RES in names or (self.fixed.res is not None and len(sides) == 2)):
            raise BadInput(
                f"{RES} gives both sides of the image, and {' and '.join(sides)} "
                f"{'is' if len(sides) == 1 else 'are'} free; leave one of them out"
            )
        return tuple(map(self._of_its_kind, ranges))

    def _of_its_kind(self, given: Range) -> Range:
        """A range of real numbers where the network's own value is one. Raises BadInput for numbers
        with decimals in place of a size of an input."""
        if isinstance(self.usual(given.name), float):
            return Range(given.name, tuple(map(float, given.values)))
        if given.name in (RES, BATCH, HEIGHT, WIDTH) and not given.whole:
            raise BadInput(f"{given} has values that are not integers; {given.name} takes integers")
        return given


def _side(free: Collection[str], name: str, value: Any) -> str:
    return name if name in free else str(value)
