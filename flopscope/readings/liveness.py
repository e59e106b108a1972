"""Which tensors are alive while each row runs, also where widths decide whether a row happens.

A row of multiplicity 0 does not happen: nothing is read or written, and a row that reads its output
reads instead what the absent row forwards. So "is read" is 1 or 0 for numbers, an array of them for
arrays, and an expression for symbols, and the elements of a tensor are multiplied by it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from flopscope.errors import BadInput
from flopscope.facts import Kind, Operator
from flopscope.sizes import (
    Shape,
    Size,
    elements,
    equal,
    is_array,
    is_symbolic,
    maximum,
    product,
    total,
)


def live_elements(
    rows: Sequence[Operator],
    overwriting: Collection[Kind],
    width: Callable[[str], int] = lambda element: 1,
) -> list[Size]:
    """The elements of all live tensors during each row, including its own output; 0 for a row that
    is absent.

    A tensor lives from the row that writes it to the last one that reads it. The network's inputs
    live from the start, and what no row reads lives to the end. A kind in `overwriting` writes into
    its first input where no later row reads that and its elements are of equal width. An element
    weighs the `width` of its type. Raises BadInput for a row that does not say what it reads.

    >>> norm = Operator(Kind.BATCH_NORM, "bn", ((1, 8),), (1, 8), reads=(-1,))
    >>> live_elements([norm], ()), live_elements([norm], (Kind.BATCH_NORM,))
    ([16], [8])
    """
    liveness = _Liveness(rows, width)
    candidates = liveness.inputs()
    steps = []
    for step, row in enumerate(rows):
        candidates = [tensor for tensor in candidates if liveness.last_use(tensor) >= step]
        in_place = row.kind in overwriting and liveness.keeps_width(step)
        overwritten = liveness.overwritten(step) if in_place else {}
        parts = [liveness.size(row.id)]
        for tensor in candidates:
            alive = both(liveness.written(tensor), liveness.needed(tensor, step))
            parts.append(product((liveness.size(tensor), alive - overwritten.get(tensor, 0))))
        steps.append(product((liveness.happens(step), total(parts))))
        candidates.append(row.id)
    return steps


class _Liveness:
    """Which rows write and read each tensor. A step is the position of a row; a tensor is an id."""

    def __init__(self, rows: Sequence[Operator], width: Callable[[str], int]) -> None:
        self._rows = rows
        self._width = width
        self._happens = [_settled(1 - equal(row.repeat, 0)) for row in rows]
        self._writer = {row.id: step for step, row in enumerate(rows)}
        self._readers: dict[int, list[int]] = {}
        self._sizes: dict[int, Size] = {}
        for step, row in enumerate(rows):
            if len(row.reads) != len(row.inputs):
                raise BadInput(f"row {row.path} does not say where its inputs come from")
            given = zip(row.reads, row.inputs, row.input_types, strict=True)
            for tensor, shape, element in given:
                self._readers.setdefault(tensor, []).append(step)
                self._sizes.setdefault(tensor, self._weigh(shape, element))
        self._sizes |= {row.id: self._weigh(row.output, row.output_type) for row in rows}
        self._read: dict[int, Size] = {}
        self._last: dict[int, int] = {}
        for tensor in (*(row.id for row in reversed(rows)), *self.inputs()):
            self._read[tensor] = _settled(self._is_read(tensor))
            self._last[tensor] = self._find_last_use(tensor)

    def happens(self, step: int) -> Size:
        """1 if the row happens, 0 if it does not."""
        return self._happens[step]

    def _weigh(self, shape: Shape, element: str) -> Size:
        width = self._width(element)
        return elements(shape) if width == 1 else product((elements(shape), width))

    def keeps_width(self, step: int) -> bool:
        """Are the elements of the row's first input as wide as those of its output?"""
        row = self._rows[step]
        return not row.types or self._width(row.types[0]) == self._width(row.types[-1])

    def size(self, tensor: int) -> Size:
        """The elements of a tensor, each at its width."""
        return self._sizes[tensor]

    def written(self, tensor: int) -> Size:
        """1 if the tensor exists, 0 if it does not. The network's inputs always exist."""
        return self._happens[self._writer[tensor]] if tensor in self._writer else 1

    def inputs(self) -> list[int]:
        """The tensors that no row writes."""
        return [tensor for tensor in self._sizes if tensor not in self._writer]

    def last_use(self, tensor: int) -> int:
        """The last step that may read it; the end of the network where it may be unread."""
        return self._last[tensor]

    def needed(self, tensor: int, step: int) -> Size:
        """1 if some row from this step on reads the tensor, or if no row ever does; else 0."""
        return either(1 - self._read[tensor], self._used(tensor, step))

    def _used(self, tensor: int, step: int) -> Size:
        """1 if some row from this step on reads the tensor or a tensor that forwards it, or if the
        tensor is an output; else 0.

        The gate of an absent block is not an output, although the row that would read it is absent
        too.
        """
        readers = self._readers.get(tensor, ())
        result: Size = 0 if readers else 1
        for reader in readers:
            happens = self._happens[reader]
            if reader >= step:
                result = either(result, happens)
            if self._forwards(reader, tensor):
                passed_on = self._used(self._rows[reader].id, step)
                result = either(result, both(1 - happens, passed_on))
        return result

    def overwritten(self, step: int) -> dict[int, Size]:
        """For each tensor, 1 if it is the row's first input and no later row reads it; else 0."""
        sources = self._sources(self._rows[step].reads[0])
        return {t: both(is_source, 1 - self.needed(t, step + 1)) for t, is_source in sources}

    def _sources(self, tensor: int) -> Iterator[tuple[int, Size]]:
        """The tensors that a reader of this one may really read, each with 1 if it is the one, else
        0."""
        reached: Size = 1
        while not _surely(self.written(tensor)):
            before = forwarded(self._rows[self._writer[tensor]])
            if before == tensor:
                break
            yield tensor, both(reached, self.written(tensor))
            reached = both(reached, 1 - self.written(tensor))
            tensor = before
        yield tensor, reached

    def _is_read(self, tensor: int) -> Size:
        """1 if some row reads the tensor, directly or through rows that forward it; else 0."""
        result: Size = 0
        for reader in self._readers.get(tensor, ()):
            happens = self._happens[reader]
            result = either(result, happens)
            if self._forwards(reader, tensor):
                result = either(result, both(1 - happens, self._read[self._rows[reader].id]))
        return result

    def _find_last_use(self, tensor: int) -> int:
        if not _surely(self._read[tensor]):
            return len(self._rows)
        readers = self._readers[tensor]
        passed_on = [self._rows[r].id for r in readers if self._forwards(r, tensor)]
        return max([*readers, *(self._last[t] for t in passed_on)])

    def _forwards(self, reader: int, tensor: int) -> bool:
        """May the row be absent and forward this tensor?"""
        return not _surely(self._happens[reader]) and forwarded(self._rows[reader]) == tensor


