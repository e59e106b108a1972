"""What a runtime runs whose convolutions have a layout of their own.

Such a runtime keeps the channels of a map in blocks of a few, in which a convolution reads and
writes vectors. The last block is filled up with zeros, which are multiplied and stored like other
numbers. What cannot work on blocks has the map put back into the usual order before it, and the
next convolution has it put into blocks again: two copies of the map, which no network states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

from flopscope.facts import FLOAT32, Kind, Movement, Operator
from flopscope.sizes import Shape, Size, any_of, ceil_div, exact_div, is_symbolic
from flopscope.timing.categories import Category, category
from flopscope.timing.runtimes import ELEMENT_BY_ELEMENT, POOLS

ALIGNMENT = 4
"""The channels of a map come in whole multiples of this, or it cannot be put into blocks."""

SAME_SHAPE = frozenset({Kind.ACTIVATION, Kind.ADD, Kind.MULTIPLY})
"""What works on blocks where all of its inputs are in blocks and of one shape."""

KEEPING = frozenset({Kind.BATCH_NORM, Kind.GLOBAL_POOL})
"""What works on blocks where its input is in blocks."""


def with_reorders(rows: Sequence[Operator], block: int) -> list[Operator]:
    """The rows as they run on blocks of so many channels, with a copy wherever a tensor is put into
    blocks or back into the usual order. A tensor is copied once for all that read it in the same
    order. In blocks the channels are those of whole blocks.

    Networks' inputs and outputs are in the usual order, and a dense convolution reads an input of
    fewer channels than a block as it is. A convolution cannot work on blocks if its channels do not
    come in multiples of 4, or its groups are not whole blocks. It is then a product of matrices in
    the usual order, for which its windows are first written one behind another, and these once more
    in the order in which the product reads them.

    Of a width that is swept, channels come in whole blocks or in multiples of 4 where they do at
    every width. A sweep over a width that decides this may therefore say more than the prediction
    of one design. Where the width is a symbol, channels count as multiples of 4, and blocks as
    whole where that is known.

    Found in what ONNX Runtime 1.32 ran of the 5,800 convolutions of 93 networks, on a processor
    with AVX-512; `benchmarks/layouts.py` looks again.

    >>> from flopscope.facts import Weight
    >>> conv = Operator(
    ...     Kind.CONVOLUTION, "conv", ((1, 3, 8, 8),), (1, 24, 8, 8), (Weight("w", (24, 3, 3, 3)),),
    ...     reads=(-1,), id=0,
    ... )
    >>> relu = Operator(Kind.ACTIVATION, "act", (conv.output,), conv.output, reads=(0,), id=1)
    >>> [(row.path, row.output) for row in with_reorders([conv, relu], 16)]
    [('conv', (1, 32, 8, 8)), ('act', (1, 32, 8, 8)), ('act', (1, 24, 8, 8))]
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
        self._next = max((row.id for row in rows), default=0) + 1

    def place(self, row: Operator) -> None:
        """The row behind the copies that it needs."""
        blocked = self._runs_on_blocks(row)
        wants = blocked and not self._reads_as_it_is(row)
        given = list(zip(row.reads, row.inputs, strict=False))
        reads = [self._read(row, tensor, shape, wants) for tensor, shape in given]
        placed = row._replace(reads=(*reads, *row.reads[len(given) :]))
        if blocked:
            placed = self._filled(placed, wants)
            self._in_blocks[row.id] = row
        elif row.kind is Kind.CONVOLUTION:
            placed = self._multiplied(placed)
        self._rows.append(placed)

    def with_outputs(self) -> list[Operator]:
        """All rows, and copies of the outputs that are in blocks."""
        for row in list(self._in_blocks.values()):
            if not self._readers[row.id] and not _is_single(row.output):
                self._copied(row, row.id, row.output)
        return self._rows

    def _filled(self, row: Operator, wants: bool) -> Operator:
        """The row with the channels of whole blocks."""
        inputs = tuple(map(self._of_blocks, row.inputs)) if wants else row.inputs
        filled = row._replace(inputs=inputs, output=self._of_blocks(row.output))
        if row.kind is not Kind.CONVOLUTION:
            return filled
        outputs, inner, *kernel = row.weights[0].shape
        groups = row.groups
        if category(row) is Category.DEPTHWISE:
            groups = self._whole(groups)
        elif wants:
            inner = self._whole(inner)
        weight = row.weights[0]._replace(shape=(self._whole(outputs), inner, *kernel))
        return filled._replace(weights=(weight, *row.weights[1:]), groups=groups)

    def _of_blocks(self, shape: Shape) -> Shape:
        if len(shape) < 2:
            return shape
        return (shape[0], self._whole(shape[1]), *shape[2:])

    def _whole(self, channels: Size) -> Size:
        """The channels of whole blocks."""
        return ceil_div(channels, self._block) * self._block

    def _multiplied(self, row: Operator) -> Operator:
        """The convolution as a product of matrices, behind its windows and their second order. A
        single place is its own window."""
        tensor, shape = row.reads[0], row.inputs[0]
        kernel = row.weights[0].shape[2:] if row.weights else ()
        if not all(isinstance(size, int) and size == 1 for size in kernel):
            windows = (*shape[:2], *kernel, *row.output[2:])
            tensor = self._moved(row, Movement.WINDOWS, tensor, shape, windows)
            shape = windows
        tensor = self._moved(row, Movement.WINDOWS, tensor, shape, shape)
        return row._replace(reads=(tensor, *row.reads[1:]), inputs=(shape, *row.inputs[1:]))

    def _read(self, row: Operator, tensor: int, shape: Shape, wants: bool) -> int:
        """The tensor, or a view of it, in the order in which the row wants it."""
        made = self._in_blocks.get(tensor)
        if _is_single(shape if made is None else made.output):
            return tensor
        if wants and self._is_in_blocks(tensor, shape):
            return tensor
        usual = tensor if made is None else self._copied(row, tensor, made.output)
        return self._copied(row, usual, shape) if wants else usual

    def _is_in_blocks(self, tensor: int, shape: Shape) -> bool:
        """Is it in blocks? A view, which has another shape, is never so."""
        made = self._in_blocks.get(tensor)
        return made is not None and _same(made.output, shape)

    def _copied(self, row: Operator, tensor: int, shape: Shape) -> int:
        """The tensor in the other order, which is copied before the row reads it."""
        if tensor not in self._copies:
            before, after = shape, self._of_blocks(shape)
            if tensor in self._in_blocks:
                before, after = after, before
            self._copies[tensor] = self._moved(row, Movement.COPY, tensor, before, after)
        return self._copies[tensor]

    def _moved(self, row: Operator, how: Movement, tensor: int, before: Shape, after: Shape) -> int:
        self._rows.append(
            Operator(
                Kind.MOVE, row.path, (before,), after, function=how, reads=(tensor,), id=self._next,
                repeat=_times(row),
            )
        )  # fmt: skip
        self._next += 1
        return self._next - 1

    def _reads_as_it_is(self, row: Operator) -> bool:
        """Is the row a dense convolution of fewer channels than a block?"""
        dense = row.kind is Kind.CONVOLUTION and category(row) not in GROUPS
        channels = row.inputs[0][1]
        return dense and not is_symbolic(channels) and not any_of(channels >= self._block)

    def _runs_on_blocks(self, row: Operator) -> bool:
        if len(row.output) != 4:
            return False
        if row.kind is Kind.CONVOLUTION:
            return self._convolves_blocks(row)
        if row.kind in POOLS:  # which have their input put into blocks, as convolutions have
            return self._has_whole_blocks(row)
        if not row.reads or not all(map(self._is_in_blocks, row.reads, row.inputs)):
            return False
        if row.kind in KEEPING or _pads(row):
            return True
        if row.kind is Kind.CONCATENATION:
            return self._has_whole_blocks(row)
        if row.weights:
            return self._is_folded(row)
        first = row.inputs[0]
        return row.kind in SAME_SHAPE and all(_same(shape, first) for shape in row.inputs[1:])

    def _convolves_blocks(self, row: Operator) -> bool:
        """Are the channels of the convolution such that it works on blocks?"""
        if not row.weights or row.weights[0].element != FLOAT32:
            return False
        outputs, inner, *_ = row.weights[0].shape
        kind = category(row)
        if kind is Category.GROUPED:
            each = exact_div(outputs, row.groups)
            return _is_multiple(inner, self._block) and _is_multiple(each, self._block)
        if kind is Category.DEPTHWISE and not _is(outputs, row.groups):
            return False
        aligned = _is_multiple(row.inputs[0][1], ALIGNMENT, otherwise=True)
        return aligned or self._reads_as_it_is(row) or _is_single(row.output)

    def _has_whole_blocks(self, row: Operator) -> bool:
        return all(_is_multiple(shape[1], self._block) for shape in row.inputs)

    def _is_folded(self, row: Operator) -> bool:
        """Does the row scale or shift what a convolution makes for it alone? It is then part of
        the convolution's weights, and so is another that follows."""
        made = self._in_blocks[row.reads[0]]
        if row.kind not in FOLDED or len(row.reads) != 1 or self._readers[made.id] != 1:
            return False
        return made.kind is Kind.CONVOLUTION or (bool(made.weights) and self._is_folded(made))


FOLDED = frozenset({Kind.BATCH_NORM}) | ELEMENT_BY_ELEMENT
"""What becomes part of a convolution's weights where it has weights of its own."""

GROUPS = (Category.DEPTHWISE, Category.GROUPED)


def _is_multiple(size: Size, of: int, otherwise: bool = False) -> bool:
    """Is it one, at every design where there are several? `otherwise` where nobody knows."""
    if not is_symbolic(size):
        return not any_of(size % of != 0)
    return otherwise


def _is(a: Size, b: Size) -> bool:
    return a is b or not any_of(a != b)


def _is_single(shape: Shape) -> bool:
    """Is it a map of one place, which is the same in both orders?"""
    return len(shape) == 4 and all(isinstance(size, int) and size == 1 for size in shape[2:])


def _pads(row: Operator) -> bool:
    return row.kind is Kind.MOVE and row.function is Movement.PAD


def _times(row: Operator) -> Size:
    """How often what a row reads is copied. A row that runs at some sizes only is no condition: in
    its place what comes after it reads the same tensor."""
    return row.repeat if isinstance(row.repeat, int) else 1


def _same(a: Shape, b: Shape) -> bool:
    return len(a) == len(b) and all(map(_is, a, b))
