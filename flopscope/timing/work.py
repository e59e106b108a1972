"""What a unit asks of a device: multiply-accumulates, bytes, exponentials and launches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flopscope.costs import cost
from flopscope.facts import ELEMENT_BYTES, FLOAT32, Operator
from flopscope.sizes import Size, total
from flopscope.timing.arithmetic import Arithmetic, arithmetic_of
from flopscope.timing.categories import PRODUCT_KINDS, Category, is_exponential
from flopscope.timing.precision import WHOLE, Precision, Widths
from flopscope.timing.runtimes import Runtime
from flopscope.timing.units import Unit, units


class Work(NamedTuple):
    """The work of one run of a unit, which runs `repeat` times.

    `read` and `written` are bytes of activations, `weights` bytes of stored tensors, `exponentials`
    elements. `launches` is 1, and one more for each input that is rounded to a shorter type first.
    `outputs` are the elements that products write, which papers call activations.
    """

    unit: Unit
    macs: Size
    read: Size
    written: Size
    weights: Size
    exponentials: Size
    outputs: Size
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
    found = units(rows, runtime)
    return _Counting(rows, found, precision, runtime, arithmetic or arithmetic_of(rows)).works()


class _Counting:
    def __init__(
        self,
        rows: Sequence[Operator],
        found: Sequence[Unit],
        precision: Precision,
        runtime: Runtime,
        arithmetic: Arithmetic,
    ) -> None:
        self._units = found
        self._runtime = runtime
        self._precision = precision
        self._widths = Widths(rows, precision)
        self._single = self._widths.weights
        self._total, self._product = arithmetic
        self._readers: dict[int, list[Operator]] = {}
        for unit in found:
            for row in unit.rows:
                for tensor in row.reads:
                    self._readers.setdefault(tensor, []).append(row)

    def works(self) -> list[Work]:
        return [self._work(unit) for unit in self._units]

    def _work(self, unit: Unit) -> Work:
        rows, total, size = unit.rows, self._total, self._product
        own = {row.id for row in rows}
        read, cast = self._read(unit, own)
        written = self._written(unit, own)
        for number in cast:
            read.append(size((number, self._single)))
            written.append(size((number, self._precision.width)))
        multiply = [row for row in rows if row.kind in PRODUCT_KINDS]
        slow = [row for row in rows if is_exponential(row)]
        stored = self._stored(rows)
        return Work(
            unit,
            total([cost(row).macs for row in multiply]) if multiply else 0,
            total(read),
            total(written),
            total(stored) if stored else 0,
            total([size(row.output) for row in slow]) if slow else 0,
            total([size(row.output) for row in multiply]) if multiply else 0,
            1 + len(cast),
            rows[0].repeat,
        )

    def _read(self, unit: Unit, own: set[int]) -> tuple[list[Size], list[Size]]:
        """The bytes of each input from outside the unit, and the elements of those that are rounded
        in a pass of their own. Element by element, a tensor is fetched once."""
        sizes: list[Size] = []
        cast: list[Size] = []
        seen: set[int] = set()
        for row in unit.rows:
            multiplies = row.kind in PRODUCT_KINDS
            given = zip(row.inputs, row.reads, self._widths.inputs(row), strict=False)
            for shape, tensor, width in given:
                if tensor in own or (tensor in seen and not multiplies):
                    continue
                seen.add(tensor)
                if multiplies and self._precision.mixed and width > self._precision.width:
                    if self._runtime.casts and tensor >= 0:
                        cast.append(self._product(shape))
                    width = self._precision.width
                sizes.append(self._product((*shape, width)))
        return sizes, cast

    def _written(self, unit: Unit, own: set[int]) -> list[Size]:
        """The bytes of what rows outside the unit read, or nothing reads."""
        sizes = []
        for row in unit.rows:
            readers = [r for r in self._readers.get(row.id, ()) if r.id not in own]
            if readers or row is unit.rows[-1]:
                sizes.append(self._product((*row.output, self._bytes(row, readers))))
        return sizes

    def _bytes(self, row: Operator, readers: Sequence[Operator]) -> int:
        """The bytes of an element of an output; a compiler also writes it in the shorter type where
        products read it, and in that one alone where nothing else does."""
        narrow = self._precision.width
        width = self._widths.output(row)
        if not self._precision.mixed or self._runtime.casts or width <= narrow:
            return width
        products = [reader.kind in PRODUCT_KINDS for reader in readers]
        if products and all(products):
            return narrow
        return width + (narrow if any(products) else 0)

    def _stored(self, rows: Sequence[Operator]) -> list[Size]:
        """The bytes of the stored tensors that rows read."""
        single, product = self._single, self._product
        return [
            product((*w.shape, single if w.element == FLOAT32 else self._element(w.element)))
            for row in rows
            for stored in (row.weights, row.buffers)
            for w in stored
            if w.key
        ]

    def _element(self, name: str) -> int:
        """The bytes of a stored element; those of whole numbers are what they are."""
        return ELEMENT_BYTES[name] if name.startswith(WHOLE) else self._single
