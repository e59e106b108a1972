"""A ledger in parts: its module tree, or a flat table of layers, kinds of operator or stages.

Parts add up: each operator is in one part of a flat table and in one leaf of the tree, and each
parameter is counted at one operator only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from flopscope import readings
from flopscope.answers.operators import module_of, operators_text, short_text
from flopscope.conventions import Convention
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import Kind, Operator
from flopscope.ledger import Ledger, Level
from flopscope.readings import Reading
from flopscope.sizes import Shape, elements


class Counted(NamedTuple):
    """An operator, and the same with those stored tensors only that are counted at it."""

    row: Operator
    storing: Operator


@dataclass(frozen=True)
class Part:
    """Some operators of a network: a module with all below it, or a group.

    `path` is the module's path or the group's name, `name` what a tree shows of it at its `depth`.
    """

    path: str
    name: str
    operators: Sequence[Counted]
    depth: int = 0
    leaf: bool = True

    @property
    def rows(self) -> tuple[Operator, ...]:
        """Its operators in order of execution."""
        return tuple(counted.row for counted in self.operators)

    @property
    def operator(self) -> str:
        """Its operators in short."""
        return operators_text(self.rows)

    @property
    def output(self) -> Shape | None:
        """Output of the operator that runs last, forward where it does both."""
        ran = [row for row in self.rows if row.kind is not Kind.STORED]
        ran = [row for row in ran if not row.backward] or ran
        return ran[-1].output if ran else None

    def params(self) -> Reading:
        """Learnable parameters that are counted here."""
        return readings.params([counted.storing for counted in self.operators])

    def count(self, convention: str) -> Reading:
        """Work under a named convention."""
        return readings.flops(self.rows, convention)

    def activations(self) -> Reading:
        """Output elements of convolution, linear and matmul."""
        return readings.activations(self.rows)


MODULE = "module"
BY: Mapping[str, Level | None] = {
    MODULE: None,
    "layer": Level.LAYER,
    "operator": Level.KIND,
    "kind": Level.KIND,
    "stage": Level.STAGE,
    "block": Level.BLOCK,
}
"""What a profile can be split by; by module it is a tree."""

SORTS: Mapping[str, Callable[[Part, Convention], Reading]] = {
    "params": lambda part, _: part.params(),
    "macs": lambda part, _: part.count("macs"),
    "count": lambda part, convention: part.count(convention.name),
    "activations": lambda part, _: part.activations(),
}
"""What parts can be sorted by; `count` is that of the table's convention."""


@dataclass(frozen=True)
class View:
    """How a profile is laid out: the convention, the split, the tree's depth and the order.

    A tree is ordered at every level. Raises UnknownName for a split or order that does not exist,
    BadInput for a depth that is no integer from 0, or a depth of a flat table.
    """

    convention: Convention
    by: str = MODULE
    depth: int | None = None
    sort: str | None = None

    def __post_init__(self) -> None:
        if self.by not in BY:
            raise UnknownName("level", self.by, BY)
        if self.sort is not None and self.sort not in SORTS:
            raise UnknownName("order", self.sort, SORTS)
        if self.depth is not None and (type(self.depth) is not int or self.depth < 0):
            raise BadInput(f"depth {self.depth} is not an integer from 0; give one such as 2")
        if self.depth is not None and self.flat:
            raise BadInput(
                f"depth {self.depth} folds the module tree, and by {self.by} there is none; "
                "leave depth out, or split by module"
            )

    @property
    def flat(self) -> bool:
        """Is it a table of parts that do not hold each other?"""
        return self.by != MODULE

    @property
    def level(self) -> Level | None:
        """What a flat table groups by; None for the tree."""
        return BY[self.by]

    def sorted(self, found: Iterable[Part]) -> list[Part]:
        """The parts largest first, equal ones as they came; as they came without an order."""
        if self.sort is None:
            return list(found)
        read = SORTS[self.sort]
        return sorted(found, key=lambda p: int(read(p, self.convention)), reverse=True)


def parts(ledger: Ledger, view: View) -> list[Part]:
    """The parts of a ledger in this view, in order of execution or sorted, largest first."""
    counted = _counted(ledger.rows)
    if view.level is None:
        return list(_below(counted, (), view))
    return view.sorted(_grouped(counted, view.level))


def operators(ledger: Ledger) -> list[Part]:
    """Every operator as a part of its own, in order of execution."""
    return [Part(c.row.path, module_of(c.row), [c]) for c in _counted(ledger.rows)]


def whole(ledger: Ledger) -> Part:
    """All operators as one part."""
    return Part("", "total", _counted(ledger.rows), leaf=False)


def shared_parameters(ledger: Ledger) -> list[str]:
    """Names of the parameters that several modules read."""
    readers: dict[str, set[str]] = {}
    for row in ledger.rows:
        for weight in row.weights if row.kind is not Kind.STORED else ():
            if weight.learnt:
                readers.setdefault(weight.key, set()).add(module_of(row))
    return [name for name, modules in readers.items() if len(modules) > 1]


def _grouped(counted: Iterable[Counted], level: Level) -> list[Part]:
    groups: dict[str, list[Counted]] = {}
    for one in counted:
        key = level.key(one.row._replace(path=module_of(one.row)))
        groups.setdefault(key, []).append(one)
    leaf = level is Level.LAYER
    return [Part(key, key, group, leaf=leaf) for key, group in groups.items()]


def _below(counted: Sequence[Counted], above: tuple[str, ...], view: View) -> Iterator[Part]:
    """What is straight below a module, each followed by what is below it.

    That is its children, and a line for each kind of operator that it runs itself. A module that
    runs one kind and has no children is described by its own line.
    """
    level = len(above)
    if level == view.depth:
        return
    groups: dict[tuple[str, str], list[Counted]] = {}
    for one in counted:
        names = module_of(one.row).split(".")
        child = names[level] if len(names) > level else ""
        groups.setdefault((child, "" if child else short_text(one.row)), []).append(one)
    if level and len(groups) == 1 and ("", short_text(counted[0].row)) in groups:
        return
    children = [
        Part(".".join((*above, child) if child else above), child, group, level)
        for (child, _), group in groups.items()
    ]
    for part in view.sorted(children):
        below = list(_below(part.operators, (*above, part.name), view)) if part.name else []
        yield replace(part, leaf=not below)
        yield from below


def _counted(rows: Iterable[Operator]) -> list[Counted]:
    """Each stored tensor at the first operator that reads it whole."""
    rows = tuple(rows)
    sizes = {weight.key: elements(weight.shape) for row in rows for weight in row.weights}
    counted = []
    for row in rows:
        here = tuple(w for w in row.weights if sizes.get(w.key) == elements(w.shape))
        counted.append(Counted(row, row._replace(weights=here)))
        for weight in here:
            sizes.pop(weight.key, None)
    return counted
