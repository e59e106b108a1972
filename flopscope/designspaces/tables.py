"""What each move of a design space costs, read off ledgers, and the proof on drawn designs that a
cost is the sum over slots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from flopscope.designspaces.slots import FREE, Design, Move, State
from flopscope.designspaces.space import DesignSpace
from flopscope.errors import BadInput
from flopscope.facts import Operator
from flopscope.ledger import Ledger
from flopscope.quantities import Quantity
from flopscope.readings import Reading

DRAWN = 20
"""So many designs are drawn, and their ledgers compared with the sums of the tables."""


class NotSeparable(BadInput):
    """What a move costs depends on the moves at other slots."""


Prices: TypeAlias = Mapping[Move, int]
"""What each move of a slot costs."""


Parts: TypeAlias = Mapping[int | None, Reading]
"""What each slot of a design costs, by its place; what all designs share is at None."""


@dataclass(frozen=True)
class Table:
    """A quantity of every move of a space: `fixed` is what all designs share, `slots` has the
    prices at each slot."""

    space: DesignSpace
    fixed: int
    slots: tuple[Prices, ...]

    def cost(self, design: Design) -> int:
        """The sum for a design."""
        moves = self.space.moves(design)
        return self.fixed + sum(
            prices[move] for prices, move in zip(self.slots, moves, strict=True)
        )


def tables(
    space: DesignSpace,
    quantities: Sequence[Quantity],
    res: int | None = None,
    drawn: int = DRAWN,
    batch: int = 1,
) -> tuple[Table, ...]:
    """A table of each quantity, for a batch of images of this side.

    Every move is read off the ledger of a design that makes it, and the sums for `drawn` random
    designs are compared with their ledgers. Raises BadInput for a quantity that is no sum over the
    parts of a network, and NotSeparable where what a move costs depends on the moves at other
    slots.
    """
    for quantity in quantities:
        if not quantity.additive:
            raise BadInput(
                f"{quantity.name} is not a sum over the parts of a network, so that a design space "
                "has no table of it; ask for another quantity, such as macs or params"
            )
    reader = _Reader(space, quantities)
    for design in covering(space):
        reader.read(design, space.ledger(design, res, batch))
    found = reader.tables()
    rng = Random(0)
    for _ in range(drawn):
        design = space.random(rng)
        ledger = space.ledger(design, res, batch)
        for quantity, table in zip(quantities, found, strict=True):
            _compare(table, quantity, design, int(quantity.read(ledger)))
    return found


def _compare(table: Table, quantity: Quantity, design: Design, counted: int) -> None:
    summed = table.cost(design)
    if summed != counted:
        raise NotSeparable(
            f"{table.space.name} does not separate: its design '{table.space.text(design)}' has "
            f"{counted:,} {quantity.noun}, and the sum over its slots is {summed:,}"
        )


def covering(space: DesignSpace) -> Iterator[Design]:
    """Few designs that make every move of the space which a design can make.

    Each is the design with the most moves that the ones before it do not make.
    """
    unread = {(n, move) for n, slot in enumerate(space.slots) for move in slot.moves}
    while True:
        gain, design = _richest(space, unread)
        if not gain:
            return
        yield design
        unread -= set(enumerate(space.moves(design)))


def _richest(space: DesignSpace, unread: set[tuple[int, Move]]) -> tuple[int, Design]:
    """The design that makes the most of these moves, and how many it makes."""
    best: dict[State, tuple[int, Design]] = {FREE: (0, ())}
    for n, slot in enumerate(space.slots):
        here: dict[State, tuple[int, Design]] = {}
        for move in slot.moves:
            if move.before in best:
                gain, design = best[move.before]
                gain += (n, move) in unread
                if move.after not in here or here[move.after][0] < gain:
                    here[move.after] = gain, (*design, move.option)
        best = here
    return max(best.values(), key=lambda each: each[0])


class _Reader:
    """Collects the prices of moves from ledgers."""

    def __init__(self, space: DesignSpace, quantities: Sequence[Quantity]) -> None:
        self._space, self._quantities = space, quantities
        self._fixed: list[int] | None = None
        self._slots: list[dict[Move, list[int]]] = [{} for _ in space.slots]
        self._places = {slot.name: n for n, slot in enumerate(space.slots)}

    def read(self, design: Design, ledger: Ledger) -> None:
        """Take the prices of the moves that a design makes. Raises BadInput where one was read
        before and was another."""
        found = [quantity.by(ledger.rows, self._part) for quantity in self._quantities]
        shared = self._counts(found, None)
        if self._fixed not in (None, shared):
            raise self._refusal("what all designs share", design)
        self._fixed = shared
        for n, move in enumerate(self._space.moves(design)):
            counts = self._counts(found, n)
            if self._slots[n].setdefault(move, counts) != counts:
                raise self._refusal(f"{move.option} at {self._space.slots[n].name}", design)

    def _refusal(self, what: str, design: Design) -> NotSeparable:
        return NotSeparable(
            f"{self._space.name} does not separate: the cost of {what} depends on the other "
            f"choices, as in the design '{self._space.text(design)}'"
        )

    def _part(self, row: Operator) -> int | None:
        return self._slot(row.path)

    def _slot(self, path: str) -> int | None:
        """The slot whose name is a part of the path, from a dot to a dot; None where there is
        none."""
        words = path.split(".")
        for first in range(len(words)):
            for last in range(len(words), first, -1):
                place = self._places.get(".".join(words[first:last]))
                if place is not None:
                    return place
        return None

    def _counts(self, found: Sequence[Parts], part: int | None) -> list[int]:
        """What a part costs in each quantity; nothing where it has no rows."""
        counts = []
        for quantity, parts in zip(self._quantities, found, strict=True):
            reading = parts.get(part)
            if reading is not None and not reading.complete:
                raise BadInput(
                    f"{self._space.name} has operators of unknown cost, so that its "
                    f"{quantity.noun} are not known"
                )
            counts.append(0 if reading is None else int(reading))
        return counts

    def tables(self) -> tuple[Table, ...]:
        """A table of each quantity."""
        assert self._fixed is not None
        return tuple(
            Table(
                self._space,
                fixed,
                tuple({move: counts[n] for move, counts in slot.items()} for slot in self._slots),
            )
            for n, fixed in enumerate(self._fixed)
        )
