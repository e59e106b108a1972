"""Two networks matched row by row: what was added, removed and changed, and what each costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from flopscope.answers.alignment import aligned, facts
from flopscope.answers.changes import SIZES, Change, changes
from flopscope.answers.compare import Entry, of_counted
from flopscope.answers.counted import Given, counted, made
from flopscope.answers.operators import module_of
from flopscope.answers.parts import CountedRow, counted_rows
from flopscope.answers.target import parse_target
from flopscope.catalog.variant import check_size
from flopscope.conventions import Convention, convention
from flopscope.errors import UnknownName
from flopscope.facts import InputSpec, Kind
from flopscope.ledger import Ledger, Level
from flopscope.quantities import Place, Quantity, columns
from flopscope.readings import Reading

if TYPE_CHECKING:
    from torch import nn

MODULE = "module"
BY: Mapping[str, Level | None] = {MODULE: None, **{level.value: level for level in Level}}
"""What differences can be summed by. A module is what holds a layer."""


class Verdict(Enum):
    """What became of a row."""

    SAME = "same"
    RENAMED = "renamed"
    CHANGED = "changed"
    MOVED = "moved"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True)
class Pair:
    """A row of the first network and the row of the second that it became. None stands for a row
    that one of them does not have. `moved` rows stand at another place in the order."""

    before: CountedRow | None
    after: CountedRow | None
    moved: bool = False
    changes: tuple[Change, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What became of the row."""
        if self.before is None or self.after is None:
            return Verdict.ADDED if self.before is None else Verdict.REMOVED
        if self.moved:
            return Verdict.MOVED
        if self.changes:
            return Verdict.CHANGED
        return Verdict.SAME if self.former is None else Verdict.RENAMED

    @property
    def path(self) -> str:
        """Its name in the second network, or in the first if the second does not have it."""
        return self.sides[-1].row.path

    @property
    def former(self) -> str | None:
        """Its name in the first network, where the second has another one for it."""
        first, last = self.sides[0].row.path, self.sides[-1].row.path
        return None if first == last else first

    @property
    def sides(self) -> list[CountedRow]:
        """The row in each network that has it."""
        return [row for row in (self.before, self.after) if row is not None]

    @property
    def follows(self) -> bool:
        """Did only sizes change, as rows before it changed?"""
        return self.verdict is Verdict.CHANGED and all(c.what in SIZES for c in self.changes)

    def difference(self, quantity: Quantity) -> int | None:
        """How much more the second network has of a quantity here; None where a cost is unknown."""
        if self.before and self.after and not self.changes:
            return 0  # of whatever cost, known or not: it is the same
        return _less(_read(self.after, quantity), _read(self.before, quantity))


def _read(counted: CountedRow | None, quantity: Quantity) -> Reading | None:
    if counted is None:
        return None
    return quantity.of((counted.storing if quantity.stored else counted.row,))


def _less(after: Reading | None, before: Reading | None) -> int | None:
    """The difference of two readings, of which an absent one is 0; None if either is a lower
    bound."""
    present = [reading for reading in (after, before) if reading is not None]
    if not all(reading.complete for reading in present):
        return None
    return (int(after) if after else 0) - (int(before) if before else 0)


@dataclass(frozen=True)
class Diff:
    """Two networks and their rows side by side, in the order of the second one."""

    before: Entry
    after: Entry
    pairs: tuple[Pair, ...]
    convention: Convention
    by: str | None = None

    @property
    def verdicts(self) -> Counter[Verdict]:
        """How many rows there are of each verdict."""
        return Counter(pair.verdict for pair in self.pairs)

    @property
    def same(self) -> bool:
        """Are the networks the same, row by row, whatever their rows are called?"""
        return set(self.verdicts) <= {Verdict.SAME, Verdict.RENAMED}

    @property
    def quantities(self) -> list[Quantity]:
        """What each difference is told in: the quantities of parts, which add up."""
        return columns(Place.PARTS, self.convention)

    def costs_nothing(self, pair: Pair) -> bool:
        """Is the pair without a difference in any of the quantities?"""
        return all(pair.difference(quantity) == 0 for quantity in self.quantities)

    def total(self, quantity: Quantity) -> int | None:
        """How much more the second network has, which is the sum over its pairs; None if a pair has
        no difference that is known."""
        return added(pair.difference(quantity) for pair in self.pairs)

    def groups(self) -> dict[str, list[Pair]]:
        """The pairs by module, layer, block, stage or kind. A row whose kind changed is removed
        from one group and added to another."""
        pairs = self.pairs
        if self.by == Level.KIND.value:
            pairs = tuple(one for pair in pairs for one in _of_one_kind(pair))
        found: dict[str, list[Pair]] = {}
        for pair in pairs:
            found.setdefault(_key(pair, self.by or MODULE), []).append(pair)
        return found


