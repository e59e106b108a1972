"""Conventions: how each tool and the papers weigh a row, as data.

A convention gives each kind of operator (or a single activation function) a sum of multiples of
countable quantities; a kind it does not name is free. One ledger so answers for every tool at once.
Each table is reproduced by a test that runs the tool itself, on layers written as modules, with
torch.matmul for a product of matrices and the signs + and * for sums and gates: a tool that hooks
modules or patches functions counts other spellings otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from flopscope.complexcosts import has_complex
from flopscope.costs import COSTS, cost
from flopscope.errors import UnknownName
from flopscope.facts import Arithmetic, Function, Interpolation, Kind, Operator, Reduction
from flopscope.sizes import Size, conv_output, elements, floor_div, product, scaled, total


class Quantity(Enum):
    """What a convention can count in a row."""

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


QUANTITIES: Mapping[Quantity, Callable[[Operator], Size]] = {
    Quantity.MACS: lambda row: cost(row).macs,
    Quantity.PRODUCTS: lambda row: COSTS[row.kind](row).macs,
    Quantity.RUN_PRODUCTS: lambda row: scaled(COSTS[row.kind](row).macs, _convolutions(row)),
    Quantity.BIAS: lambda row: elements(row.output) if row.has_bias else 0,
    Quantity.REGROUPED_PRODUCTS: lambda row: _regrouped_products(row),
    Quantity.UNTURNED_BIAS: lambda row: _unturned_bias(row) if row.has_bias else 0,
    Quantity.INPUTS: lambda row: elements(row.operand),
    Quantity.OUTPUTS: lambda row: elements(row.output),
    Quantity.AFFINE_INPUTS: lambda row: elements(row.operand) if row.weights else 0,
    Quantity.WEIGHTS_AT_OUTPUTS: lambda row: product(
        (*row.weights[0].shape, row.output[0], *row.output[2:])
    ),
    Quantity.CHANNEL_PAIRS: lambda row: _channel_pairs(row),
    Quantity.WINDOWS: lambda row: _under_windows(row),
    Quantity.POSITIONS: lambda row: product(row.output[2:]),
    Quantity.BATCH_PARAMS: lambda row: (
        product((row.output[0], total(elements(weight.shape) for weight in row.weights)))
        if row.inputs
        else 0
    ),  # a table that no input chooses from is no layer
    Quantity.SOFTMAX_ROWS: lambda row: row.groups,
    Quantity.TAPS: lambda row: _taps(row),
    Quantity.MASKED_TAPS: lambda row: _taps(row) if len(row.inputs) > 2 else 0,
    Quantity.ACTS: lambda row: cost(row).acts,
}


def _convolutions(row: Operator) -> int:
    convolved = row.kind in (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION)
    return 3 if convolved and has_complex(row) else 1


def _regrouped_products(row: Operator) -> Size:
    """As deepspeed counts a transposed convolution: it divides one group's channels by the groups
    again."""
    inputs, outputs, *kernel = row.weights[0].shape
    spread = product((inputs, floor_div(outputs, row.groups), *kernel))
    return product((row.operand[0], *row.operand[2:], spread))


def _unturned_bias(row: Operator) -> Size:
    """As deepspeed adds the bias of a transposed convolution."""
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


Weights: TypeAlias = Mapping[Quantity, int]
_NOTHING: Weights = {}


@dataclass(frozen=True)
class Convention:
    """A named way of counting. `unit` is MACs or FLOPs; `counts` says in words what is counted, and
    a row of a kind or function in `unknown` may count more than is known."""

    name: str
    unit: str
    counts: str
    source: str
    weights: Mapping[Kind | Arithmetic, Weights]
    # what a tool counts of a sparse product depends on how it is written
    unknown: frozenset[Kind | Arithmetic] = frozenset({Kind.UNKNOWN, Kind.SPARSE_MATMUL})

    def of(self, kind: Kind, function: Arithmetic | None = None) -> Weights:
        """What it counts in a row of that kind and function; nothing where it leaves it free. A
        grid sample is the same to a tool whatever its function."""
        weights = self.weights.get(kind, _NOTHING)
        if function is None or kind is Kind.GRID_SAMPLE:
            return weights
        return self.weights.get(function, weights)

    def knows(self, row: Operator) -> bool:
        """Is its count of the row exact?"""
        return row.kind not in self.unknown and row.function not in self.unknown

    def count(self, row: Operator) -> Size:
        """What one application of the row counts; 0 for a kind that the convention leaves free."""
        weights = self.of(row.kind, row.function)
        counts = [scaled(QUANTITIES[of](row), weight) for of, weight in weights.items()]
        return counts[0] if len(counts) == 1 else total(counts)


_ACTS = {Quantity.ACTS: 1}
_MACS = {Quantity.MACS: 1}
# tools do not ask whether numbers are complex
_PRODUCTS_ONCE = {Quantity.PRODUCTS: 1}
_PRODUCTS_TWICE = {Quantity.PRODUCTS: 2}
_PRODUCTS_AND_BIAS = {Quantity.PRODUCTS: 1, Quantity.BIAS: 1}
_RUN_PRODUCTS = {Quantity.RUN_PRODUCTS: 1}
_RUN_PRODUCTS_TWICE = {Quantity.RUN_PRODUCTS: 2}
_INPUTS = {Quantity.INPUTS: 1}
_INPUTS_TWICE = {Quantity.INPUTS: 2}
_OUTPUTS = {Quantity.OUTPUTS: 1}
_OUTPUTS_TWICE = {Quantity.OUTPUTS: 2}
_BATCH_PARAMS = {Quantity.BATCH_PARAMS: 1}
PRODUCTS = (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION, Kind.LINEAR, Kind.MATMUL)
"""The kinds whose multiply-accumulates every tool counts."""
MULTIPLYING = (*PRODUCTS, Kind.DEFORMABLE_CONVOLUTION, Kind.SPARSE_MATMUL)
"""All kinds that have multiply-accumulates."""

_MACS_CONVENTION = Convention(
    "macs",
    "MACs",
    "one per multiply-accumulate of convolution, linear and matmul; "
    "bias, norm, activation, pooling free",
    "the papers' mult-adds",
    dict.fromkeys(MULTIPLYING, _MACS),
    frozenset({Kind.UNKNOWN}),
)

_FVCORE = Convention(
    "fvcore",
    "MACs",
    "as macs, plus 2 an element of batch norm, 5 of layer and group norm, 1 of adaptive pooling, "
    "1 of nearest and 4 of bilinear interpolation",
    "fvcore 0.1.5: nn/flop_count.py, nn/jit_handles.py",
    {
        **dict.fromkeys(PRODUCTS, _RUN_PRODUCTS),
        Kind.GRID_SAMPLE: {Quantity.OUTPUTS: 4},
        Kind.BATCH_NORM: {Quantity.INPUTS: 1, Quantity.AFFINE_INPUTS: 1},
        Kind.BATCH_NORM_TRAINING: {Quantity.INPUTS: 4, Quantity.AFFINE_INPUTS: 1},
        Kind.LAYER_NORM: {Quantity.INPUTS: 4, Quantity.AFFINE_INPUTS: 1},
        Kind.GROUP_NORM: {Quantity.INPUTS: 4, Quantity.AFFINE_INPUTS: 1},
        Kind.GLOBAL_POOL: _INPUTS,
        Kind.ADAPTIVE_POOL: _INPUTS,
        Interpolation.NEAREST: _OUTPUTS,
        Interpolation.BILINEAR: {Quantity.OUTPUTS: 4},
        Reduction.EXTREMUM: _NOTHING,  # adaptive pooling of maxima
    },
)

_TORCH = Convention(
    "torch",
    "FLOPs",
    "two per multiply-accumulate of convolution, linear and matmul; nothing else",
    "torch 2.13: utils/flop_counter.py",
    dict.fromkeys(PRODUCTS, _RUN_PRODUCTS_TWICE),
)

_THOP = Convention(
    "thop",
    "MACs",
    "as macs, plus batch and layer norm (4 an element), softmax, average pooling, interpolation; "
    "transposed convolution at its output's size; group norm and matmul not seen",
    "thop 0.1.1: profile.py, vision/basic_hooks.py, vision/calc_func.py",
    {
        Kind.CONVOLUTION: _PRODUCTS_ONCE,
        Kind.TRANSPOSED_CONVOLUTION: {Quantity.WEIGHTS_AT_OUTPUTS: 1},
        Kind.LINEAR: _PRODUCTS_ONCE,
        Kind.BATCH_NORM: {Quantity.INPUTS: 2, Quantity.AFFINE_INPUTS: 2},
        Kind.BATCH_NORM_TRAINING: {Quantity.INPUTS: 2, Quantity.AFFINE_INPUTS: 2},
        Kind.LAYER_NORM: {Quantity.INPUTS: 2, Quantity.AFFINE_INPUTS: 2},
        Kind.SOFTMAX: {Quantity.OUTPUTS: 3, Quantity.SOFTMAX_ROWS: -1},
        Kind.AVERAGE_POOL: _OUTPUTS,
        Kind.AVERAGE_POOL_INSIDE: _OUTPUTS,
        Kind.GLOBAL_POOL: {Quantity.INPUTS: 1, Quantity.OUTPUTS: 1},
        Kind.ADAPTIVE_POOL: {Quantity.INPUTS: 1, Quantity.OUTPUTS: 1},
        Reduction.EXTREMUM: _NOTHING,
        Function.PRELU: _OUTPUTS,
        Interpolation.NEAREST: _OUTPUTS,
        Interpolation.LINEAR: {Quantity.OUTPUTS: 5},
        Interpolation.BILINEAR: {Quantity.OUTPUTS: 11},
        Interpolation.BICUBIC: {Quantity.OUTPUTS: 259},
    },
)

# ptflops hooks modules and patches functions; a module whose function is patched counts twice.
_PTFLOPS = Convention(
    "ptflops",
    "MACs",
    "as macs with bias, plus 2 an element of batch and group norm, ReLU, GELU, pooling and "
    "interpolation, 1 of layer norm, ReLU6, SiLU and softmax",
    "ptflops 0.7.5: pytorch_engine.py, pytorch_ops.py",
    {
        Kind.CONVOLUTION: _PRODUCTS_AND_BIAS,
        Kind.TRANSPOSED_CONVOLUTION: _PRODUCTS_AND_BIAS,
        Kind.DEFORMABLE_CONVOLUTION: {
            **_PRODUCTS_AND_BIAS,
            Quantity.TAPS: 24,
            Quantity.MASKED_TAPS: 1,
        },
        Kind.LINEAR: _PRODUCTS_AND_BIAS,
        Kind.MATMUL: _PRODUCTS_ONCE,
        Kind.BATCH_NORM: {Quantity.INPUTS: 1, Quantity.AFFINE_INPUTS: 1},
        Kind.BATCH_NORM_TRAINING: {Quantity.INPUTS: 1, Quantity.AFFINE_INPUTS: 1},
        Kind.LAYER_NORM: _INPUTS,
        Kind.GROUP_NORM: {Quantity.INPUTS: 1, Quantity.AFFINE_INPUTS: 1},
        Kind.SOFTMAX: _OUTPUTS,
        Function.RELU: _OUTPUTS_TWICE,
        Function.RELU6: _OUTPUTS,
        Function.SILU: _OUTPUTS,
        Function.GELU: _OUTPUTS_TWICE,
        Function.GELU_TANH: _OUTPUTS_TWICE,
        Function.LEAKY_RELU: _OUTPUTS,
        Function.PRELU: _OUTPUTS_TWICE,
        Function.ELU: _OUTPUTS_TWICE,
        Kind.MAX_POOL: _INPUTS_TWICE,
        Kind.AVERAGE_POOL: _INPUTS_TWICE,
        Kind.AVERAGE_POOL_INSIDE: _INPUTS_TWICE,
        Kind.GLOBAL_POOL: _INPUTS_TWICE,
        Kind.ADAPTIVE_POOL: _INPUTS_TWICE,
        Kind.RESIZE: _OUTPUTS_TWICE,
    },
)

_TORCHINFO = Convention(
    "torchinfo",
    "MACs",
    "parameters (bias, norm's scale and shift too) × batch, for convolutions × output positions; "
    "a linear layer's positions and matmul not seen",
    "torchinfo 1.8.0: layer_info.py",
    {
        Kind.CONVOLUTION: _PRODUCTS_AND_BIAS,
        Kind.TRANSPOSED_CONVOLUTION: {Quantity.WEIGHTS_AT_OUTPUTS: 1, Quantity.BIAS: 1},
        Kind.LINEAR: _BATCH_PARAMS,
        Kind.BATCH_NORM: _BATCH_PARAMS,
        Kind.BATCH_NORM_TRAINING: _BATCH_PARAMS,
        Kind.LAYER_NORM: _BATCH_PARAMS,
        Kind.GROUP_NORM: _BATCH_PARAMS,
        Kind.RMS_NORM: _BATCH_PARAMS,
        Kind.EMBEDDING: _BATCH_PARAMS,
        Function.PRELU: _BATCH_PARAMS,
    },
)

# deepspeed patches functions, in whatever module they are called. nn.ReLU6 calls none of them.
_DEEPSPEED = Convention(
    "deepspeed",
    "FLOPs",
    "two per multiply-accumulate, bias of convolutions, 2 an element of batch norm, 5 of layer and "
    "group norm, 1 of ReLU, SiLU, GELU, softmax, pooling and interpolation",
    "deepspeed 0.19.8: profiling/flops_profiler/profiler.py",
    {
        Kind.CONVOLUTION: {Quantity.PRODUCTS: 2, Quantity.BIAS: 1},
        Kind.TRANSPOSED_CONVOLUTION: {
            Quantity.REGROUPED_PRODUCTS: 2,
            Quantity.UNTURNED_BIAS: 1,
        },
        Kind.LINEAR: _PRODUCTS_TWICE,
        Kind.MATMUL: _PRODUCTS_TWICE,
        Kind.BATCH_NORM: {Quantity.INPUTS: 1, Quantity.AFFINE_INPUTS: 1},
        Kind.BATCH_NORM_TRAINING: {Quantity.INPUTS: 4, Quantity.AFFINE_INPUTS: 1},
        Kind.LAYER_NORM: {Quantity.INPUTS: 4, Quantity.AFFINE_INPUTS: 1},
        Kind.GROUP_NORM: {Quantity.INPUTS: 4, Quantity.AFFINE_INPUTS: 1},
        Kind.SOFTMAX: _OUTPUTS,
        Function.RELU: _OUTPUTS,
        Function.SILU: _OUTPUTS,
        Function.GELU: _OUTPUTS,
        Function.GELU_TANH: _OUTPUTS,
        Function.LEAKY_RELU: _OUTPUTS,
        Function.PRELU: _OUTPUTS,
        Function.ELU: _OUTPUTS,
        Kind.MAX_POOL: _INPUTS,
        Kind.AVERAGE_POOL: _INPUTS,
        Kind.AVERAGE_POOL_INSIDE: _INPUTS,
        Kind.GLOBAL_POOL: _INPUTS,
        Kind.ADAPTIVE_POOL: _INPUTS,
        Kind.RESIZE: _OUTPUTS,
    },
)

_ALL = Convention(
    "all",
    "FLOPs",
    "every scalar multiplication, addition, comparison, division, root and exponential",
    "flopscope.costs",
    dict.fromkeys(COSTS, _ACTS),
    frozenset({Kind.UNKNOWN, Kind.OTHER, Interpolation.VARYING}),
)

CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        convention.name: convention
        for convention in (
            _MACS_CONVENTION,
            _FVCORE,
            _TORCH,
            _THOP,
            _PTFLOPS,
            _TORCHINFO,
            _DEEPSPEED,
            _ALL,
        )
    }
)


def convention(name: str) -> Convention:
    """The convention of that name. Raises UnknownName, offering the nearest names.

    >>> convention("torch").unit
    'FLOPs'
    """
    if name not in CONVENTIONS:
        raise UnknownName("convention", name, CONVENTIONS)
    return CONVENTIONS[name]
