"""The parts of a grid on which one formula holds, with its tables: what a sweep goes through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flopscope.domain import Condition
from flopscope.sweeping.classes import Classes, classes
from flopscope.sweeping.cover import Flags, Piece, kept_by
from flopscope.sweeping.evaluators import Evaluator, evaluator, is_product
from flopscope.sweeping.grid import Grid, Indices, Side


@dataclass(frozen=True)
class Extent:
    """The designs of a piece: `rows` and `columns` say which choices of each side may be in it, and
    the `ties` are its conditions on both sides at once."""

    rows: Flags
    columns: Flags
    ties: tuple[Condition, ...]

    def meets(self, other: Extent) -> bool:
        """May a design be in both?"""
        return bool((self.rows & other.rows).any() and (self.columns & other.columns).any())

    @property
    def tied(self) -> frozenset[str]:
        """The names of the sizes in its ties."""
        return frozenset(s.name for tie in self.ties for s in tie.symbols())


@dataclass(frozen=True)
class Region:
    """The designs that a piece counts, whose tables have the rows and columns `at`.

    `apart` are the extents of earlier pieces, which count their designs. `evaluators` belong to the
    quantities. `classes` are those of rows and of columns, as places in `at`.
    """

    extent: Extent
    apart: tuple[Extent, ...]
    sides: tuple[Side, Side]
    at: tuple[Indices, Indices]
    evaluators: tuple[Evaluator, ...]
    classes: tuple[Classes, Classes]
    bound: bool

    @cached_property
    def offsets(self) -> tuple[Indices, Indices]:
        """What each of its rows and columns contributes to the number of a design."""
        first, second = (s.offsets(a) for s, a in zip(self.sides, self.at, strict=True))
        return first, second

    @property
    def whole(self) -> bool:
        """Is every one of its rows with every one of its columns in it?"""
        return not self.extent.ties and not self.apart

    def held(self, rows: Indices, columns: Indices) -> Flags:
        """Which pairs of these rows and columns, as places in `at`, are in it?"""
        shape = len(rows), len(columns)
        mesh = np.repeat(rows, shape[1]), np.tile(columns, shape[0])
        return self.held_pairs(*mesh).reshape(shape)

    def held_pairs(self, rows: Indices, columns: Indices) -> Flags:
        """The same for pairs."""
        first, second = self.at[0][rows], self.at[1][columns]
        sizes = self.sides[0].sizes(first) | self.sides[1].sizes(second)
        found = np.ones(len(rows), dtype=bool)
        for tie in self.extent.ties:
            found &= kept_by(tie, sizes, len(rows))
        for other in self.apart:
            inside = other.rows[first] & other.columns[second]
            for tie in other.ties:
                inside &= kept_by(tie, sizes, len(rows))
            found &= ~inside
        return found


@dataclass(frozen=True)
class Regions:
    """A grid in two sides, and its regions."""

    grid: Grid
    sides: tuple[Side, Side]
    regions: tuple[Region, ...]


def regions(grid: Grid, pieces: Sequence[Piece], gains: Sequence[str] = ()) -> Regions:
    """The regions of the pieces, by the split of the axes that separates most of their formulas and
    has the least tables. `gains` are axes whose values distinguish designs that count alike."""
    sides = _split(grid, pieces)
    sizes = tuple(side.sizes(np.arange(side.size)) for side in sides)
    extents = [_extent(piece, sides, sizes) for piece in pieces]
    found = []
    for number, (piece, extent) in enumerate(zip(pieces, extents, strict=True)):
        if piece.formulas and extent.rows.any() and extent.columns.any():
            apart = tuple(other for other in extents[:number] if other.meets(extent))
            found.append(_region(piece, extent, apart, sides, gains))
    return Regions(grid, sides, tuple(found))


def _split(grid: Grid, pieces: Sequence[Piece]) -> tuple[Side, Side]:
    formulas = [formula for piece in pieces for formula in piece.formulas][:MOST_ASKED]
    splits = grid.splits()

    def tied(sides: tuple[Side, Side]) -> int:
        return sum(not is_product(formula, sides[0]) for formula in formulas)

    return min(splits, key=tied)


MOST_ASKED = 20
"""How many formulas are asked whether they separate: those of other pieces are alike."""


def _extent(
    piece: Piece, sides: Sequence[Side], sizes: Sequence[Mapping[str, NDArray[Any]]]
) -> Extent:
    held = [np.ones(side.size, dtype=bool) for side in sides]
    for name, value in (piece.numbers or {}).items():
        for flags, own in zip(held, sizes, strict=True):
            if name in own:
                flags &= own[name] == value
    ties = []
    for condition in piece.conditions:
        names = {s.name for s in condition.symbols()}
        side = next((n for n in (0, 1) if names <= sides[n].names), None)
        if side is None:
            ties.append(condition)
        else:
            held[side] &= kept_by(condition, sizes[side], sides[side].size)
    return Extent(held[0], held[1], tuple(ties))


def _region(
    piece: Piece,
    extent: Extent,
    apart: tuple[Extent, ...],
    sides: tuple[Side, Side],
    gains: Sequence[str],
) -> Region:
    at = (np.flatnonzero(extent.rows), np.flatnonzero(extent.columns))
    made = tuple(evaluator(formula, sides, at) for formula in piece.formulas)
    distinct = frozenset(gains) | extent.tied.union(*(other.tied for other in apart))
    own = []
    for n, side in enumerate(sides):
        keys = [key for each in made for key in each.keys(n)]
        keys += [v for name, v in side.sizes(at[n]).items() if name in distinct]
        keys += [(other.columns if n else other.rows)[at[n]] for other in apart]
        own.append(classes(keys, len(at[n])))
    return Region(extent, apart, sides, at, made, (own[0], own[1]), piece.bound)
