"""Readings: bytes, peak memory against live storages of real networks, and what a reading says."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from variants import with_width

import flopscope as fs
from flopscope.analytic.blocks import inverted_residual, mobilenetv3_block, squeeze_excite
from flopscope.analytic.named_blocks import NAMED_BLOCKS
from flopscope.analytic.operators import (
    activation,
    add,
    avg_pool2d,
    batch_norm,
    concatenate,
    conv2d,
    flatten,
    global_pool,
    linear,
)
from flopscope.analytic.tape import Feature, record
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import FREE, parse
from flopscope.domain import AtLeast
from flopscope.errors import BadInput, MixedQuantities, OutsideDomain, UnboundSymbols, UnknownName
from flopscope.facts import Function, Kind, Operator, Weight
from flopscope.ledger import Ledger, Level
from flopscope.readings import Reading
from flopscope.readings.liveness import live_elements
from flopscope.readings.memory import IN_PLACE
from flopscope.symbolic import substitute, symbol

few = settings(max_examples=25, deadline=None)
both_ways = pytest.mark.parametrize("fused", [True, False])

# --- peak memory against real networks ------------------------------------------------------------


class Weights:
    """Weights by shape, made when first asked for."""

    def __init__(self) -> None:
        self.made: dict[tuple[int, ...], torch.Tensor] = {}

    def __call__(self, *shape: int) -> torch.Tensor:
        if shape not in self.made:
            self.made[shape] = torch.ones(shape)
        return self.made[shape]


class Storages(TorchDispatchMode):
    """The largest sum of bytes of storages alive at the end of an operator, weights left out."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self._weights = {StorageWeakRef(w.untyped_storage()) for w in weights.made.values()}
        self._sizes: dict[StorageWeakRef, int] = {}
        self.peak = 0

    def track(self, tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if (key := StorageWeakRef(storage)) not in self._weights:
            self._sizes[key] = storage.nbytes()
        return tensor

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self.track(tensor)
        self._sizes = {key: size for key, size in self._sizes.items() if not key.expired()}
        self.peak = max(self.peak, sum(self._sizes.values()))
        return result


def measured_peak(network: Callable[[list[torch.Tensor], Weights], object], shape) -> int:
    """The network takes its input out of a list, so that nobody else keeps it alive."""
    weights = Weights()
    with torch.no_grad():
        network([torch.ones(shape)], weights)  # makes the weights
        with Storages(weights) as storages:
            network([storages.track(torch.ones(shape))], weights)
    return storages.peak


def torch_conv(x, weights, channels, kernel, stride=1, bias=False):
    weight = weights(channels, x.shape[1], kernel, kernel)
    return F.conv2d(x, weight, weights(channels) if bias else None, stride, kernel // 2)


def torch_norm(x, weights):
    channel = weights(x.shape[1])
    return F.batch_norm(x, channel, channel, channel, channel)


def chain(x: Feature, c: int) -> Feature:
    x = activation(batch_norm(conv2d(x, c, 3, stride=2)), Function.RELU)
    x = avg_pool2d(conv2d(x, 2 * c, 3, name="second"), 2, stride=2)
    return linear(flatten(global_pool(x, name="mean")), 10)


def torch_chain(box, weights, c):
    x = torch_conv(box.pop(), weights, c, 3, stride=2)
    x = torch_norm(x, weights)
    x = F.relu(x)
    x = torch_conv(x, weights, 2 * c, 3)
    x = F.avg_pool2d(x, 2)
    x = F.adaptive_avg_pool2d(x, 1)
    x = torch.flatten(x, 1)
    return F.linear(x, weights(10, 2 * c), weights(10))


def residual(x: Feature, c: int) -> Feature:
    x = conv2d(x, c, 3)
    y = activation(batch_norm(conv2d(x, 3 * c, 1, name="expand")), Function.RELU)
    y = batch_norm(conv2d(y, c, 3, name="project"), name="bn2")
    return activation(add(x, y), Function.RELU, name="act2")


def torch_residual(box, weights, c):
    x = torch_conv(box.pop(), weights, c, 3)
    y = torch_conv(x, weights, 3 * c, 1)
    y = torch_norm(y, weights)
    y = F.relu(y)
    y = torch_conv(y, weights, c, 3)
    y = torch_norm(y, weights)
    x = x + y
    del y
    return F.relu(x)


def gated(x: Feature, c: int) -> Feature:
    x = squeeze_excite(conv2d(x, 2 * c, 3), c)
    return conv2d(x, c, 1, name="out")


def torch_gated(box, weights, c):
    x = torch_conv(box.pop(), weights, 2 * c, 3)
    g = F.adaptive_avg_pool2d(x, 1)
    g = torch_conv(g, weights, c, 1, bias=True)
    g = F.relu(g)
    g = torch_conv(g, weights, 2 * c, 1, bias=True)
    g = F.hardsigmoid(g)
    x = x * g
    del g
    return torch_conv(x, weights, c, 1)


def dense(x: Feature, c: int) -> Feature:
    a = conv2d(x, c, 3, name="a")
    b = conv2d(a, c, 3, name="b")
    ab = concatenate([x, a, b])
    return add(conv2d(ab, c, 1, name="mix"), a)


def torch_dense(box, weights, c):
    x = box.pop()
    a = torch_conv(x, weights, c, 3)
    b = torch_conv(a, weights, c, 3)
    x = torch.cat([x, a, b], 1)
    del b
    x = torch_conv(x, weights, c, 1)
    return x + a


def early_exit(x: Feature, c: int) -> Feature:
    x = conv2d(x, c, 3)
    linear(flatten(x), 10, name="exit")  # nobody reads it: it lives to the end
    return conv2d(conv2d(x, c, 3, name="second"), c, 3, name="third")


def torch_early_exit(box, weights, c):
    x = torch_conv(box.pop(), weights, c, 3)
    y = torch.flatten(x, 1)
    y = F.linear(y, weights(10, y.shape[1]), weights(10))
    x = torch_conv(x, weights, c, 3)
    x = torch_conv(x, weights, c, 3)
    return x, y


TWINS = {
    "early exit": (early_exit, torch_early_exit),
    "chain": (chain, torch_chain),
    "residual": (residual, torch_residual),
    "gated": (gated, torch_gated),
    "dense": (dense, torch_dense),
}


@pytest.mark.parametrize("name", TWINS)
@few
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(5, 20), st.integers(5, 20)),
    c=st.integers(1, 12),
)
def test_peak_equals_the_live_storages_of_the_real_network(name, shape, c):
    written, real = TWINS[name]
    ledger = record(lambda x: written(x, c), shape)
    peak = ledger.peak_activation_bytes(fused=False)
    assert peak.value == measured_peak(partial(real, c=c), shape)


