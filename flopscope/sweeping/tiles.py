"""Some rows of a region with some columns, counted together while they stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flopscope.sweeping.cover import Flags
from flopscope.sweeping.grid import Indices
from flopscope.sweeping.regions import Region, Regions

CELLS, WIDE = 2**17, 2**12
"""How many values a tile has at most, and how many columns."""
BLOCK = 2**24
"""How many values a block has at most."""


class Limit(NamedTuple):
    """At most so much of the quantity with this index."""

    quantity: int
    most: int


class Block(NamedTuple):
    """Some classes of rows of a region, all of its columns."""

    region: int
    start: int
    stop: int


@dataclass(frozen=True)
class Tile:
    """Classes of rows and columns of a region, by their indices."""

    region: Region
    rows: Indices
    columns: Indices
    limits: tuple[Limit, ...]

    def values(self, quantity: int) -> NDArray[Any]:
        """The counts of a quantity, one for each class of rows with each of columns."""
        if quantity not in self._counted:
            self._counted[quantity] = self.region.evaluators[quantity].grid(*self.places)
        return self._counted[quantity]

    @cached_property
    def _counted(self) -> dict[int, NDArray[Any]]:
        return {}

    @cached_property
    def places(self) -> tuple[Indices, Indices]:
        """The places of the choices that stand for the classes."""
        rows, columns = self.region.classes
        return rows.first[self.rows], columns.first[self.columns]

    @cached_property
    def held(self) -> Flags | None:
        """Which of them are in the region; None for all."""
        return None if self.region.whole else self.region.held(*self.places)

    @cached_property
    def kept(self) -> Flags | None:
        """Which of them are in the region and keep the limits; None for all."""
        found = self.held
        for limit in self.limits:
            keeps = np.asarray(self.values(limit.quantity) <= limit.most, dtype=bool)
            found = keeps if found is None else found & keeps
        return found

    @cached_property
    def weights(self) -> tuple[Indices, Indices]:
        """How many choices are in each class."""
        rows, columns = self.region.classes
        return rows.weights[self.rows], columns.weights[self.columns]

    def numbers(self, cells: Indices) -> Indices:
        """The least number of a design in each of these cells of the flat tile."""
        first, second = self.region.offsets
        rows, columns = np.divmod(cells, len(self.columns))
        found: Indices = first[self.places[0][rows]] + second[self.places[1][columns]]
        return found

    def weigh(self, flags: Flags | None) -> int:
        """How many designs are in the cells that are marked; None for all."""
        rows, columns = self.weights
        if flags is None:
            return int(rows.sum()) * int(columns.sum())
        if rows.max() == columns.max() == 1:
            return int(np.count_nonzero(flags))
        return int(rows @ (flags @ columns.astype(np.float64)).astype(np.int64))


def blocks(regions: Sequence[Region]) -> list[Block]:
    """All blocks of these regions, which depend on nothing else."""
    found = []
    for number, region in enumerate(regions):
        rows, columns = (each.number for each in region.classes)
        step = max(1, BLOCK // max(1, columns))
        found += [Block(number, n, min(rows, n + step)) for n in range(0, rows, step)]
    return found


def tiles(regions: Regions, block: Block, limits: tuple[Limit, ...]) -> Iterator[Tile]:
    """The tiles of a block."""
    region = regions.regions[block.region]
    columns = region.classes[1].number
    for left in range(0, columns, WIDE):
        across = np.arange(left, min(columns, left + WIDE))
        step = max(1, CELLS // len(across))
        for top in range(block.start, block.stop, step):
            yield Tile(region, np.arange(top, min(block.stop, top + step)), across, limits)
