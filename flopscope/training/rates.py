"""The learning rate of each step: a linear warm-up, then half a cosine."""

from __future__ import annotations

import math


def share(step: int, steps: int, warmup: int = 0) -> float:
    """The learning rate of a step as a share of the highest one.

    With N steps, of which W warm up: (t + 1)/W for t < W, then ½·(1 + cos(π·(t − W)/(N − W))).
    t: the number of the step, from 0 to N − 1; 0 ≤ W < N. Sources: arXiv 1706.02677, section 2.2,
    for the warm-up; arXiv 1608.03983, equation 5 with one period, for the cosine.

    >>> [round(share(step, 6, 2), 3) for step in range(6)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]
    """
    if step < warmup:
        return (step + 1) / warmup
    return (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2
