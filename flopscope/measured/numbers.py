"""The sources of random numbers that networks draw from: torch, Python and NumPy."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch


def seeded(seed: int) -> None:
    """Every source begins at the seed."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


@contextmanager
def numbers_kept(cuda: Sequence[int] = ()) -> Iterator[None]:
    """Afterwards every source goes on from where it was, those of these CUDA devices too."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=cuda):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
