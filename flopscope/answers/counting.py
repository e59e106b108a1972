"""Counts of a network at many designs, exact at each of them, from as few ledgers as possible.

A ledger in symbols holds for every design in its domain; designs outside take ledgers of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from flopscope.answers.ranges import Range, Value, grid, grid_size
from flopscope.answers.spaces.space import Part, Space
from flopscope.closedform import Formula
from flopscope.domain import Condition
from flopscope.errors import BadInput, FlopscopeError, Overflow
from flopscope.quantities import Quantity
from flopscope.sizes import widened

Columns: TypeAlias = Mapping[str, NDArray[Any]]
"""The values of each free size, one for each design."""
Flags: TypeAlias = NDArray[np.bool_]
Tell: TypeAlias = Callable[[int, int], None]
"""What is told how many designs of how many are counted."""

MOST_PARTS = 600
"""The most ledgers that are made for one answer. One takes from a hundredth of a second to a few
seconds."""


MOST_DESIGNS = 10**6
"""The most designs of one answer."""


@dataclass(frozen=True)
class Counted:
    """The designs of a grid and their counts by quantity: integers of any size.

    `there` says which designs exist, `bounds` which counts are lower bounds, because the cost of an
    operator is unknown. `parts` is how many ledgers were made; `refused` says of the first design
    that does not exist why. `expected` says how choices were taken that depend on data.
    """

    columns: Columns
    counts: Mapping[Quantity, NDArray[np.object_]]
    there: Flags
    bounds: Flags
    parts: int
    refused: str = ""
    expected: tuple[str, ...] = ()

    def design(self, index: int) -> dict[str, Value]:
        """The free sizes of one design."""
        return {name: column[index].item() for name, column in self.columns.items()}


def columns_of(ranges: Sequence[Range]) -> Columns:
    """The designs of a grid, the last size going fastest. Raises BadInput for more than
    MOST_DESIGNS."""
    if (size := grid_size(ranges)) > MOST_DESIGNS:
        free = ", ".join(f"{each.name} ({len(each.values):,})" for each in ranges)
        raise BadInput(
            f"{size:,} designs are too many, of {free}; give shorter ranges or larger steps, for "
            f"at most {MOST_DESIGNS:,}"
        )
    rows = list(zip(*grid(ranges), strict=True))
    kinds = [np.int64 if each.whole else np.float64 for each in ranges]
    return {
        each.name: np.array(row, dtype=kind)
        for each, row, kind in zip(ranges, rows, kinds, strict=True)
    }


def count(
    space: Space, columns: Columns, quantities: Sequence[Quantity], tell: Tell = lambda _, __: None
) -> Counted:
    """Count every design. Raises BadInput where none exists, and where too many need a ledger of
    their own."""
    counting = _Counting(space, columns, quantities)
    with space.open():
        while counting.waiting.any():
            counting.go_on()
            tell(int((~counting.waiting).sum()), counting.waiting.size)
    if not counting.there.any():
        raise BadInput(f"{space.name} has no design in this range; {counting.refused}")
    return Counted(
        columns, counting.counts, counting.there, counting.bounds, counting.parts,
        counting.refused, tuple(counting.expected),
    )  # fmt: skip


class _Counting:
    """The counts so far; `waiting` are the designs that are not counted yet."""

    def __init__(self, space: Space, columns: Columns, quantities: Sequence[Quantity]) -> None:
        self.space, self.columns, self.quantities = space, columns, quantities
        number = next(iter(columns.values())).size
        self.waiting = np.ones(number, dtype=bool)
        self.there, self.bounds = np.zeros(number, dtype=bool), np.zeros(number, dtype=bool)
        self.counts = {q: np.zeros(number, dtype=object) for q in quantities}
        self.parts, self.tries, self.refused = 0, 0, ""
        self.expected: dict[str, None] = {}

    def go_on(self) -> None:
        """Count the designs of one more ledger, which holds at a design in the middle of those that
        wait: the ends of a range are more often outside a domain."""
        indices = np.flatnonzero(self.waiting)
        chosen = int(indices[indices.size // 2])
        self._check_number()
        own = indices == chosen
        try:
            part = self.space.part(self._design(chosen))
            held, broken = _holding(part, self._at(indices), indices.size)
            if not (self.space.complete or held[own].all()):
                part, held = self.space.at_numbers(self._design(chosen)), own
        except FlopscopeError as error:
            self._refuse(indices[own], str(error))
            return
        self.parts += 1
        self._take(part, indices[held])
        if self.space.complete:
            self._refuse(indices[~held], f"{broken} does not hold")

    def _design(self, index: int) -> dict[str, Value]:
        return {name: column[index].item() for name, column in self.columns.items()}

    def _check_number(self) -> None:
        self.tries += 1
        if self.tries > MOST_PARTS:
            if not self.parts:
                raise BadInput(f"{self.space.name} has no design that can be had; {self.refused}")
            free = ", ".join(self.columns)
            raise BadInput(
                f"more than {MOST_PARTS} of these {self.waiting.size:,} designs of "
                f"{self.space.name} take a trace of their own; give shorter ranges or larger "
                f"steps for {free}"
            )

    def _at(self, indices: NDArray[Any]) -> dict[str, Any]:
        return {name: column[indices] for name, column in self.columns.items()}

    def _refuse(self, indices: NDArray[Any], why: str) -> None:
        """These designs do not exist."""
        if indices.size:
            first = ", ".join(f"{n} {v:g}" for n, v in self._design(int(indices[0])).items())
            self.refused = self.refused or f"at {first}: {why}"
            self.waiting[indices] = False

    def _take(self, part: Part, indices: NDArray[Any]) -> None:
        """Read the quantities of these designs from the ledger."""
        at = self._at(indices)
        for quantity in self.quantities:
            reading = quantity.read(part.ledger)
            self.counts[quantity][indices] = tabulated(reading.formula, at)
            self.bounds[indices] |= not reading.complete
        self.there[indices] = True
        self.waiting[indices] = False
        self.expected |= dict.fromkeys(part.expected)


def _holding(part: Part, at: Columns, number: int) -> tuple[Flags, Condition | None]:
    """The designs at which a part holds, and the first condition that is broken somewhere."""
    held, first = np.ones(number, dtype=bool), None
    for name, value in part.numbers.items():
        held &= at[name] == value
    wide = {name: widened(column) for name, column in at.items()}
    for condition in part.ledger.conditions:
        kept = ~np.broadcast_to(np.asarray(condition.at(wide).breaks(), dtype=bool), number)
        if first is None and not kept.all():
            first = condition
        held &= kept
    return held, first


def at(formula: Formula, sizes: Mapping[str, Any]) -> Any:
    """The formula's value at sizes that are known to be in its domain.

    >>> from flopscope.symbolic import symbol
    >>> at(Formula(9 * symbol("H"), "MACs"), {"H": 2, "width": 1.0})
    18
    """
    return formula.compiled(**{s.name: sizes[s.name] for s in formula.symbols})


def tabulated(formula: Formula, sizes: Mapping[str, Any]) -> Any:
    """The same for arrays of sizes, where counts beyond 64 bits are Python's integers."""
    try:
        return at(formula, sizes)
    except Overflow:
        own = {s.name: sizes[s.name] for s in formula.symbols}
        rows = zip(*(array.tolist() for array in np.broadcast_arrays(*own.values())), strict=True)
        counts = [at(formula, dict(zip(own, row, strict=True))) for row in rows]
        return np.array(counts, dtype=object)
