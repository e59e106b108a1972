"""Arithmetic on sizes: an int, a NumPy array of ints, or a symbolic polynomial, through one code.

A network is described once, over sizes. Given ints it is counted, given arrays a whole column of
designs is counted, given symbols it becomes a formula. Whatever differs by type lives here and is
named after what it is; every rounding rule of the field has its one home here.

Real numbers (width multipliers) are floats, float arrays or real symbols. They are multiplied and
rounded in floating point exactly as the networks' own code does it, because at a boundary such as
80 · 0.35 exact arithmetic would give another network.
"""

from flopscope.sizes.choices import equal, maximum, where_below
from flopscope.sizes.geometry import (
    adaptive_span,
    conv_output,
    conv_transpose_output,
    pool_span,
)
from flopscope.sizes.kinds import (
    INT64_MAX,
    Real,
    Shape,
    Size,
    any_of,
    as_count,
    is_array,
    is_concrete,
    is_symbolic,
    widened,
)
from flopscope.sizes.rounding import (
    ceil_div,
    exact_div,
    floor_div,
    floor_log2,
    is_multiple,
    make_divisible,
    nearest_multiple,
    round_filters,
    round_half_even,
    round_repeats,
    truncate,
)
from flopscope.sizes.sums import elements, product, total

__all__ = [
    "INT64_MAX",
    "Real",
    "Shape",
    "Size",
    "adaptive_span",
    "any_of",
    "as_count",
    "ceil_div",
    "conv_output",
    "conv_transpose_output",
    "elements",
    "equal",
    "exact_div",
    "floor_div",
    "floor_log2",
    "is_array",
    "is_concrete",
    "is_multiple",
    "is_symbolic",
    "make_divisible",
    "maximum",
    "nearest_multiple",
    "pool_span",
    "product",
    "round_filters",
    "round_half_even",
    "round_repeats",
    "total",
    "truncate",
    "where_below",
    "widened",
]
