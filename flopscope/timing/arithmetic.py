"""How the sizes of one network are added and multiplied: with a look at each, or without where all
are plain integers, which cannot overflow. Both give the same, and the second is quick."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from flopscope.facts import Operator
from flopscope.sizes import Size, product, total


class Arithmetic(NamedTuple):
    """The sum and the product of sizes."""

    total: Callable[[Iterable[Size]], Size]
    product: Callable[[Iterable[Size]], Size]


CAREFUL = Arithmetic(total, product)
"""For sizes of any type: see `flopscope.sizes`."""

PLAIN = Arithmetic(sum, math.prod)
"""For integers of Python."""


def arithmetic_of(rows: Sequence[Operator]) -> Arithmetic:
    """The arithmetic that these rows' sizes need.

    >>> from flopscope.facts import Kind
    >>> arithmetic_of([Operator(Kind.ADD, "", ((1, 8), (1, 8)), (1, 8))]) is PLAIN
    True
    """
    shapes = [shape for row in rows for shape in (row.output, *row.inputs)]
    shapes += [(row.repeat, row.groups) for row in rows]
    shapes += [weight.shape for row in rows for weight in row.weights]
    shapes += [weight.shape for row in rows for weight in row.buffers]
    return PLAIN if set(map(type, chain.from_iterable(shapes))) <= {int} else CAREFUL
