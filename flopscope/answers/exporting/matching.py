"""Rows of a module and of the graphs made of it, side by side, whatever order the graphs are in."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeAlias

from flopscope.answers.alignment import aligned
from flopscope.answers.diff import Pair, pair_of
from flopscope.answers.parts import CountedRow, counted_rows
from flopscope.ledger import Ledger

Key: TypeAlias = Callable[[CountedRow], Hashable]


def matched(before: Ledger, after: Ledger, *, exported: bool) -> tuple[Pair, ...]:
    """The rows of two stages of one network, each with the row that it became, in the order of the
    later one.

    A runtime may run branches in another order, so rows are first matched by kind and name, where
    both stages have equally many. The exporter adds an operator's name to that of its module, which
    is left out if the later stage is `exported`. All other rows are matched in order, as `diff`
    does.
    """
    ours, theirs = counted_rows(before.rows), counted_rows(after.rows)
    found = dict(_by_name(ours, theirs, _named, _of_node if exported else _named))
    partners = set(found.values())
    rest = [i for i in range(len(ours)) if i not in partners]
    others = [j for j in range(len(theirs)) if j not in found]
    gone = []
    for i, j in aligned([ours[i] for i in rest], [theirs[j] for j in others]):
        if i is not None and j is not None:
            found[others[j]] = rest[i]
        elif i is not None:
            gone.append(rest[i])
    return tuple(_in_order(ours, theirs, found, gone))


def _by_name(
    ours: Sequence[CountedRow], theirs: Sequence[CountedRow], first: Key, second: Key
) -> Iterator[tuple[int, int]]:
    """The places in the second network of rows that stand in the first under the same key, with the
    places there."""
    before, after = _grouped(ours, first), _grouped(theirs, second)
    for key, places in after.items():
        if len(places) == len(before.get(key, ())):
            yield from zip(places, before[key], strict=True)


def _grouped(rows: Sequence[CountedRow], key: Key) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = {}
    for place, row in enumerate(rows):
        found.setdefault(key(row), []).append(place)
    return found


FUSION = re.compile(r"(\.\w+Fusion)+$")
"""What ONNX Runtime adds to the name of a node that it has fused."""


def _named(counted: CountedRow) -> Hashable:
    return counted.row.kind, FUSION.sub("", counted.row.path)


def _of_node(counted: CountedRow) -> Hashable:
    return counted.row.kind, counted.row.path.rpartition(".")[0]


def _in_order(
    ours: Sequence[CountedRow],
    theirs: Sequence[CountedRow],
    found: dict[int, int],
    gone: Sequence[int],
) -> Iterator[Pair]:
    """The pairs, and each row that is gone where it stood: after the row before it."""
    left = sorted(gone)
    for place, row in enumerate(theirs):
        partner = found.get(place)
        while left and partner is not None and left[0] < partner:
            yield Pair(ours[left.pop(0)], None)
        yield pair_of(None if partner is None else ours[partner], row)
    yield from (Pair(ours[place], None) for place in left)
