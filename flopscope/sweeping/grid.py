"""The designs of a grid by number, the last axis going fastest, and its axes as two sides."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from flopscope.answers.ranges import Range, Value, grid_size
from flopscope.errors import BadInput

Indices: TypeAlias = NDArray[np.int64]

MOST = 10**12
"""The most designs of a grid."""
LONGEST = 2**21
"""The most choices of sizes of one side."""


@dataclass(frozen=True)
class Side:
    """Some of a grid's axes. Its choices are numbered as designs are; `strides` are the distances
    of neighbours along each axis in the grid."""

    axes: tuple[Range, ...]
    strides: tuple[int, ...]

    @cached_property
    def size(self) -> int:
        """How many choices there are."""
        return grid_size(self.axes)

    @property
    def names(self) -> frozenset[str]:
        """The names of its axes."""
        return frozenset(axis.name for axis in self.axes)

    def sizes(self, choices: Indices) -> dict[str, NDArray[Any]]:
        """The values of each axis at these choices."""
        places = self._places(choices)
        return {a.name: values_of(a)[p] for a, p in zip(self.axes, places, strict=True)}

    def offsets(self, choices: Indices) -> Indices:
        """What these choices contribute to the number of a design, which is the sum of both
        sides."""
        places = self._places(choices)
        found = np.zeros(len(choices), dtype=np.int64)
        for stride, place in zip(self.strides, places, strict=True):
            found += stride * place
        return found

    def _places(self, choices: Indices) -> tuple[Indices, ...]:
        if not self.axes:
            return ()
        return np.unravel_index(choices, [len(axis.values) for axis in self.axes])


@dataclass(frozen=True)
class Grid:
    """The product of the axes' values."""

    axes: tuple[Range, ...]

    @cached_property
    def size(self) -> int:
        """How many designs there are."""
        return grid_size(self.axes)

    @cached_property
    def strides(self) -> dict[str, int]:
        """The distance of neighbours along each axis."""
        lengths = [len(axis.values) for axis in self.axes]
        return {axis.name: prod(lengths[n + 1 :]) for n, axis in enumerate(self.axes)}

    def side(self, names: Collection[str]) -> Side:
        """The axes of these names."""
        axes = tuple(axis for axis in self.axes if axis.name in names)
        return Side(axes, tuple(self.strides[axis.name] for axis in axes))

    def columns(self, designs: Indices) -> dict[str, NDArray[Any]]:
        """The values of each axis at these designs."""
        return self.side(self.strides).sizes(designs)

    def design(self, number: int) -> dict[str, Value]:
        """The sizes of one design."""
        columns = self.columns(np.array([number], dtype=np.int64))
        return {name: column[0].item() for name, column in columns.items()}

    def choices(self, side: Side, designs: Indices) -> Indices:
        """The choices of one side at these designs."""
        found = np.zeros(len(designs), dtype=np.int64)
        for axis, stride in zip(side.axes, side.strides, strict=True):
            found = found * len(axis.values) + designs // stride % len(axis.values)
        return found

    def splits(self) -> list[tuple[Side, Side]]:
        """Every way to split the axes in two sides of at most LONGEST choices, those with the least
        tables first. Raises BadInput where there is none, and for more than MOST designs."""
        names = [axis.name for axis in self.axes]
        firsts = [set(c) for n in range(len(names) + 1) for c in combinations(names, n)]
        pairs = [(self.side(first), self.side(set(names) - first)) for first in firsts]
        found = [pair for pair in pairs if max(side.size for side in pair) <= LONGEST]
        if self.size > MOST or not found:
            free = ", ".join(f"{axis.name} ({len(axis.values):,})" for axis in self.axes)
            raise BadInput(
                f"{self.size:,} designs are too many, of {free}; give shorter ranges or larger "
                f"steps, for at most {MOST:,}"
            )
        return sorted(found, key=lambda pair: pair[0].size + pair[1].size)


def values_of(axis: Range) -> NDArray[Any]:
    """The values of an axis as int64 or float64."""
    return np.array(axis.values, dtype=np.int64 if axis.whole else np.float64)


def spoken(design: Mapping[str, Value], axes: Sequence[Range]) -> str:
    """A design in words.

    >>> spoken({"width": 0.5, "res": 192}, [Range("width"), Range("res")])
    'width 0.5, res 192'
    """
    return ", ".join(f"{axis.name} {design[axis.name]:g}" for axis in axes)
