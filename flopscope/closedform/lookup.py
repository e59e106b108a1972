"""A formula on a mesh of sizes by tables of its factors.

A list of designs gains nothing: to find which of its sizes are equal takes as long as to count it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from flopscope.closedform.separated import Separated, separated
from flopscope.sizes import Size, widened
from flopscope.symbolic import Polynomial

if TYPE_CHECKING:
    from flopscope.closedform.factored import Factored

LEAST = 20_000
"""Fewer values are computed directly: making tables takes a few milliseconds."""

Shape = tuple[int, ...]
Arrays = Mapping[str, Any]


def from_tables(value: Size, sizes: Arrays, shape: Shape) -> Any:
    """The exact int64 values at these sizes, which broadcast to `shape`, or None where tables do
    not help.

    Domain: sizes at which no intermediate integer exceeds 64 bits, so that the sums of products do
    not either.
    """
    if prod(shape) < LEAST or not isinstance(value, Polynomial):
        return None
    import numpy as np

    arrays = {
        name: _with_axes(widened(np.asarray(size)), len(shape)) for name, size in sizes.items()
    }
    tried = (_on_mesh(value, arrays, shape, split) for split in _from_the_middle(shape))
    return next((found for found in tried if found is not None), None)


def _from_the_middle(shape: Shape) -> list[int]:
    """The places where the axes can be split in two, those first that give the least tables."""
    return sorted(range(1, len(shape)), key=lambda n: prod(shape[:n]) + prod(shape[n:]))


def _on_mesh(value: Polynomial, arrays: Arrays, shape: Shape, split: int) -> Any:
    """The values where each size varies along axes before the split, or behind it alone."""
    before = {name for name, array in arrays.items() if _varies(array, 0, split)}
    behind = {name for name, array in arrays.items() if _varies(array, split, len(shape))}
    if before & behind or not before or not behind:
        return None
    found = separated(value, before)
    if found is None:
        return None
    sides = shape[:split], shape[split:]
    number = prod(sides[0]), prod(sides[1])
    rows = {n: _spread(a, sides[0], slice(split)) for n, a in arrays.items() if n in before}
    columns = {
        n: _spread(a, sides[1], slice(split, None)) for n, a in arrays.items() if n not in before
    }
    made = _tables(found, rows, columns, number)
    return _written(made, number).reshape(shape)


def _with_axes(array: Any, number: int) -> Any:
    """The array with this many axes, the new ones in front."""
    return array.reshape((1,) * (number - array.ndim) + array.shape)


def _varies(array: Any, start: int, stop: int) -> bool:
    return any(size > 1 for size in array.shape[start:stop])


def _spread(array: Any, side: Shape, axes: slice) -> Any:
    """An array that is constant along the other side's axes, along its own, flat."""
    import numpy as np

    return np.broadcast_to(array.reshape(array.shape[axes]), side).ravel()


def _written(made: Factored, number: tuple[int, int]) -> Any:
    import numpy as np

    found = np.empty(number, dtype=np.int64)
    step = max(1, 2**16 // max(1, number[1]))
    for start in range(0, number[0], step):
        rows = slice(start, start + step)
        found[rows] = made.grid(rows, slice(None))
    return found


def _tables(found: Separated, rows: Arrays, columns: Arrays, number: tuple[int, int]) -> Factored:
    from flopscope.closedform.factored import factored

    return factored(found, rows, columns, number)
