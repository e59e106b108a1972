"""The formulas that hold on parts of a network's grid, which together hold wherever it exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from flopscope.answers.counting import MOST_PARTS
from flopscope.answers.ranges import Value
from flopscope.answers.spaces.space import Part, Space
from flopscope.closedform import Formula
from flopscope.domain import Condition
from flopscope.errors import BadInput, FlopscopeError
from flopscope.quantities import Quantity
from flopscope.sizes import widened
from flopscope.sweeping.grid import Grid, spoken

Flags: TypeAlias = NDArray[np.bool_]
Tell: TypeAlias = Callable[[int, int], None]

SCANNED = 2**18
"""How many designs are asked at once whether a formula holds there."""


@dataclass(frozen=True)
class Piece:
    """Formulas, one for each quantity, that hold where the conditions do and `numbers` have these
    values. Without formulas the network does not exist there. `bound` says that an operator has an
    unknown cost, so that its counts are lower bounds."""

    formulas: tuple[Formula, ...]
    conditions: tuple[Condition, ...] = ()
    numbers: Mapping[str, Value] | None = None
    bound: bool = False

    def holds(self, sizes: Mapping[str, Any], number: int) -> Flags:
        """Does it hold at each of these designs?"""
        held = np.ones(number, dtype=bool)
        for name, value in (self.numbers or {}).items():
            held &= sizes[name] == value
        for condition in self.conditions:
            held &= kept_by(condition, sizes, number)
        return held


@dataclass(frozen=True)
class Cover:
    """Pieces in order, of which the first that holds at a design counts it.

    `refused` says of a design that does not exist why; `parts` is how many ledgers were made,
    `expected` how choices were taken that depend on data.
    """

    pieces: tuple[Piece, ...]
    parts: int
    refused: str
    expected: tuple[str, ...]


def kept_by(condition: Condition, sizes: Mapping[str, Any], number: int) -> Flags:
    """Is the condition kept at each of these designs?"""
    own = {s.name: widened(sizes[s.name]) for s in condition.symbols()}
    kept: Flags = ~np.broadcast_to(np.asarray(condition.at(own).breaks(), dtype=bool), number)
    return kept


def holds_everywhere(piece: Piece, grid: Grid) -> bool:
    """Does the piece hold at every design? It is asked along the axes that each condition is about,
    where these have few enough values; otherwise the answer is no."""
    for name in piece.numbers or {}:
        if grid.side([name]).size > 1:
            return False
    for condition in piece.conditions:
        own = grid.side({s.name for s in condition.symbols()})
        if own.size > SCANNED:
            return False
        if not kept_by(condition, own.sizes(np.arange(own.size)), own.size).all():
            return False
    return bool(piece.formulas)


def cover(space: Space, grid: Grid, quantities: Sequence[Quantity], tell: Tell) -> Cover:
    """The pieces for every design of a grid. Raises BadInput where too many designs need a ledger
    of their own."""
    covering = _Covering(space, grid, quantities)
    with space.open():
        first = covering.add(0 if space.complete else grid.size // 2)
        if not space.complete and not holds_everywhere(first, grid):
            for start in range(0, grid.size, SCANNED):
                covering.scan(np.arange(start, min(grid.size, start + SCANNED)))
                tell(min(grid.size, start + SCANNED), grid.size)
    expected = tuple(covering.expected)
    return Cover(tuple(covering.pieces), covering.parts, covering.refused, expected)


class _Covering:
    """The pieces so far."""

    def __init__(self, space: Space, grid: Grid, quantities: Sequence[Quantity]) -> None:
        self.space, self.grid, self.quantities = space, grid, quantities
        self.pieces: list[Piece] = []
        self.parts, self.refused = 0, ""
        self.expected: dict[str, None] = {}

    def scan(self, designs: NDArray[np.int64]) -> None:
        """Make pieces until all of these designs are in one."""
        sizes = self.grid.columns(designs)
        waiting = np.ones(len(designs), dtype=bool)
        for piece in self.pieces:
            waiting &= ~piece.holds(sizes, len(designs))
        while waiting.any():
            left = np.flatnonzero(waiting)
            chosen = int(left[left.size // 2])  # ends of a range are more often outside a domain
            piece = self.add(int(designs[chosen]))
            waiting &= ~piece.holds(sizes, len(designs))

    def add(self, number: int) -> Piece:
        """The piece made at a design, which holds there at least."""
        self._check_number()
        at = self.grid.design(number)
        try:
            piece = self._piece(self.space.part(at))
            if not self.space.complete and not piece.holds(_arrays(at), 1)[0]:
                piece = self._piece(self.space.at_numbers(at), dict(at))
            self.parts += 1
        except FlopscopeError as error:
            if self.space.complete:
                raise
            piece = Piece((), (), dict(at))
            self.refused = self.refused or f"at {spoken(at, self.grid.axes)}: {error}"
        self.pieces.append(piece)
        return piece

    def _piece(self, part: Part, numbers: Mapping[str, Value] | None = None) -> Piece:
        readings = [quantity.read(part.ledger) for quantity in self.quantities]
        self.expected |= dict.fromkeys(part.expected)
        conditions = () if numbers is not None else tuple(part.ledger.conditions)
        formulas = tuple(reading.formula for reading in readings)
        bound = not all(reading.complete for reading in readings)
        return Piece(formulas, conditions, numbers or part.numbers, bound)

    def _check_number(self) -> None:
        if len(self.pieces) < MOST_PARTS:
            return
        if not self.parts:
            raise BadInput(f"{self.space.name} has no design that can be had; {self.refused}")
        free = ", ".join(axis.name for axis in self.grid.axes)
        raise BadInput(
            f"more than {MOST_PARTS} of these {self.grid.size:,} designs of {self.space.name} take "
            f"a trace of their own; give shorter ranges or larger steps for {free}"
        )


def _arrays(at: Mapping[str, Value]) -> dict[str, Any]:
    return {name: np.array([value]) for name, value in at.items()}
