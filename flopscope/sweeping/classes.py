"""Choices of sizes that count alike: a width of 0.99 and one of 1 often give the same channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Classes:
    """The classes of a side's choices: `members` has their places in order, class by class, and
    `starts` where each class begins there. The first member stands for its class."""

    members: Indices
    starts: Indices

    @property
    def number(self) -> int:
        """How many classes there are."""
        return len(self.starts)

    @cached_property
    def first(self) -> Indices:
        """The least member of each class."""
        return self.members[self.starts]

    @cached_property
    def weights(self) -> Indices:
        """How many members each class has."""
        return np.diff(self.starts, append=len(self.members))

    def of(self, index: int, most: int) -> Indices:
        """The least members of a class, at most so many."""
        start = int(self.starts[index])
        return self.members[start : start + min(most, int(self.weights[index]))]


def classes(keys: Sequence[NDArray[Any]], number: int) -> Classes:
    """The classes of the choices 0 … number − 1 that are equal in all keys, in the order of their
    least members.

    >>> found = classes([np.array([7, 8, 7]), np.array([1, 1, 1])], 3)
    >>> found.first.tolist(), found.weights.tolist()
    ([0, 1], [2, 1])
    """
    code = _hashed(keys, number)
    code = _exactly(keys, number) if code is None else code
    order = np.argsort(code, kind="stable")
    new = np.ones(number, dtype=bool)
    new[1:] = np.diff(code[order]) != 0
    starts = np.flatnonzero(new)
    by_first = np.argsort(order[starts])
    sizes = np.diff(starts, append=number)[by_first]
    places = np.repeat(starts[by_first] - np.cumsum(sizes) + sizes, sizes) + np.arange(number)
    return Classes(order[places], np.cumsum(sizes) - sizes)


def _hashed(keys: Sequence[NDArray[Any]], number: int) -> Indices | None:
    """A number for each class by one sort of a hash; None where two classes have the same hash, and
    for keys that have none."""
    if any(key.dtype.kind == "O" for key in keys):
        return None
    rng = np.random.default_rng(0)
    mixed = np.zeros(number, dtype=np.uint64)
    for key in keys:
        wide = key.astype(np.float64 if key.dtype.kind == "f" else np.int64)
        mixed = (mixed ^ wide.view(np.uint64)) * np.uint64(2 * int(rng.integers(2**63)) + 1)
        mixed ^= mixed >> np.uint64(29)
    _, first, code = np.unique(mixed, return_index=True, return_inverse=True)
    agree = all((key == key[first][code]).all() for key in keys)
    return code if agree else None


def _exactly(keys: Sequence[NDArray[Any]], number: int) -> Indices:
    """The same by a sort of each key."""
    code = np.zeros(number, dtype=np.int64)
    for key in keys:
        _, own = np.unique(key, return_inverse=True)
        code = np.unique(code * (int(own.max(initial=0)) + 1) + own, return_inverse=True)[1]
    return code