def added(differences: Iterable[int | None]) -> int | None:
    """The sum; None if a summand is unknown."""
    total = 0
    for difference in differences:
        if difference is None:
            return None
        total += difference
    return total


def _key(pair: Pair, by: str) -> str:
    row = pair.sides[-1].row
    layer = module_of(row)
    level = BY[by]
    if level is None:
        return layer.rpartition(".")[0] or layer
    return level.key(row._replace(path=layer))


def _of_one_kind(pair: Pair) -> list[Pair]:
    keys = {Level.KIND.key(side.row) for side in pair.sides}
    if len(keys) < 2:
        return [pair]
    return [Pair(pair.before, None), Pair(None, pair.after)]


def diff(
    before: str | nn.Module,
    after: str | nn.Module,
    *,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    inputs: Sequence[str | InputSpec] = (),
    pairs: Sequence[str] = (),
    example: Mapping[str, int] | None = None,
    convention_name: str = "macs",
    by: str | None = None,
) -> Diff:
    """Match the rows of two networks of any kind, each at its own input unless one is given.

    `by` sums the differences over modules, layers, blocks, stages or kinds. Raises BadInput or
    UnknownName for a target, size, convention or level that does not exist.

    >>> found = diff("mobilenetv2", "mobilenetv2:width=1.4", res=224)
    >>> [found.total(quantity) for quantity in found.quantities][:2]
    [2603904, 281421552]
    """
    if by is not None and by not in BY:
        raise UnknownName("level", by, BY)
    check_size("batch", batch, "such as 1")
    counting = convention(convention_name)
    given = Given(res, batch, tuple(inputs), tuple(pairs), example or {})
    targets = made([parse_target(before), parse_target(after)], given)
    first, second = (of_counted(counted(target, given)) for target in targets)
    return Diff(first, second, matched(first.ledger, second.ledger), counting, by)


def matched(before: Ledger, after: Ledger) -> tuple[Pair, ...]:
    """The rows of two networks, each with the row that it became."""
    ours, theirs = counted_rows(before.rows), counted_rows(after.rows)
    found = [
        pair_of(None if i is None else ours[i], None if j is None else theirs[j])
        for i, j in aligned(ours, theirs)
    ]
    return tuple(_with_moved(found))


def pair_of(before: CountedRow | None, after: CountedRow | None) -> Pair:
    """A row and the row that it became, with what changed; None for a row that one lacks."""
    if before is None or after is None or facts(before) == facts(after):
        return Pair(before, after)
    return Pair(before, after, changes=changes(before, after))


def _with_moved(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs, where a row that was removed at one place and added at another is one row that
    moved: its name stands for one row in both networks, and its kind is the same."""
    names = Counter(pair.path for pair in pairs)
    gone = {pair.path: pair for pair in pairs if pair.after is None and names[pair.path] == 2}
    moved = {}
    for pair in pairs:
        first = gone.get(pair.path)
        if pair.before is None and first is not None and _kind(first) is _kind(pair):
            moved[pair.path] = replace(pair_of(first.before, pair.after), moved=True)
    return [
        moved.get(pair.path, pair)
        for pair in pairs
        if not (pair.after is None and pair.path in moved)
    ]


def _kind(pair: Pair) -> Kind:
    return pair.sides[0].row.kind
