"""A value of a trace with its type, and the questions about it that torch asks without computing.

This is the half of torch's SymNode protocol that neither computes nor branches: whether a value is
an integer, a float or a boolean, whether it is symbolic, and how a tensor of such sizes is laid out
in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from flopscope.domain import Relation
from flopscope.symbolic import Polynomial
from flopscope.tracing.trail import Trail, number_at

OPEN = (Polynomial, Relation)
"""Types of values that depend on sizes."""


class TypedNode:
    """`value` is an int, float, bool, Polynomial or Relation; `example()` its value at the
    example."""

    shape_env = None
    fx_node = None
    _optimized_summation = False

    def __init__(self, trail: Trail, value: Any, pytype: type) -> None:
        self.trail = trail
        self.value = value
        self.pytype = pytype
        self.is_open = isinstance(value, OPEN)
        self.constant = None if self.is_open else value

    def example(self) -> Any:
        """The value at the example input."""
        if isinstance(self.value, Relation):
            return not self.value.at(self.trail.example).broken()
        return self.pytype(number_at(self.value, self.trail.example))

    def of(self, value: Any, pytype: type) -> Self:
        """Another node of the same trail."""
        return type(self)(self.trail, value, pytype)

    # --- what it is ---

    @property
    def expr(self) -> Any:
        """A few helpers of torch read this only to ask whether it is a number."""
        import sympy  # a trace at numbers does not need it

        return (
            sympy.Symbol(f"size{id(self)}", integer=True)
            if self.is_open
            else sympy.sympify(self.value)
        )

    @property
    def hint(self) -> Any:
        return self.example()

    _hint = hint

    def has_hint(self) -> bool:
        return True

    def maybe_as_int(self) -> Any:
        return self.constant

    maybe_as_float = maybe_as_bool = maybe_as_int

    def is_int(self) -> bool:
        return self.pytype is int

    def is_float(self) -> bool:
        return self.pytype is float

    def is_bool(self) -> bool:
        return self.pytype is bool

    def is_nested_int(self) -> bool:
        return False

    def nested_int(self) -> None:
        return None

    def is_symbolic(self) -> bool:
        return self.is_open

    def is_constant(self) -> bool:
        """Is it a constant? Floats never are, because torch makes numbers only of constant integers
        and booleans."""
        return not self.is_open and self.pytype is not float

    def clone(self) -> Self:
        return self

    def wrap_int(self, number: int) -> Self:
        return self.of(int(number), int)

    def wrap_float(self, number: float) -> Self:
        return self.of(float(number), float)

    def wrap_bool(self, truth: bool) -> Self:
        return self.of(bool(truth), bool)

    def __repr__(self) -> str:
        return str(self.value)

    __str__ = _graph_repr = __repr__

    # --- layout: asked about the example, whose order of strides is that of all sizes ---

    def is_contiguous(self, sizes: Sequence[Self], strides: Sequence[Self]) -> Self:
        return self.of(_packed(sizes, strides, range(len(sizes) - 1, -1, -1)), bool)

    def is_channels_last_contiguous_2d(
        self, sizes: Sequence[Self], strides: Sequence[Self]
    ) -> Self:
        return self.of(len(sizes) == 4 and _packed(sizes, strides, (1, 3, 2, 0)), bool)

    def is_channels_last_contiguous_3d(
        self, sizes: Sequence[Self], strides: Sequence[Self]
    ) -> Self:
        return self.of(len(sizes) == 5 and _packed(sizes, strides, (1, 4, 3, 2, 0)), bool)

    is_channels_last_strides_2d = is_channels_last_contiguous_2d
    is_channels_last_strides_3d = is_channels_last_contiguous_3d

    def is_non_overlapping_and_dense(self, sizes: Sequence[Self], strides: Sequence[Self]) -> Self:
        order = sorted(range(len(sizes)), key=lambda i: strides[i].example())
        return self.of(_packed(sizes, strides, order), bool)

    def is_non_overlapping_and_dense_indicator(
        self, sizes: Sequence[Self], strides: Sequence[Self]
    ) -> Self:
        return self.of(int(self.is_non_overlapping_and_dense(sizes, strides).value), int)


def _packed(sizes: Sequence[TypedNode], strides: Sequence[TypedNode], order: Sequence[int]) -> bool:
    """Does each dimension, innermost first, have as its stride the product of those inside it?"""
    expected = 1
    for dimension in order:
        size = sizes[dimension].example()
        if size == 0:
            return True
        if size != 1:
            if strides[dimension].example() != expected:
                return False
            expected *= size
    return True
