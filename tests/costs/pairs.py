"""Complex numbers as pairs of numbers that count, and the operators on them as plain loops.

(a + bi)·(c + di) is (ac − bd) + (ad + bc)i; a real number multiplies both parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from counting import Array, Scalar, Tally


@dataclass(frozen=True)
class Pair:
    """a + bi."""

    a: Scalar
    b: Scalar

    def __add__(self, other: Pair) -> Pair:
        return Pair(self.a + other.a, self.b + other.b)

    def __sub__(self, other: Pair) -> Pair:
        return Pair(self.a - other.a, self.b - other.b)

    def __mul__(self, other: Pair | Scalar) -> Pair:
        if isinstance(other, Scalar):
            return Pair(self.a * other, self.b * other)
        a, b, c, d = self.a, self.b, other.a, other.b
        return Pair(a * c - b * d, a * d + b * c)

    def over(self, other: Pair | Scalar) -> Pair:
        """x·ȳ/(y·ȳ), the sign of ȳ in the sums."""
        if isinstance(other, Scalar):
            return Pair(self.a / other, self.b / other)
        a, b, c, d = self.a, self.b, other.a, other.b
        square = c * c + d * d
        return Pair((a * c + b * d) / square, (b * c - a * d) / square)

    def square(self) -> Scalar:
        """a² + b²."""
        return self.a * self.a + self.b * self.b


def counted(values: torch.Tensor, tally: Tally) -> Array:
    """The same numbers as counting ones, complex ones as pairs."""
    array = values.numpy()
    out = np.empty(array.shape, dtype=object)
    for at in np.ndindex(array.shape):
        value = array[at]
        if np.iscomplexobj(array):
            out[at] = Pair(Scalar(float(value.real), tally), Scalar(float(value.imag), tally))
        else:
            out[at] = Scalar(float(value), tally)
    return out


def plain(array: Array) -> torch.Tensor:
    """The numbers alone."""
    values = [complex(x.a.value, x.b.value) if isinstance(x, Pair) else x.value for x in array.flat]
    return torch.tensor(values).reshape(array.shape)


def dot(xs: Iterable[Pair | Scalar], ys: Iterable[Pair | Scalar]) -> Pair:
    """Four real multiply-accumulates a term, two where one of the numbers is real."""
    products = []
    for x, y in zip(xs, ys, strict=True):
        x, y = (x, y) if isinstance(x, Pair) else (y, x)
        assert isinstance(x, Pair)
        x.a.tally.macs += 4 if isinstance(y, Pair) else 2
        products.append(x * y)
    return total(products)


def total(terms: Sequence[Pair]) -> Pair:
    first, *others = terms
    for other in others:
        first = first + other
    return first


def matmul(a: Array, b: Array) -> Array:
    out = np.empty((*a.shape[:-1], b.shape[-1]), dtype=object)
    for *batch, i, j in np.ndindex(out.shape):
        out[(*batch, i, j)] = dot(a[(*batch, i)], b[(*batch, slice(None), j)])
    return out


def conv1d(x: Array, weight: Array, bias: Array | None) -> Array:
    out = np.empty((len(x), len(weight), x.shape[2] - weight.shape[2] + 1), dtype=object)
    for b, o, i in np.ndindex(out.shape):
        value = dot(x[b, :, i : i + weight.shape[2]].flat, weight[o].flat)
        out[b, o, i] = value if bias is None else value + bias[o]
    return out


def elementwise(function: Callable[..., Pair | Scalar]) -> Callable[..., Array]:
    def loop(*arrays: Array) -> Array:
        out = np.empty(arrays[0].shape, dtype=object)
        for at in np.ndindex(out.shape):
            out[at] = function(*(array[at] for array in arrays))
        return out

    return loop


def rows(function: Callable[[Sequence[Pair]], Pair | Scalar]) -> Callable[[Array], Array]:
    """Over the last dimension."""

    def loop(x: Array) -> Array:
        out = np.empty(x.shape[:-1], dtype=object)
        for at in np.ndindex(out.shape):
            out[at] = function(list(x[at]))
        return out

    return loop


def exponential(x: Pair) -> Pair:
    size = x.a.through(math.exp)
    return Pair(size * x.b.through(math.cos), size * x.b.through(math.sin))


def reciprocal(x: Pair) -> Pair:
    square = x.square()
    return Pair(x.a / square, x.b * -1.0 / square)


def product(terms: Sequence[Pair]) -> Pair:
    first, *others = terms
    for other in others:
        first = first * other
    return first


def mean(terms: Sequence[Pair]) -> Pair:
    whole = total(terms)
    return Pair(whole.a / len(terms), whole.b / len(terms))


def real_total(terms: Sequence[Scalar]) -> Scalar:
    first, *others = terms
    for other in others:
        first = first + other
    return first


def variance(terms: Sequence[Pair]) -> Scalar:
    middle = mean(terms)
    return real_total([(term - middle).square() for term in terms]) / len(terms)


LOOPS: Mapping[str, Callable[..., Array]] = {
    "add": elementwise(lambda x, y: x + y),
    "subtract": elementwise(lambda x, y: x - y),
    "multiply": elementwise(lambda x, y: x * y),
    "multiply by real": elementwise(lambda x, y: x * y),
    "divide": elementwise(lambda x, y: x.over(y)),
    "divide by real": elementwise(lambda x, y: x.over(y)),
    "negate": elementwise(lambda x: Pair(x.a * -1.0, x.b * -1.0)),
    "absolute": elementwise(lambda x: x.square().through(math.sqrt)),
    "square": elementwise(lambda x: x * x),
    "cube": elementwise(lambda x: x * x * x),
    "reciprocal": elementwise(reciprocal),
    "exponential": elementwise(exponential),
    "sum": rows(total),
    "mean": rows(mean),
    "product": rows(product),
    "variance": rows(variance),
    "norm": rows(lambda terms: real_total([t.square() for t in terms]).through(math.sqrt)),
}
"""What is tested by the same name."""
