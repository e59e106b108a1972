"""The designs of cells whose classes have several members."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flopscope.sweeping.grid import Indices
from flopscope.sweeping.tiles import Tile


def least_numbers(
    tile: Tile, cells: Indices, counts: NDArray[Any], number: int
) -> tuple[list[int], list[int]]:
    """The counts and numbers of the designs in these cells of a tile, which are in order of their
    counts, best first: of equal counts those with the least numbers, at most `number` in all."""
    values: list[int] = []
    designs: list[int] = []
    start = 0
    while start < len(cells) and len(designs) < number:
        stop = start + int((counts[start:] == counts[start]).argmin() or len(cells) - start)
        left = number - len(designs)
        found = heapq.merge(*(_of_cell(tile, int(cell), left) for cell in cells[start:stop]))
        level = [design for design, _ in zip(found, range(left), strict=False)]
        values += [int(counts[start])] * len(level)
        designs += level
        start = stop
    return values, designs


def _of_cell(tile: Tile, cell: int, number: int) -> list[int]:
    """The least numbers of designs in a cell, at most so many, in order."""
    row, column = divmod(cell, len(tile.columns))
    first, second = (
        offsets[each.of(int(index), number)]
        for offsets, each, index in zip(
            tile.region.offsets, tile.region.classes, (tile.rows[row], tile.columns[column]),
            strict=True,
        )
    )  # fmt: skip
    if len(first) == 1 or len(second) == 1:
        return [int(n) for n in (first[:, None] + second).ravel()[:number]]
    # The sum of the i-th and j-th has (i + 1)·(j + 1) − 1 others below it, or more.
    sums = [first[i] + second[: max(1, number // (i + 1))] for i in range(min(len(first), number))]
    return [int(n) for n in np.sort(np.concatenate(sums))[:number]]
