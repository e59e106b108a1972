"""The rounding rules: how sizes divide and how widths are rounded to channels."""

from __future__ import annotations

from flopscope.errors import BadInput, Overflow
from flopscope.sizes.kinds import (
    Real,
    Size,
    any_of,
    as_count,
    is_array,
    is_symbolic,
    larger,
    widened,
)
from flopscope.symbolic import Call, Polynomial, call


def floor_div(a: Size, b: Size) -> Size:
    """⌊a/b⌋ for b ≥ 1.

    >>> floor_div(7, 2)
    3
    """
    return a // b


def ceil_div(a: Size, b: Size) -> Size:
    """⌈a/b⌉ for b ≥ 1.

    >>> ceil_div(7, 2)
    4
    """
    return (a + b - 1) // b


def exact_div(a: Size, b: Size) -> Size:
    """a/b where b divides a: one group's channels, one head's.

    Raises BadInput where b does not divide a. For symbols that is the caller's condition.

    >>> exact_div(12, 4)
    3
    """
    if is_symbolic(a) or is_symbolic(b):
        return a / b
    if any_of(a % b != 0):
        raise BadInput(f"{b} does not divide {a}")
    return a // b


def truncate(value: Real) -> Size:
    """int(value) for value ≥ 0: the width rule of MobileNetV1's own code.

    Raises Overflow for an array with values beyond 64 bits.

    >>> truncate(11.2)
    11
    """
    if is_symbolic(value):
        return call(truncate, value, lower=0)
    return _truncated(value) if is_array(value) else int(value)


def _truncated(value: Real) -> Size:
    if value.dtype == object:
        import numpy as np

        return np.frompyfunc(int, 1, 1)(value)
    if value.dtype.kind == "f" and any_of(value >= 2.0**63):
        raise Overflow(f"{value.max():.3g} as an integer does not fit into 64 bits")
    return value.astype("int64")


def make_divisible(value: Real, divisor: int = 8, minimum: int | None = None) -> Size:
    """The multiple of `divisor` nearest to `value`, but at least `minimum` and 0.9 · value.

    The channel rule of MobileNetV2 and its successors, in the floating-point steps of
    tensorflow/models research/slim/nets/mobilenet/mobilenet.py. Domain: value > 0, divisor ≥ 1;
    `minimum` is `divisor` unless given. Raises Overflow for an array with values beyond 64 bits.

    >>> make_divisible(24 * 1.4), make_divisible(11.2), make_divisible(3)
    (32, 16, 8)
    """
    minimum = divisor if minimum is None else minimum
    if is_symbolic(value):
        if minimum <= divisor and is_multiple(value, divisor):
            return value
        return call(make_divisible, value, divisor, minimum, lower=minimum)
    value = widened(value)
    nearest = (truncate(value + divisor / 2) // divisor) * divisor
    rounded = larger(minimum, nearest)
    return rounded + divisor * as_count(rounded < 0.9 * value)


def is_multiple(value: Polynomial, divisor: int) -> bool:
    """Is the value a whole multiple of `divisor`, and at least that, for all sizes?"""
    least = value.lower()
    return (
        least is not None
        and least >= 1
        and all(
            isinstance(coefficient, int)
            and all(atom.integer for atom, _ in monomial)
            and any(_rounds_to(atom, divisor) for atom, _ in monomial)
            for monomial, coefficient in value.terms.items()
        )
    )


def _rounds_to(atom: object, divisor: int) -> bool:
    if not (isinstance(atom, Call) and atom.function is make_divisible):
        return False
    _, multiple, minimum = atom.arguments
    divides = isinstance(multiple, int) and multiple % divisor == 0
    return divides and isinstance(minimum, int) and minimum % divisor == 0
