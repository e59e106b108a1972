"""The exact distribution of a cost over all designs of a space.

Slots are merged one after the other, each state on its own: a dynamic programme over sums. It needs
the slots' tables and no list of designs. Large spaces are met in the middle (`halves.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, reduce
from math import gcd
from operator import or_
from typing import Any

import numpy as np

from flopscope.designspaces import store
from flopscope.designspaces.halves import MOST_TAILS, Halves, SparseLevel, Tails, heads
from flopscope.designspaces.lattice import Counted, Numbers, Pool, Step, block_sums, merged, one
from flopscope.designspaces.slots import FREE, State
from flopscope.designspaces.sparse import Dense
from flopscope.designspaces.stagesums import StageSums
from flopscope.designspaces.tables import Table
from flopscope.errors import BadInput

Tell = Callable[[int, int], None]
"""Hears how many of how many slots are done."""

Level = Mapping[State, Numbers]
"""The designs of some slots by the state after them, on the lattice of those slots."""

MOST_BYTES = 8 * 10**9
"""So much memory a distribution may take."""

KEPT = 1 << 18
"""Smaller arrays are computed faster than they are read."""

DIVIDED = 1 << 20
"""Lattices of more positions are met in the middle, where that can be."""


class Distribution:
    """How many designs of a table's space have each cost.

    With `encodings`, a design counts as often as its authors write it down. `tell` hears of the
    slots as they are merged.
    """

    def __init__(
        self, table: Table, encodings: bool = False, tell: Tell = lambda done, of: None
    ) -> None:
        self.table, self.encodings, self.tell = table, encodings, tell
        self.written = 0  # bytes, in the folder for caches
        self._least = [min(prices.values()) for prices in table.slots]
        spans = [max(prices.values()) - min(prices.values()) for prices in table.slots]
        dearer = [
            price - least
            for prices, least in zip(table.slots, self._least, strict=True)
            for price in prices.values()
        ]
        self.step = gcd(*dearer) or 1
        self.sizes = [1 + sum(spans[:n]) // self.step for n in range(len(spans) + 1)]

    @property
    def base(self) -> int:
        """The cost at position 0."""
        return self.table.fixed + sum(self._least)

    def shift(self, slot: int, price: int) -> int:
        """The positions by which a price of a slot moves a design."""
        return (price - self._least[slot]) // self.step

    # --- what is computed, or was kept ---

    @cached_property
    def counted(self) -> Counted | Halves:
        """The designs at each cost. Raises BadInput where that takes too much memory."""
        return self._merged() if self.halves is None else self.halves

    @cached_property
    def halves(self) -> Halves | None:
        """The same by heads and tails; None for a small lattice, and where there is no place in the
        middle. Raises BadInput where that takes too much memory."""
        if self.sizes[-1] <= DIVIDED or not (stage := len(self.heads) - 1):
            return None
        rest = self.table.space.paths(int(self.encodings))[self.sums.ends[stage - 1]]
        if max(rest.values()) >= MOST_TAILS:
            return None
        self._check_memory(self.sizes[-1] - self.sizes[self.sums.ends[stage - 1]] + 1)
        heads = self.heads[stage]
        dense = self._kept_tails(list(heads))
        return Halves(self.base, self.step, self.sizes[-1], heads, dense)

    @cached_property
    def sums(self) -> StageSums:
        """The sums of its stages."""
        return StageSums(self)

    @cached_property
    def heads(self) -> list[SparseLevel]:
        """The designs before and after each of its first stages."""
        return heads(self.sums)

    @cached_property
    def tails(self) -> Tails:
        """The designs of its last stages."""
        return Tails(self, self.sums)

    def _kept_tails(self, states: list[State]) -> dict[State, Dense]:
        """The tails at each position of their lattice, as they were kept or computed now."""
        names = {state: self._name("tails", place) for place, state in enumerate(states)}
        found = {state: store.whole(name) for state, name in names.items()}
        kept = {state: numbers[0] for state, numbers in found.items() if numbers is not None}
        if len(kept) == len(names):
            return kept
        dense = self.tails.dense(len(self.heads) - 1)
        for state, name in names.items():
            if state in dense and dense[state].size >= KEPT:
                self.written += store.keep(name, dense[state][np.newaxis], {})
        return {state: dense[state] for state in names if state in dense}

    @cached_property
    def distinct(self) -> int:
        """The number of costs that a design has: a bit for each position."""
        level = {FREE: 1}
        for slot, prices in enumerate(self.table.slots):
            further: dict[State, int] = {}
            for move, price in prices.items():
                if move.before in level:
                    shifted = level[move.before] << self.shift(slot, price)
                    further[move.after] = further.get(move.after, 0) | shifted
            level = further
        return reduce(or_, level.values()).bit_count()

    def _merged(self) -> Counted:
        name = self._name("all")
        if (found := store.load(name)) is not None:
            blocks = tuple(map(int, found.facts["blocks"]))
            return Counted(self.base, self.step, found.size, blocks, self._checked(name, found))
        slots = self.table.space.slots
        states = max(len({move.after for move in slot.moves}) for slot in slots)
        self._check_memory(self.sizes[-1] * (states + 1))
        last = list(self._last().values())
        numbers = last[0]
        if len(last) > 1:
            numbers = merged([Step(each, 0, 1) for each in last], self.sizes[-1])
        sums = [str(each) for each in block_sums(numbers)]
        if numbers.size >= KEPT:
            self.written += store.keep(name, numbers, {"blocks": sums})
        return Counted.of(self.base, self.step, numbers)

    def _checked(self, name: str, found: store.Stored) -> Callable[[int], Numbers]:
        """The blocks of a file. Where one is damaged, the file goes and all is computed anew."""
        fresh: list[Counted] = []

        def source(block: int) -> Numbers:
            if not fresh:
                try:
                    return found.block(block)
                except store.Damaged:
                    store.drop(name)
                    fresh.append(Distribution(self.table, self.encodings, self.tell)._merged())
            return fresh[0].source(block)

        return source

    def _last(self) -> Level:
        """The designs of all slots, by the state after them."""
        level: Level = {FREE: one()}
        pool = Pool(self.sizes[-1])
        for slot in range(len(self.table.slots)):
            further = self._further(slot, level, pool)
            for numbers in level.values():
                pool.give(numbers)
            level = further
            self.tell(slot + 1, len(self.table.slots))
        return level

    def levels(self, after: list[int]) -> dict[int, Level]:
        """The levels after these numbers of slots, kept for the next time."""
        found: dict[int, Level] = {0: {FREE: one()}}
        done = 0
        for slots in sorted(after):
            level = self._kept(slots)
            if level is None:
                level = found[done]
                for slot in range(done, slots):
                    level = self._further(slot, level)
                    self.tell(slot + 1, len(self.table.slots))
                self._keep(slots, level)
            found[slots] = level
            done = slots
        return found

    def _further(self, slot: int, level: Level, pool: Pool | None = None) -> Level:
        """The designs with one more slot."""
        steps: dict[State, list[Step]] = {}
        for move, price in self.table.slots[slot].items():
            if move.before in level:
                times = move.ways if self.encodings else 1
                step = Step(level[move.before], self.shift(slot, price), times)
                steps.setdefault(move.after, []).append(step)
        size = self.sizes[slot + 1]
        return {state: merged(each, size, pool) for state, each in steps.items()}

    def _states(self, slots: int) -> list[State]:
        """The states that can be after so many slots, in the order of the moves."""
        return list(dict.fromkeys(move.after for move in self.table.space.slots[slots - 1].moves))

    def _kept(self, slots: int) -> Level | None:
        level: dict[State, Numbers] = {}
        for place, state in enumerate(self._states(slots)):
            found = store.load(self._name(slots, place))
            if found is None:
                return None
            try:
                level[state] = found.whole()
            except store.Damaged:
                store.drop(self._name(slots, place))
                return None
        return level

    def _keep(self, slots: int, level: Level) -> None:
        if self.sizes[slots] >= KEPT:
            for place, state in enumerate(self._states(slots)):
                if state in level:
                    self.written += store.keep(self._name(slots, place), level[state], {})

    def _name(self, *part: Any) -> str:
        """The name of a part of it in the cache: what it is computed from is all in the table."""
        prices = [
            [[repr(move), price] for move, price in slot.items()] for slot in self.table.slots
        ]
        return store.key([self.table.fixed, prices, self.encodings, *part])

    def _check_memory(self, numbers: int) -> None:
        needed = 8 * numbers
        if needed > MOST_BYTES:
            raise BadInput(
                f"the costs of {self.table.space.name} are multiples of {self.step:,} here, and "
                f"their exact distribution would take {needed / 10**9:.1f} GB of memory, more than "
                f"{MOST_BYTES / 10**9:.0f} GB; choose a smaller --res, or a multiple of 32"
            )
