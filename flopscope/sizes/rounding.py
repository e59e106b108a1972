"""The rounding rules: how sizes divide and how widths are rounded to channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil
from math import floor as floor_of
from typing import Any

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
from flopscope.sizes.rules import rule_of
from flopscope.symbolic import Call, Monomial, Polynomial, call
from flopscope.symbolic.nearest import near


def floor_div(a: Size, b: Size) -> Size:
    """⌊a/b⌋ for b ≥ 1.

    >>> floor_div(7, 2)
    3
    """
    return a / b if _is_divided(a, b) else a // b


def ceil_div(a: Size, b: Size) -> Size:
    """⌈a/b⌉ for b ≥ 1.

    >>> ceil_div(7, 2)
    4
    """
    return a / b if _is_divided(a, b) else (a + b - 1) // b


def _is_divided(a: Size, b: Size) -> bool:
    """Is a symbolic a known to be a multiple of b, as rounded widths are?"""
    return isinstance(a, Polynomial) and isinstance(b, int) and is_multiple(a, b)


def exact_div(a: Size, b: Size) -> Size:
    """a/b where b divides a, as for the channels of one group or of one head.

    Raises BadInput if b does not divide a. For symbols the caller states this as a condition.

    >>> exact_div(12, 4)
    3
    """
    if is_symbolic(a) or is_symbolic(b):
        return a / b
    if any_of(a % b != 0):
        raise BadInput(f"{b} does not divide {a}")
    return a // b


def truncate(value: Real) -> Size:
    """int(value): the width rule of MobileNetV1's own code.

    For a symbol it is ⌊value⌋ if both are the same for all sizes up to 2⁵³, as for H/4 and H/3.
    Raises Overflow for an array with values beyond 64 bits.

    >>> truncate(11.2)
    11
    """
    if is_symbolic(value):
        low = value.lower()
        if low is None or low < 0:
            return call(truncate, value, lower=low)
        return call(truncate, value, lower=low) if (floor := _floor(value)) is None else floor
    return _truncated(value) if is_array(value) else int(value)


def floored(value: Real) -> Size:
    """math.floor(value). Raises Overflow for an array with values beyond 64 bits.

    >>> floored(-0.5), floored(0.5)
    (-1, 0)
    """
    if is_symbolic(value):
        low = value.lower()
        if low is not None and low >= 0:
            return truncate(value)
        return call(floored, value, lower=low) if (floor := _floor(value)) is None else floor
    return _rounded_by(floor_of, value)


def ceiled(value: Real) -> Size:
    """math.ceil(value). Raises Overflow for an array with values beyond 64 bits.

    >>> ceiled(-0.5), ceiled(0.5)
    (0, 1)
    """
    if is_symbolic(value):
        found = near(value)
        if found is None:
            return call(ceiled, value, lower=value.lower())
        return -(-found.numerator // found.divisor)
    return _rounded_by(ceil, value)


def nearest_whole(value: Real) -> Size:
    """round(value): the nearest integer, and of two equally near ones the even one. Raises Overflow
    for an array with values beyond 64 bits.

    >>> nearest_whole(-2.5), nearest_whole(3.5)
    (-2, 4)
    """
    if is_symbolic(value):
        low = value.lower()
        if is_integral(value):
            return value
        if low is not None and low >= 0:
            return round_half_even(value)
        return call(nearest_whole, value, lower=low)
    return _rounded_by(round, value)


def is_integral(value: Polynomial) -> bool:
    """Is it a sum of products of integers?"""
    whole = all(atom.integer and power > 0 for m in value.terms for atom, power in m)
    return whole and all(isinstance(c, int) for c in value.terms.values())


def _floor(value: Polynomial) -> Size | None:
    """⌊value⌋ if double and fraction have the same floor for all sizes; else None."""
    found = near(value)
    return None if found is None else found.numerator // found.divisor


def _rounded_by(rule: Callable[[Any], int], value: Real) -> Size:
    if not is_array(value):
        return rule(value)
    if value.dtype.kind in "iu":
        return value
    import numpy as np

    if value.dtype == object:
        return np.frompyfunc(rule, 1, 1)(value)
    return _truncated({floor_of: np.floor, ceil: np.ceil, round: np.rint}[rule](value))


def _truncated(value: Real) -> Size:
    if value.dtype == object:
        import numpy as np

        return np.frompyfunc(int, 1, 1)(value)
    if value.dtype.kind == "f" and any_of(~(abs(value) < 2.0**63)):
        raise Overflow(f"{value.max():.3g} as an integer does not fit into 64 bits")
    return value.astype("int64")


def round_half_even(value: Real, minimum: int = 0) -> Size:
    """Python's `round`, but at least `minimum`: the nearest integer, and of two equally near ones
    the even one.

    The rule of RegNet's code. Domain: value ≥ 0, unless there is a minimum. Raises Overflow for an
    array with values beyond 64 bits.

    >>> round_half_even(2.5), round_half_even(3.5), round_half_even(0.2, 1)
    (2, 4, 1)
    """
    if is_symbolic(value):
        if minimum <= 1 and is_multiple(value, 1):
            return value
        return call(round_half_even, value, minimum, lower=max(minimum, value.lower() or 0))
    return larger(minimum, _rounded_by(round, value))


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
    rounded = larger(minimum, _nearest(value, divisor))
    return rounded + divisor * as_count(rounded < 0.9 * value)


def nearest_multiple(value: Real, divisor: int = 8) -> Size:
    """The multiple of `divisor` nearest to `value`, halves up, but at least `divisor`.

    EfficientNetV2's channel rule, `make_divisible` without its 0.9: google/automl
    efficientnetv2/effnetv2_model.py. Domain and errors are those of `make_divisible`.

    >>> nearest_multiple(19.8), make_divisible(19.8), nearest_multiple(3)
    (16, 24, 8)
    """
    if is_symbolic(value):
        return call(nearest_multiple, value, divisor, lower=divisor)
    return larger(divisor, _nearest(widened(value), divisor))


def _nearest(value: Real, divisor: int) -> Size:
    return (truncate(value + divisor / 2) // divisor) * divisor


def round_filters(filters: Size, width: Real, divisor: int = 8) -> Size:
    """Channels at width coefficient w: the multiple of `divisor` nearest to filters · w.

    EfficientNet's rule, which is `make_divisible` of the product: tensorflow/tpu
    models/official/efficientnet/efficientnet_model.py. Domain and errors are those of
    `make_divisible`.

    >>> round_filters(320, 1.1)
    352
    """
    return make_divisible(filters * width, divisor)


def round_repeats(repeats: Size, depth: Real) -> Size:
    """Layers of a stage at depth coefficient d: ⌈repeats · d⌉, in floating point.

    EfficientNet's rule: tensorflow/tpu models/official/efficientnet/efficientnet_model.py. Domain:
    repeats ≥ 1, depth > 0. Raises Overflow for an array with values beyond 64 bits.

    >>> round_repeats(3, 1.1), round_repeats(5, 1.4)
    (4, 7)
    """
    if is_symbolic(repeats) or is_symbolic(depth):
        return call(round_repeats, repeats, depth, lower=1)
    layers = repeats * depth
    if is_array(layers):
        import numpy as np

        return truncate(np.ceil(layers))
    return ceil(layers)


def shared_repeats(repeats: Size, part: int, whole: int) -> Size:
    """Layers of a run of `part` rows when a stage of `whole` rows is repeated: at least one.

    timm's rule, in its own floating-point steps and on whole numbers: the nearest integer to
    part / whole · repeats, and of two equally near ones the even one. timm/models/
    _efficientnet_builder.py, _scale_stage_depth. Domain: 1 ≤ part ≤ whole. Raises Overflow for an
    array with values beyond 64 bits.

    >>> shared_repeats(5, 1, 2), shared_repeats(7, 1, 2), shared_repeats(1, 1, 3)
    (2, 4, 1)
    """
    if is_symbolic(repeats):
        if part == whole and is_multiple(repeats, 1):
            return repeats
        return call(shared_repeats, repeats, part, whole, lower=1)
    return larger(1, _rounded_by(round, part / whole * repeats))


def floor_log2(value: Size) -> Size:
    """⌊log₂ value⌋ for value ≥ 1, computed with integers, so that no logarithm is rounded.

    >>> floor_log2(7), floor_log2(8), floor_log2(2**60 - 1)
    (2, 3, 59)
    """
    if is_symbolic(value):
        return call(floor_log2, value, lower=0)
    if not is_array(value):
        return int(value).bit_length() - 1
    return sum((as_count(value >= 2**power) for power in range(1, 63)), -as_count(value < 1))


def is_multiple(value: Polynomial, divisor: int) -> bool:
    """Is the value a whole multiple of `divisor`, and at least that, for all sizes?

    A quarter of what is rounded to multiples of 8 is a multiple of 2.
    """
    least = value.lower()
    return (
        least is not None
        and least >= 1
        and all(
            all(atom.integer and power > 0 for atom, power in monomial)
            and any(coefficient * step % divisor == 0 for step in _steps(monomial))
            for monomial, coefficient in value.terms.items()
        )
    )


def _steps(monomial: Monomial) -> Iterator[int]:
    """Numbers of which a product of integer sizes is a multiple: 1, and the steps of its rounded
    widths."""
    yield 1
    for atom, _ in monomial:
        if isinstance(atom, Call) and (step := rule_of(atom).step) is not None:
            yield step(*atom.arguments)
