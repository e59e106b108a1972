"""A piece of work of fixed size, timed before each network and between the rounds of its runs: it
shows how fast the machine is just now, and whether others keep it busy.

Who shares a processor with others is not told so. A neighbour on the other half of a core makes
everything half as slow again for a tenth of a second or for minutes, and the system counts it as
processor time of one's own. The anchor feels it as the network does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter, thread_time

import numpy as np

SIDE = 64
"""Of the matrices. NumPy's libraries multiply such small ones in the calling thread."""
PRODUCTS = 100
ROUNDS = 7
FEW = 20
"""Products between two rounds, behind some that bring the matrices into the cache."""
WARM = 4

FULL = 1.15
"""The anchor over the shortest one up to which a machine has its full speed. On a machine that is
shared, it took 1.0 to 1.1 in most rounds and 1.5 to 1.8 in the others."""


@dataclass(frozen=True)
class Anchor:
    """The processor time of 100 products of 64×64 matrices of float32, the least of 7 rounds, in
    milliseconds; and wall time over processor time, of all rounds together."""

    milliseconds: float
    crowding: float


def anchor() -> Anchor:
    """Time the products.

    >>> anchor().milliseconds > 0
    True
    """
    left, out = _matrices()
    used, passed = [], []
    for _ in range(ROUNDS):
        wall, cpu = perf_counter(), thread_time()
        for _ in range(PRODUCTS):
            np.matmul(left, left, out=out)
        used.append(thread_time() - cpu)
        passed.append(perf_counter() - wall)
    return Anchor(1e3 * min(used), max(1.0, sum(passed) / sum(used)))


class Pace:
    """How fast the machine is now, beside the best that it has shown since this was made."""

    def __init__(self) -> None:
        self._left, self._out = _matrices()
        self._best = math.inf

    def milliseconds(self) -> float:
        """The wall time of 100 products, from 20 that are timed now.

        >>> Pace().milliseconds() > 0
        True
        """
        for _ in range(WARM):
            np.matmul(self._left, self._left, out=self._out)
        begun = perf_counter()
        for _ in range(FEW):
            np.matmul(self._left, self._left, out=self._out)
        found = 1e3 * (perf_counter() - begun) * PRODUCTS / FEW
        self._best = min(self._best, found)
        return found

    def is_full(self, milliseconds: float) -> bool:
        """Is this the time of a machine at its full speed?

        >>> pace = Pace()
        >>> now = pace.milliseconds()
        >>> pace.is_full(now), pace.is_full(2 * now)
        (True, False)
        """
        return milliseconds <= FULL * self._best


def _matrices() -> tuple[np.ndarray, np.ndarray]:
    left = np.linspace(-1, 1, SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE)
    return left, np.empty_like(left)
