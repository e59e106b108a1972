"""Every operator as plain Python loops over numbers that count what is done to them.

The independent witness of `flopscope.costs`, which it does not know: the loop's numbers are
compared with PyTorch's, its acts with the rule. Padding is materialised, so its zeros are
multiplied as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import TypeAlias

import numpy as np
from counting import Array, Scalar, filled, tabulated

Pair: TypeAlias = tuple[int, int]


# --- products -------------------------------------------------------------------------------------


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None,
    *,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """x (B, C, H, W), weight (C_out, C/groups, K_h, K_w)."""
    c_out, c_group, *kernel = weight.shape
    x = _padded(x, padding, 0.0)

    def entry(b: int, o: int, i: int, j: int) -> Scalar:
        first = o // (c_out // groups) * c_group
        taps = _under(i, j, kernel, stride, dilation)
        pixels = [x[b, first + c, r, s] for c, (r, s) in product(range(c_group), taps)]
        return _shifted(_dot(pixels, weight[o].flat), bias, o)

    return tabulated((x.shape[0], c_out, *_grid(x, kernel, stride, dilation)), entry)


def conv_transpose2d(
    x: Array,
    weight: Array,
    bias: Array | None,
    *,
    stride: Pair,
    padding: Pair,
    output_padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """x (B, C, H, W), weight (C, C_out/groups, K_h, K_w): scattered into zeros, then cropped."""
    (batch, c_in, *grid), (o_group, *kernel) = x.shape, weight.shape[1:]
    axes = zip(grid, stride, dilation, kernel, output_padding, strict=True)
    height, width = ((n - 1) * s + d * (k - 1) + 1 + extra for n, s, d, k, extra in axes)
    out = filled((batch, o_group * groups, height, width), 0.0, x.flat[0].tally)
    for b, c, i, j, o in np.ndindex(batch, c_in, *grid, o_group):
        taps = _under(i, j, kernel, stride, dilation)
        for (r, s), w in zip(taps, weight[c, o].flat, strict=True):
            target = b, c // (c_in // groups) * o_group + o, r, s
            out[target] = out[target] + _accumulated(x[b, c, i, j], w)
    out = out[:, :, padding[0] : height - padding[0], padding[1] : width - padding[1]]
    return tabulated(out.shape, lambda b, o, i, j: _shifted(out[b, o, i, j], bias, o))


def linear(x: Array, weight: Array, bias: Array | None) -> Array:
    """x (…, in), weight (out, in)."""

    def entry(*index: int) -> Scalar:
        *position, o = index
        return _shifted(_dot(x[tuple(position)], weight[o]), bias, o)

    return tabulated((*x.shape[:-1], weight.shape[0]), entry)


def matmul(a: Array, b: Array) -> Array:
    """(…, n, k) by (…, k, m)."""

    def entry(*index: int) -> Scalar:
        *batch, i, j = index
        return _dot(a[(*batch, i)], b[(*batch, slice(None), j)])

    return tabulated((*a.shape[:-1], b.shape[-1]), entry)


def _dot(a: Iterable[Scalar], b: Iterable[Scalar]) -> Scalar:
    return _sum(_accumulated(x, y) for x, y in zip(a, b, strict=True))


def _accumulated(a: Scalar, b: Scalar) -> Scalar:
    """A product that will be added to others."""
    a.tally.macs += 1
    return a * b


def _shifted(value: Scalar, bias: Array | None, channel: int) -> Scalar:
    return value if bias is None else value + bias[channel]


def _sum(terms: Iterable[Scalar]) -> Scalar:
    """n terms, n - 1 additions."""
    first, *rest = terms
    for term in rest:
        first = first + term
    return first


# --- norms ----------------------------------------------------------------------------------------


def batch_norm(
    x: Array, mean: Array, variance: Array, weight: Array | None, bias: Array | None, eps: float
) -> Array:
    """Scale and shift a channel first, then one multiplication and one addition an element."""
    channels = range(x.shape[1])
    roots = [(variance[c] + eps).through(math.sqrt) for c in channels]
    if weight is None or bias is None:
        scales = [1.0 / root for root in roots]
        moved = [mean[c] * scales[c] for c in channels]
        return tabulated(x.shape, lambda b, c, *at: x[(b, c, *at)] * scales[c] - moved[c])
    scales = [weight[c] / roots[c] for c in channels]
    shifts = [bias[c] - mean[c] * scales[c] for c in channels]
    return tabulated(x.shape, lambda b, c, *at: x[(b, c, *at)] * scales[c] + shifts[c])


def batch_norm_training(
    x: Array,
    mean: Array | None,
    variance: Array | None,
    weight: Array | None,
    bias: Array | None,
    eps: float,
    momentum: float,
) -> Array:
    """Each channel is normalised over the batch; the running statistics move towards it."""
    split = np.moveaxis(x, 1, 0)
    shape, split = split.shape, split.reshape(x.shape[1], -1)
    out = np.empty(split.shape, dtype=object)
    for channel, values in enumerate(split):
        out[channel], new_mean, new_variance = _standardised(values, eps)
        if mean is not None and variance is not None:
            unbiased = new_variance * (len(values) / (len(values) - 1))
            mean[channel] = mean[channel] * (1 - momentum) + new_mean * momentum
            variance[channel] = variance[channel] * (1 - momentum) + unbiased * momentum
    out = np.moveaxis(out.reshape(shape), 0, 1)
    if weight is None or bias is None:
        return out
    return tabulated(x.shape, lambda b, c, *at: out[(b, c, *at)] * weight[c] + bias[c])


def layer_norm(x: Array, weight: Array | None, bias: Array | None, eps: float) -> Array:
    """Each position's features are normalised apart."""
    out = np.empty(x.shape, dtype=object)
    for position in np.ndindex(x.shape[:-1]):
        out[position] = _normalised(x[position], eps)
    if weight is None or bias is None:
        return out
    return tabulated(x.shape, lambda *at: out[at] * weight[at[-1]] + bias[at[-1]])


