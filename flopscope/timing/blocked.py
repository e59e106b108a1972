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

from flopscope.facts import Kind, Movement, Operator
from flopscope.sizes import (
    Shape,
    Size,
    ceil_div,
    maximum,
    product,
)
from flopscope.timing.block_rules import (
    DENSE,
    FOLDED,
    KEEPING,
    SAME_SHAPE,
    convolves_blocks,
    has_whole_blocks,
    is_absent,
    is_padding,
    is_single,
    is_view,
    times,
)
from flopscope.timing.categories import Category, category
from flopscope.timing.conditions import (
    ALWAYS,
    NEVER,
    Condition,
    any_holds,
    below,
    is_one,
    is_zero,
    where_it_holds,
)
from flopscope.timing.runtimes import POOLS


def with_reorders(rows: Sequence[Operator], block: int) -> list[Operator]:
    """The rows as they run on blocks of so many channels, with a copy wherever a tensor is put into
    blocks or back into the usual order. A tensor is copied once for all that read it in the same
    order. In blocks the channels are those of whole blocks.

    Networks' inputs and outputs are in the usual order, and a dense convolution reads an input of
    fewer channels than a block as it is. A convolution cannot work on blocks if its channels do not
    come in multiples of 4, or its groups are not whole blocks. It is then a product of matrices in
    the usual order, for which its windows are first written one behind another, and these once more
    in the order in which the product reads them.

    Where the width decides this, of several designs or as a symbol, a copy runs as often as the
    design needs it, once or not at all.

    Found in what ONNX Runtime 1.32 ran of 9,517 convolutions of 126 networks on a processor with
    AVX-512, none of which breaks these rules; `benchmarks/layouts.py` looks at the copies again. On
    maps of one place, which take next to no time, they are not asked.

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
        self._in_blocks: dict[int, tuple[Operator, Condition]] = {}
        self._readers = Counter(chain.from_iterable({*row.reads} for row in rows))
        self._copies: dict[tuple[int, bool], tuple[int, Size]] = {}
        self._next = max((row.id for row in rows), default=0) + 1
        self._given = min(chain([0], *(row.reads for row in rows)))

    def place(self, row: Operator) -> None:
        """The row behind the copies that it needs."""
        kind = category(row) if row.kind is Kind.CONVOLUTION else None
        blocked = self._runs_on_blocks(row, kind)
        wanted = order = blocked
        if kind in DENSE:
            wanted = blocked.all(below(row.inputs[0][1], self._block).opposite())
            # in the place of a row that does not run, the next one reads what it would have read
            order = any_holds(wanted, blocked.all(is_absent(row)))
        placed = row
        if not (blocked is NEVER and self._in_blocks.keys().isdisjoint(row.reads)):
            given = zip(row.reads, row.inputs, strict=False)
            reads = tuple([self._read(row, tensor, shape, order) for tensor, shape in given])
            if reads != row.reads[: len(reads)]:
                placed = row._replace(reads=(*reads, *row.reads[len(reads) :]))
        if blocked is not NEVER:
            placed = self._filled(placed, kind, blocked, wanted)
            self._in_blocks[row.id] = row, blocked
        if kind and blocked is not ALWAYS:
            placed = self._multiplied(placed, row, blocked)
        self._rows.append(placed)

    def with_outputs(self) -> list[Operator]:
        """All rows, and copies of the outputs that are in blocks."""
        for row, blocked in list(self._in_blocks.values()):
            if not self._readers[row.id] and not is_single(row.output):
                self._copied(row, row.id, row.output, blocked.number, to_blocks=False)
        return self._rows

    def _filled(
        self, row: Operator, kind: Category | None, blocked: Condition, wanted: Condition
    ) -> Operator:
        """The row with the channels of whole blocks where it runs on them."""
        if self._is_full(row.output) and all(map(self._is_full, row.inputs)):
            return row  # the common case
        inputs = tuple([self._of_blocks(shape, wanted) for shape in row.inputs])
        filled = row._replace(inputs=inputs, output=self._of_blocks(row.output, blocked))
        if kind is None:
            return filled
        outputs, inner, *kernel = row.weights[0].shape
        groups = row.groups
        if kind is Category.DEPTHWISE:
            groups = self._whole(groups, blocked)
        elif kind in DENSE:
            inner = self._whole(inner, wanted)
        weight = row.weights[0]._replace(shape=(self._whole(outputs, blocked), inner, *kernel))
        return filled._replace(weights=(weight, *row.weights[1:]), groups=groups)

    def _is_full(self, shape: Shape) -> bool:
        """Has it whole blocks of channels, whatever holds?"""
        return len(shape) > 1 and type(shape[1]) is int and not shape[1] % self._block

    def _of_blocks(self, shape: Shape, where: Condition) -> Shape:
        if len(shape) < 2:
            return shape
        return (shape[0], self._whole(shape[1], where), *shape[2:])

    def _whole(self, channels: Size, where: Condition) -> Size:
        """The channels of whole blocks where this holds, and as they are elsewhere."""
        if where is NEVER:
            return channels
        whole = ceil_div(channels, self._block) * self._block
        return whole if where is ALWAYS else channels + where.number * (whole - channels)

    def _multiplied(self, placed: Operator, row: Operator, blocked: Condition) -> Operator:
        """The convolution as a product of matrices where it cannot run on blocks, behind its
        windows and their second order. A single place is its own window."""
        tensor, shape = row.reads[0], row.inputs[0]
        plain = blocked.opposite()
        kernel = row.weights[0].shape[2:] if row.weights else ()
        if not all(map(is_one, kernel)):
            windows = (*shape[:2], *kernel, *row.output[2:])
            tensor = self._moved(row, Movement.WINDOWS, tensor, shape, windows, plain.number)
            shape = windows
        tensor = self._moved(row, Movement.WINDOWS, tensor, shape, shape, plain.number)
        if plain is ALWAYS:
            others = placed.reads[1:], placed.inputs[1:]
            return placed._replace(reads=(tensor, *others[0]), inputs=(shape, *others[1]))
        either = where_it_holds(placed.inputs[0], blocked), where_it_holds(shape, plain)
        return placed._replace(
            reads=(placed.reads[0], tensor, *placed.reads[1:]),
            inputs=(*either, *placed.inputs[1:]),
        )

    def _read(self, row: Operator, tensor: int, shape: Shape, wanted: Condition) -> int:
        """The tensor, or a view of it, in the order in which the row wants it."""
        made, blocked = self._in_blocks.get(tensor, (None, NEVER))
        if is_single(shape if made is None else made.output):
            return tensor
        if made is not None and is_view(row, made.output, shape):
            tensor = self._copied(row, tensor, made.output, blocked.number, to_blocks=False)
            blocked = NEVER
        elif blocked is not wanted:
            usual = blocked.but_not(wanted)
            tensor = self._copied(row, tensor, shape, usual, to_blocks=False)
        if blocked is wanted:
            return tensor
        return self._copied(row, tensor, shape, wanted.but_not(blocked), to_blocks=True)

    def _copied(
        self, row: Operator, tensor: int, shape: Shape, where: Size, *, to_blocks: bool
    ) -> int:
        """The tensor in the other order, which is copied before the row reads it where it must be
        and has not been."""
        if type(where) is int and not where:
            return tensor
        key = tensor, to_blocks
        copy, done = self._copies.get(key, (tensor, 0))
        wanted = where if is_zero(done) else maximum(done, where)
        if is_zero(wanted - done):
            return copy if is_one(where) else tensor
        before, after = shape, self._of_blocks(shape, ALWAYS)
        if not to_blocks:
            before, after = after, before
        new = self._moved(row, Movement.COPY, tensor, before, after, wanted - done)
        self._copies[key] = new, wanted
        return new if is_one(where) else tensor

    def _moved(
        self,
        row: Operator,
        how: Movement,
        tensor: int,
        before: Shape,
        after: Shape,
        where: Size,
    ) -> int:
        """A new row that moves the tensor where it must. What is moved at some designs only is not
        known to be read by the row, which then reads the tensor itself."""
        certain = is_one(where)
        if not certain:
            self._given -= 1
        self._rows.append(
            Operator(
                Kind.MOVE, row.path, (before,), after, function=how,
                reads=(tensor if certain else self._given,), id=self._next,
                repeat=times(row) if certain else product((times(row), where)),
            )
        )  # fmt: skip
        self._next += 1
        return self._next - 1

    def _runs_on_blocks(self, row: Operator, kind: Category | None) -> Condition:
        if len(row.output) != 4:
            return NEVER
        if kind is not None:
            return convolves_blocks(row, kind, self._block)
        if row.kind in POOLS:  # which have their input put into blocks, as convolutions have
            return has_whole_blocks(row, self._block)
        if not row.reads:
            return NEVER
        of_reads = [
            self._is_in_blocks(row, *each) for each in zip(row.reads, row.inputs, strict=False)
        ]
        return self._stays_on_blocks(row, ALWAYS.all(*of_reads))

    def _stays_on_blocks(self, row: Operator, inputs: Condition) -> Condition:
        """Where a row runs on blocks whose inputs are in blocks where `inputs` says so."""
        if inputs is NEVER or row.kind in KEEPING or is_padding(row):
            return inputs
        if row.kind is Kind.CONCATENATION:
            return inputs.all(has_whole_blocks(row, self._block))
        if row.weights:
            return inputs if self._is_folded(row) else NEVER
        first = row.inputs[0]
        alike = not any(is_view(row, first, shape) for shape in row.inputs[1:])
        return inputs if row.kind in SAME_SHAPE and alike else NEVER

    def _is_in_blocks(self, row: Operator, tensor: int, shape: Shape) -> Condition:
        """Is what the row reads in blocks? A view is in the usual order."""
        made, blocked = self._in_blocks.get(tensor, (None, NEVER))
        return NEVER if made is None or is_view(row, made.output, shape) else blocked

    def _is_folded(self, row: Operator) -> bool:
        """Does the row scale or shift what a convolution makes for it alone? It is then part of
        the convolution's weights, and so is another that follows."""
        made = self._in_blocks[row.reads[0]][0]
        if row.kind not in FOLDED or len(row.reads) != 1 or self._readers[made.id] != 1:
            return False
        return made.kind is Kind.CONVOLUTION or (bool(made.weights) and self._is_folded(made))
