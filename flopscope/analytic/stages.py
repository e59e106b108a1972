"""Stages of blocks. A table and a depth coefficient give the number of blocks, which is a number or
a symbol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple, Protocol, TypeVar

from flopscope.analytic.tape import Feature
from flopscope.sizes import Real, Shape, Size, any_of, round_filters, round_repeats, shared_repeats

Block = Callable[[Feature], Feature]
Row = TypeVar("Row")

LISTED = 1000
"""Below this number of blocks, each block has rows of its own."""


class Stages(NamedTuple):
    """Channels C and blocks B of every stage, as a paper's table lists them."""

    c: tuple[Size, ...]
    b: tuple[Size, ...]

    def scaled(self, width: Real, depth: Real) -> Stages:
        """The stages at width and depth coefficients, by EfficientNet's rounding.

        >>> Stages(c=(96, 192), b=(3, 9)).scaled(0.5, 1.2)
        Stages(c=(48, 96), b=(4, 11))
        """
        return Stages(
            c=tuple(round_filters(channels, width) for channels in self.c),
            b=tuple(round_repeats(blocks, depth) for blocks in self.b),
        )


class Scalable(Protocol):
    """A row of a paper's table of networks that width and depth coefficients scale."""

    def scaled(self, width: Real, depth: Real) -> Any:
        """The row at these coefficients."""


def from_row(network: Callable[..., Feature], row: Scalable) -> Callable[..., Feature]:
    """The network of a row, with `width` and `depth` among its options.

    >>> from flopscope.analytic.operators import conv2d
    >>> from flopscope.analytic.tape import record
    >>> first = lambda x, stages: conv2d(x, stages.c[0], 1)
    >>> tiny = from_row(first, Stages(c=(96, 192), b=(3, 9)))
    >>> record(lambda x: tiny(x, width=0.5), (1, 3, 8, 8)).rows[0].output
    (1, 48, 8, 8)
    """

    def scaled(x: Feature, *, width: Real = 1.0, depth: Real = 1.0, **options: Any) -> Feature:
        return network(x, row.scaled(width, depth), **options)

    return scaled


def stage(x: Feature, name: str, repeats: Size, first: Block, other: Block) -> Feature:
    """`first`, then `other` repeats − 1 times. `other` keeps the shape of its input.

    >>> from flopscope.analytic.operators import linear
    >>> from flopscope.analytic.tape import record
    >>> layer = lambda x: linear(x, 4)
    >>> two = record(lambda x: stage(x, "stage1", 2, layer, layer), (1, 4))
    >>> [row.path for row in two]
    ['stage1.block1.linear', 'stage1.block2.linear']
    """
    return blocks(x, name, ((first, 1), (other, repeats - 1)))


def blocks(
    x: Feature, name: str, counted: Iterable[tuple[Block, Size]], *, each: str = ""
) -> Feature:
    """Each block as many times as is given beside it; a repeated one keeps the shape of its input.

    A plain number of blocks is written block by block, numbered after `each`, which is `name.block`
    unless given. Where the number is a symbol, an array, or too large to list, one block with that
    multiplicity stands for all.
    """
    scope, listed, repeated = x.tape.scope, 0, 0
    each = each or f"{name}.block"
    for block, times in counted:
        if isinstance(times, int) and times < LISTED:
            for _ in range(times):
                listed += 1
                with scope(f"{each}{listed}"):
                    x = block(x)
        else:
            repeated += 1
            with scope(f"{name}.repeated{repeated if repeated > 1 else ''}", repeat=times):
                y = block(x)
            if not _same(x.shape, y.shape):  # A second block would have another input.
                raise ValueError(f"{name} repeats a block that makes {y.shape} of {x.shape}")
            x = y
    return x


def _same(a: Shape, b: Shape) -> bool:
    return len(a) == len(b) and not any(any_of(m != n) for m, n in zip(a, b, strict=True))


def scaled_rows(
    rows: Sequence[Row], again: Callable[[Row], Row], depth: Real
) -> Iterator[tuple[Row, Size]]:
    """The rows of a stage at depth coefficient d, each with the number of its blocks.

    `again` gives the row that repeats another, at stride 1 and on its own output. Rows with equal
    repetitions form a run. Each run gets its share of the ⌈n·d⌉ blocks, the last run first, and at
    least one block. The first block of a stage is its first row, and that of a run stands alone,
    because its input is the output of another run. This is timm's rule: timm/models/
    _efficientnet_builder.py, _scale_stage_depth. Domain: at least one row, depth > 0.

    >>> [times for row, times in scaled_rows("ABCC", str.lower, 1.2)]  # A, no a, 2 of b, 2 of c
    [1, 0, 1, 1, 1, 1]
    """
    runs = [(row, len(list(run))) for row, run in groupby(rows, key=again)]
    left, unshared = len(rows), round_repeats(len(rows), depth)
    shares: list[Size] = []
    for _, length in reversed(runs):
        shares.insert(0, shared_repeats(unshared, length, left))
        left, unshared = left - length, unshared - shares[0]
    yield rows[0], 1
    yield runs[0][0], shares[0] - 1
    for (row, _), share in zip(runs[1:], shares[1:], strict=True):
        yield row, 1
        yield row, share - 1
