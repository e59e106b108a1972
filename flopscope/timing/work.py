"""What a unit asks of a device: multiply-accumulates, bytes, exponentials and launches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from flopscope.costs import cost
from flopscope.facts import ELEMENT_BYTES, FLOAT32, Operator
from flopscope.sizes import Shape, Size, total
from flopscope.timing.arithmetic import CAREFUL, PLAIN, Arithmetic, are_plain, seem_plain
from flopscope.timing.categories import PRODUCT_KINDS, Category, is_exponential
from flopscope.timing.precision import WHOLE, Precision, Widths
from flopscope.timing.runtimes import Runtime
from flopscope.timing.units import Unit, units


class Work(NamedTuple):
    """The work of one run of a unit, which runs `repeat` times.

    `read` and `written` are bytes of activations, `weights` bytes of stored tensors, `exponentials`
    elements. `launches` is 1, and one more for each input that is rounded to a shorter type first.
    """

    unit: Unit
    macs: Size
    read: Size
    written: Size
    weights: Size
    exponentials: Size
    launches: int = 1
    repeat: Size = 1

    @property
    def category(self) -> Category:
        """The category of its unit."""
        return self.unit.category

    @property
    def moved(self) -> Size:
        """Bytes of activations read and written."""
        read, written = self.read, self.written
        if type(read) is type(written) is int:
            return read + written  # the common case
        return total((read, written))


def works(
    rows: Sequence[Operator],
    runtime: Runtime,
    precision: Precision,
    arithmetic: Arithmetic | None = None,
) -> list[Work]:
    """The work of every unit that these rows become, in order. `arithmetic` adds and multiplies
    their sizes, where that is not to be found out from the sizes.

    >>> from flopscope.facts import Kind
    >>> from flopscope.timing.precision import PRECISIONS
    >>> from flopscope.timing.runtimes import RUNTIMES
    >>> add = Operator(Kind.ADD, "add", ((1, 8), (1, 8)), (1, 8), reads=(-1, -2))
    >>> (work,) = works([add], RUNTIMES["eager"], PRECISIONS["float16"])
    >>> work.read, work.written
    (32, 16)
    """
    found, widths = units(rows, runtime), Widths(rows, precision)
    if arithmetic is None and seem_plain(rows):
        counting = _Counting(found, runtime, precision, widths, PLAIN)
        counted = [counting.work(unit) for unit in found]
        if are_plain_works(counted):
            return counted
    counting = _Counting(found, runtime, precision, widths, arithmetic or CAREFUL)
    return [counting.work(unit) for unit in found]


_SIZES = attrgetter("macs", "read", "written", "weights", "exponentials", "repeat")


def are_plain_works(found: Sequence[Work]) -> bool:
    """Are all amounts of this work integers of Python?"""
    return are_plain(chain.from_iterable(map(_SIZES, found)))


class _Counting:
    """Counts the work of units. It is most of what a prediction takes, and so it asks of each row
    for little that is not there."""

    def __init__(
        self,
        found: Sequence[Unit],
        runtime: Runtime,
        precision: Precision,
        widths: Widths,
        arithmetic: Arithmetic,
    ) -> None:
        self._units = found
        self._mixed = precision.mixed
        self._casts = runtime.casts and precision.mixed
        self._narrows = precision.mixed and not runtime.casts
        self._narrow = precision.width
        self._widths = widths
        self._weights = widths.weights
        self._total, self._amount = arithmetic

    @cached_property
    def _readers(self) -> dict[int, list[Operator]]:
        found: dict[int, list[Operator]] = {}
        for unit in self._units:
            for row in unit.rows:
                for tensor in row.reads:
                    found.setdefault(tensor, []).append(row)
        return found

    def work(self, unit: Unit) -> Work:
        """What one run of the unit asks for."""
        if len(unit.rows) > 1:
            return self._of_several(unit)
        row, amount, casts = unit.rows[0], self._amount, 0
        inputs, widths = row.inputs, self._widths.inputs(row)
        multiplies = row.kind in PRODUCT_KINDS
        if self._mixed and (
            self._narrows or (multiplies and max(widths, default=0) > self._narrow)
        ):
            read, written, casts = self._moved(unit.rows)
        else:
            written = amount(row.output, self._widths.output(row))
            if len(inputs) == len(row.reads) == 1:
                read = amount(inputs[0], widths[0])
            elif len(inputs) == len({*row.reads}):
                read = self._total(list(map(amount, inputs, widths)))
            else:
                read = self._total(self._read(unit.rows, []))
        return Work(
            unit,
            cost(row).macs if multiplies else 0,
            read,
            written,
            self._stored(row) if row.weights or row.buffers else 0,
            amount(row.output, 1) if is_exponential(row) else 0,
            1 + casts,
            row.repeat,
        )

    def _of_several(self, unit: Unit) -> Work:
        rows, total = unit.rows, self._total
        read, written, casts = self._moved(rows)
        return Work(
            unit,
            total([cost(row).macs for row in rows if row.kind in PRODUCT_KINDS]),
            read,
            written,
            total([self._stored(row) for row in rows if row.weights or row.buffers]),
            total([self._amount(row.output, 1) for row in rows if is_exponential(row)]),
            1 + casts,
            rows[0].repeat,
        )

    def _moved(self, rows: Sequence[Operator]) -> tuple[Size, Size, int]:
        """The bytes that a unit reads and writes, and how many of its inputs are rounded first."""
        cast: list[Shape] = []
        read, written = self._read(rows, cast), self._written(rows)
        for shape in cast:
            read.append(self._amount(shape, self._weights))
            written.append(self._amount(shape, self._narrow))
        return self._total(read), self._total(written), len(cast)

    def _read(self, rows: Sequence[Operator], cast: list[Shape]) -> list[Size]:
        """The bytes of each input from outside the unit; the shapes of those that are rounded in a
        pass of their own are put into `cast`. Element by element, a tensor is fetched once."""
        sizes: list[Size] = []
        own = {row.id for row in rows}
        fetched: set[int] = set()
        for row in rows:
            if len(row.reads) == 1 and row.reads[0] in own:
                continue  # the common case
            multiplies = row.kind in PRODUCT_KINDS
            widths = self._widths.inputs(row)
            for shape, tensor, width in zip(row.inputs, row.reads, widths, strict=False):
                if tensor in own or (tensor in fetched and not multiplies):
                    continue
                fetched.add(tensor)
                if multiplies and width > self._narrow:
                    if self._casts and tensor >= 0:
                        cast.append(shape)
                    width = self._narrow
                sizes.append(self._amount(shape, width))
        return sizes

    def _written(self, rows: Sequence[Operator]) -> list[Size]:
        """The bytes of what rows outside the unit read, or nothing reads."""
        sizes = []
        own, last = {row.id for row in rows}, rows[-1]
        for row in rows:
            readers = self._readers.get(row.id, ())
            if len(readers) == 1 and readers[0].id in own:
                continue  # the common case
            readers = [reader for reader in readers if reader.id not in own]
            if readers or row is last:
                sizes.append(self._amount(row.output, self._width(row, readers)))
        return sizes

    def _width(self, row: Operator, readers: Sequence[Operator]) -> int:
        """The bytes of an element of an output; a compiler also writes it in the shorter type where
        products read it, and in that one alone where nothing else does."""
        narrow, width = self._narrow, self._widths.output(row)
        if not self._narrows or width <= narrow:
            return width
        products = [reader.kind in PRODUCT_KINDS for reader in readers]
        if products and all(products):
            return narrow
        return width + (narrow if any(products) else 0)

    def _stored(self, row: Operator) -> Size:
        """The bytes of the stored tensors that a row reads."""
        sizes, single = [], self._weights
        for weight in row.weights + row.buffers:
            if weight.key:
                plain = weight.element == FLOAT32
                each = single if plain else self._element(weight.element)
                sizes.append(self._amount(weight.shape, each))
        return self._total(sizes)

    def _element(self, name: str) -> int:
        """The bytes of a stored element; those of whole numbers are what they are."""
        return ELEMENT_BYTES[name] if name.startswith(WHOLE) else self._weights
