"""Tables of costs, read off the ledgers of designs and verified on others.

Rows are grouped by block, the first two parts of their paths. Which slots a group depends on is
found by changing one slot at a time in random designs, among which each option occurs; the group is
then counted for all options of these slots together. A cost that such tables do not add up to is
refused. In spaces of more than 256 designs this is tried on 64 random ones, and so it is no proof.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from random import Random
from typing import Any, TypeAlias

import numpy as np

from flopscope.brief import shown
from flopscope.differentiable.tables import CostTable, Term
from flopscope.errors import BadInput, check_name
from flopscope.ledger import Ledger, Level
from flopscope.quantities import QUANTITIES, Quantity

Choices: TypeAlias = dict[str, Any]
LedgerOf: TypeAlias = Callable[[Choices], Ledger]
Options: TypeAlias = Mapping[str, Sequence[Any]]

BASES, VERIFIED = 12, 64
"""Random designs in which slots are changed, at the least, and on which tables are verified."""
ALL = 256
"""A space of at most so many designs is verified on each of them."""
MOST = 20_000
"""The most designs that a group of rows is counted for."""


def cost_table(
    ledger_of: LedgerOf, options: Options, quantity: str = "macs", *, seed: int = 0
) -> CostTable:
    """The costs of all designs, from ledgers of some of them.

    `ledger_of` takes an option for each slot. Raises BadInput for slots without options, for a
    quantity that does not add up over rows, where rows depend on too many choices at once, and
    where a design's cost is not the sum of its terms.

    >>> from flopscope.analytic.digitnet import OPTIONS, digitnet_ledger
    >>> table = cost_table(lambda choices: digitnet_ledger(choices, 28), OPTIONS)
    >>> [term.slots for term in table.terms[:3]]
    [(), ('op1', 'width1'), ('width1', 'op2', 'width2')]
    """
    _check_options(options)
    known = {slot: _options(slot, values) for slot, values in options.items()}
    reader = _Reader(ledger_of, known, _quantity(quantity), Random(seed))
    return reader.read()


def _check_options(options: Any) -> None:
    if not isinstance(options, Mapping) or not options:
        raise BadInput(
            f"options are {shown(options)}; give the options of each slot, as in "
            "{'width': [0.5, 1.0]}"
        )


def _options(slot: str, values: Any) -> tuple[Any, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray) or not len(values):
        raise BadInput(
            f"the options of {slot} are {shown(values)}; give a list of at least one option"
        )
    found = tuple(values.tolist() if isinstance(values, np.ndarray) else values)
    if not all(isinstance(each, Hashable) for each in found):
        raise BadInput(
            f"the options of {slot} are {shown(list(found))}; an option is a number, a text or a "
            "tuple of them"
        )
    if len(set(found)) < len(found):
        raise BadInput(f"the options of {slot} are {shown(list(found))}; give each of them once")
    return found


def _quantity(name: str) -> Quantity:
    check_name("quantity", name, QUANTITIES)
    found = QUANTITIES[name]
    if not found.additive:
        raise BadInput(
            f"{name} does not add up over the parts of a network, so it has no table of costs; "
            "macs, params and activations have"
        )
    return found


class _Reader:
    """Reads groups of rows off ledgers; each design is counted once."""

    def __init__(
        self,
        ledger_of: LedgerOf,
        options: Mapping[str, tuple[Any, ...]],
        quantity: Quantity,
        random: Random,
    ) -> None:
        self._ledger_of, self._options = ledger_of, options
        self._quantity, self._random = quantity, random
        self._counted: dict[tuple[Any, ...], dict[str, int]] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}

    def read(self) -> CostTable:
        base, needs = self._needs()
        tables: dict[tuple[str, ...], np.ndarray[Any, Any]] = {}
        for part, slots in needs.items():
            found = self._table(part, slots, base)
            tables[slots] = tables[slots] + found if slots in tables else found
        order = list(self._options)
        terms = sorted(tables.items(), key=lambda item: [order.index(slot) for slot in item[0]])
        stored = sum(prod(shape) for shape in self._shapes.values())
        named = self._quantity
        table = CostTable(
            self._options,
            tuple(Term(*term) for term in terms),
            named.name,
            named.unit or named.noun,
            stored,
            self._ledger_of,
        )
        self._verify(table)
        return table

    def _needs(self) -> tuple[Choices, dict[str, tuple[str, ...]]]:
        """A design, and the slots that each group of rows depends on."""
        needs: dict[str, set[str]] = {}
        for base in self._bases():
            before = self._parts(base)
            for slot, option in self._single():
                after = self._parts(base | {slot: option})
                for part in before.keys() | after.keys():
                    changed = before.get(part, 0) != after.get(part, 0)
                    needs.setdefault(part, set()).update([slot] if changed else [])
        ordered = {part: tuple(s for s in self._options if s in n) for part, n in needs.items()}
        return base, ordered

    def _bases(self) -> list[Choices]:
        """Random designs among which every option of a slot occurs about equally often."""
        count = max(BASES, *map(len, self._options.values()))
        columns = {}
        for slot, options in self._options.items():
            columns[slot] = [options[place % len(options)] for place in range(count)]
            self._random.shuffle(columns[slot])
        return [{slot: column[n] for slot, column in columns.items()} for n in range(count)]

    def _single(self) -> Iterator[tuple[str, Any]]:
        return ((slot, each) for slot, options in self._options.items() for each in options)

    def _drawn(self) -> Choices:
        return {slot: self._random.choice(options) for slot, options in self._options.items()}

    def _table(self, part: str, slots: tuple[str, ...], base: Choices) -> np.ndarray[Any, Any]:
        sizes = [len(self._options[slot]) for slot in slots]
        if prod(sizes) > MOST:
            raise BadInput(
                f"{part} depends on {', '.join(slots)} at once, which is {prod(sizes):,} designs, "
                f"and at most {MOST:,} are counted; give these slots fewer options, or the rows of "
                "each choice a path of their own"
            )
        costs = [
            self._parts(base | dict(zip(slots, picked, strict=True))).get(part, 0)
            for picked in product(*(self._options[slot] for slot in slots))
        ]
        return np.array(costs, dtype=np.int64).reshape(sizes)

    def _parts(self, choices: Choices) -> dict[str, int]:
        """The cost of each group of rows of a design."""
        key = tuple(choices.values())
        if key not in self._counted:
            ledger = self._ledger_of(choices)
            if not isinstance(ledger, Ledger):
                raise BadInput(
                    f"the function gives {shown(ledger)} for {shown(choices)}; let it return a "
                    "ledger, as fs.analyze and fs.trace do"
                )
            self._remember(ledger)
            groups = ledger.group_by(Level.BLOCK)
            read = {part: self._quantity.of(rows.rows).value for part, rows in groups.items()}
            self._counted[key] = {part: int(value) for part, value in read.items()}
        return self._counted[key]

    def _remember(self, ledger: Ledger) -> None:
        """The largest shape of each tensor so far, axis by axis."""
        for row in ledger:
            for weight in row.weights:
                if weight.learnt:
                    before = self._shapes.get(weight.key, weight.shape)
                    self._shapes[weight.key] = tuple(map(max, before, weight.shape))

    def _verified(self, designs: int) -> Iterator[Choices]:
        if designs > ALL:
            yield from (self._drawn() for _ in range(VERIFIED))
            return
        for picked in product(*self._options.values()):
            yield dict(zip(self._options, picked, strict=True))

    def _verify(self, table: CostTable) -> None:
        for choices in self._verified(table.designs):
            read = int(self._quantity.read(self._ledger_of(choices)).value)
            if read != table.of(choices):
                raise BadInput(
                    f"the design {shown(choices)} costs {read:,} {table.unit}, and its parts "
                    f"{table.of(choices):,}: this space does not separate into terms, so that it "
                    "has no expected cost in closed form"
                )
