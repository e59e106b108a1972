"""What was kept of a network's grid, with the question that it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flopscope.answers.ranges import Range, Value
from flopscope.answers.target import Target
from flopscope.brief import short
from flopscope.conventions import Convention
from flopscope.quantities import Quantity
from flopscope.sweeping.asking import Keep
from flopscope.sweeping.grid import Grid
from flopscope.sweeping.reductions import State


def counted_as(row: Quantity, rows: Sequence[Quantity]) -> Quantity:
    """The quantity, or the one of these rows that counts the same: the work in MACs and the work
    under the convention `macs` differ in their titles alone."""
    key = (row.name, row.convention, row.dtype)
    return next((each for each in rows if (each.name, each.convention, each.dtype) == key), row)


@dataclass(frozen=True)
class Design:
    """The free sizes of a design, and the counts of all quantities that were counted, in order."""

    sizes: Mapping[str, Value]
    counts: tuple[int, ...]
    bound: bool


@dataclass(frozen=True)
class Reduced:
    """What is kept of the designs along `axes`.

    `state` is what the reduction found; `designs` are the designs that it names, with the counts of
    the quantities. `there` designs exist, `kept` of them have at most what `most` allows, by the
    name of the quantity. `ranked` is the quantity that is counted in bins or by which designs are
    ranked. `nearest` is the design nearest to the limits where none keeps them.
    """

    target: Target
    axes: tuple[Range, ...]
    words: str
    resolution: tuple[int, int] | None
    batch: int | None
    convention: Convention
    quantities: tuple[Quantity, ...]
    counted: tuple[Quantity, ...]
    most: Mapping[str, int]
    keep: Keep
    ranked: Quantity
    gains: tuple[str, ...]
    state: State
    designs: tuple[Design, ...]
    nearest: Design | None
    grid: Grid
    refused: str
    means: str
    parts: int
    expected: tuple[str, ...]
    bound: bool

    def __repr__(self) -> str:
        free = ", ".join(map(str, self.axes))
        return short(self, f"{self.target.name}: {self.keep} of {self.kept:,} designs along {free}")

    @property
    def there(self) -> int:
        """How many designs exist."""
        return int(self.state["there"])

    @property
    def kept(self) -> int:
        """How many designs have at most what they may have."""
        return int(self.state["kept"])

    @property
    def missing(self) -> int:
        """How many designs of the grid do not exist."""
        return self.grid.size - self.there

    @property
    def over(self) -> int:
        """How many designs have more of something than they may have."""
        return self.there - self.kept

    @property
    def bins(self) -> list[tuple[int, int, int]]:
        """Of each bin of a histogram: the least count, the largest, and how many designs."""
        least, width = self.state.get("from", 0), self.state.get("width", 1)
        counts = self.state.get("counts", [])
        return [(least + n * width, least + (n + 1) * width - 1, c) for n, c in enumerate(counts)]
