"""What a design space is made of: slots in order, and at each of them the moves that can be made.

A design makes one move at every slot. A move picks an option, such as kernel 5 with expansion 6,
and may change the state in which the next slot begins: a stage that has ended takes no further
blocks, and a stage of some width hands that width on. Where nothing needs to be remembered, the
state is FREE.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import comb
from typing import NamedTuple, TypeAlias

from flopscope.errors import BadInput

State: TypeAlias = Hashable
"""What a slot must know of the slots before it."""

Design: TypeAlias = tuple[str, ...]
"""The option that is picked at each slot, in order."""

FREE: State = ""
"""The state in which nothing is remembered. Every design begins in it."""

NONE = "-"
"""The option of a block that is left out."""


class Move(NamedTuple):
    """An option that can be picked in a state, and the state after it.

    `ways` is the number of ways in which the authors of a space write the same move down, such as
    the settings that they store for a block that is left out.
    """

    before: State
    option: str
    after: State
    ways: int = 1


@dataclass(frozen=True)
class Slot:
    """A place where a choice is made.

    `name` is the path of its rows, or a part of it that no other slot has: 'stage1.block2'.
    Raises BadInput where there is no move, where two moves of one state pick one option, and for
    `ways` below 1.
    """

    name: str
    moves: tuple[Move, ...]

    def __post_init__(self) -> None:
        picked = [(move.before, move.option) for move in self.moves]
        if not picked:
            raise BadInput(f"slot {self.name} has no moves; give it at least one option")
        if len(set(picked)) < len(picked):
            raise BadInput(f"slot {self.name} has two moves for one option in one state")
        if any(move.ways < 1 for move in self.moves):
            raise BadInput(f"slot {self.name} has a move with fewer ways than 1")

    @property
    def stage(self) -> str:
        """The first part of its name."""
        return self.name.partition(".")[0]

    @property
    def options(self) -> tuple[str, ...]:
        """Its options, each once, in the order of the moves."""
        return tuple(dict.fromkeys(move.option for move in self.moves))

    def move(self, before: State, option: str) -> Move | None:
        """The move that picks this option in this state; None where there is none."""
        for move in self.moves:
            if move.before == before and move.option == option:
                return move
        return None


def independent(name: str, options: Iterable[str]) -> Slot:
    """A slot whose options can always be picked.

    >>> independent("stage1.block1", ["k3", "k5"]).options
    ('k3', 'k5')
    """
    return Slot(name, tuple(Move(FREE, option, FREE) for option in options))


def blocks_of_stage(
    stage: str,
    options: Sequence[str],
    least: int,
    most: int,
    ways: Callable[[int], int] = lambda blocks: 1,
    *,
    each: str = "block",
    none: str = NONE,
) -> tuple[Slot, ...]:
    """The slots of a stage that has from `least` to `most` blocks: a slot for each, with the option
    `none` for those that are left out, after which no further block comes.

    `ways` is the number of ways in which a stage of so many blocks is written down, for fewer than
    `most`. Domain: 1 ≤ least ≤ most.

    >>> [len(slot.moves) for slot in blocks_of_stage("stage1", ["k3", "k5"], 1, 3)]
    [2, 3, 4]
    """
    ended = f"{stage} has ended"
    slots = []
    for number in range(1, most + 1):
        moves = [Move(FREE, option, FREE) for option in options]
        after = FREE if number == most else ended
        if number > least:
            moves.append(Move(FREE, none, after, ways(number - 1)))
        if number > least + 1:
            moves.append(Move(ended, none, after))
        slots.append(Slot(f"{stage}.{each}{number}", tuple(moves)))
    return tuple(slots)


def placed(least: int, most: int) -> Callable[[int], int]:
    """The ways to write a stage down in which each block behind the first `least` may be nothing:
    the places that its blocks can have.

    >>> placed(1, 4)(2)
    3
    """
    return lambda blocks: comb(most - least, blocks - least)
