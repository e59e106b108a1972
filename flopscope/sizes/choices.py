"""Choices between sizes: which is larger, whether two agree, a rule that changes with the width.

For symbols a choice is made if their bounds decide it; otherwise it stays a call.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import reduce

from flopscope.sizes.kinds import Real, Size, as_count, is_array, is_symbolic, larger
from flopscope.sizes.rules import rule_of
from flopscope.symbolic import (
    ONE,
    Atom,
    Polynomial,
    alone,
    call,
    replace_atoms,
    simplest_fraction,
)
from flopscope.symbolic.nearest import near_product


def maximum(first: Size, *others: Size) -> Size:
    """The largest of these sizes, elementwise for arrays.

    >>> maximum(8, 3)
    8
    """
    sizes = (first, *others)
    if any(isinstance(size, Polynomial) for size in sizes):
        return _symbolic_maximum(sizes)
    return reduce(larger, sizes) if any(map(is_array, sizes)) else max(sizes)


def equal(a: Size, b: Size) -> Size:
    """[a = b]: 1 where equal, else 0. A shortcut that depends on rounded widths is counted so.

    >>> equal(16, 16), equal(16, 24)
    (1, 0)
    """
    if not (is_symbolic(a) or is_symbolic(b)):
        return as_count(a == b)
    difference = a - b
    if not is_symbolic(difference):
        return int(difference == 0)
    if _exceeds(a, b) or _exceeds(b, a):
        return 0
    known = _equal_to_flag(difference)
    return call(equal, a, b, lower=0) if known is None else known


def where_below(value: Real, bound: float, below: Size, otherwise: Size) -> Size:
    """`below` where value < bound, else `otherwise`: a rule that changes with the width.

    >>> where_below(0.5, 0.75, 16, 8)
    16
    """
    if is_symbolic(value):
        if (known := value.lower()) is not None and known >= bound:
            return otherwise
        low, high = _lower(below), _lower(otherwise)
        least = None if low is None or high is None else min(low, high)
        return call(where_below, value, simplest_fraction(bound), below, otherwise, lower=least)
    if is_array(value):
        return otherwise + (below - otherwise) * as_count(value < bound)
    return below if value < bound else otherwise


def _symbolic_maximum(sizes: tuple[Size, ...]) -> Size:
    """The maximum of those sizes that no other is known to reach, with nested maxima flattened."""
    kept: list[Size] = []
    for size in _flattened(sizes):
        if not any(_never_above(size, other) for other in kept):
            kept = [other for other in kept if not _never_above(other, size)]
            kept.append(size)
    if len(kept) == 1:
        return kept[0]
    lows = [low for size in kept if (low := _lower(size)) is not None]
    integer = all(_is_integer(size) for size in kept)
    return call(maximum, *kept, lower=max(lows, default=None), integer=integer)


def _flattened(sizes: tuple[Size, ...]) -> Iterator[Size]:
    for size in sizes:
        inner = size.sole_call(maximum) if is_symbolic(size) else None
        yield from (size,) if inner is None else inner.arguments


def _never_above(a: Size, b: Size) -> bool:
    """Is a ≤ b for all sizes?"""
    low = _lower(b - a)
    return low is not None and low >= 0


def _exceeds(a: Size, b: Size) -> bool:
    """Is a > b for all sizes? A rounded width is at least a share of what was rounded."""
    low = _lower(_share(a) - b)
    return low is not None and low > 0


def _share(size: Size) -> Size:
    """A lower bound of a rounded width, by its rule; any other size as it is."""
    rounded = size.sole_call() if is_symbolic(size) else None
    if rounded is None or (share := rule_of(rounded).share) is None:
        return size
    return share * _at_least(rounded.arguments[0])


def _at_least(value: Size) -> Size:
    """A lower bound of a size in doubles: its fraction, less more than two roundings can change."""

    def below(atom: Atom) -> Size:
        found = near_product(alone(atom))
        return alone(atom) if found is None else found * (1 - Fraction(1, 2**50))

    return replace_atoms(value, below)


def _equal_to_flag(difference: Polynomial) -> Size | None:
    """[±e + c = 0] where e is itself 1 or 0: the result is e, 1 − e or 0. None for other sums."""
    constant = difference.terms.get(ONE, 0)
    for sign in (1, -1):
        flag = sign * (difference - constant)
        if flag.sole_call(equal) is not None:
            root = -sign * constant
            return flag if root == 1 else 1 - flag if root == 0 else 0
    return None


def _lower(size: Size) -> int | None:
    low: int | None = size.lower() if is_symbolic(size) else size.__floor__()
    return low


def _is_integer(size: Size) -> bool:
    if is_symbolic(size):
        return all(atom.integer for atom in size.atoms())
    return isinstance(size, int)