def group_norm(
    x: Array, groups: int, weight: Array | None, bias: Array | None, eps: float
) -> Array:
    """Each image's groups of channels are normalised apart."""
    split = x.reshape(len(x) * groups, -1)
    out = np.empty(split.shape, dtype=object)
    for group, values in enumerate(split):
        out[group] = _normalised(values, eps)
    out = out.reshape(x.shape)
    if weight is None or bias is None:
        return out
    return tabulated(x.shape, lambda b, c, *at: out[(b, c, *at)] * weight[c] + bias[c])


def _normalised(values: Sequence[Scalar], eps: float) -> list[Scalar]:
    return _standardised(values, eps)[0]


def _standardised(values: Sequence[Scalar], eps: float) -> tuple[list[Scalar], Scalar, Scalar]:
    """The values with mean 0 and variance 1, and the mean and variance that they had."""
    mean = _sum(values) / len(values)
    centred = [value - mean for value in values]
    variance = _sum(value * value for value in centred) / len(values)
    scale = 1.0 / (variance + eps).through(math.sqrt)
    return [value * scale for value in centred], mean, variance


# --- functions ------------------------------------------------------------------------------------


def _relu6(x: Scalar) -> Scalar:
    return x.larger(0.0).smaller(6.0)


def _one_plus_exp(x: Scalar) -> Scalar:
    """1 + exp(-1·x)."""
    return (x * -1.0).through(math.exp) + 1.0


def _log_one_plus_exp(x: Scalar) -> Scalar:
    return (x.through(math.exp) + 1.0).through(math.log)


def _gelu_tanh(x: Scalar) -> Scalar:
    inner = (x * 0.044715 * x * x + x) * math.sqrt(2 / math.pi)
    return x * 0.5 * (inner.through(math.tanh) + 1.0)


FUNCTIONS: Mapping[str, Callable[[Scalar], Scalar]] = {
    "relu": lambda x: x.larger(0.0),
    "relu6": _relu6,
    "sigmoid": lambda x: 1.0 / _one_plus_exp(x),
    "silu": lambda x: x / _one_plus_exp(x),
    "tanh": lambda x: x.through(math.tanh),
    "gelu": lambda x: x * 0.5 * ((x * math.sqrt(0.5)).through(math.erf) + 1.0),
    "hard-sigmoid": lambda x: _relu6(x + 3.0) / 6.0,
    "hard-swish": lambda x: x * _relu6(x + 3.0) / 6.0,
    "gelu (tanh)": _gelu_tanh,
    "leaky relu": lambda x: x.larger(x * 0.01),
    "prelu": lambda x: x.larger(x * 0.25),
    "elu": lambda x: x.larger(0.0) + (x.smaller(0.0).through(math.exp) - 1.0) * 0.7,
    "softplus": _log_one_plus_exp,
    "mish": lambda x: x * _log_one_plus_exp(x).through(math.tanh),
    "log-sigmoid": lambda x: _log_one_plus_exp(x * -1.0) * -1.0,
    "clamp": lambda x: x.larger(-1.0).smaller(2.0),
    "bound": lambda x: x.larger(0.5),
    "negation": lambda x: x * -1.0,
    "absolute value": lambda x: x.larger(x * -1.0),
    "rounding": lambda x: x.rounded(lambda v: float(math.floor(v))),
    "square": lambda x: x * x,
    "cube": lambda x: x * x * x,
    "power": lambda x: x.through(lambda v: v**4),
    "square root": lambda x: x.through(math.sqrt),
    "reciprocal": lambda x: 1.0 / x,
    "reciprocal square root": lambda x: 1.0 / x.through(math.sqrt),
    "exponential": lambda x: x.through(math.exp),
    "logarithm": lambda x: x.through(math.log),
    "error function": lambda x: x.through(math.erf),
    "sine": lambda x: x.through(math.sin),
    "elementary function": lambda x: x.through(math.atan),
}


