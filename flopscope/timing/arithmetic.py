"""How the sizes of one network are added and multiplied: with a look at each, or without where all
are plain integers, which cannot overflow. Both give the same, and the second is quick."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from flopscope.facts import Operator
from flopscope.sizes import Shape, Size, product, total


class Arithmetic(NamedTuple):
    """The sum of sizes, and the size of a tensor of a shape in units of which an element has so
    many."""

    total: Callable[[Iterable[Size]], Size]
    amount: Callable[[Shape, int], Size]


def _careful(shape: Shape, each: int) -> Size:
    return product((*shape, each))


def _plain(shape: Shape, each: int) -> Size:
    return math.prod(shape) * each


CAREFUL = Arithmetic(total, _careful)
"""For sizes of any type: see `flopscope.sizes`."""

PLAIN = Arithmetic(sum, _plain)
"""For integers of Python."""


def seem_plain(rows: Sequence[Operator]) -> bool:
    """Are the sizes of the first and of the last row integers of Python, as those of most networks
    at numbers are? It is a guess: what is counted with `PLAIN` is to be checked by `are_plain`.

    >>> from flopscope.facts import Kind
    >>> seem_plain([Operator(Kind.ADD, "", ((1, 8), (1, 8)), (1, 8))])
    True
    """
    shapes = [shape for row in (*rows[:1], *rows[-1:]) for shape in (row.output, *row.inputs)]
    return are_plain(chain.from_iterable(shapes))


def are_plain(sizes: Iterable[Size]) -> bool:
    """Are all of these integers of Python? Sums and products of which one factor is none are none
    either, so that it is enough to look at them."""
    return set(map(type, sizes)) <= {int}
