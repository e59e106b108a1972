"""What holds at some sizes and not at others, as a number that is 1 or 0: a number at plain sizes,
an array where there are several designs, an expression where sizes are free."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

from flopscope.sizes import (
    Shape,
    Size,
    any_of,
    as_count,
    ceil_div,
    equal,
    is_array,
    is_symbolic,
    product,
    where_below,
)


@dataclass(frozen=True)
class Condition:
    """Whether something holds. `known` is 1 or 0, or an array of them; `flags` are expressions that
    must be 1 besides. Each stands once, so that what is asked twice is one question.

    >>> ALWAYS.all(NEVER) is NEVER, multiple_of(32, 16) is ALWAYS
    (True, True)
    """

    known: Any = 1
    flags: tuple[Size, ...] = ()

    @property
    def number(self) -> Size:
        """1 where it holds, and 0 elsewhere."""
        return product((self.known, *self.flags)) if self.flags else self.known

    def all(self, *others: Condition) -> Condition:
        """Do all of these hold?"""
        return reduce(_both, others, self)

    def but_not(self, other: Condition) -> Size:
        """1 where this holds and the other does not."""
        if self is other or self is NEVER or other is ALWAYS or _same(self, other):
            return 0
        if other is NEVER:
            return self.number
        return self.number - self.all(other).number

    def opposite(self) -> Condition:
        """Does it not hold?"""
        if self is ALWAYS:
            return NEVER
        return ALWAYS if self is NEVER else condition(1 - self.number)


def condition(number: Size) -> Condition:
    """The condition that this number is 1, and not 0.

    >>> condition(1) is ALWAYS
    True
    """
    if is_symbolic(number):
        return Condition(1, (number,))
    if is_array(number):
        if not (number == number.flat[0]).all():
            return Condition(number)
        number = number.flat[0]
    return ALWAYS if number else NEVER


ALWAYS, NEVER = Condition(1), Condition(0)
"""The only conditions that hold at all sizes, and at none."""


def multiple_of(size: Size, of: int) -> Condition:
    """Is the size a multiple of this?

    >>> multiple_of(24, 16).number
    0
    """
    if isinstance(size, int):
        return NEVER if size % of else ALWAYS
    if is_symbolic(size):
        return condition(equal(ceil_div(size, of) * of, size))
    return condition(as_count(size % of == 0))


def below(size: Size, bound: int) -> Condition:
    """Is the size smaller than this?

    >>> below(3, 16) is ALWAYS
    True
    """
    if isinstance(size, int):
        return ALWAYS if size < bound else NEVER
    if is_symbolic(size):
        return condition(where_below(size, bound, 1, 0))
    return condition(as_count(size < bound))


def any_holds(*conditions: Condition) -> Condition:
    """Does one of these hold?

    >>> any_holds(NEVER, ALWAYS) is ALWAYS
    True
    """
    kept = [each for each in conditions if each is not NEVER]
    if any(each is ALWAYS for each in kept):
        return ALWAYS
    if len(kept) < 2:
        return kept[0] if kept else NEVER
    return condition(1 - product([1 - each.number for each in kept]))


def where_it_holds(shape: Shape, where: Condition) -> Shape:
    """The shape of a tensor that is there where this holds, and is empty elsewhere."""
    return (product((shape[0], where.number)), *shape[1:])


def is_zero(number: Size) -> bool:
    """Is the number 0 at all sizes, so far as one can tell?"""
    return not is_symbolic(number) and not any_of(number != 0)


def is_one(number: Size) -> bool:
    """Is it the plain number 1?"""
    return type(number) is int and number == 1


def _both(a: Condition, b: Condition) -> Condition:
    if a is NEVER or b is NEVER:
        return NEVER
    if a is b or b is ALWAYS:
        return a
    if a is ALWAYS:
        return b
    known = condition(a.known * b.known)
    flags = tuple(dict.fromkeys((*a.flags, *b.flags)))
    return Condition(known.known, flags) if flags and known is not NEVER else known


def _same(a: Condition, b: Condition) -> bool:
    if is_array(a.known) or is_array(b.known):
        return False  # their difference says where they differ
    return (a.known, frozenset(a.flags)) == (b.known, frozenset(b.flags))
