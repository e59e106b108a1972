"""How a profile is laid out: its split, depth, order and convention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flopscope.answers.parts import Part, groups, ordered_by, tree
from flopscope.brief import short
from flopscope.conventions import CONVENTIONS, Convention
from flopscope.errors import BadInput, UnknownName
from flopscope.ledger import Ledger, Level
from flopscope.present.columns import Rows, check_untimed, checked_columns, share_of
from flopscope.quantities import ALIASES, MACS, Place, Quantity, askable, columns, keys

MODULE = "module"
BY: Mapping[str, Level | None] = {
    MODULE: None,
    "layer": Level.LAYER,
    "operator": Level.KIND,
    "kind": Level.KIND,
    "stage": Level.STAGE,
    "block": Level.BLOCK,
}
"""What a profile can be split by. A split by module is a tree."""


@dataclass(frozen=True)
class View:
    """How a profile is laid out: the convention, the split, the tree's depth, the order, and the
    columns where others than the usual ones are asked for, by the names of `present.columns`. An
    order by macs begins with the largest, one by +macs with the smallest.

    A tree is ordered at every level. Raises UnknownName for an unknown split, order or column,
    BadInput for a depth that is not an integer from 0, for a depth with a flat table, and for a
    column that is given twice.
    """

    convention: Convention
    by: str = MODULE
    depth: int | None = None
    sort: str | None = None
    columns: Sequence[str] = ()

    def __repr__(self) -> str:
        return short(self, f"by {self.by}, convention {self.convention.name}")

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", checked_columns(self.columns, Rows.PARTS))
        if self.by not in BY:
            raise UnknownName("level", self.by, BY)
        check_untimed(self.sorted_by or "")
        if self.sort is not None and self.sorted_by not in orders(self.convention):
            raise UnknownName("order", self.sorted_by or "", orders(self.convention))
        if self.depth is not None and (type(self.depth) is not int or self.depth < 0):
            raise BadInput(f"depth {self.depth} is not an integer from 0; give one such as 2")
        if self.depth is not None and self.flat:
            raise BadInput(
                f"depth {self.depth} folds the module tree, and a table by {self.by} has no tree; "
                "leave depth out, or split by module"
            )

    @property
    def flat(self) -> bool:
        """Is it a table of parts none of which contains another?"""
        return self.by != MODULE

    @property
    def level(self) -> Level | None:
        """The level by which a flat table groups; None for the tree."""
        return BY[self.by]

    @property
    def order(self) -> Quantity | None:
        """The quantity by which parts are ordered; None if they keep the order in which they
        run."""
        return None if self.sorted_by is None else orders(self.convention)[self.sorted_by]

    @property
    def sorted_by(self) -> str | None:
        """Its name, without the plus that puts the smallest first."""
        return None if self.sort is None else self.sort.strip().removeprefix("+")

    @property
    def work(self) -> Quantity:
        """The work, counted under its convention."""
        return MACS.under(self.convention)

    @property
    def asked(self) -> dict[str, Quantity]:
        """The quantities that the asked columns have, and those whose shares they have, by name."""
        known = askable(self.convention)
        names = (share_of(name) or name for name in self.columns)
        return {name: known[name] for name in names if name in known}

    @property
    def conventions(self) -> list[Convention]:
        """The conventions under which the columns count."""
        if not self.columns:
            return [self.convention]
        names = dict.fromkeys(row.convention for row in self.asked.values() if row.convention)
        return [CONVENTIONS[name] for name in names]

    @property
    def quantities(self) -> list[Quantity]:
        """The quantities beside each part: those that are asked for, or else the usual ones and the
        one by which the parts are ordered."""
        if self.columns:
            return [self.asked[name] for name in self.columns if name in self.asked]
        usual = columns(Place.PARTS, self.convention)
        named = {row.name for row in usual}
        return usual + [row for row in (self.order,) if row is not None and row.name not in named]

    @property
    def keys(self) -> list[Quantity]:
        """The same for JSON, which always has the usual ones."""
        found = keys(Place.PARTS, self.convention)
        for row in (*filter(None, (self.order,)), *self.asked.values()):
            found += [row] if row.key not in {each.key for each in found} else []
        return found

    def parts(self, ledger: Ledger) -> list[Part]:
        """The parts of a ledger, in order of execution or largest first."""
        order = ordered_by(self.order, largest_first=self.sort == self.sorted_by)
        if self.level is None:
            return tree(ledger, self.depth, order)
        return groups(ledger, self.level, order)


def orders(convention: Convention) -> dict[str, Quantity]:
    """The quantities by which parts can be ordered: those that add up over the parts of a
    network."""
    found = {name: row for name, row in askable(convention).items() if row.additive}
    return found | {alias: found[name] for alias, name in ALIASES.items()}
