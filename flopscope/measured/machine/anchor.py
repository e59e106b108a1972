"""A piece of work of fixed size, timed before each network: it shows how fast the machine is just
now, and whether others keep it busy."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter, thread_time

import numpy as np

SIDE = 64
"""Of the matrices. NumPy's libraries multiply such small ones in the calling thread."""
PRODUCTS = 100
ROUNDS = 7


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
    left = np.linspace(-1, 1, SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE)
    out = np.empty_like(left)
    used, passed = [], []
    for _ in range(ROUNDS):
        wall, cpu = perf_counter(), thread_time()
        for _ in range(PRODUCTS):
            np.matmul(left, left, out=out)
        used.append(thread_time() - cpu)
        passed.append(perf_counter() - wall)
    return Anchor(1e3 * min(used), max(1.0, sum(passed) / sum(used)))
