"""Which rows can work on blocks of channels, in a runtime whose convolutions do."""

from __future__ import annotations

from flopscope.facts import FLOAT32, Kind, Movement, Operator
from flopscope.sizes import Shape, Size, any_of, equal, exact_div
from flopscope.timing.categories import Category
from flopscope.timing.conditions import (
    ALWAYS,
    NEVER,
    Condition,
    any_holds,
    below,
    condition,
    is_one,
    multiple_of,
)
from flopscope.timing.runtimes import ELEMENT_BY_ELEMENT

ALIGNMENT = 4
"""The channels of a map come in whole multiples of this, or it cannot be put into blocks."""

SAME_SHAPE = frozenset({Kind.ACTIVATION, Kind.ADD, Kind.MULTIPLY})
"""What works on blocks where all of its inputs are in blocks and of one shape."""

KEEPING = frozenset({Kind.BATCH_NORM, Kind.GLOBAL_POOL})
"""What works on blocks where its input is in blocks."""

FOLDED = frozenset({Kind.BATCH_NORM}) | ELEMENT_BY_ELEMENT
"""What becomes part of a convolution's weights where it has weights of its own."""

DENSE = frozenset({Category.STANDARD, Category.POINTWISE})
"""The categories of convolutions without groups."""


def convolves_blocks(row: Operator, kind: Category, block: int) -> Condition:
    """Are the channels of the convolution such that it works on blocks?"""
    if not row.weights or row.weights[0].element != FLOAT32:
        return NEVER
    outputs, inner, *_ = row.weights[0].shape
    if kind is Category.GROUPED:
        each = exact_div(outputs, row.groups)
        return multiple_of(inner, block).all(multiple_of(each, block))
    if kind is Category.DEPTHWISE and not same(outputs, row.groups):
        return NEVER
    aligned = multiple_of(row.inputs[0][1], ALIGNMENT)
    if is_single(row.output):
        return ALWAYS
    return any_holds(aligned, below(inner, block)) if kind in DENSE else aligned


def has_whole_blocks(row: Operator, block: int) -> Condition:
    """Has each input of the row whole blocks of channels?"""
    return ALWAYS.all(*(multiple_of(shape[1], block) for shape in row.inputs))


def same(a: Size, b: Size) -> bool:
    """Are both sizes equal, at every design?"""
    return a is b or not any_of(a != b)


def is_absent(row: Operator) -> Condition:
    """Does the row not run?"""
    return NEVER if isinstance(row.repeat, int) else condition(equal(row.repeat, 0))


def is_view(row: Operator, made: Shape, shape: Shape) -> bool:
    """Does the row read a tensor in another shape than it was made in? What runs at some sizes only
    is not asked, since its shapes hold where it runs."""
    if made is shape or not isinstance(row.repeat, int):
        return False
    return len(made) != len(shape) or not all(map(same, made, shape))


def is_single(shape: Shape) -> bool:
    """Is it a map of one place, which is the same in both orders?"""
    return len(shape) == 4 and is_one(shape[2]) and is_one(shape[3])


def is_padding(row: Operator) -> bool:
    """Does the row pad a map?"""
    return row.kind is Kind.MOVE and row.function is Movement.PAD


def times(row: Operator) -> Size:
    """How often what a row reads is copied. A row that runs at some sizes only is no condition: in
    its place what comes after it reads the same tensor."""
    return row.repeat if isinstance(row.repeat, int) else 1
