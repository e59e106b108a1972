"""The rules of `costs` against loops that count: same numbers as PyTorch, same acts as the rule."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import oracle
import pytest
import torch
from counting import Array
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from loops import agree, numbers
from torch import Tensor, nn
from torch.nn import functional as F

from flopscope.analytic import operators
from flopscope.analytic.tape import Feature, record
from flopscope.costs import COSTS, FUNCTION_ACTS, REDUCTION_ACTS, TAPS, cost
from flopscope.facts import Function, Interpolation, Kind, Operator, Reduction
from flopscope.tracing import trace

Pair: TypeAlias = tuple[int, int]

few = settings(max_examples=20, deadline=None)
small = st.integers(1, 3)
pairs = st.tuples(small, small)
maps = st.tuples(st.integers(1, 2), small, st.integers(1, 4), st.integers(1, 4))
vectors = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple)
each_form = pytest.mark.parametrize(
    "form", ["standard", "pointwise", "depthwise", "grouped", "dilated"]
)


def row_of(network: Callable[[Feature], Feature], shape: tuple[int, ...]) -> Operator:
    """The row of a network of one operator."""
    (row,) = record(network, shape).rows
    return row


def test_every_kind_but_two_has_a_rule() -> None:
    assert set(COSTS) == set(Kind) - {Kind.UNKNOWN, Kind.OTHER}


def test_every_function_has_its_acts_and_its_loop() -> None:
    assert set(FUNCTION_ACTS) == set(Function)
    assert set(oracle.FUNCTIONS) == {function.value for function in Function}


# --- products -------------------------------------------------------------------------------------


def grouped_channels(draw: Any, form: str) -> tuple[int, int, int]:
    """Groups, input and output channels of a convolution of that form."""
    many = {"grouped": st.integers(2, 3), "depthwise": st.integers(1, 4)}
    groups = draw(many.get(form, st.just(1)))
    inputs = 1 if form == "depthwise" else draw(st.integers(1, 2))
    return groups, groups * inputs, groups * draw(st.integers(1, 2))


def kernel_and_dilation(draw: Any, form: str) -> tuple[Pair, Pair]:
    kernel = (1, 1) if form == "pointwise" else draw(pairs)
    return kernel, draw(st.tuples(st.integers(2, 3), small)) if form == "dilated" else (1, 1)


@each_form
@few
@given(data=st.data(), batch=st.integers(1, 2), stride=pairs, bias=st.booleans())
def test_convolution(form: str, data: st.DataObject, batch: int, stride: Pair, bias: bool) -> None:
    groups, c_in, c_out = grouped_channels(data.draw, form)
    kernel, dilation = kernel_and_dilation(data.draw, form)
    padding = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    axes = zip(kernel, dilation, padding, strict=True)
    grid = [max(1, d * (k - 1) + 1 - 2 * p) + data.draw(st.integers(0, 2)) for k, d, p in axes]
    window = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}

    x, w = numbers(batch, c_in, *grid), numbers(c_out, c_in // groups, *kernel)
    b = numbers(c_out) if bias else None
    conv = partial(operators.conv2d, channels=c_out, kernel=kernel, bias=bias, **window)
    expected = F.conv2d(x, w, b, **window)
    agree(row_of(conv, x.shape), partial(oracle.conv2d, **window), [x, w, b], expected)


@each_form
@few
@given(data=st.data(), batch=small, grid=pairs, stride=pairs, bias=st.booleans())
def test_transposed_convolution(
    form: str, data: st.DataObject, batch: int, grid: Pair, stride: Pair, bias: bool
) -> None:
    groups, c_in, c_out = grouped_channels(data.draw, form)
    kernel, dilation = kernel_and_dilation(data.draw, form)
    most = [max(s, d) - 1 for s, d in zip(stride, dilation, strict=True)]
    extra = tuple(data.draw(st.integers(0, bound)) for bound in most)
    axes = zip(grid, stride, kernel, dilation, extra, strict=True)
    spare = [(n - 1) * s + d * (k - 1) + e for n, s, k, d, e in axes]
    padding = tuple(data.draw(st.integers(0, min(2, room // 2))) for room in spare)
    window = {"stride": stride, "padding": padding, "output_padding": extra}
    window |= {"dilation": dilation, "groups": groups}

    x, w = numbers(batch, c_in, *grid), numbers(c_in, c_out // groups, *kernel)
    b = numbers(c_out) if bias else None
    conv = partial(operators.conv_transpose2d, channels=c_out, kernel=kernel, bias=bias, **window)
    expected = F.conv_transpose2d(x, w, b, **window)
    agree(row_of(conv, x.shape), partial(oracle.conv_transpose2d, **window), [x, w, b], expected)


@few
@given(shape=vectors, features=small, bias=st.booleans())
def test_linear(shape: tuple[int, ...], features: int, bias: bool) -> None:
    x, w = numbers(*shape), numbers(features, shape[-1])
    b = numbers(features) if bias else None
    row = row_of(lambda x: operators.linear(x, features, bias=bias), shape)
    agree(row, oracle.linear, [x, w, b], F.linear(x, w, b))


@few
@given(batch=st.lists(small, max_size=2), n=small, k=small, m=small)
def test_matmul(batch: list[int], n: int, k: int, m: int) -> None:
    a, b = numbers(*batch, n, k), numbers(*batch, k, m)
    row = row_of(lambda x: operators.matmul(x, Feature(x.tape, (*batch, k, m))), (*batch, n, k))
    agree(row, oracle.matmul, [a, b], a @ b)


# --- norms ----------------------------------------------------------------------------------------

EPS = 1e-3


def scale_and_shift(affine: bool, features: int) -> tuple[Tensor | None, Tensor | None]:
    return (numbers(features), numbers(features)) if affine else (None, None)


@few
@given(shape=maps, affine=st.booleans())
def test_batch_norm(shape: tuple[int, ...], affine: bool) -> None:
    x, mean, variance = numbers(*shape), numbers(shape[1]), numbers(shape[1]).abs()
    w, b = scale_and_shift(affine, shape[1])
    row = row_of(lambda x: operators.batch_norm(x, affine=affine), shape)
    expected = F.batch_norm(x, mean, variance, w, b, eps=EPS)
    agree(row, partial(oracle.batch_norm, eps=EPS), [x, mean, variance, w, b], expected)


@few
@given(shape=maps, affine=st.booleans(), tracked=st.booleans())
def test_batch_norm_in_training(shape: tuple[int, ...], affine: bool, tracked: bool) -> None:
    shape = (shape[0] + 1, *shape[1:])  # PyTorch refuses a variance of one element
    x, running = numbers(*shape), (numbers(shape[1]), numbers(shape[1]).abs())
    w, b = scale_and_shift(affine, shape[1])
    row = row_of(
        lambda x: operators.batch_norm(
            x, affine=affine, training=True, track_running_stats=tracked
        ),
        shape,
    )
    loop = partial(oracle.batch_norm_training, eps=EPS, momentum=0.1)
    statistics = running if tracked else (None, None)
    updated = [value if value is None else value.clone() for value in statistics]
    expected = F.batch_norm(x, *updated, w, b, training=True, momentum=0.1, eps=EPS)
    agree(row, loop, [x, *statistics, w, b], expected)


@few
@given(shape=vectors, affine=st.booleans())
def test_layer_norm(shape: tuple[int, ...], affine: bool) -> None:
    x, (w, b) = numbers(*shape), scale_and_shift(affine, shape[-1])
    row = row_of(lambda x: operators.layer_norm(x, affine=affine), shape)
    expected = F.layer_norm(x, shape[-1:], w, b, EPS)
    agree(row, partial(oracle.layer_norm, eps=EPS), [x, w, b], expected)


@few
@given(shape=maps, groups=small, affine=st.booleans())
def test_group_norm(shape: tuple[int, ...], groups: int, affine: bool) -> None:
    shape = (shape[0], groups * shape[1], *shape[2:])
    assume(math.prod(shape) > groups)  # of one element nn.GroupNorm takes no statistics
    x, (w, b) = numbers(*shape), scale_and_shift(affine, shape[1])
    row = row_of(lambda x: operators.group_norm(x, groups, affine=affine), shape)

    def loop(x: Array, w: Array | None, b: Array | None) -> Array:
        return oracle.group_norm(x, groups, w, b, EPS)

    agree(row, loop, [x, w, b], torch.group_norm(x, groups, w, b, EPS))


# --- functions ------------------------------------------------------------------------------------

TORCH_FUNCTIONS: dict[Function, Callable[[Tensor], Tensor]] = {
    Function.RELU: F.relu,
    Function.RELU6: F.relu6,
    Function.SIGMOID: torch.sigmoid,
    Function.SILU: F.silu,
    Function.TANH: torch.tanh,
    Function.GELU: F.gelu,
    Function.HARD_SIGMOID: F.hardsigmoid,
    Function.HARD_SWISH: F.hardswish,
    Function.GELU_TANH: partial(F.gelu, approximate="tanh"),
    Function.LEAKY_RELU: F.leaky_relu,
    Function.PRELU: lambda x: F.prelu(x, torch.tensor([0.25], dtype=torch.float64)),
    Function.ELU: partial(F.elu, alpha=0.7),
    Function.SOFTPLUS: F.softplus,
    Function.MISH: F.mish,
    Function.LOG_SIGMOID: F.logsigmoid,
    Function.CLAMP: partial(torch.clamp, min=-1, max=2),
    Function.BOUND: partial(torch.clamp, min=0.5),
    Function.NEGATE: torch.neg,
    Function.ABS: torch.abs,
    Function.ROUND: torch.floor,
    Function.SQUARE: torch.square,
    Function.CUBE: lambda x: x**3,
    Function.POWER: lambda x: x**4,
    Function.SQRT: torch.sqrt,
    Function.RECIPROCAL: torch.reciprocal,
    Function.RECIPROCAL_SQRT: torch.rsqrt,
    Function.EXP: torch.exp,
    Function.LOG: torch.log,
    Function.ERF: torch.erf,
    Function.SIN: torch.sin,
    Function.ELEMENTARY: torch.atan,
}
POSITIVE = (Function.SQRT, Function.RECIPROCAL_SQRT, Function.LOG, Function.RECIPROCAL)


@pytest.mark.parametrize("function", Function)
@few
@given(shape=vectors)
def test_activation(function: Function, shape: tuple[int, ...]) -> None:
    x = 4 * numbers(*shape)  # wide enough to meet every branch
    if function in POSITIVE:
        x = x.abs() + 0.1
    row = row_of(lambda x: operators.activation(x, function), shape)
    agree(row, partial(oracle.activation, name=function.value), [x], TORCH_FUNCTIONS[function](x))


@few
@given(shape=vectors)
def test_softmax(shape: tuple[int, ...]) -> None:
    x = numbers(*shape)
    agree(row_of(operators.softmax, shape), oracle.softmax, [x], F.softmax(x, dim=-1))


@few
@given(shape=vectors)
def test_log_softmax(shape: tuple[int, ...]) -> None:
    x, groups = numbers(*shape), math.prod(shape[:-1])
    row = Operator(Kind.LOG_SOFTMAX, "", (shape,), shape, groups=groups)
    agree(row, oracle.log_softmax, [x], F.log_softmax(x, dim=-1))


TORCH_REDUCTIONS: dict[Reduction, Callable[[Tensor], Tensor]] = {
    Reduction.SUM: partial(torch.sum, dim=-1),
    Reduction.MEAN: partial(torch.mean, dim=-1),
    Reduction.EXTREMUM: partial(torch.amax, dim=-1),
    Reduction.PRODUCT: partial(torch.prod, dim=-1),
    Reduction.VARIANCE: partial(torch.var, dim=-1, correction=0),
    Reduction.DEVIATION: partial(torch.std, dim=-1, correction=0),
    Reduction.NORM: partial(torch.linalg.vector_norm, dim=-1),
    Reduction.LOG_SUM_EXP: partial(torch.logsumexp, dim=-1),
}


def test_every_reduction_has_its_acts_and_its_loop() -> None:
    assert set(REDUCTION_ACTS) == set(Reduction) == {*TORCH_REDUCTIONS, Reduction.RUNNING_SUM}


@pytest.mark.parametrize("function", TORCH_REDUCTIONS)
@few
@given(shape=vectors)
def test_reduction(function: Reduction, shape: tuple[int, ...]) -> None:
    x, groups = numbers(*shape), math.prod(shape[:-1])
    row = Operator(Kind.REDUCTION, "", (shape,), shape[:-1], groups=groups, function=function)
    expected = TORCH_REDUCTIONS[function](x)
    agree(row, partial(oracle.reduction, name=function.value), [x], expected)


@few
@given(shape=vectors)
def test_running_sum(shape: tuple[int, ...]) -> None:
    x, groups = numbers(*shape), math.prod(shape[:-1])
    function = Reduction.RUNNING_SUM
    row = Operator(Kind.REDUCTION, "", (shape,), shape, groups=groups, function=function)
    agree(row, oracle.running_sum, [x], torch.cumsum(x, -1))


# --- pooling and joining --------------------------------------------------------------------------


@pytest.mark.parametrize("pool", ["max_pool2d", "avg_pool2d"])
@few
@given(data=st.data(), kernel=pairs, stride=pairs)
def test_pool(pool: str, data: st.DataObject, kernel: Pair, stride: Pair) -> None:
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in kernel)
    grid = [k + data.draw(st.integers(0, 2)) for k in kernel]
    window = {"stride": stride, "padding": padding}
    x = numbers(data.draw(st.integers(1, 2)), data.draw(small), *grid)
    row = row_of(partial(getattr(operators, pool), kernel=kernel, **window), x.shape)
    expected = getattr(F, pool)(x, kernel, **window)
    agree(row, partial(getattr(oracle, pool), kernel=kernel, **window), [x], expected)


@few
@given(data=st.data(), kernel=st.tuples(*[st.integers(1, 5)] * 2), stride=pairs)
def test_average_pool_of_what_is_inside(data: st.DataObject, kernel: Pair, stride: Pair) -> None:
    """On maps smaller than the kernel too, whose windows leave them on both sides."""
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in kernel)
    least = [max(1, k - 2 * p) for k, p in zip(kernel, padding, strict=True)]
    grid = [data.draw(st.integers(low, low + 4)) for low in least]
    window = {"stride": stride, "padding": padding}
    x = numbers(data.draw(st.integers(1, 2)), data.draw(small), *grid)
    row = row_of(
        partial(operators.avg_pool2d, kernel=kernel, include_padding=False, **window), x.shape
    )
    assert row.kind is (Kind.AVERAGE_POOL_INSIDE if any(padding) else Kind.AVERAGE_POOL)
    expected = F.avg_pool2d(x, kernel, count_include_pad=False, **window)
    agree(row, partial(oracle.avg_pool2d_inside, kernel=kernel, **window), [x], expected)
    (traced,) = trace(nn.AvgPool2d(kernel, count_include_pad=False, **window), x).ledger.rows
    assert cost(traced) == cost(row)


@few
@given(shape=maps)
def test_global_pool(shape: tuple[int, ...]) -> None:
    x = numbers(*shape)
    agree(
        row_of(operators.global_pool, shape), oracle.global_pool, [x], F.adaptive_avg_pool2d(x, 1)
    )


@few
@given(shape=maps, grid=pairs)
def test_adaptive_pool(shape: tuple[int, ...], grid: Pair) -> None:
    x = numbers(*shape)
    row = row_of(partial(operators.adaptive_pool, grid=grid), shape)
    agree(row, partial(oracle.adaptive_pool, grid=grid), [x], F.adaptive_avg_pool2d(x, grid))


@few
@given(
    shape=maps, grid=pairs, mode=st.sampled_from([Interpolation.NEAREST, Interpolation.BILINEAR])
)
def test_resize(shape: tuple[int, ...], grid: Pair, mode: Interpolation) -> None:
    x = numbers(*shape)
    row = row_of(partial(operators.resize, grid=grid, mode=mode), shape)
    expected = F.interpolate(x, grid, mode=mode.value)
    agree(row, partial(oracle.resize, grid=grid, mode=mode.value), [x], expected)


def test_every_interpolation_has_its_taps() -> None:
    assert set(TAPS) == set(Interpolation) - {Interpolation.VARYING}
    axes = {Interpolation.LINEAR: 1, Interpolation.BILINEAR: 2, Interpolation.TRILINEAR: 3}
    assert {mode: TAPS[mode] for mode in axes} == {mode: 2**n for mode, n in axes.items()}


@few
@given(shape=vectors)
def test_rms_norm(shape: tuple[int, ...]) -> None:
    x, w = numbers(*shape), numbers(shape[-1])
    expected = F.rms_norm(x, shape[-1:], w, EPS)
    row = row_of(operators.rms_norm, shape)
    agree(row, partial(oracle.rms_norm, eps=EPS), [x, w], expected)


@few
@given(shape=maps)
def test_division_and_comparison(shape: tuple[int, ...]) -> None:
    x, y = numbers(*shape), numbers(*shape)
    for kind, loop, expected in (
        (Kind.DIVIDE, oracle.divide, x / y),
        (Kind.COMPARE, oracle.maximum, torch.maximum(x, y)),
    ):
        agree(Operator(kind, "", (shape, shape), shape), loop, [x, y], expected)


@few
@given(shape=maps)
def test_addition(shape: tuple[int, ...]) -> None:
    x, y = numbers(*shape), numbers(*shape)
    row = row_of(lambda x: operators.add(x, Feature(x.tape, shape)), shape)
    agree(row, oracle.add, [x, y], x + y)


@few
@given(shape=maps, over_grid=st.booleans())
def test_multiplication_broadcasts_the_gate(shape: tuple[int, ...], over_grid: bool) -> None:
    gate_shape = (*shape[:2], 1, 1) if over_grid else shape
    x, gate = numbers(*shape), numbers(*gate_shape)
    row = row_of(lambda x: operators.multiply(x, Feature(x.tape, gate_shape)), shape)
    agree(row, oracle.multiply, [x, gate], x * gate)


@few
@given(shape=maps, more=st.lists(small, min_size=1, max_size=3))
def test_concatenation(shape: tuple[int, ...], more: list[int]) -> None:
    shapes = [(shape[0], channels, *shape[2:]) for channels in (shape[1], *more)]
    parts = [numbers(*s) for s in shapes]
    row = row_of(lambda x: operators.concatenate([Feature(x.tape, s) for s in shapes]), shape)
    agree(row, lambda *maps: oracle.concatenate(maps), list(parts), torch.cat(parts, dim=1))
