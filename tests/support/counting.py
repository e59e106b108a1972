"""Numbers that count what is done to them: what the loops of `oracle` compute with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any  # a NumPy array of Scalar objects, used as a container only


@dataclass
class Tally:
    """Acts so far. `macs` are the multiplications whose product enters a sum of a dot product."""

    macs: int = 0
    add: int = 0
    multiply: int = 0
    divide: int = 0
    compare: int = 0
    transcendental: int = 0


class Scalar:
    """A float that writes each act on it into a tally."""

    __slots__ = ("tally", "value")

    def __init__(self, value: float, tally: Tally) -> None:
        self.value = value
        self.tally = tally

    def __add__(self, other: Number) -> Scalar:
        self.tally.add += 1
        return Scalar(self.value + _value(other), self.tally)

    def __sub__(self, other: Number) -> Scalar:
        self.tally.add += 1
        return Scalar(self.value - _value(other), self.tally)

    def __rsub__(self, other: float) -> Scalar:
        self.tally.add += 1
        return Scalar(other - self.value, self.tally)

    def __mul__(self, other: Number) -> Scalar:
        self.tally.multiply += 1
        return Scalar(self.value * _value(other), self.tally)

    def __truediv__(self, other: Number) -> Scalar:
        self.tally.divide += 1
        return Scalar(self.value / _value(other), self.tally)

    def __rtruediv__(self, other: float) -> Scalar:
        self.tally.divide += 1
        return Scalar(other / self.value, self.tally)

    def larger(self, other: Number) -> Scalar:
        self.tally.compare += 1
        return Scalar(max(self.value, _value(other)), self.tally)

    def smaller(self, other: Number) -> Scalar:
        self.tally.compare += 1
        return Scalar(min(self.value, _value(other)), self.tally)

    def rounded(self, function: Callable[[float], float]) -> Scalar:
        self.tally.compare += 1
        return Scalar(function(self.value), self.tally)

    def through(self, function: Callable[[float], float]) -> Scalar:
        """exp, log, a root and the like of it."""
        self.tally.transcendental += 1
        return Scalar(function(self.value), self.tally)


Number: TypeAlias = Scalar | float


def _value(number: Number) -> float:
    return number.value if isinstance(number, Scalar) else number


def counted(values: Any, tally: Tally) -> Array:
    """The same numbers as counting scalars."""
    array = np.asarray(values)
    scalars = np.empty(array.shape, dtype=object)
    for index in np.ndindex(array.shape):
        scalars[index] = Scalar(float(array[index]), tally)
    return scalars


def plain(array: Array) -> np.ndarray:
    """The numbers alone, for comparison."""
    return np.array([scalar.value for scalar in array.flat]).reshape(array.shape)


def filled(shape: tuple[int, ...], number: float, tally: Tally) -> Array:
    """A tensor of counting scalars of that number."""
    return counted(np.full(shape, number), tally)


def tabulated(shape: tuple[int, ...], entry: Callable[..., Scalar]) -> Array:
    """The array whose element at an index is `entry(*index)`."""
    array = np.empty(shape, dtype=object)
    for index in np.ndindex(shape):
        array[index] = entry(*index)
    return array