def test_fused_peak_of_a_residual_block():
    """Derived by hand, in elements, for an input of 1·4·8·8 and c = 8: P = 64 positions.

    conv    input 4P, output 8P                                 12P
    expand  x 8P, y 24P                                         32P
    bn, act write into y                                        32P
    project x 8P, y 24P, new y 8P                               40P
    bn2     writes into y                                       16P
    add     writes into x, reads y                              16P
    act2    writes into it                                       8P
    """
    ledger = record(lambda x: residual(x, 8), (1, 4, 8, 8))
    assert ledger.peak_activation_bytes("int8").value == 40 * 64
    # Apart: act reads 24P and writes 24P beside x.
    assert ledger.peak_activation_bytes("int8", fused=False).value == 56 * 64
    # Where the peak lies at a fused row: x beside y, against y before and after the norm.
    start = Ledger(ledger.rows[1:4])
    assert start.peak_activation_bytes("int8").value == 32 * 64
    assert start.peak_activation_bytes("int8", fused=False).value == 48 * 64


def test_an_input_that_is_read_later_is_not_overwritten():
    def kept(x: Feature) -> Feature:
        return add(activation(x, Function.RELU), x)

    def consumed(x: Feature) -> Feature:
        return activation(activation(x, Function.RELU), Function.RELU)

    assert record(kept, (1, 1, 2, 2)).peak_activation_bytes("int8").value == 8
    assert record(consumed, (1, 1, 2, 2)).peak_activation_bytes("int8").value == 4


# --- peak memory where widths decide what happens -------------------------------------------------


@cache
def peak_formula(model: str, fused: bool):
    sizes = {name: FREE[name] for name in ("width", "classes")}
    ledger = parse(model).ledger((FREE["H"], FREE["W"]), FREE["B"], **sizes)
    return ledger.peak_activation_bytes(fused=fused).formula


