"""The papers' way of counting, the way of each tool, and one that counts everything, as literal
tables.

Each is confirmed by a test that runs the tool itself on layers written as modules, with
torch.matmul for products of matrices and the operators + and * for sums and gates. A tool that
hooks modules or patches functions counts other ways of writing differently.
"""

from __future__ import annotations

from flopscope.conventions.convention import NOTHING, Convention
from flopscope.conventions.countable import Countable
from flopscope.costs import COSTS
from flopscope.facts import Function, Interpolation, Kind, Reduction

_ACTS = {Countable.ACTS: 1}
_MACS = {Countable.MACS: 1}
# tools do not distinguish complex numbers from real ones
_PRODUCTS_ONCE = {Countable.PRODUCTS: 1}
_PRODUCTS_TWICE = {Countable.PRODUCTS: 2}
_PRODUCTS_AND_BIAS = {Countable.PRODUCTS: 1, Countable.BIAS: 1}
_RUN_PRODUCTS = {Countable.RUN_PRODUCTS: 1}
_RUN_PRODUCTS_TWICE = {Countable.RUN_PRODUCTS: 2}
_INPUTS = {Countable.INPUTS: 1}
_INPUTS_TWICE = {Countable.INPUTS: 2}
_OUTPUTS = {Countable.OUTPUTS: 1}
_OUTPUTS_TWICE = {Countable.OUTPUTS: 2}
_BATCH_PARAMS = {Countable.BATCH_PARAMS: 1}
PRODUCTS = (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION, Kind.LINEAR, Kind.MATMUL)
"""The kinds whose multiply-accumulates every tool counts."""

MULTIPLYING = (*PRODUCTS, Kind.DEFORMABLE_CONVOLUTION, Kind.SPARSE_MATMUL)
"""All kinds that have multiply-accumulates."""


MACS_CONVENTION = Convention(
    "macs",
    "MACs",
    "one per multiply-accumulate of convolution, linear and matmul; "
    "bias, norm, activation, pooling free",
    "the papers' mult-adds",
    dict.fromkeys(MULTIPLYING, _MACS),
    frozenset({Kind.UNKNOWN}),
)

FVCORE = Convention(
    "fvcore",
    "MACs",
    "as macs, plus 2 an element of batch norm, 5 of layer and group norm, 1 of adaptive pooling, "
    "1 of nearest and 4 of bilinear interpolation",
    "fvcore 0.1.5: nn/flop_count.py, nn/jit_handles.py",
    {
        **dict.fromkeys(PRODUCTS, _RUN_PRODUCTS),
        Kind.GRID_SAMPLE: {Countable.OUTPUTS: 4},
        Kind.BATCH_NORM: {Countable.INPUTS: 1, Countable.AFFINE_INPUTS: 1},
        Kind.BATCH_NORM_TRAINING: {Countable.INPUTS: 4, Countable.AFFINE_INPUTS: 1},
        Kind.LAYER_NORM: {Countable.INPUTS: 4, Countable.AFFINE_INPUTS: 1},
        Kind.GROUP_NORM: {Countable.INPUTS: 4, Countable.AFFINE_INPUTS: 1},
        Kind.GLOBAL_POOL: _INPUTS,
        Kind.ADAPTIVE_POOL: _INPUTS,
        Interpolation.NEAREST: _OUTPUTS,
        Interpolation.BILINEAR: {Countable.OUTPUTS: 4},
        Reduction.EXTREMUM: NOTHING,  # of adaptive pooling, only that of maxima
    },
)

TORCH = Convention(
    "torch",
    "FLOPs",
    "two per multiply-accumulate of convolution, linear and matmul; nothing else",
    "torch 2.13: utils/flop_counter.py",
    dict.fromkeys(PRODUCTS, _RUN_PRODUCTS_TWICE),
)

