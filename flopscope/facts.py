"""What an operator *is*: the facts of one ledger row. What it costs is read from them elsewhere.

One alphabet for shapes: activations are (B, C, H, W) or (B, features); the weight of a convolution
is (C_out, C_in/groups, K_h, K_w), of a transposed one (C_in, C_out/groups, K_h, K_w), of a linear
layer (out, in): PyTorch's layouts, so that rows compare with real modules field by field.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from flopscope.sizes import Shape, Size


class Kind(Enum):
    """The kinds of operator; each has one rule in `costs.COSTS`."""

    CONVOLUTION = "convolution"
    TRANSPOSED_CONVOLUTION = "transposed convolution"
    LINEAR = "linear"
    MATMUL = "matmul"
    BATCH_NORM = "batch norm"
    LAYER_NORM = "layer norm"
    GROUP_NORM = "group norm"
    ACTIVATION = "activation"
    SOFTMAX = "softmax"
    MAX_POOL = "max pool"
    AVERAGE_POOL = "average pool"
    GLOBAL_POOL = "global pool"
    ADD = "addition"
    MULTIPLY = "multiplication"
    CONCATENATION = "concatenation"
    STORED = "stored tensor"  # a parameter that no operator reads as a whole
    UNKNOWN = "unknown"


class Function(Enum):
    """Element-wise functions; their arithmetic is in `costs.FUNCTION_ACTS`."""

    RELU = "relu"
    RELU6 = "relu6"
    SIGMOID = "sigmoid"
    SILU = "silu"
    TANH = "tanh"
    GELU = "gelu"
    HARD_SIGMOID = "hard-sigmoid"
    HARD_SWISH = "hard-swish"


class Window(NamedTuple):
    """The sliding window of a convolution or pooling, (vertical, horizontal) each."""

    kernel: tuple[Size, Size]
    stride: tuple[Size, Size]
    padding: tuple[Size, Size]
    dilation: tuple[Size, Size] = (1, 1)


class Weight(NamedTuple):
    """A stored tensor. Two rows that name the same key share one tensor, counted once."""

    key: str
    shape: Shape


class Operator(NamedTuple):
    """One row: an operator applied once (`repeat` times, where a block stands for several).

    `path` names stage, block and layer, joined by dots. `groups` is the number of groups a
    convolution splits its channels into; for layer and group norm, how many groups are normalised
    apart. `id`
    is the row's own number and `reads` the ids of the rows whose outputs it takes (negative: an
    input of the network), for liveness.
    """

    kind: Kind
    path: str
    inputs: tuple[Shape, ...]
    output: Shape
    weights: tuple[Weight, ...] = ()
    buffers: tuple[Weight, ...] = ()
    window: Window | None = None
    groups: Size = 1
    function: Function | None = None
    reads: tuple[int, ...] = ()
    id: int = 0
    repeat: Size = 1

    @property
    def has_bias(self) -> bool:
        """Does the operator add a bias vector? (Convolutions and linear layers.)"""
        return len(self.weights) > 1