tiny_and_usual = st.integers(3, 30).map(lambda n: n / 100) | st.floats(0.03, 2.0)
resolutions = st.integers(1, 300)
designs = st.lists(st.tuples(tiny_and_usual, resolutions, resolutions), min_size=1, max_size=6)


@pytest.mark.parametrize("model", with_width())
@settings(max_examples=8, deadline=None)
@given(designs=designs, batch=st.integers(1, 4), classes=st.sampled_from([1, 10, 100_000]))
def test_peak_of_arrays_and_symbols_equals_that_of_numbers(model, designs, batch, classes):
    """Fused and not, of the same ledgers."""
    width, height, wide = (np.array(column) for column in zip(*designs, strict=True))

    def ledger(resolution, **options):
        return parse(model).ledger(resolution, batch, classes=classes, **options)

    single = [ledger((h, w), width=a) for a, h, w in designs]
    column = ledger((height, wide), width=width)
    sizes = {"B": batch, "classes": classes}
    for fused in (True, False):
        numbers = [one.peak_activation_bytes(fused=fused).value for one in single]
        assert column.peak_activation_bytes(fused=fused).value.tolist() == numbers
        formula = peak_formula(model, fused)
        assert formula.at(**sizes, H=height, W=wide, width=width).tolist() == numbers
        a, h, w = designs[0]
        assert formula.at(**sizes, H=h, W=w, width=a) == numbers[0]


def test_the_widths_of_that_test_flip_shortcuts_and_expansions():
    for model in ("mobilenetv2", "mobilenetv3_large", "mobilenetv3_small"):
        rows = {len(parse(model).ledger((32, 32), width=n / 100)) for n in range(3, 31)}
        assert len(rows) > 1


def blocks(widths, side) -> Ledger:
    """Three blocks; which of their rows happen depends on which of seven widths agree."""

    def network(x: Feature) -> Feature:
        for number, (hidden, out) in enumerate(zip(widths[1::2], widths[2::2], strict=True)):
            with x.tape.scope(f"block{number}"):
                x = mobilenetv3_block(
                    x,
                    out,
                    hidden=hidden,
                    kernel=3,
                    stride=1,
                    function=Function.RELU,
                    squeeze=False,
                )
        return x

    return record(network, (1, widths[0], side, side))


NAMES = [f"C{number}" for number in range(7)]


def steps(ledger: Ledger, fused: bool) -> list:
    """Live elements during each row, for rows that may happen."""
    return live_elements(ledger.rows, IN_PLACE if fused else ())


def present(column) -> list[int]:
    """Without the rows that do not happen."""
    return [int(elements) for elements in column if elements]


@cache
def free_blocks(fused: bool) -> list:
    return steps(blocks([symbol(name) for name in NAMES], FREE["H"]), fused)


@both_ways
@settings(max_examples=60, deadline=None)
@given(widths=st.lists(st.sampled_from([8, 16, 40]), min_size=7, max_size=7))
def test_liveness_where_each_shortcut_and_expansion_is_free(fused, widths):
    expected = steps(blocks(widths, 5), fused)
    arrays = steps(blocks([np.array([width, 8]) for width in widths], 5), fused)
    assert present(column[0] for column in arrays) == expected
    sizes = dict(zip(NAMES, widths, strict=True)) | {"H": 5}
    assert present(substitute(elements, sizes) for elements in free_blocks(fused)) == expected


@both_ways
def test_the_gate_of_an_absent_block_keeps_nothing_alive(fused):
    """Nobody reads it, but it is no output either."""

    def network(x: Feature, times) -> Feature:
        x = conv2d(x, 8, 1)
        with x.tape.scope("block", repeat=times):
            gated = squeeze_excite(x, 2)
        return conv2d(conv2d(gated, 2, 1), 1, 1)

    def without(x: Feature) -> Feature:
        return conv2d(conv2d(conv2d(x, 8, 1), 2, 1), 1, 1)

    shape = (1, 3, 5, 5)
    columns = steps(record(partial(network, times=np.array([0, 3])), shape), fused)
    assert present(np.broadcast_to(c, (2,))[0] for c in columns) == steps(
        record(without, shape), fused
    )
    once = steps(record(partial(network, times=1), shape), fused)
    assert present(np.broadcast_to(c, (2,))[1] for c in columns) == once


