"""Least squares with coefficients that are not negative, by NumPy alone."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

TOLERANCE = 1e-10


def non_negative(matrix: Floats, wanted: Floats) -> Floats:
    """The x ≥ 0 that makes |matrix · x − wanted| least.

    matrix: (rows, columns), columns of similar size; wanted: (rows,). The active set method of
    C. L. Lawson and R. J. Hanson, Solving Least Squares Problems, 1974, chapter 23, on the normal
    equations.

    >>> non_negative(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([2.0, -1.0]))
    array([2., 0.])
    """
    gram, right = matrix.T @ matrix, matrix.T @ wanted
    size = len(right)
    free = np.zeros(size, dtype=bool)
    found = np.zeros(size)
    limit = TOLERANCE * max(1.0, float(np.abs(right).max(initial=0.0)))
    for _ in range(10 * size):
        gain = np.where(free, -np.inf, right - gram @ found)
        if size == 0 or free.all() or gain.max() <= limit:
            break
        free[int(gain.argmax())] = True
        found, free = _inside(gram, right, found, free)
    return found


def _inside(
    gram: Floats, right: Floats, found: Floats, free: npt.NDArray[np.bool_]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The solution for the free coefficients, with those set to 0 that would turn negative."""
    while True:
        trial = np.zeros_like(found)
        places = np.flatnonzero(free)
        trial[places] = np.linalg.lstsq(gram[np.ix_(places, places)], right[places], rcond=None)[0]
        negative = free & (trial <= 0)
        if not negative.any():
            return trial, free
        step = (found[negative] / (found[negative] - trial[negative])).min()
        found = found + step * (trial - found)
        free = free & (found > TOLERANCE * max(1.0, float(found.max())))
        found = np.where(free, found, 0.0)
