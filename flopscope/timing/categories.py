"""How a device sees an operator: as one of a few categories of work, each with its own rate."""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.facts import Fact, Function, Kind, Operator
from flopscope.sizes import Size, any_of, is_array


class Category(Fact):
    """The kinds of work that a device does at a rate of its own."""

    STANDARD = "standard"
    POINTWISE = "pointwise"
    DEPTHWISE = "depthwise"
    GROUPED = "grouped"
    LINEAR = "linear"
    MATMUL = "matmul"
    NORM = "norm"
    ELEMENTWISE = "elementwise"
    SOFTMAX = "softmax"
    POOL = "pool"
    REDUCTION = "reduction"
    MOVE = "move"
    INDEXED = "indexed"  # a movement that computes the place of each element
    OTHER = "other"


PRODUCTS = (
    Category.STANDARD,
    Category.POINTWISE,
    Category.DEPTHWISE,
    Category.GROUPED,
    Category.LINEAR,
    Category.MATMUL,
)
"""The categories that multiply matrices or slide filters, which do a network's MACs."""

CONVOLUTIONS = (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION, Kind.DEFORMABLE_CONVOLUTION)
"""The kinds whose category depends on their groups and their window."""

CATEGORIES: Mapping[Kind, Category] = {
    Kind.LINEAR: Category.LINEAR,
    Kind.MATMUL: Category.MATMUL,
    Kind.SPARSE_MATMUL: Category.MATMUL,
    Kind.BATCH_NORM: Category.NORM,
    Kind.BATCH_NORM_TRAINING: Category.NORM,
    Kind.LAYER_NORM: Category.NORM,
    Kind.GROUP_NORM: Category.NORM,
    Kind.RMS_NORM: Category.NORM,
    Kind.ACTIVATION: Category.ELEMENTWISE,
    Kind.ELEMENTWISE: Category.ELEMENTWISE,
    Kind.ADD: Category.ELEMENTWISE,
    Kind.MULTIPLY: Category.ELEMENTWISE,
    Kind.DIVIDE: Category.ELEMENTWISE,
    Kind.COMPARE: Category.ELEMENTWISE,
    Kind.SOFTMAX: Category.SOFTMAX,
    Kind.LOG_SOFTMAX: Category.SOFTMAX,
    Kind.MAX_POOL: Category.POOL,
    Kind.AVERAGE_POOL: Category.POOL,
    Kind.AVERAGE_POOL_INSIDE: Category.POOL,
    Kind.GLOBAL_POOL: Category.REDUCTION,
    Kind.ADAPTIVE_POOL: Category.REDUCTION,
    Kind.REDUCTION: Category.REDUCTION,
    Kind.RESIZE: Category.MOVE,
    Kind.GRID_SAMPLE: Category.MOVE,
    Kind.CONCATENATION: Category.MOVE,
    Kind.MOVE: Category.MOVE,
    Kind.EMBEDDING: Category.MOVE,
    Kind.STORED: Category.OTHER,
    Kind.OTHER: Category.OTHER,
    Kind.UNKNOWN: Category.OTHER,
}
"""The category of every kind that is no convolution."""

PRODUCT_KINDS = frozenset(
    {*CONVOLUTIONS, *(kind for kind, found in CATEGORIES.items() if found in PRODUCTS)}
)
"""The kinds whose category is a product. No other kind has MACs."""

CHEAP = frozenset(
    {
        *(Function.RELU, Function.RELU6, Function.CLAMP, Function.BOUND, Function.LEAKY_RELU),
        *(Function.HARD_SWISH, Function.HARD_SIGMOID, Function.PRELU, Function.NEGATE),
        *(Function.ABS, Function.SQUARE, Function.CUBE, Function.ROUND),
    }
)
"""Functions of a few comparisons, sums and products. All others compute an exponential or the like,
which takes a processor longer than fetching the element does."""


SOFTMAXES = frozenset({Kind.SOFTMAX, Kind.LOG_SOFTMAX})


def category(row: Operator) -> Category:
    """The category of a row.

    >>> category(Operator(Kind.ADD, "", ((1, 8), (1, 8)), (1, 8))).value
    'elementwise'
    """
    found = CATEGORIES.get(row.kind)
    if found is not None:
        return found
    if not _is_one(row.groups):
        return Category.DEPTHWISE if _same(row.groups, row.inputs[0][1]) else Category.GROUPED
    for size in () if row.window is None else row.window.kernel:
        if not _is_one(size):
            return Category.STANDARD
    return Category.POINTWISE


def is_exponential(row: Operator) -> bool:
    """Does the row compute an exponential, or a function as slow, for each element?"""
    function = row.function
    if function is None:
        return row.kind in SOFTMAXES
    return row.kind in SOFTMAXES or (isinstance(function, Function) and function not in CHEAP)


def _is_one(size: Size) -> bool:
    """Is it 1, at every design where there are several?"""
    if isinstance(size, int):
        return size == 1
    return is_array(size) and bool((size == 1).all())


def _same(a: Size, b: Size) -> bool:
    return a is b or not any_of(a != b)