@pytest.mark.parametrize("model", with_width())
@both_ways
def test_liveness_of_networks_at_every_step(model, fused):
    variant = parse(model)
    widths = np.array([0.03, 0.05, 0.1, 0.12, 0.2, 0.26, 0.35, 0.5, 1.0, 1.4])
    columns = steps(variant.ledger((33, 57), 2, width=widths), fused)
    for index, width in enumerate(widths):
        alone = steps(variant.ledger((33, 57), 2, width=float(width)), fused)
        assert present(np.broadcast_to(c, widths.shape)[index] for c in columns) == alone


@both_ways
@few
@given(st.sampled_from([8, 16, 40]), st.sampled_from([8, 16, 40]), st.integers(2, 6))
def test_peak_of_a_block_in_symbols_whose_input_is_the_network_s(fused, inputs, outputs, t):
    form = NAMED_BLOCKS["inverted_residual"].ledger().peak_activation_bytes(fused=fused).formula
    ledger = record(lambda x: inverted_residual(x, outputs, expansion=t), (2, inputs, 6, 7))
    expected = ledger.peak_activation_bytes(fused=fused).value
    assert form.at(B=2, C_in=inputs, C_out=outputs, H=6, W=7, K=3, t=t) == expected


# --- bounds and bytes -----------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
@both_ways
def test_peak_lies_between_the_largest_part_and_the_sum(model, fused):
    variant = parse(model)
    try:
        ledger = variant.ledger((96, 64))
    except OutsideDomain:  # of those that take few sizes or one
        ledger = variant.ledger(variant.resolution())
    whole = ledger.peak_activation_bytes(fused=fused).value
    for level in (Level.STAGE, Level.BLOCK, Level.LAYER):
        parts = [
            part.peak_activation_bytes(fused=fused).value
            for part in ledger.group_by(level).values()
        ]
        assert max(parts) <= whole <= sum(parts)
    both = (ledger + ledger).peak_activation_bytes(fused=fused).value
    assert whole <= both <= 2 * whole


def test_peak_needs_to_know_what_rows_read():
    row = Operator(Kind.BATCH_NORM, "stem.bn", ((1, 8),), (1, 8))
    message = "row stem.bn does not say where its inputs come from"
    with pytest.raises(BadInput, match=f"^{re.escape(message)}$"):
        Ledger((row,)).peak_activation_bytes()


def test_a_repeated_block_does_not_live_with_its_copies():
    n = symbol("n")
    ledger = record(lambda x: residual(x, 8), (1, 4, 8, 8))
    once = ledger.peak_activation_bytes()
    assert ledger.repeat(7).peak_activation_bytes() == once
    assert ledger.repeat(n).peak_activation_bytes() == once
    assert ledger.repeat(n).traffic_bytes().value == n * ledger.traffic_bytes().value


DTYPE_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}


@pytest.mark.parametrize(("dtype", "width"), DTYPE_BYTES.items())
def test_bytes_of_one_layer_by_hand(dtype, width):
    """3×3 convolution of 2·4·10·10 with stride 2 to 8 channels, bias: 5·5 positions."""
    ledger = record(lambda x: conv2d(x, 8, 3, stride=2, bias=True), (2, 4, 10, 10))
    read, weights, written = 2 * 4 * 10 * 10, 8 * 4 * 9 + 8, 2 * 8 * 5 * 5
    assert torch.empty(0, dtype=getattr(torch, dtype)).element_size() == width
    assert ledger.weight_bytes(dtype) == Reading(width * weights, "bytes", f"weights, {dtype}")
    traffic = width * (read + weights + written)
    assert ledger.traffic_bytes(dtype) == Reading(traffic, "bytes", f"traffic, {dtype}")
    peak = Reading(width * (read + written), "bytes", f"peak activations, {dtype}")
    assert ledger.peak_activation_bytes(dtype) == peak


def test_traffic_moves_buffers_that_are_no_parameters():
    ledger = record(batch_norm, (1, 8, 4, 4))
    assert ledger.weight_bytes("int8").value == 16
    assert ledger.traffic_bytes("int8").value == 2 * 128 + 32


@pytest.mark.parametrize("reading", ["weight_bytes", "traffic_bytes", "peak_activation_bytes"])
def test_an_unknown_dtype_is_refused(reading):
    ledger = record(batch_norm, (1, 8, 4, 4))
    message = "unknown dtype 'float31'; did you mean float32, float16 or bfloat16?"
    with pytest.raises(UnknownName, match=f"^{re.escape(message)}$"):
        getattr(ledger, reading)("float31")


