"""The first design of a grid that does not exist, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flopscope.sweeping.cover import SCANNED, Piece
from flopscope.sweeping.grid import Grid, spoken
from flopscope.sweeping.regions import Regions


def first_missing(regions: Regions, pieces: Sequence[Piece]) -> str:
    """The first design that none of the pieces holds at, and its condition that is broken; empty
    text where there is no such design."""
    grid = regions.grid
    for start in range(0, grid.size, SCANNED):
        designs = np.arange(start, min(grid.size, start + SCANNED))
        sizes = grid.columns(designs)
        held = np.zeros(len(designs), dtype=bool)
        for piece in pieces:
            held |= piece.holds(sizes, len(designs)) & bool(piece.formulas)
        if not held.all():
            return _why(grid, int(designs[held.argmin()]), pieces)
    return ""


def _why(grid: Grid, design: int, pieces: Sequence[Piece]) -> str:
    sizes = grid.columns(np.array([design]))
    at = spoken(grid.design(design), grid.axes)
    for piece in pieces:
        for condition in piece.conditions:
            if not Piece((), (condition,)).holds(sizes, 1)[0]:
                return f"at {at}: {condition} does not hold"
    return f"at {at}: there is no such network"
