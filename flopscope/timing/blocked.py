"""Where a runtime reorders tensors because its convolutions have a layout of their own.

Such a runtime keeps the channels of a map in blocks of a few, in which a convolution reads and
writes vectors. What cannot work on blocks has the map put back into the usual order before it, and
the next convolution has it put into blocks again: two copies of the map, which no network states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

from flopscope.facts import FLOAT32, Kind, Movement, Operator
from flopscope.sizes import Shape, Size, any_of, exact_div, is_symbolic
from flopscope.timing.categories import Category, category
from flopscope.timing.runtimes import ELEMENT_BY_ELEMENT, POOLS

SAME_SHAPE = frozenset({Kind.ACTIVATION, Kind.ADD, Kind.MULTIPLY})
"""What works on blocks where all of its inputs are in blocks and of one shape."""

KEEPING = frozenset({Kind.BATCH_NORM, Kind.GLOBAL_POOL}) | POOLS
"""What works on blocks where all of its inputs are in blocks. A concatenation does so too where
each of its inputs has whole blocks of channels; that depends on the width, and is not asked."""


def with_reorders(rows: Sequence[Operator], block: int) -> list[Operator]:
    """The rows with a copy wherever a tensor is put into blocks of so many channels, or back into
    the usual order. A tensor is copied once for all that read it in the same order.

    Networks' inputs and outputs are in the usual order, and a convolution reads an input of fewer
    channels than a block as it is. A convolution whose groups are not whole blocks is a product of
    matrices in the usual order, for which its windows are first written one behind another.

    Of a width that is swept, groups count as whole blocks where they are so at every width. A sweep
    over a width that decides this may therefore say more than the prediction of one design.

    >>> from flopscope.facts import Weight
    >>> conv = Operator(
    ...     Kind.CONVOLUTION, "conv", ((1, 3, 8, 8),), (1, 32, 8, 8), (Weight("w", (32, 3, 3, 3)),),
    ...     reads=(-1,), id=0,
    ... )
    >>> relu = Operator(Kind.ACTIVATION, "act", (conv.output,), conv.output, reads=(0,), id=1)
    >>> [row.path for row in with_reorders([conv, relu], 16)]
    ['conv', 'act', 'act']
    """
    found = _Reordering(rows, block)
    for row in rows:
        found.place(row)
    return found.with_outputs()


class _Reordering:
    """The rows so far, and which tensors are in blocks."""

    def __init__(self, rows: Sequence[Operator], block: int) -> None:
        self._block = block
        self._rows: list[Operator] = []
        self._in_blocks: dict[int, Operator] = {}
        self._readers = Counter(chain.from_iterable({*row.reads} for row in rows))
        self._copies: dict[int, int] = {}
        self._given: set[int] = set()  # inputs of the network that are padded
        self._next = max((row.id for row in rows), default=0) + 1

    def place(self, row: Operator) -> None:
        """The row behind the copies that it needs."""
        blocked = self._runs_on_blocks(row)
        convolves = row.kind is Kind.CONVOLUTION
        given = list(zip(row.reads, row.inputs, strict=False))
        reads = [
            self._copied(row, tensor, shape)
            if (tensor in self._in_blocks) != blocked
            and not (convolves and blocked and self._is_narrow_input(tensor, shape))
            else tensor
            for tensor, shape in given
        ]
        if convolves and not blocked:
            reads[:1] = [self._windows(row, reads[0])]
        self._rows.append(row._replace(reads=(*reads, *row.reads[len(given) :])))
        if blocked:
            self._in_blocks[row.id] = row
        elif _pads(row) and self._is_given(row.reads[0]):
            self._given.add(row.id)

    def _windows(self, row: Operator, tensor: int) -> int:
        """The windows of the input one behind another, for a product of matrices; a single place is
        its own window."""
        kernel = row.weights[0].shape[2:] if row.weights else ()
        if all(isinstance(size, int) and size == 1 for size in kernel):
            return tensor
        shape = (*row.inputs[0][:2], *kernel, *row.output[2:])
        self._rows.append(
            Operator(
                Kind.MOVE, row.path, row.inputs[:1], shape, function=Movement.WINDOWS,
                reads=(tensor,), id=self._next, repeat=_times(row),
            )
        )  # fmt: skip
        self._next += 1
        return self._next - 1

    def with_outputs(self) -> list[Operator]:
        """All rows, and copies of the outputs that are in blocks."""
        for row in list(self._in_blocks.values()):
            if not self._readers[row.id]:
                self._copied(row, row.id, row.output)
        return self._rows

    def _copied(self, row: Operator, tensor: int, shape: Shape) -> int:
        """The tensor in the other order, which is copied before the row reads it."""
        if tensor not in self._copies:
            self._copies[tensor] = self._next
            self._rows.append(
                Operator(
                    Kind.MOVE, row.path, (shape,), shape, function=Movement.COPY, reads=(tensor,),
                    id=self._next, repeat=_times(row),
                )
            )  # fmt: skip
            self._next += 1
        return self._copies[tensor]

    def _is_narrow_input(self, tensor: int, shape: Shape) -> bool:
        channels = shape[1]
        return self._is_given(tensor) and isinstance(channels, int) and channels < self._block

    def _is_given(self, tensor: int) -> bool:
        return tensor < 0 or tensor in self._given

    def _runs_on_blocks(self, row: Operator) -> bool:
        if len(row.output) != 4:
            return False
        if row.kind is Kind.CONVOLUTION:
            return self._has_whole_blocks(row)
        if not row.reads or any(tensor not in self._in_blocks for tensor in row.reads):
            return False
        if row.kind in KEEPING or _pads(row):
            return True
        if row.weights:
            return self._is_folded(row)
        first = row.inputs[0]
        return row.kind in SAME_SHAPE and all(_same(shape, first) for shape in row.inputs[1:])

    def _has_whole_blocks(self, row: Operator) -> bool:
        """Is the convolution dense, depthwise, or of groups that are whole blocks?"""
        if not row.weights or row.weights[0].element != FLOAT32:
            return False
        if category(row) is not Category.GROUPED:
            return True
        outputs, inner, *_ = row.weights[0].shape
        return self._is_whole(inner) and self._is_whole(exact_div(outputs, row.groups))

    def _is_whole(self, channels: Size) -> bool:
        """Are the channels of a group whole blocks, at all widths that are swept?"""
        return not (is_symbolic(channels) or any_of(channels % self._block != 0))

    def _is_folded(self, row: Operator) -> bool:
        """Does the row scale or shift what a convolution makes for it alone? It is then part of
        the convolution's weights."""
        made = self._in_blocks[row.reads[0]]
        alone = len(row.reads) == 1 and self._readers[made.id] == 1
        return alone and made.kind is Kind.CONVOLUTION and row.kind in ELEMENT_BY_ELEMENT


def _pads(row: Operator) -> bool:
    return row.kind is Kind.MOVE and row.function is Movement.PAD


def _times(row: Operator) -> Size:
    """How often what a row reads is copied. A row that runs at some sizes only is no condition: in
    its place what comes after it reads the same tensor."""
    return row.repeat if isinstance(row.repeat, int) else 1


def _same(a: Shape, b: Shape) -> bool:
    return len(a) == len(b) and not any(any_of(x != y) for x, y in zip(a, b, strict=True))
