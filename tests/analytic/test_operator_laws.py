"""Laws that hold for every operator, whatever its sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flopscope.analytic import operators
from flopscope.analytic.mobilenetv2 import mobilenetv2
from flopscope.analytic.tape import Feature, record
from flopscope.conventions import CONVENTIONS
from flopscope.errors import MixedQuantities, Overflow
from flopscope.facts import Function, Interpolation, Kind, Window
from flopscope.ledger import Ledger, Level

few = settings(max_examples=20, deadline=None)
sizes = st.integers(1, 8)
maps = st.tuples(sizes, sizes, sizes, sizes)
each_convention = pytest.mark.parametrize("convention", CONVENTIONS)


def gated(x: Feature) -> Feature:
    return operators.multiply(x, operators.global_pool(x))


def attended(x: Feature) -> Feature:
    """Scores of a map with its own transpose."""
    *batch, n, k = x.shape
    return operators.softmax(operators.matmul(x, x._replace(shape=(*batch, k, n))))


def sampled(x: Feature) -> Feature:
    """A map of as many positions as it is wide, twice."""
    b, c, _, w = x.shape
    grid = x._replace(shape=(b, w, 2, 2))
    function = Interpolation.BILINEAR
    return x.tape.record(Kind.GRID_SAMPLE, "sample", (x, grid), (b, c, w, 2), function=function)


def deformed(x: Feature) -> Feature:
    """A deformable convolution of 3×3, modulated."""
    b, c, h, w = x.shape
    moved = [x._replace(shape=(b, n, h, w)) for n in (18, 9)]
    return x.tape.record(
        Kind.DEFORMABLE_CONVOLUTION,
        "conv",
        (x, *moved),
        (b, 5, h, w),
        weights=(("weight", (5, c, 3, 3)), ("bias", (5,))),
        window=Window((3, 3), (1, 1), (1, 1)),
    )


NETWORKS: dict[str, Callable[[Feature], Feature]] = {
    "convolution": partial(operators.conv2d, channels=5, kernel=3, bias=True),
    "strided": partial(operators.conv2d, channels=5, kernel=3, stride=2),
    "depthwise": lambda x: operators.conv2d(x, x.channels, 3, groups=x.channels),
    "transposed": partial(operators.conv_transpose2d, channels=5, kernel=3, stride=2, bias=True),
    "linear": partial(operators.linear, features=5),
    "attention": attended,
    "batch norm": operators.batch_norm,
    "layer norm": operators.layer_norm,
    "group norm": lambda x: operators.group_norm(x, x.channels, affine=False),
    "max pool": partial(operators.max_pool2d, kernel=1, stride=2),
    "average pool": partial(operators.avg_pool2d, kernel=1, stride=2),
    "gate": gated,
    "grid sample": sampled,
    "deformable": deformed,
    "addition": lambda x: operators.add(x, x),
    "concatenation": lambda x: operators.concatenate([x, x]),
    **{f.value: partial(operators.activation, function=f) for f in Function},
}
each_network = pytest.mark.parametrize("network", NETWORKS)


def written(network: str, shape: tuple[int, ...]) -> Ledger:
    """The network in a scope of its own name, so that its weights are its own."""

    def scoped(x: Feature) -> Feature:
        with x.tape.scope(network):
            return NETWORKS[network](x)

    return record(scoped, shape)


# --- batch ----------------------------------------------------------------------------------------


@each_network
@few
@given(shape=maps)
def test_twice_the_batch_is_twice_the_work_with_equal_params(
    network: str, shape: tuple[int, ...]
) -> None:
    assume(
        network != "group norm" or math.prod(shape) > shape[1]
    )  # of one element it has no statistics
    once, twice = written(network, shape), written(network, (2 * shape[0], *shape[1:]))
    assert twice.params() == once.params()
    assert twice.buffers() == once.buffers()
    assert twice.activations().value == 2 * once.activations().value
    # Batch norm folds its statistics into one scale and shift a channel, however many the images.
    folding = 5 * shape[1] if network == "batch norm" else 0
    for convention in CONVENTIONS:
        free_of_batch = folding if convention == "all" else 0
        expected = 2 * once.flops(convention).value - free_of_batch
        assert twice.flops(convention).value == expected, convention


@each_network
@few
@given(batch=st.integers(45, 60).flatmap(lambda bits: st.integers(2**bits, 2 ** (bits + 1))))
def test_an_array_is_counted_exactly_or_refused(network: str, batch: int) -> None:
    exact = written(network, (batch, 3, 4, 5))
    for name, convention in CONVENTIONS.items():
        try:
            arrays = written(network, (np.array([batch, 1]), 3, 4, 5))
            counts = [convention.count(row) for row in arrays]
        except Overflow:
            assert batch > 2**46, f"{name} counts less than 64 bits hold"
            continue
        assert [np.ravel(n)[0] for n in counts] == [convention.count(row) for row in exact], name


# --- convolutions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("operator", [operators.conv2d, operators.conv_transpose2d])
@few
@given(groups=sizes, inputs=sizes, outputs=sizes, kernel=st.integers(1, 3), grid=st.integers(3, 8))
def test_groups_divide_the_macs_and_weights_of_a_convolution(
    operator: Callable[..., Feature], groups: int, inputs: int, outputs: int, kernel: int, grid: int
) -> None:
    conv = partial(operator, channels=groups * outputs, kernel=kernel, padding=0)
    shape = (1, groups * inputs, grid, grid)
    dense, grouped = record(conv, shape), record(partial(conv, groups=groups), shape)
    assert groups * grouped.macs().value == dense.macs().value
    assert groups * grouped.params().value == dense.params().value
    assert grouped.rows[0].output == dense.rows[0].output


@few
@given(shape=maps, channels=sizes, bias=st.booleans())
def test_a_pointwise_convolution_is_a_linear_layer_over_positions(
    shape: tuple[int, ...], channels: int, bias: bool
) -> None:
    b, c, h, w = shape
    conv = record(lambda x: operators.conv2d(x, channels, 1, bias=bias), shape)
    linear = record(lambda x: operators.linear(x, channels, bias=bias), (b, h * w, c))
    assert conv.params() == linear.params()
    assert conv.activations() == linear.activations()
    # torchinfo leaves out a linear layer's positions, deepspeed its bias.
    different = {"torchinfo", "deepspeed"} if bias else {"torchinfo"}
    for convention in CONVENTIONS.keys() - different:
        assert conv.flops(convention) == linear.flops(convention), convention


# --- sums -----------------------------------------------------------------------------------------


@few
@given(data=st.data(), shapes=st.tuples(maps, maps))
def test_readings_are_additive_over_ledgers(
    data: st.DataObject, shapes: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    names = data.draw(
        st.lists(st.sampled_from(list(NETWORKS)), min_size=2, max_size=2, unique=True)
    )
    left, right = (written(name, shape) for name, shape in zip(names, shapes, strict=True))
    both = left + right
    assert both.params() == left.params() + right.params()
    assert both.buffers() == left.buffers() + right.buffers()
    assert both.activations() == left.activations() + right.activations()
    assert both.traffic_bytes() == left.traffic_bytes() + right.traffic_bytes()
    for convention in CONVENTIONS:
        assert both.flops(convention) == left.flops(convention) + right.flops(convention)


@each_convention
@pytest.mark.parametrize("level", Level)
def test_grouping_leaves_totals_unchanged(level: Level, convention: str) -> None:
    ledger = record(mobilenetv2, (1, 3, 96, 64))
    parts = list(ledger.group_by(level).values())
    assert len(parts) > 1
    assert sum(len(part) for part in parts) == len(ledger)
    assert sum(part.flops(convention).value for part in parts) == ledger.flops(convention).value
    assert sum(part.params().value for part in parts) == ledger.params().value


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            "macs",
            "torch",
            "MACs (macs) and FLOPs (torch) are different quantities and do not add",
        ),
        (
            "macs",
            "fvcore",
            "MACs (macs) and MACs (fvcore) are different quantities and do not add",
        ),
    ],
)
def test_readings_of_different_conventions_refuse_to_add(
    first: str, second: str, message: str
) -> None:
    ledger = written("convolution", (1, 3, 8, 8))
    with pytest.raises(MixedQuantities, match=f"^{re.escape(message)}$"):
        ledger.flops(first) + ledger.flops(second)


def test_readings_of_different_quantities_refuse_to_add() -> None:
    ledger = written("convolution", (1, 3, 8, 8))
    message = "MACs (macs) and parameters are different quantities and do not add"
    with pytest.raises(MixedQuantities, match=f"^{re.escape(message)}$"):
        ledger.macs() + ledger.params()
