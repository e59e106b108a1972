"""The arithmetic for single elements, by function, reduction and interpolation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flopscope.facts import Function, Interpolation, Reduction
from flopscope.sizes import Size, product, total


class Cost(NamedTuple):
    """The acts in one application of a row.

    `macs` pairs a multiplication with its accumulation; the acts list every scalar operation, so a
    dot product of n terms has n `multiply` and n - 1 `add`.
    """

    macs: Size = 0
    add: Size = 0  # subtractions too
    multiply: Size = 0
    divide: Size = 0
    compare: Size = 0  # maximum, minimum and rounding too
    transcendental: Size = 0  # exp, tanh, erf, square root

    @property
    def acts(self) -> Size:
        """All scalar operations."""
        return total((self.add, self.multiply, self.divide, self.compare, self.transcendental))


FUNCTION_ACTS: Mapping[Function, Cost] = {
    Function.RELU: Cost(compare=1),  # max(x, 0)
    Function.RELU6: Cost(compare=2),  # min(max(x, 0), 6)
    Function.SIGMOID: Cost(add=1, multiply=1, divide=1, transcendental=1),  # 1/(1 + exp(-1·x))
    Function.SILU: Cost(add=1, multiply=1, divide=1, transcendental=1),  # x/(1 + exp(-1·x))
    Function.TANH: Cost(transcendental=1),
    Function.GELU: Cost(add=1, multiply=3, transcendental=1),  # x·0.5·(1 + erf(x·√½))
    Function.HARD_SIGMOID: Cost(add=1, compare=2, divide=1),  # relu6(x + 3)/6
    Function.HARD_SWISH: Cost(add=1, multiply=1, compare=2, divide=1),  # x·relu6(x + 3)/6
    # x·0.5·(1 + tanh(√(2/π)·(x + 0.044715·x·x·x)))
    Function.GELU_TANH: Cost(add=2, multiply=6, transcendental=1),
    Function.LEAKY_RELU: Cost(multiply=1, compare=1),  # max(x, a·x) for a < 1
    Function.PRELU: Cost(multiply=1, compare=1),
    # max(x, 0) + a·(exp(min(x, 0)) − 1)
    Function.ELU: Cost(add=2, multiply=1, compare=2, transcendental=1),
    Function.SOFTPLUS: Cost(add=1, transcendental=2),  # log(1 + exp(x))
    Function.MISH: Cost(add=1, multiply=1, transcendental=3),  # x·tanh(log(1 + exp(x)))
    Function.LOG_SIGMOID: Cost(add=1, multiply=2, transcendental=2),  # -1·log(1 + exp(-1·x))
    Function.CLAMP: Cost(compare=2),
    Function.BOUND: Cost(compare=1),
    Function.NEGATE: Cost(multiply=1),  # -1·x
    Function.ABS: Cost(multiply=1, compare=1),  # max(x, -1·x)
    Function.ROUND: Cost(compare=1),
    Function.SQUARE: Cost(multiply=1),
    Function.CUBE: Cost(multiply=2),
    Function.POWER: Cost(transcendental=1),
    Function.SQRT: Cost(transcendental=1),
    Function.RECIPROCAL: Cost(divide=1),
    Function.RECIPROCAL_SQRT: Cost(divide=1, transcendental=1),
    Function.EXP: Cost(transcendental=1),
    Function.LOG: Cost(transcendental=1),
    Function.ERF: Cost(transcendental=1),
    Function.SIN: Cost(transcendental=1),
    Function.ELEMENTARY: Cost(transcendental=1),
}

REDUCTION_ACTS: Mapping[Reduction, tuple[Cost, Cost]] = {
    Reduction.SUM: (Cost(add=1), Cost(add=-1)),
    Reduction.MEAN: (Cost(add=1), Cost(add=-1, divide=1)),
    Reduction.EXTREMUM: (Cost(compare=1), Cost(compare=-1)),
    Reduction.PRODUCT: (Cost(multiply=1), Cost(multiply=-1)),
    # the mean, the squares of the differences from it, their mean
    Reduction.VARIANCE: (Cost(add=3, multiply=1), Cost(add=-2, divide=2)),
    Reduction.DEVIATION: (Cost(add=3, multiply=1), Cost(add=-2, divide=2, transcendental=1)),
    Reduction.NORM: (Cost(add=1, multiply=1), Cost(add=-1, transcendental=1)),
    # m + log(Σ exp(x − m)), m the largest
    Reduction.LOG_SUM_EXP: (
        Cost(add=2, compare=1, transcendental=1),
        Cost(compare=-1, transcendental=1),
    ),
    Reduction.RUNNING_SUM: (Cost(add=1), Cost(add=-1)),
}
"""The acts for each element and for each group. A sum of n elements is n − 1 additions."""

TAPS: Mapping[Interpolation, int] = {
    Interpolation.NEAREST: 1,
    Interpolation.LINEAR: 2,
    Interpolation.BILINEAR: 4,
    Interpolation.TRILINEAR: 8,
    Interpolation.BICUBIC: 16,
}
"""The number of samples from which a value is interpolated. VARYING has none stated."""


def scaled(acts: Cost, n: Size) -> Cost:
    """The acts, n times."""
    return Cost(*(product((n, count)) if count else 0 for count in acts))


def added(a: Cost, b: Cost) -> Cost:
    """Both costs together."""
    return Cost(*(total(pair) for pair in zip(a, b, strict=True)))