def test_bytes_beyond_64_bits_are_refused_or_exact():
    def wide(channels):
        return record(lambda x: linear(x, channels, bias=False), (1, channels))

    exact = 2**64
    assert wide(2**31).weight_bytes("float32").value == exact
    assert wide(np.array([2**31], dtype=object)).weight_bytes("float32").value.tolist() == [exact]
    with pytest.raises(ValueError, match=r"^these arrays allow a count of up to 1\.84e\+19"):
        wide(np.array([2**31])).weight_bytes("float32")


# --- what a reading says --------------------------------------------------------------------------

UNKNOWN = Operator(Kind.UNKNOWN, "head.fft", ((1, 8),), (1, 8), reads=(0,), id=1)
LINEAR = Operator(
    Kind.LINEAR, "head.fc", ((1, 9),), (1, 8), (Weight("fc.weight", (8, 9)),), reads=(-1,)
)


def test_an_unknown_row_makes_a_lower_bound():
    ledger = Ledger((LINEAR, UNKNOWN))
    for reading in (ledger.macs(), ledger.flops("all"), ledger.activations()):
        assert not reading.complete
        assert reading.missing == ("head.fft",)
        assert str(reading).startswith("≥ ")
    assert str(ledger.macs()) == "≥ 72 MACs (macs)"
    assert int(ledger.macs()) == 72
    assert ledger.params().complete  # a row's weights are known whatever it computes
    assert Ledger((LINEAR,)).macs().complete


def test_readings_add():
    condition = AtLeast(symbol("H"), 3, "height")
    known = Reading(1_000, "MACs", "macs", conditions=(condition,))
    bound = Reading(24, "MACs", "macs", ("fft",), (condition,))
    both = known + bound
    assert both == Reading(1_024, "MACs", "macs", ("fft",), (condition,))
    assert str(known) == "1,000 MACs (macs)"
    assert str(both) == "≥ 1,024 MACs (macs)"
    assert str(Reading(7, "parameters")) == "7 parameters"
    assert str(Reading(symbol("H"), "elements", "fvcore")) == "H elements (fvcore)"
    assert (Reading(symbol("H"), "parameters") + Reading(2, "parameters")).value == symbol("H") + 2


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (Reading(1, "FLOPs", "torch"), "FLOPs (torch)"),
        (Reading(1, "MACs", "fvcore"), "MACs (fvcore)"),
        (Reading(1, "parameters"), "parameters"),
    ],
)
def test_different_quantities_do_not_add(other, words):
    message = f"MACs (macs) and {words} are different quantities and do not add"
    with pytest.raises(MixedQuantities, match=f"^{re.escape(message)}$"):
        Reading(1, "MACs", "macs") + other


def test_a_reading_adds_to_readings_only():
    with pytest.raises(TypeError, match="unsupported operand"):
        Reading(1, "MACs", "macs") + 1


def test_sums_of_array_readings_do_not_wrap():
    half = Reading(np.array([2**62]), "MACs", "macs")
    with pytest.raises(ValueError, match=r"^these arrays allow a count of up to 9.22e"):
        half + half


def test_a_reading_as_an_integer():
    assert int(Reading(3, "MACs")) == 3
    message = "the reading depends on H, W; bind them with .formula.at(...)"
    with pytest.raises(UnboundSymbols, match=f"^{re.escape(message)}$"):
        int(Reading(symbol("W") * symbol("H"), "MACs"))
    with pytest.raises(TypeError, match=r"^the reading is an array; use \.value$"):
        int(Reading(np.array([1, 2]), "MACs"))


def test_a_reading_as_a_formula():
    condition = AtLeast(symbol("H"), 3, "height")
    formula = Reading(2 * symbol("H"), "MACs", "macs", conditions=(condition,)).formula
    assert (formula.unit, formula.convention) == ("MACs", "macs")
    assert formula.at(H=3) == 6
    assert formula.domain == "H ≥ 1; H ≥ 3"


@pytest.mark.parametrize("name", ["mobilenetv2", "resnet18"])
def test_memory_of_a_closed_form_is_that_of_its_trace(name):
    """Both hold the running statistics of batch norm."""
    traced = fs.trace(fs.build(name), (1, 3, 64, 64))
    memory = fs.QUANTITIES["memory"]
    assert memory.of(fs.analyze(name, res=64).rows).value == memory.of(traced.rows).value
