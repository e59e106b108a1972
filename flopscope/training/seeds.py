"""Two ways of training over the same seeds: is one better, or is it within the noise?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from flopscope.errors import BadInput

T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""The 97.5 % quantile of Student's t distribution with 1, 2, … 9 degrees of freedom."""


@dataclass(frozen=True)
class Difference:
    """The second values less the first ones, pair by pair. mean: of the differences. deviation:
    their standard deviation. half_width: that of the 95 % confidence interval of the mean, which
    takes differences for normally distributed."""

    mean: float
    deviation: float
    half_width: float
    pairs: int

    @property
    def within_noise(self) -> bool:
        """Does the interval hold 0?"""
        return abs(self.mean) <= self.half_width

    def __str__(self) -> str:
        verdict = "within the noise" if self.within_noise else "beyond the noise"
        return f"{self.mean:+.2f} ± {self.half_width:.2f} over {self.pairs} seeds, {verdict}"


def difference(first: Sequence[float], second: Sequence[float]) -> Difference:
    """The difference of two ways over the same seeds, in the same order. What a seed does to both,
    such as which images are held out, drops out of it.

    Raises BadInput for fewer than 2 pairs, more than 10, or sequences of different length.

    >>> print(difference([97.0, 96.0, 98.0], [97.5, 96.2, 98.5]))
    +0.40 ± 0.43 over 3 seeds, within the noise
    """
    if len(first) != len(second) or not 1 < len(first) <= len(T_95) + 1:
        raise BadInput(
            f"{len(first)} values and {len(second)} are not 2 to {len(T_95) + 1} pairs; give as "
            "many of both, each pair of one seed"
        )
    each = [b - a for a, b in zip(first, second, strict=True)]
    deviation = stdev(each)
    half_width = T_95[len(each) - 2] * deviation / math.sqrt(len(each))
    return Difference(mean(each), deviation, half_width, len(each))
