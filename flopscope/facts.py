"""What an operator *is*: the facts of one ledger row. What it costs is read from them elsewhere.

One alphabet for shapes: activations are (B, C, H, W) or (B, features); the weight of a convolution
is (C_out, C_in/groups, K_h, K_w), of a transposed one (C_in, C_out/groups, K_h, K_w), of a linear
layer (out, in): PyTorch's layouts, so that rows compare with real modules field by field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from flopscope.brief import short, sizes_text
from flopscope.sizes import Shape, Size


class Fact(Enum):
    """An enumeration whose members hash by identity, because every count looks them up in
    tables."""

    __hash__ = object.__hash__  # the hash of an enumeration is slow, since it is written in Python


class Kind(Fact):
    """The kinds of operator; each has one rule in `costs.COSTS`."""

    CONVOLUTION = "convolution"
    TRANSPOSED_CONVOLUTION = "transposed convolution"
    DEFORMABLE_CONVOLUTION = "deformable convolution"
    LINEAR = "linear"
    MATMUL = "matmul"
    SPARSE_MATMUL = "sparse matmul"  # the stored entries of one matrix times dense vectors
    EMBEDDING = "embedding"
    BATCH_NORM = "batch norm"
    BATCH_NORM_TRAINING = "batch norm (training)"  # with the statistics of the batch itself
    LAYER_NORM = "layer norm"
    GROUP_NORM = "group norm"
    RMS_NORM = "rms norm"
    ACTIVATION = "activation"
    SOFTMAX = "softmax"
    LOG_SOFTMAX = "log-softmax"
    MAX_POOL = "max pool"
    AVERAGE_POOL = "average pool"
    AVERAGE_POOL_INSIDE = "average pool (inside)"  # a mean over elements that are not padding
    GLOBAL_POOL = "global pool"
    ADAPTIVE_POOL = "adaptive pool"
    RESIZE = "interpolation"
    GRID_SAMPLE = "grid sample"  # an interpolation at computed positions
    ADD = "addition"  # subtractions are additions too
    MULTIPLY = "multiplication"
    DIVIDE = "division"
    COMPARE = "comparison"  # maximum, minimum and logic of two tensors too
    ELEMENTWISE = "element-wise function"  # a function that networks do not write as a layer
    REDUCTION = "reduction"
    CONCATENATION = "concatenation"
    MOVE = "data movement"  # the same elements at other places in memory
    STORED = "stored tensor"  # a parameter that no operator reads in full
    OTHER = "other"  # no products of matrices; its other arithmetic is not known
    UNKNOWN = "unknown"


class Function(Fact):
    """Element-wise functions; their arithmetic is in `costs.FUNCTION_ACTS`."""

    RELU = "relu"
    RELU6 = "relu6"
    SIGMOID = "sigmoid"
    SILU = "silu"
    TANH = "tanh"
    GELU = "gelu"
    HARD_SIGMOID = "hard-sigmoid"
    HARD_SWISH = "hard-swish"
    GELU_TANH = "gelu (tanh)"
    LEAKY_RELU = "leaky relu"
    PRELU = "prelu"
    ELU = "elu"
    SOFTPLUS = "softplus"
    MISH = "mish"
    LOG_SIGMOID = "log-sigmoid"
    CLAMP = "clamp"  # between two bounds
    BOUND = "bound"  # a clamp with one bound
    NEGATE = "negation"
    ABS = "absolute value"
    ROUND = "rounding"  # floor, ceiling, truncation and sign too
    SQUARE = "square"
    CUBE = "cube"
    POWER = "power"
    SQRT = "square root"
    RECIPROCAL = "reciprocal"
    RECIPROCAL_SQRT = "reciprocal square root"
    EXP = "exponential"
    LOG = "logarithm"
    ERF = "error function"
    SIN = "sine"  # cosine too
    ELEMENTARY = "elementary function"  # other trigonometric, hyperbolic and inverse ones


class Reduction(Fact):
    """How the elements of a group become one number; the arithmetic is in
    `costs.REDUCTION_ACTS`."""

    SUM = "sum"
    MEAN = "mean"
    EXTREMUM = "extremum"  # the largest or smallest element, or its position
    PRODUCT = "product"
    VARIANCE = "variance"
    DEVIATION = "standard deviation"
    NORM = "euclidean norm"
    LOG_SUM_EXP = "log-sum-exp"
    RUNNING_SUM = "running sum"


class Interpolation(Fact):
    """How a value between samples is computed; `costs.TAPS` has the number of samples."""

    NEAREST = "nearest"
    LINEAR = "linear"
    BILINEAR = "bilinear"
    TRILINEAR = "trilinear"
    BICUBIC = "bicubic"
    VARYING = "varying"  # its samples or their weights are not known


class Movement(Fact):
    """How a row of data movement puts the elements of its input at other places. A conversion to
    another type is no movement: it is seen in the types of the rows before and after it."""

    PERMUTE = "permutation"  # to another order of axes: transposes, shuffles, partitions
    ROLL = "roll"
    FLIP = "flip"  # turns by a right angle too
    PAD = "padding"
    SLICE = "slice"  # a part, written densely
    GATHER = "gather"  # elements at given places
    SCATTER = "scatter"  # elements to given places
    REPEAT = "repetition"
    WINDOWS = "windows"  # of a map, one behind another
    COPY = "copy"  # in the same order


Arithmetic: TypeAlias = Function | Reduction | Interpolation | Movement
"""What says what a row does within its kind: which arithmetic, or which movement."""


class Window(NamedTuple):
    """The sliding window of a convolution or pooling, with one size for each axis: (vertical,
    horizontal) on a map."""

    kernel: Shape
    stride: Shape
    padding: Shape
    dilation: Shape = (1, 1)


FLOAT8 = ("e4m3fn", "e4m3fnuz", "e5m2", "e5m2fnuz", "e8m0fnu")
FLOAT32 = "float32"
"""The type of elements unless a row says otherwise."""

ELEMENT_BYTES: Mapping[str, int] = {
    **dict.fromkeys(["complex128"], 16),
    **dict.fromkeys(["float64", "complex64", "int64", "uint64"], 8),
    **dict.fromkeys(["float32", "complex32", "int32", "uint32", "qint32"], 4),
    **dict.fromkeys(["float16", "bfloat16", "int16", "uint16", "bits16"], 2),
    **dict.fromkeys(["bool", "int8", "uint8", "qint8", "quint8", "bits8"], 1),
    **dict.fromkeys([f"float8_{form}" for form in FLOAT8], 1),
    # types of fewer than 8 bits; torch still stores some of them in whole bytes
    **dict.fromkeys(["float4_e2m1fn_x2", "quint4x2", "quint2x4"], 1),
    **dict.fromkeys(["bits1x8", "bits2x4", "bits4x2"], 1),
    **dict.fromkeys([f"{sign}int{bits}" for sign in ("", "u") for bits in range(1, 8)], 1),
    # PER_BYTE says how many share a byte; a single one takes a byte too
    **dict.fromkeys([f"{sign}int{bits}_packed" for sign in ("", "u") for bits in (1, 2, 4)], 1),
    "float4_e2m1_packed": 1,
}
"""The types of elements under torch's names, with the bytes that one element takes in memory."""