def activation(x: Array, name: str) -> Array:
    return tabulated(x.shape, lambda *at: FUNCTIONS[name](x[at]))


def softmax(x: Array) -> Array:
    """Over the last dimension, from which its maximum is taken first."""
    out = np.empty(x.shape, dtype=object)
    for position in np.ndindex(x.shape[:-1]):
        largest = _largest(x[position])
        powers = [(value - largest).through(math.exp) for value in x[position]]
        whole = _sum(powers)
        out[position] = [power / whole for power in powers]
    return out


def log_softmax(x: Array) -> Array:
    """x − m − log(Σ exp(x − m)), m the largest."""
    out = np.empty(x.shape, dtype=object)
    for position in np.ndindex(x.shape[:-1]):
        largest = _largest(x[position])
        shifted = [value - largest for value in x[position]]
        whole = _sum(value.through(math.exp) for value in shifted).through(math.log)
        out[position] = [value - whole for value in shifted]
    return out


def _variance(terms: list[Scalar]) -> Scalar:
    mean = _mean(terms)
    return _mean([centred * centred for centred in [value - mean for value in terms]])


def _log_sum_exp(terms: list[Scalar]) -> Scalar:
    largest = _largest(terms)
    powers = [(value - largest).through(math.exp) for value in terms]
    return _sum(powers).through(math.log) + largest


def _product(terms: list[Scalar]) -> Scalar:
    first, *rest = terms
    for term in rest:
        first = first * term
    return first


REDUCTIONS: Mapping[str, Callable[[list[Scalar]], Scalar]] = {
    "sum": lambda terms: _sum(terms),
    "mean": lambda terms: _mean(terms),
    "extremum": lambda terms: _largest(terms),
    "product": _product,
    "variance": _variance,
    "standard deviation": lambda terms: _variance(terms).through(math.sqrt),
    "euclidean norm": lambda terms: _sum([x * x for x in terms]).through(math.sqrt),
    "log-sum-exp": _log_sum_exp,
}


def reduction(x: Array, name: str) -> Array:
    """Over the last dimension."""
    return tabulated(x.shape[:-1], lambda *at: REDUCTIONS[name](list(x[at])))


def running_sum(x: Array) -> Array:
    """Along the last dimension."""
    out = x.copy()
    for (*position, i), _ in np.ndenumerate(x):
        if i:
            out[(*position, i)] = out[(*position, i - 1)] + x[(*position, i)]
    return out


def _largest(terms: Iterable[Scalar]) -> Scalar:
    first, *rest = terms
    for term in rest:
        first = first.larger(term)
    return first


# --- pooling and joining --------------------------------------------------------------------------


def max_pool2d(x: Array, kernel: Pair, *, stride: Pair, padding: Pair) -> Array:
    return _pooled(_padded(x, padding, -math.inf), kernel, stride, _largest)


def avg_pool2d(x: Array, kernel: Pair, *, stride: Pair, padding: Pair) -> Array:
    """The mean over the whole window, padding included."""
    return _pooled(_padded(x, padding, 0.0), kernel, stride, _mean)


def avg_pool2d_inside(x: Array, kernel: Pair, *, stride: Pair, padding: Pair) -> Array:
    """The mean over what of the window lies inside the map."""
    height, width = x.shape[2:]
    grid = _grid(_padded(x, padding, 0.0), kernel, stride, (1, 1))

    def entry(b: int, c: int, i: int, j: int) -> Scalar:
        places = [(r - padding[0], s - padding[1]) for r, s in _under(i, j, kernel, stride, (1, 1))]
        return _mean([x[b, c, r, s] for r, s in places if 0 <= r < height and 0 <= s < width])

    return tabulated((*x.shape[:2], *grid), entry)


def global_pool(x: Array) -> Array:
    return tabulated((*x.shape[:2], 1, 1), lambda b, c, *_: _mean(list(x[b, c].flat)))


