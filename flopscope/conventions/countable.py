"""The amounts in a row that conventions count."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flopscope.costs import COSTS, cost
from flopscope.costs.complex_numbers import has_complex
from flopscope.facts import Fact, Kind, Operator
from flopscope.sizes import Size, conv_output, elements, floor_div, product, scaled, total


class Countable(Fact):
    """An amount in a row that a convention can count."""

    MACS = "multiply-accumulates"
    PRODUCTS = "multiply-accumulates, of complex numbers as of real ones"
    RUN_PRODUCTS = "the same as torch runs them: three real convolutions for a complex one"
    BIAS = "bias additions"
    REGROUPED_PRODUCTS = "multiply-accumulates of a transposed convolution, groups taken twice"
    UNTURNED_BIAS = "bias additions of one group on the grid of a convolution not transposed"
    INPUTS = "input elements"
    OUTPUTS = "output elements"
    AFFINE_INPUTS = "input elements of a norm with scale and shift"
    WEIGHTS_AT_OUTPUTS = "weight elements × batch × output positions"
    CHANNEL_PAIRS = "pairs of channels without bias × batch"
    WINDOWS = "output elements × window"
    POSITIONS = "output positions of one channel"
    BATCH_PARAMS = "parameters × batch"
    SOFTMAX_ROWS = "softmax distributions"
    TAPS = "batch × output positions × kernel"
    MASKED_TAPS = "the same of a modulated deformable convolution"
    ACTS = "scalar operations"


COUNTABLES: Mapping[Countable, Callable[[Operator], Size]] = {
    Countable.MACS: lambda row: cost(row).macs,
    Countable.PRODUCTS: lambda row: COSTS[row.kind](row).macs,
    Countable.RUN_PRODUCTS: lambda row: scaled(COSTS[row.kind](row).macs, _convolutions(row)),
    Countable.BIAS: lambda row: elements(row.output) if row.has_bias else 0,
    Countable.REGROUPED_PRODUCTS: lambda row: _regrouped_products(row),
    Countable.UNTURNED_BIAS: lambda row: _unturned_bias(row) if row.has_bias else 0,
    Countable.INPUTS: lambda row: elements(row.operand),
    Countable.OUTPUTS: lambda row: elements(row.output),
    Countable.AFFINE_INPUTS: lambda row: elements(row.operand) if row.weights else 0,
    Countable.WEIGHTS_AT_OUTPUTS: lambda row: product(
        (*row.weights[0].shape, row.output[0], *row.output[2:])
    ),
    Countable.CHANNEL_PAIRS: lambda row: _channel_pairs(row),
    Countable.WINDOWS: lambda row: _under_windows(row),
    Countable.POSITIONS: lambda row: product(row.output[2:]),
    Countable.BATCH_PARAMS: lambda row: (
        product((row.output[0], total(elements(weight.shape) for weight in row.weights)))
        if row.inputs
        else 0
    ),  # a look-up at places that no input chooses is not a layer
    Countable.SOFTMAX_ROWS: lambda row: row.groups,
    Countable.TAPS: lambda row: _taps(row),
    Countable.MASKED_TAPS: lambda row: _taps(row) if len(row.inputs) > 2 else 0,
    Countable.ACTS: lambda row: cost(row).acts,
}


def _convolutions(row: Operator) -> int:
    convolved = row.kind in (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION)
    return 3 if convolved and has_complex(row) else 1


def _regrouped_products(row: Operator) -> Size:
    """What deepspeed counts for a transposed convolution: it divides the channels of one group by
    the groups again."""
    inputs, outputs, *kernel = row.weights[0].shape
    spread = product((inputs, floor_div(outputs, row.groups), *kernel))
    return product((row.operand[0], *row.operand[2:], spread))


def _unturned_bias(row: Operator) -> Size:
    """What deepspeed adds for the bias of a transposed convolution."""
    assert row.window is not None
    axes = zip(
        row.operand[2:],
        row.window.kernel,
        row.window.stride,
        row.window.padding,
        row.window.dilation,
        strict=True,
    )
    grid = (conv_output(*axis) for axis in axes)
    return product((row.output[0], row.weights[0].shape[1], *grid))


def _channel_pairs(row: Operator) -> Size:
    return 0 if row.has_bias else product((row.output[0], *row.weights[0].shape[:2]))


def _under_windows(row: Operator) -> Size:
    assert row.window is not None
    return product((*row.output, *row.window.kernel))


def _taps(row: Operator) -> Size:
    return product((row.output[0], *row.weights[0].shape[2:], *row.output[2:]))
