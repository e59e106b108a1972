"""What each kind of operator costs: a table with one rule for each kind. Nothing else in the
project counts.

`cost(row)` gives the multiply-accumulates of a row and every arithmetic act in it. Zeros of padding
are multiplied like any input, as all counters assume. Tests run each operator as plain Python loops
over numbers that count their own arithmetic: the loops' result equals PyTorch's, and their acts
equal these rules. Sums and products are those of `sizes`, which raise Overflow where an array would
wrap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flopscope.costs.acts import FUNCTION_ACTS, REDUCTION_ACTS, TAPS, Cost
from flopscope.costs.complex_numbers import complex_cost, has_complex
from flopscope.costs.convolutions import (
    convolution,
    deformable_convolution,
    transposed_convolution,
)
from flopscope.costs.elements import (
    addition,
    comparison,
    division,
    function,
    multiplication,
    nothing,
    reduction,
)
from flopscope.costs.norms import (
    batch_norm,
    batch_norm_training,
    layer_norm,
    log_softmax,
    rms_norm,
    softmax,
)
from flopscope.costs.pooling import (
    adaptive_pool,
    average_pool,
    average_pool_inside,
    global_pool,
    grid_sample,
    max_pool,
    resize,
)
from flopscope.costs.products import linear, matmul, sparse_matmul
from flopscope.facts import Kind, Operator

__all__ = ["COSTS", "FUNCTION_ACTS", "REDUCTION_ACTS", "TAPS", "Cost", "cost"]

COSTS: Mapping[Kind, Callable[[Operator], Cost]] = {
    Kind.CONVOLUTION: convolution,
    Kind.TRANSPOSED_CONVOLUTION: transposed_convolution,
    Kind.DEFORMABLE_CONVOLUTION: deformable_convolution,
    Kind.LINEAR: linear,
    Kind.MATMUL: matmul,
    Kind.SPARSE_MATMUL: sparse_matmul,
    Kind.BATCH_NORM: batch_norm,
    Kind.BATCH_NORM_TRAINING: batch_norm_training,
    Kind.EMBEDDING: nothing,
    Kind.LAYER_NORM: layer_norm,
    Kind.GROUP_NORM: layer_norm,
    Kind.RMS_NORM: rms_norm,
    Kind.ACTIVATION: function,
    Kind.ELEMENTWISE: function,
    Kind.SOFTMAX: softmax,
    Kind.LOG_SOFTMAX: log_softmax,
    Kind.REDUCTION: reduction,
    Kind.MAX_POOL: max_pool,
    Kind.AVERAGE_POOL: average_pool,
    Kind.AVERAGE_POOL_INSIDE: average_pool_inside,
    Kind.GLOBAL_POOL: global_pool,
    Kind.ADAPTIVE_POOL: adaptive_pool,
    Kind.RESIZE: resize,
    Kind.GRID_SAMPLE: grid_sample,
    Kind.ADD: addition,
    Kind.MULTIPLY: multiplication,
    Kind.DIVIDE: division,
    Kind.COMPARE: comparison,
    Kind.CONCATENATION: nothing,
    Kind.MOVE: nothing,
    Kind.STORED: nothing,
}
"""The rule of every kind except UNKNOWN, whose cost is not known, and OTHER, which is only known to
have no MACs. A test checks that no other kind is missing."""


def cost(row: Operator) -> Cost:
    """The cost of one application of a row, without its `repeat`, in acts on real numbers.

    >>> from flopscope.facts import Operator
    >>> cost(Operator(Kind.ADD, "", ((1, 8), (1, 8)), (1, 8))).acts
    8
    """
    found = COSTS[row.kind](row)
    return complex_cost(row, found) if row.types and has_complex(row) else found