def forwarded(row: Operator) -> int:
    """The tensor that stands for the row's output where the row does not happen.

    An addition forwards what was computed last, as a block without its shortcut does, and as
    attention does whose biases were read before. Any other row forwards its first input, and one
    without inputs, as a table of biases, has only its own output, which nobody reads then.

    >>> forwarded(Operator(Kind.ADD, "add", ((1, 8), (1, 8)), (1, 8), reads=(3, 5)))
    5
    """
    if not row.reads:
        return row.id
    return max(row.reads) if row.kind is Kind.ADD else row.reads[0]


def _surely(truth: Size) -> bool:
    """Is it 1 whatever the widths are?"""
    return isinstance(truth, int) and truth == 1


def _settled(truth: Size) -> Size:
    """The truth, as one number if all elements of its array are equal."""
    if is_array(truth) and truth.size and (truth == truth.flat[0]).all():
        return int(truth.flat[0])
    return truth


def both(a: Size, b: Size) -> Size:
    """Whether a and b are true, where 1 is true and 0 is false.

    >>> both(1, 0)
    0
    """
    if is_symbolic(a) and is_symbolic(b):
        return a if a == b else a * b if is_symbolic(a + b) else 0
    return a * b


def either(a: Size, b: Size) -> Size:
    """Whether a or b is true, where 1 is true and 0 is false.

    >>> either(1, 1)
    1
    """
    if is_array(a) or is_array(b):
        return maximum(a, b)
    return a + b - both(a, b)