PER_BYTE: Mapping[str, int] = {
    **dict.fromkeys(["int4_packed", "uint4_packed", "float4_e2m1_packed"], 2),
    **dict.fromkeys(["int2_packed", "uint2_packed"], 4),
    "uint1_packed": 8,
}
"""Types of which several elements share a byte of a stored tensor, and how many."""

COMPLEX = frozenset({"complex32", "complex64", "complex128"})
"""Complex types, whose elements are pairs of numbers."""


class Weight(NamedTuple):
    """A stored tensor. Rows that name the same key share one tensor, which counts once.

    `learnt` is False for a weight that is no parameter: a constant that the network stores, or,
    with an empty key, one that it computes, which is then among the row's inputs too. `frozen` is
    True for a parameter without gradient, which is stored and counted but never trained. `element`
    is the type of its elements. `share` is the part of the tensor that one token uses, where tokens
    choose among experts.
    """

    key: str
    shape: Shape
    learnt: bool = True
    frozen: bool = False
    element: str = FLOAT32
    share: Fraction = Fraction(1)


class Operator(NamedTuple):
    """One row: an operator applied once (`repeat` times, where a block stands for several).

    `path` names stage, block and layer, joined by dots; `call` counts the calls of that layer.
    `groups` is the number of groups a convolution splits its channels into; for norms, softmax and
    reductions, the number of groups whose elements are taken together; for a sparse product, the
    number of products of two numbers. `id` is the row's own number and `reads` has the ids of the
    rows whose outputs it takes, negative for an input of the network; liveness is read from them.
    `backward` marks what a training step runs after the forward pass. `types` are the types of its
    inputs' elements and, last, of its output's; it is empty where all are float32.
    """

    kind: Kind
    path: str
    inputs: tuple[Shape, ...]
    output: Shape
    weights: tuple[Weight, ...] = ()
    buffers: tuple[Weight, ...] = ()
    window: Window | None = None
    groups: Size = 1
    function: Arithmetic | None = None
    reads: tuple[int, ...] = ()
    id: int = 0
    repeat: Size = 1
    call: int = 0
    backward: bool = False
    types: tuple[str, ...] = ()

    def __repr__(self) -> str:
        inputs = " and ".join(map(sizes_text, self.inputs)) or "no input"
        where = f" {self.path}" if self.path else ""
        return short(self, f"{self.kind.value}{where}, {inputs} → {sizes_text(self.output)}")

    @property
    def input_types(self) -> tuple[str, ...]:
        """The type of each input's elements."""
        return self.types[:-1] if self.types else (FLOAT32,) * len(self.inputs)

    @property
    def output_type(self) -> str:
        """The type of its output's elements."""
        return self.types[-1] if self.types else FLOAT32

    @property
    def operand(self) -> Shape:
        """Its first input or, where it takes no input, the stored tensor that it works on."""
        stored = (*self.weights, *self.buffers)
        return self.inputs[0] if self.inputs else stored[0].shape

    @property
    def has_bias(self) -> bool:
        """Does the operator add a bias vector? (Convolutions and linear layers.)"""
        return len(self.weights) > 1


TYPES = ("float32", "float16", "bfloat16", "float64", "int64", "int32", "int8", "uint8", "bool")
"""The types that an input's elements can have, by torch's names."""


@dataclass(frozen=True)
class InputSpec:
    """An input of a network: the keyword under which it is given, its sizes, and the type of its
    elements."""

    keyword: str | None
    shape: tuple[Size, ...]
    dtype: str = "float32"
