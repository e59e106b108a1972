"""From the rows of a ledger to the units that a runtime executes: pure, and without torch.

A unit is one launch: a row, and what the runtime does to its output on the way. The rules of
joining are read from the table of runtimes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from flopscope.facts import Kind, Movement, Operator
from flopscope.sizes import Shape, Size, any_of, is_symbolic
from flopscope.timing.blocked import with_reorders
from flopscope.timing.categories import PRODUCT_KINDS, Category, category
from flopscope.timing.runtimes import Runtime


class Unit(NamedTuple):
    """The rows that run as one, in order, and the category of what they do first of all."""

    rows: tuple[Operator, ...]
    category: Category

    @property
    def head(self) -> Operator:
        """The row that gives the unit its category and its name."""
        return next((row for row in self.rows if category(row) is self.category), self.rows[0])


def units(rows: Sequence[Operator], runtime: Runtime) -> list[Unit]:
    """The units in which a runtime executes these rows, in the order in which they begin.

    A row joins its producer's unit where the runtime's table lets its kind join, the producer is
    the last row of the unit and has no other reader, both have the same shape, and nothing else
    that the row reads is made later.

    >>> from flopscope.facts import Function
    >>> from flopscope.timing.runtimes import RUNTIMES
    >>> conv = Operator(Kind.LINEAR, "fc", ((1, 9),), (1, 4), reads=(-1,), id=0)
    >>> relu = Operator(
    ...     Kind.ACTIVATION, "act", ((1, 4),), (1, 4), function=Function.RELU, reads=(0,), id=1
    ... )
    >>> [len(units([conv, relu], RUNTIMES[name])) for name in ("eager", "ort")]
    [2, 1]
    """
    rows = [row for row in rows if row.kind is not Kind.STORED]
    if runtime.drops_dead:
        rows = without_dead(rows)
    if runtime.dropped:
        rows = without_moves(rows, runtime.dropped)
    if runtime.block:
        rows = with_reorders(rows, runtime.block)
    return _Fusing(rows, runtime).units()


_ID, _READS = attrgetter("id"), attrgetter("reads")


def without_dead(rows: Sequence[Operator]) -> list[Operator]:
    """The rows without those that lead to nothing.

    The last row is a result. So is another one that nothing reads if products lead to it and to no
    other result, as in networks with several results; anything else that nothing reads is left
    over, and a compiler drops it.

    >>> sign = Operator(Kind.ELEMENTWISE, "sign", ((1, 9),), (1, 9), reads=(-1,), id=0)
    >>> [row.id for row in without_dead([sign, sign._replace(id=1), sign._replace(id=2)])]
    [2]
    >>> head = Operator(Kind.LINEAR, "head", ((1, 9),), (1, 4), reads=(-1,), id=0)
    >>> [row.id for row in without_dead([head, sign._replace(id=1), head._replace(id=2)])]
    [0, 2]
    """
    if {*map(_ID, rows[:-1])} <= {*chain.from_iterable(map(_READS, rows))}:
        return list(rows)  # the common case
    read = {*chain.from_iterable(map(_READS, rows))}
    kept: set[int] = set()
    for end in reversed([row for row in rows if row.id not in read]):
        leading = _leading_to(end.id, rows, kept)
        if end is rows[-1] or any(row.kind in PRODUCT_KINDS for row in leading):
            kept.update(map(_ID, leading))
    return [row for row in rows if row.id in kept]


def _leading_to(result: int, rows: Sequence[Operator], but: Container[int]) -> list[Operator]:
    """The rows of which a result is made, without some that are known."""
    needed, found = {result}, []
    for row in reversed(rows):
        if row.id in needed and row.id not in but:
            found.append(row)
            needed.update(row.reads)
    return found


def without_moves(rows: Sequence[Operator], dropped: frozenset[Movement]) -> list[Operator]:
    """The rows without these movements; what read one of them reads its input.

    >>> conv = Operator(Kind.LINEAR, "fc", ((1, 9),), (1, 9), reads=(-1,), id=0)
    >>> copy = conv._replace(kind=Kind.MOVE, function=Movement.COPY, reads=(0,), id=1)
    >>> found = without_moves([conv, copy, conv._replace(reads=(1,), id=2)], {Movement.COPY})
    >>> [(row.id, row.reads) for row in found]
    [(0, (-1,)), (2, (0,))]
    """
    source: dict[int, int] = {}
    kept = []
    for row in rows:
        if not source.keys().isdisjoint(row.reads):
            row = row._replace(reads=tuple(source.get(tensor, tensor) for tensor in row.reads))
        if row.kind is Kind.MOVE and row.function in dropped:
            source[row.id] = row.reads[0]
        else:
            kept.append(row)
    return kept


class _Fusing:
    """The units as they grow, row by row."""

    def __init__(self, rows: Sequence[Operator], runtime: Runtime) -> None:
        self._rows = rows
        self._runtime = runtime
        self._by_id = {row.id: row for row in rows}
        reads = [row.reads if len(row.reads) < 2 else {*row.reads} for row in rows]
        self._readers = Counter(chain.from_iterable(reads))
        self._groups: list[list[Operator]] = []
        self._products: set[int] = set()  # the units that multiply
        self._may = runtime.joined | runtime.chained
        moves = any(row.kind is Kind.MOVE for row in rows)
        self._take = runtime.pads | runtime.permutes if moves else frozenset()
        self._owner: dict[int, int] = {}

    def units(self) -> list[Unit]:
        groups, owner, products = self._groups, self._owner, self._products
        joining = self._may | self._take | {Kind.MATMUL}
        for row in self._rows:
            if row.kind in joining:
                self._place(row)
                continue
            place = owner[row.id] = len(groups)
            groups.append([row])
            if row.kind in PRODUCT_KINDS:
                products.add(place)
        of = self._category_of
        return [Unit(tuple(group), of(group)) for group in self._groups if group]

    def _category_of(self, group: Sequence[Operator]) -> Category:
        """The category of a unit, in which the runtime says what is indexed."""
        first = group[0]
        if first.kind is Kind.MOVE and first.function in self._runtime.indexed:
            return Category.INDEXED
        return category(first) if len(group) == 1 else _category(group)

    def _is_indexed(self, row: Operator) -> bool:
        return row.kind is Kind.MOVE and row.function in self._runtime.indexed

    def _place(self, row: Operator) -> None:
        place = None
        if row.kind in self._may:
            place = self._joined(row)
        elif row.kind is Kind.MATMUL and self._runtime.attention:
            place = self._attention(row)
        if place is None:
            place = len(self._groups)
            self._groups.append(self._taken(row) if row.kind in self._take else [])
        if row.kind in PRODUCT_KINDS:
            self._products.add(place)
        self._groups[place].append(row)
        self._owner[row.id] = place

    def _taken(self, row: Operator) -> list[Operator]:
        """The paddings and permutations that become part of the row, taken out of their units."""
        taken = []
        for tensor in dict.fromkeys(row.reads):
            moved = self._by_id.get(tensor)
            if moved is not None and self._takes(row, moved):
                self._groups[self._owner[tensor]].clear()
                self._owner[tensor] = len(self._groups)
                taken.append(moved)
        return taken

    def _takes(self, row: Operator, moved: Operator) -> bool:
        """Does the kernel of the row do this movement while it reads?"""
        if moved.kind is not Kind.MOVE or self._readers[moved.id] != 1:
            return False
        if moved.function is Movement.PAD:
            able = self._runtime.pads
        elif moved.function is Movement.PERMUTE:
            able = self._runtime.permutes
        else:
            return False
        return row.kind in able and len(self._groups[self._owner[moved.id]]) == 1

    def _joined(self, row: Operator) -> int | None:
        """The unit that the row joins: that of its input which is made last."""
        owner, reads = self._owner, row.reads
        if len(reads) == 1:
            place = owner.get(reads[0])
        else:
            place = max([owner[each] for each in reads if each in owner], default=None)
        return place if place is not None and self._may_join(row, place) else None

    def _may_join(self, row: Operator, place: int) -> bool:
        last, runtime = self._groups[place][-1], self._runtime
        if last.id not in row.reads or not _same(row.repeat, last.repeat):
            return False
        if place in self._products:
            alone = self._readers[last.id] == 1
            return alone and self._applies(row, place) and _fits(row.output, last.output)
        if row.kind not in runtime.chained or last.kind not in runtime.chained:
            return False
        if self._is_indexed(row) or self._is_indexed(last):
            return False
        return _fits(row.inputs[row.reads.index(last.id)], last.output)

    def _applies(self, row: Operator, place: int) -> bool:
        """Does the product of this unit apply the row to its own output?"""
        runtime = self._runtime
        if row.kind not in runtime.joined:
            return False
        if row.kind is Kind.ACTIVATION:
            return runtime.functions is None or row.function in runtime.functions
        if row.weights or row.kind in runtime.folded or runtime.adding is None:
            return True
        adds = any(each.kind in runtime.adding for each in self._groups[place])
        return row.kind is Kind.ADD and adds

    def _attention(self, row: Operator) -> int | None:
        """The unit of the first product of an attention whose second product the row is; its map,
        which is read by the softmax and by this row alone, is never written."""
        if not row.reads:
            return None
        chain = self._before(row.reads[0])
        if not any(r.kind is Kind.SOFTMAX for r in chain) or chain[0].kind is not Kind.MATMUL:
            return None
        place = self._owner[chain[0].id]
        for joined in chain:
            self._groups[self._owner[joined.id]].remove(joined)
        self._groups[place] = chain
        self._owner.update((joined.id, place) for joined in chain)
        return place

    def _before(self, tensor: int) -> list[Operator]:
        """The rows from a product to this tensor, each of which the next one alone reads."""
        chain: list[Operator] = []
        while (row := self._by_id.get(tensor)) is not None and self._readers[tensor] == 1:
            chain.append(row)
            if row.kind is Kind.MATMUL:
                return chain[::-1]
            if category(row) not in (Category.SOFTMAX, Category.ELEMENTWISE) or not row.reads:
                break
            # a bias is added to the map: the map is what was made last
            tensor = max(row.reads)
        return chain[::-1] or [_NONE]


_NONE = Operator(Kind.OTHER, "", (), ())


def _category(group: Sequence[Operator]) -> Category:
    """The category of the product in a unit or, without one, of its first row that does more than
    move data, if it has one."""
    for row in group:
        if row.kind in PRODUCT_KINDS:
            return category(row)
    found = map(category, group)
    return next((each for each in found if each is not Category.MOVE), Category.MOVE)


def _same(a: Size, b: Size) -> bool:
    return a is b or not any_of(a != b)


def _equal(a: Shape, b: Shape) -> bool:
    return len(a) == len(b) and all(map(_same, a, b))


def _fits(a: Shape, b: Shape) -> bool:
    """Have both shapes the same number of elements? A view between them moves nothing."""
    if a is b or _equal(a, b):
        return True
    from flopscope.sizes import elements

    difference = elements(a) != elements(b)
    return not (is_symbolic(difference) or any_of(difference))
