"""A stage: one block, then equal ones; their number may be free."""

from __future__ import annotations

from collections.abc import Callable

from flopscope.analytic.tape import Feature
from flopscope.sizes import Size

Block = Callable[[Feature], Feature]

LISTED = 1000
"""Up to so many blocks each has rows of its own."""


def stage(x: Feature, name: str, repeats: Size, first: Block, other: Block) -> Feature:
    """`first`, then `other` repeats − 1 times. `other` keeps the shape of its input.

    A plain number of blocks is written block by block. Where it is a symbol or an array, or beyond
    what anyone lists, the others are one block of multiplicity repeats − 1.

    >>> from flopscope.analytic.operators import linear
    >>> from flopscope.analytic.tape import record
    >>> layer = lambda x: linear(x, 4)
    >>> two = record(lambda x: stage(x, "stage1", 2, layer, layer), (1, 4))
    >>> [row.path for row in two]
    ['stage1.block1.linear', 'stage1.block2.linear']
    """
    scope = x.tape.scope
    with scope(f"{name}.block1"):
        x = first(x)
    if not isinstance(repeats, int) or repeats > LISTED:
        with scope(f"{name}.repeated", repeat=repeats - 1):
            return other(x)
    for block in range(2, repeats + 1):
        with scope(f"{name}.block{block}"):
            x = other(x)
    return x