def adaptive_pool(x: Array, grid: Pair) -> Array:
    """Means over windows that tile the map, as PyTorch cuts them."""

    def window(size: int, outputs: int, i: int) -> slice:
        return slice(i * size // outputs, -(-(i + 1) * size // outputs))

    def entry(b: int, c: int, i: int, j: int) -> Scalar:
        (height, width), (rows, columns) = x.shape[2:], grid
        return _mean(list(x[b, c, window(height, rows, i), window(width, columns, j)].flat))

    return tabulated((*x.shape[:2], *grid), entry)


def resize(x: Array, grid: Pair, mode: str) -> Array:
    """Nearest and bilinear, corners apart, as F.interpolate does by default."""

    def source(at: int, size: int, outputs: int) -> float:
        return max(0.0, (at + 0.5) * size / outputs - 0.5)

    def nearest(b: int, c: int, i: int, j: int) -> Scalar:
        return x[b, c, i * x.shape[2] // grid[0], j * x.shape[3] // grid[1]]

    def bilinear(b: int, c: int, i: int, j: int) -> Scalar:
        (height, width), (rows, columns) = x.shape[2:], grid
        y, z = source(i, height, rows), source(j, width, columns)
        top, left = int(y), int(z)
        below, right = min(top + 1, height - 1), min(left + 1, width - 1)
        down, across = y - top, z - left
        corners = (
            x[b, c, top, left] * ((1 - down) * (1 - across)),
            x[b, c, top, right] * ((1 - down) * across),
            x[b, c, below, left] * (down * (1 - across)),
            x[b, c, below, right] * (down * across),
        )
        return _sum(corners)

    return tabulated((*x.shape[:2], *grid), {"nearest": nearest, "bilinear": bilinear}[mode])


def rms_norm(x: Array, weight: Array, eps: float) -> Array:
    """Each position's features are normalised apart."""
    out = np.empty(x.shape, dtype=object)
    for position in np.ndindex(x.shape[:-1]):
        squares = _sum(value * value for value in x[position]) / x.shape[-1]
        scale = 1.0 / (squares + eps).through(math.sqrt)
        out[position] = [v * scale * w for v, w in zip(x[position], weight, strict=True)]
    return out


def divide(x: Array, y: Array) -> Array:
    return tabulated(x.shape, lambda *at: x[at] / y[at])


def maximum(x: Array, y: Array) -> Array:
    return tabulated(x.shape, lambda *at: x[at].larger(y[at]))


def add(x: Array, y: Array) -> Array:
    return tabulated(x.shape, lambda *at: x[at] + y[at])


def multiply(x: Array, gate: Array) -> Array:
    gate = np.broadcast_to(gate, x.shape)
    return tabulated(x.shape, lambda *at: x[at] * gate[at])


def concatenate(parts: Sequence[Array]) -> Array:
    """Along channels."""
    maps = [[channel for part in parts for channel in part[b]] for b in range(len(parts[0]))]
    return np.array(maps)


def _pooled(x: Array, kernel: Pair, stride: Pair, over: Callable[[list[Scalar]], Scalar]) -> Array:
    def entry(b: int, c: int, i: int, j: int) -> Scalar:
        return over([x[b, c, r, s] for r, s in _under(i, j, kernel, stride, (1, 1))])

    return tabulated((*x.shape[:2], *_grid(x, kernel, stride, (1, 1))), entry)


def _mean(terms: list[Scalar]) -> Scalar:
    return _sum(terms) / len(terms)


# --- windows --------------------------------------------------------------------------------------


def _padded(x: Array, padding: Pair, number: float) -> Array:
    """The map inside a frame of counting scalars of that number."""
    b, c, h, w = x.shape
    top, left = padding
    frame = filled((b, c, h + 2 * top, w + 2 * left), number, x.flat[0].tally)
    frame[:, :, top : top + h, left : left + w] = x
    return frame


def _grid(x: Array, kernel: Sequence[int], stride: Pair, dilation: Pair) -> list[int]:
    """How many positions the window takes, found by sliding it until it leaves the map."""
    grid = []
    for size, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True):
        positions = 0
        while positions * s + d * (k - 1) < size:
            positions += 1
        grid.append(positions)
    return grid


def _under(i: int, j: int, kernel: Sequence[int], stride: Pair, dilation: Pair) -> list[Pair]:
    """The positions that the window touches from its place (i, j)."""
    taps = product(range(kernel[0]), range(kernel[1]))
    return [(i * stride[0] + u * dilation[0], j * stride[1] + v * dilation[1]) for u, v in taps]
