"""A ledger in parts: a tree of modules, or a flat table of layers, kinds of operator or stages.

Parts add up: each operator is in one part of a flat table and in one leaf of the tree, and each
parameter is counted at one operator only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from flopscope.answers.operators import module_of, operators_text, short_text
from flopscope.facts import Kind, Operator
from flopscope.ledger import Ledger, Level
from flopscope.quantities import Quantity
from flopscope.readings import Reading
from flopscope.sizes import Shape, elements, maximum


class CountedRow(NamedTuple):
    """An operator, and the same operator with only those stored tensors that count at it."""

    row: Operator
    storing: Operator


@dataclass(frozen=True)
class Part:
    """Some operators of a network: a module with all below it, or a group.

    `path` is the module's path or the group's name. `name` is what a tree shows of it at its
    `depth`.
    """

    path: str
    name: str
    operators: Sequence[CountedRow]
    depth: int = 0
    leaf: bool = True

    @property
    def rows(self) -> tuple[Operator, ...]:
        """The operators of the part, in order of execution."""
        return tuple(counted.row for counted in self.operators)

    @property
    def operator(self) -> str:
        """A short text for its operators."""
        return operators_text(self.rows)

    @property
    def ran(self) -> list[Operator]:
        """The operators that run; of a part that runs both passes, those of the forward pass."""
        ran = [row for row in self.rows if row.kind is not Kind.STORED]
        return [row for row in ran if not row.backward] or ran

    @property
    def output(self) -> Shape | None:
        """The output of the operator that runs last."""
        ran = self.ran
        return ran[-1].output if ran else None

    def read(self, quantity: Quantity) -> Reading:
        """Its amount of a quantity. Each stored tensor counts at one operator."""
        if quantity.stored:
            return quantity.of([counted.storing for counted in self.operators])
        return quantity.of(self.rows)


Read: TypeAlias = Callable[[Part], Reading]
"""How much each part of one network has of a quantity."""


def reads(quantity: Quantity, rows: Sequence[Operator]) -> Read:
    """How much the parts of a network with these rows have of a quantity. Of one that does not add
    up, it is the most of the whole network that there is while an operator of the part runs."""
    if quantity.additive:
        return lambda part: part.read(quantity)
    whole, steps = quantity.of(rows), quantity.during(rows)
    amounts = {row.id: step for row, step in zip(rows, steps, strict=True)}
    return lambda part: replace(whole, value=maximum(0, *(amounts[r.id] for r in part.rows)))


Order: TypeAlias = Callable[[list[Part]], list[Part]]
"""How parts of the same depth are ordered."""


def ordered_by(quantity: Quantity | None, *, largest_first: bool = True) -> Order:
    """The order from the largest amount of a quantity to the smallest, or the other way. Equal
    parts keep their order, and so do all parts where no quantity is given."""

    def ordered(parts: list[Part]) -> list[Part]:
        if quantity is None:
            return parts
        return sorted(parts, key=lambda part: int(part.read(quantity)), reverse=largest_first)

    return ordered


def tree(ledger: Ledger, depth: int | None = None, order: Order = list) -> list[Part]:
    """The modules of a network, each followed by those below it, down to the given depth."""
    return list(_below(counted_rows(ledger.rows), (), depth, order))


def groups(ledger: Ledger, level: Level, order: Order = list) -> list[Part]:
    """The layers, stages, blocks or kinds of operators of a network, as parts."""
    return order(_grouped(counted_rows(ledger.rows), level))


def operators(ledger: Ledger) -> list[Part]:
    """Every operator as a part of its own, in order of execution."""
    return [Part(c.row.path, module_of(c.row), [c]) for c in counted_rows(ledger.rows)]


def whole(ledger: Ledger) -> Part:
    """All operators as one part."""
    return Part("", "total", counted_rows(ledger.rows), leaf=False)


def shared_parameters(ledger: Ledger) -> list[str]:
    """Names of the parameters that several modules read."""
    readers: dict[str, set[str]] = {}
    for row in ledger.rows:
        for weight in row.weights if row.kind is not Kind.STORED else ():
            if weight.learnt:
                readers.setdefault(weight.key, set()).add(module_of(row))
    return [name for name, modules in readers.items() if len(modules) > 1]


def _grouped(counted: Iterable[CountedRow], level: Level) -> list[Part]:
    split: dict[str, list[CountedRow]] = {}
    for one in counted:
        key = level.key(one.row._replace(path=module_of(one.row)))
        split.setdefault(key, []).append(one)
    leaf = level is Level.LAYER
    return [Part(key, key, group, leaf=leaf) for key, group in split.items()]


def _below(
    counted: Sequence[CountedRow], above: tuple[str, ...], depth: int | None, order: Order
) -> Iterator[Part]:
    """The parts directly below a module, each followed by what is below it.

    These are its children, and a line for each kind of operator that it runs itself. A module that
    runs one kind and has no children has no lines below its own.
    """
    level = len(above)
    if level == depth:
        return
    split: dict[tuple[str, str], list[CountedRow]] = {}
    for one in counted:
        names = module_of(one.row).split(".")
        child = names[level] if len(names) > level else ""
        split.setdefault((child, "" if child else short_text(one.row)), []).append(one)
    if level and len(split) == 1 and ("", short_text(counted[0].row)) in split:
        return
    children = [
        Part(".".join((*above, child) if child else above), child, group, level)
        for (child, _), group in split.items()
    ]
    for part in order(children):
        inner = (*above, part.name)
        below = list(_below(part.operators, inner, depth, order)) if part.name else []
        yield replace(part, leaf=not below)
        yield from below


def counted_rows(rows: Iterable[Operator]) -> list[CountedRow]:
    """Count each stored tensor at the first operator that reads all of it."""
    rows = tuple(rows)
    sizes = {weight.key: elements(weight.shape) for row in rows for weight in row.weights}
    counted = []
    for row in rows:
        here = tuple(w for w in row.weights if sizes.get(w.key) == elements(w.shape))
        counted.append(CountedRow(row, row._replace(weights=here)))
        for weight in here:
            sizes.pop(weight.key, None)
    return counted
