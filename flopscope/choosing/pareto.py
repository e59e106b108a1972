"""Non-dominated points, over any number of criteria.

A point dominates another if it is at least as good in every criterion and better in one. So equal
points do not dominate each other: duplicates are all on the frontier, or none of them is. A point
that equals another in one criterion and is worse in the rest is dominated. Only the order of values
matters, not their scale, and integers are compared as integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flopscope.errors import BadInput

Flags = NDArray[np.bool_]
SENSES = ("min", "max")
PAIRS = 1 << 22
"""The number of pairs of points that `dominators` compares at once."""
FEW = 1000
"""The number of points that are sorted at once."""


def frontier(criteria: Sequence[Any], senses: Sequence[str]) -> Flags:
    """Which of n points no other point dominates, as n booleans.

    `criteria` has a sequence of n numbers for each criterion, `senses` says for each whether "min"
    or "max" is better. Time grows as n·log n for one, two and three criteria, with another log n
    for each more; memory as n. Raises BadInput for no criterion, unequal lengths, another sense, or
    what is not a number.

    >>> frontier([[300, 569, 600, 300], [72.0, 70.6, 73.0, 72.0]], ["min", "max"]).tolist()
    [True, False, True, True]
    """
    keys = _keys(criteria, senses)
    flags = np.zeros(len(keys[0]), dtype=bool)
    left = _thinned(keys)
    keys = [key[left] for key in keys]
    order = np.lexsort(keys[::-1])
    keys = [key[order] for key in keys]
    new = np.ones(len(order), dtype=bool)
    new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    # If distinct points are in lexicographic order, only an earlier one can dominate a point.
    dominated = _covered([key[new] for key in keys[1:]], int(new.sum()))
    flags[left[order]] = ~dominated[np.cumsum(new) - 1]
    return flags


def dominators(criteria: Sequence[Any], senses: Sequence[str]) -> NDArray[np.int64]:
    """For each point the index of a point of the frontier that dominates it, −1 on the frontier.

    Of several such points it is the one that is best in the last criterion, and of these the first.
    Time grows as n times the size of the frontier. Raises BadInput as `frontier` does.

    >>> dominators([[300, 569, 600], [72.0, 70.6, 73.0]], ["min", "max"]).tolist()
    [-1, 0, -1]
    """
    keys = _keys(criteria, senses)
    off = ~frontier(criteria, senses)
    front = np.flatnonzero(~off)
    front = front[np.argsort(keys[-1][front], kind="stable")]
    found = np.full(len(off), -1)
    rows = np.flatnonzero(off)
    parts = 1 + len(rows) * len(front) // PAIRS
    for part in np.array_split(rows, parts) if len(rows) else ():
        better = np.all([key[front] <= key[part, None] for key in keys], axis=0)
        found[part] = front[better.argmax(axis=1)]
    return found


def _keys(criteria: Sequence[Any], senses: Sequence[str]) -> list[NDArray[Any]]:
    """The criteria as arrays in which less is better."""
    if not criteria:
        raise BadInput("no criterion to choose by; give at least one sequence of numbers")
    if len(criteria) != len(senses):
        raise BadInput(
            f"{len(criteria)} criteria but {len(senses)} senses; give one min or max each"
        )
    keys = [_key(values, sense) for values, sense in zip(criteria, senses, strict=True)]
    if len({len(key) for key in keys}) > 1:
        lengths = ", ".join(str(len(key)) for key in keys)
        raise BadInput(f"criteria of {lengths} points; give every criterion for every point")
    return keys


def _key(values: Any, sense: str) -> NDArray[Any]:
    if sense not in SENSES:
        raise BadInput(f"sense '{sense}' is not min or max")
    array = np.asarray(values)
    if array.dtype.kind == "f" and not isinstance(values, np.ndarray):
        array = np.asarray(values, dtype=object)  # an integer beside floats keeps its digits
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iufO"):
        raise BadInput("a criterion is not a sequence of numbers; give one number for each point")
    if array.dtype.kind in "fO" and bool((array != array).any()):
        raise BadInput("a criterion has a value that is NaN; leave that point out")
    if array.dtype.kind == "O":
        array = _ranks(array)
    if sense == "min":
        return array
    # The complement reverses the order of integers, and never overflows as a negation does.
    return -array if array.dtype.kind == "f" else ~array


def _ranks(values: NDArray[Any]) -> NDArray[np.int64]:
    """The rank of each value among the distinct values."""
    ranks: NDArray[np.int64] = np.unique(values, return_inverse=True)[1]
    return ranks


def _thinned(keys: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """The points that may be on the frontier, without those that a low point dominates. This is
    repeated as long as such a point dominates half of the rest. The choice of the point affects
    only the time."""
    left = np.arange(len(keys[0]))
    while len(left) > FEW:
        here = [key[left] for key in keys]
        low = np.argmin(sum(_scaled(key) for key in here))
        kept = np.any([key < key[low] for key in here], axis=0)
        kept |= np.all([key == key[low] for key in here], axis=0)
        left = left[kept]
        if 2 * len(left) > len(kept):
            break
    return left


def _scaled(key: NDArray[Any]) -> NDArray[np.float64]:
    """The values scaled to 0..1, with infinite values at the ends."""
    finite = np.nan_to_num(key.astype(np.float64))
    low, high = float(finite.min()), float(finite.max())
    return (finite / 2 - low / 2) / max(high / 2 - low / 2, np.finfo(float).tiny)


def _covered(keys: Sequence[NDArray[Any]], n: int) -> Flags:
    """For each of n positions, does an earlier one have every key at most as large?"""
    reached = np.zeros(n, dtype=bool)
    if not keys:
        reached[1:] = True
    elif len(keys) == 1:
        reached[1:] = np.minimum.accumulate(keys[0])[:-1] <= keys[0][1:]
    else:
        everyone = np.ones(n, dtype=bool)
        return _reached([_ranks(key) for key in keys], np.zeros(n, int), everyone, everyone)
    return reached


def _reached(
    keys: list[NDArray[np.int64]], group: NDArray[np.int64], source: Flags, target: Flags
) -> Flags:
    """For each target, does an earlier source in its group have every key at most as large?

    Groups are contiguous and ascending. With one key, a running minimum gives the answer. With more
    keys, aligned blocks of positions are halved repeatedly; for pairs from a left half to the right
    half, sorting by the first key replaces the position, and the other keys remain.
    """
    if len(keys) == 1:
        return _running(keys[0], group, source, target)
    n = len(group)
    reached = np.zeros(n, dtype=bool)
    size = 1 << max(n - 1, 0).bit_length()
    # Padded to a power of two, so that every half of a block has as many positions as the other.
    order = np.concatenate([np.lexsort((keys[0], group)), np.arange(n, size)])
    while size > 1:
        left = order & (size >> 1) == 0
        place = order[order < n]
        half = left[order < n]
        taking = np.where(half, source[place], target[place])
        place, half = place[taking], half[taking]
        block = place // size * n + group[place]
        inner = np.cumsum(np.diff(block, prepend=block[:1]) != 0)
        reached[place] |= _reached([key[place] for key in keys[1:]], inner, half, ~half)
        order = np.stack(
            [order[left].reshape(-1, size >> 1), order[~left].reshape(-1, size >> 1)], axis=1
        ).ravel()
        size >>= 1
    return reached


def _running(
    key: NDArray[np.int64], group: NDArray[np.int64], source: Flags, target: Flags
) -> Flags:
    """`_reached` for one key: each group's values lie below those of the groups before it."""
    if not len(key):
        return target
    span = int(key.max()) + 1
    value = key - group * span
    least = np.minimum.accumulate(np.where(source, value, span))
    reached = np.zeros(len(key), dtype=bool)
    reached[1:] = target[1:] & (least[:-1] <= value[1:])
    return reached