THOP = Convention(
    "thop",
    "MACs",
    "as macs, plus batch and layer norm (4 an element), softmax, average pooling, interpolation; "
    "transposed convolution at its output's size; group norm and matmul not seen",
    "thop 0.1.1: profile.py, vision/basic_hooks.py, vision/calc_func.py",
    {
        Kind.CONVOLUTION: _PRODUCTS_ONCE,
        Kind.TRANSPOSED_CONVOLUTION: {Countable.WEIGHTS_AT_OUTPUTS: 1},
        Kind.LINEAR: _PRODUCTS_ONCE,
        Kind.BATCH_NORM: {Countable.INPUTS: 2, Countable.AFFINE_INPUTS: 2},
        Kind.BATCH_NORM_TRAINING: {Countable.INPUTS: 2, Countable.AFFINE_INPUTS: 2},
        Kind.LAYER_NORM: {Countable.INPUTS: 2, Countable.AFFINE_INPUTS: 2},
        Kind.SOFTMAX: {Countable.OUTPUTS: 3, Countable.SOFTMAX_ROWS: -1},
        Kind.AVERAGE_POOL: _OUTPUTS,
        Kind.AVERAGE_POOL_INSIDE: _OUTPUTS,
        Kind.GLOBAL_POOL: {Countable.INPUTS: 1, Countable.OUTPUTS: 1},
        Kind.ADAPTIVE_POOL: {Countable.INPUTS: 1, Countable.OUTPUTS: 1},
        Reduction.EXTREMUM: NOTHING,
        Function.PRELU: _OUTPUTS,
        Interpolation.NEAREST: _OUTPUTS,
        Interpolation.LINEAR: {Countable.OUTPUTS: 5},
        Interpolation.BILINEAR: {Countable.OUTPUTS: 11},
        Interpolation.BICUBIC: {Countable.OUTPUTS: 259},
    },
)

# ptflops hooks modules and patches functions; a module whose function is patched counts twice.
PTFLOPS = Convention(
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
            Countable.TAPS: 24,
            Countable.MASKED_TAPS: 1,
        },
        Kind.LINEAR: _PRODUCTS_AND_BIAS,
        Kind.MATMUL: _PRODUCTS_ONCE,
        Kind.BATCH_NORM: {Countable.INPUTS: 1, Countable.AFFINE_INPUTS: 1},
        Kind.BATCH_NORM_TRAINING: {Countable.INPUTS: 1, Countable.AFFINE_INPUTS: 1},
        Kind.LAYER_NORM: _INPUTS,
        Kind.GROUP_NORM: {Countable.INPUTS: 1, Countable.AFFINE_INPUTS: 1},
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

TORCHINFO = Convention(
    "torchinfo",
    "MACs",
    "parameters (bias, norm's scale and shift too) × batch, for convolutions × output positions; "
    "a linear layer's positions and matmul not seen",
    "torchinfo 1.8.0: layer_info.py",
    {
        Kind.CONVOLUTION: _PRODUCTS_AND_BIAS,
        Kind.TRANSPOSED_CONVOLUTION: {Countable.WEIGHTS_AT_OUTPUTS: 1, Countable.BIAS: 1},
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
DEEPSPEED = Convention(
    "deepspeed",
    "FLOPs",
    "two per multiply-accumulate, bias of convolutions, 2 an element of batch norm, 5 of layer and "
    "group norm, 1 of ReLU, SiLU, GELU, softmax, pooling and interpolation",
    "deepspeed 0.19.8: profiling/flops_profiler/profiler.py",
    {
        Kind.CONVOLUTION: {Countable.PRODUCTS: 2, Countable.BIAS: 1},
        Kind.TRANSPOSED_CONVOLUTION: {
            Countable.REGROUPED_PRODUCTS: 2,
            Countable.UNTURNED_BIAS: 1,
        },
        Kind.LINEAR: _PRODUCTS_TWICE,
        Kind.MATMUL: _PRODUCTS_TWICE,
        Kind.BATCH_NORM: {Countable.INPUTS: 1, Countable.AFFINE_INPUTS: 1},
        Kind.BATCH_NORM_TRAINING: {Countable.INPUTS: 4, Countable.AFFINE_INPUTS: 1},
        Kind.LAYER_NORM: {Countable.INPUTS: 4, Countable.AFFINE_INPUTS: 1},
        Kind.GROUP_NORM: {Countable.INPUTS: 4, Countable.AFFINE_INPUTS: 1},
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

ALL = Convention(
    "all",
    "FLOPs",
    "every scalar multiplication, addition, comparison, division, root and exponential",
    "flopscope.costs",
    dict.fromkeys(COSTS, _ACTS),
    frozenset({Kind.UNKNOWN, Kind.OTHER, Interpolation.VARYING}),
)
