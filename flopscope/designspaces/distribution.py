"""The exact distribution of a cost over all designs of a space.

Slots are merged one after the other, each state on its own: a dynamic programme over sums. It needs
the slots' tables and no list of designs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from math import gcd
from typing import Any

from flopscope.designspaces import store
from flopscope.designspaces.lattice import Counted, Numbers, Pool, Step, block_sums, merged, one
from flopscope.designspaces.slots import FREE, State
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


class Distribution:
    """How many designs of a table's space have each cost.

    With `encodings`, a design counts as often as its authors write it down. `tell` hears of the
    slots as they are merged.
    """

    def __init__(
        self, table: Table, encodings: bool = False, tell: Tell = lambda done, of: None
    ) -> None:
        self.table, self.encodings, self._tell = table, encodings, tell
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
    def counted(self) -> Counted:
        """The designs at each cost. Raises BadInput where that takes too much memory."""
        name = self._name("all")
        if (found := store.load(name)) is not None:
            blocks = tuple(map(int, found.facts["blocks"]))
            return Counted(self.base, self.step, found.size, blocks, self._checked(name, found))
        self._check_memory()
        last = list(self._last().values())
        numbers = last[0]
        if len(last) > 1:
            numbers = merged([Step(each, 0, 1) for each in last], self.sizes[-1])
        sums = [str(each) for each in block_sums(numbers)]
        if numbers.size >= KEPT:
            store.keep(name, numbers, {"blocks": sums})
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
                    fresh.append(Distribution(self.table, self.encodings, self._tell).counted)
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
            self._tell(slot + 1, len(self.table.slots))
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
                    self._tell(slot + 1, len(self.table.slots))
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
                    store.keep(self._name(slots, place), level[state], {})

    def _name(self, *part: Any) -> str:
        """The name of a part of it in the cache: what it is computed from is all in the table."""
        prices = [
            [[repr(move), price] for move, price in slot.items()] for slot in self.table.slots
        ]
        return store.key([self.table.fixed, prices, self.encodings, *part])

    def _check_memory(self) -> None:
        slots = self.table.space.slots
        states = max(len({move.after for move in slot.moves}) for slot in slots)
        needed = 8 * self.sizes[-1] * (states + 1)
        if needed > MOST_BYTES:
            raise BadInput(
                f"the costs of {self.table.space.name} are multiples of {self.step:,} here, and "
                f"their exact distribution would take {needed / 10**9:.1f} GB of memory, more than "
                f"{MOST_BYTES / 10**9:.0f} GB; choose another --res, such as a multiple of 32"
            )
