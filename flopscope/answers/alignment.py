"""Two ordered ledgers, row beside row: which operator of one network is which of the other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from flopscope.answers.parts import CountedRow
from flopscope.facts import Kind
from flopscope.ledger import kind_name

if TYPE_CHECKING:
    import numpy as np

Matched: TypeAlias = tuple[int | None, int | None]
"""The places of a row in both ledgers; None where one of them has no such row."""

UNORDERED = frozenset({Kind.ADD, Kind.MULTIPLY})
"""Kinds whose result does not depend on the order of their inputs."""


def facts(counted: CountedRow) -> Hashable:
    """All that a count depends on, and nothing else: neither names nor numbers of rows. Rows of the
    same facts cost the same."""
    row, storing = counted
    inputs = tuple(zip(row.inputs, row.input_types, strict=True))
    return (
        row.kind, row.function, row.window, row.groups, row.repeat, row.backward,
        tuple(sorted(inputs, key=str)) if row.kind in UNORDERED else inputs,
        row.output, row.output_type,
        tuple(weight._replace(key="") for weight in row.weights),
        tuple(weight.shape for weight in storing.weights),
        tuple((buffer.shape, buffer.element) for buffer in row.buffers),
    )  # fmt: skip


TRAITS: Mapping[str, Callable[[CountedRow], Hashable]] = {
    "kind": lambda counted: counted.row.kind,
    "facts": facts,
    "path": lambda counted: counted.row.path,
    "name": lambda counted: kind_name(counted.row),
    "window": lambda counted: counted.row.window,
    "weight": lambda counted: counted.row.weights[0].shape if counted.row.weights else None,
    "output": lambda counted: counted.row.output,
}
"""What rows are compared by."""

EQUAL, EQUAL_WITHOUT_WEIGHTS, IN_PLACE, BY_NAME, BY_OPERATOR = 10, 6, 2, 7, 1
"""How alike two rows of one kind are: of the same facts, and at the same path besides; of the same
path; or of the same name of an operator, and so much again for each of the other traits.

Layers that are equal under other names count for more than other layers under the same names, so
that a block that is put in is one difference. An activation that was exchanged counts for more
than an equal one elsewhere, so that it is a change.
"""


def aligned(before: Sequence[CountedRow], after: Sequence[CountedRow]) -> list[Matched]:
    """The rows of both networks in order, so matched that they are as alike as can be.

    Only rows of one kind match, and only if they have the same path or the same name of an
    operator. Of all matchings that keep the order of both, it is one of the greatest likeness.

    >>> from flopscope.answers.parts import counted_rows
    >>> from flopscope.catalog.variant import parse
    >>> rows = counted_rows(parse("mobilenetv1").ledger((224, 224)).rows)
    >>> aligned(rows[:4], rows[1:4])
    [(0, None), (1, 0), (2, 1), (3, 2)]
    """
    best = _best(before, after)
    found: list[Matched] = []
    i, j = len(before), len(after)
    while i and j:
        if best[i, j] == best[i, j - 1]:
            j -= 1
            found.append((None, j))
        elif best[i, j] == best[i - 1, j]:
            i -= 1
            found.append((i, None))
        else:
            i, j = i - 1, j - 1
            found.append((i, j))
    found += [(None, place) for place in reversed(range(j))]
    found += [(place, None) for place in reversed(range(i))]
    return found[::-1]


def _best(before: Sequence[CountedRow], after: Sequence[CountedRow]) -> np.ndarray[Any, Any]:
    """The greatest likeness of the first i rows of one with the first j of the other, at [i, j]."""
    import numpy as np

    ours, theirs = _numbered(before, after)
    best = np.zeros((len(before) + 1, len(after) + 1), np.int32)
    for i, row in enumerate(before):
        same = {trait: theirs[trait] == ours[trait][i] for trait in TRAITS}
        beside = np.maximum(best[i, 1:], best[i, :-1] + _likeness(row, same))
        best[i + 1, 1:] = np.maximum.accumulate(beside)
    return best


def _likeness(row: CountedRow, same: Mapping[str, Any]) -> Any:
    """How alike a row is to each row of the other network, of which it has the same traits."""
    import numpy as np

    equal = EQUAL if row.row.weights else EQUAL_WITHOUT_WEIGHTS
    similar = BY_OPERATOR * (1 + same["window"] + same["weight"] + same["output"])
    alike = np.where(same["path"], BY_NAME, same["name"] * similar)
    return same["kind"] * np.where(same["facts"], equal + IN_PLACE * same["path"], alike)


def _numbered(*ledgers: Sequence[CountedRow]) -> list[dict[str, np.ndarray[Any, Any]]]:
    """The traits of each ledger's rows, where equal ones have one number."""
    import numpy as np

    numbers: dict[str, dict[Hashable, int]] = {trait: {} for trait in TRAITS}

    def number(trait: str, row: CountedRow) -> int:
        return numbers[trait].setdefault(TRAITS[trait](row), len(numbers[trait]))

    return [
        {trait: np.array([number(trait, row) for row in rows], np.int32) for trait in TRAITS}
        for rows in ledgers
    ]
