"""What a unit asks of a device: multiply-accumulates, bytes, exponentials and launches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flopscope.costs import COSTS, cost
from flopscope.facts import ELEMENT_BYTES, Operator
from flopscope.sizes import Size, elements, product, total
from flopscope.timing.categories import PRODUCTS, Category, category, is_exponential
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
        return total((self.read, self.written))


def works(rows: Sequence[Operator], runtime: Runtime, precision: Precision) -> list[Work]:
    """The work of every unit that these rows become, in order.

    >>> from flopscope.facts import Kind
    >>> from flopscope.timing.precision import PRECISIONS
    >>> from flopscope.timing.runtimes import RUNTIMES
    >>> add = Operator(Kind.ADD, "add", ((1, 8), (1, 8)), (1, 8), reads=(-1, -2))
    >>> (work,) = works([add], RUNTIMES["eager"], PRECISIONS["float16"])
    >>> work.read, work.written
    (32, 16)
    """
    found = units(rows, runtime)
    return _Counting(rows, found, runtime, precision).works()


class _Counting:
    def __init__(
        self,
        rows: Sequence[Operator],
        found: Sequence[Unit],
        runtime: Runtime,
        precision: Precision,
    ) -> None:
        self._units = found
        self._runtime = runtime
        self._precision = precision
        self._widths = Widths(rows, precision)
        self._readers: dict[int, list[Operator]] = {}
        for unit in found:
            for row in unit.rows:
                for tensor in row.reads:
                    self._readers.setdefault(tensor, []).append(row)

    def works(self) -> list[Work]:
        return [self._work(unit) for unit in self._units]

    def _work(self, unit: Unit) -> Work:
        own = {row.id for row in unit.rows}
        read, cast = self._read(unit, own)
        rows = unit.rows
        return Work(
            unit,
            total(cost(r).macs for r in rows if r.kind in COSTS),
            total([*read, *(product((n, self._single)) for n in cast)]),
            total([*self._written(unit, own), *(product((n, self._narrow)) for n in cast)]),
            total(product((elements(s), w)) for r in rows for s, w in self._stored(r)),
            total(elements(r.output) for r in rows if is_exponential(r)),
            total(elements(r.output) for r in rows if category(r) in PRODUCTS),
            1 + len(cast),
            rows[0].repeat,
        )

    @property
    def _single(self) -> int:
        return self._widths.weights

    @property
    def _narrow(self) -> int:
        return self._precision.width

    def _read(self, unit: Unit, own: set[int]) -> tuple[list[Size], list[Size]]:
        """The bytes of each input from outside the unit, and the elements of those that are rounded
        in a pass of their own. Element by element, a tensor is fetched once."""
        sizes: list[Size] = []
        cast: list[Size] = []
        seen: set[int] = set()
        for row in unit.rows:
            multiplies = category(row) in PRODUCTS
            given = zip(row.inputs, row.reads, self._widths.inputs(row), strict=False)
            for shape, tensor, width in given:
                if tensor in own or (tensor in seen and not multiplies):
                    continue
                seen.add(tensor)
                number = elements(shape)
                if multiplies and self._precision.mixed and width > self._narrow:
                    if self._runtime.casts and tensor >= 0:
                        cast.append(number)
                    width = self._narrow
                sizes.append(product((number, width)))
        return sizes, cast

    def _written(self, unit: Unit, own: set[int]) -> list[Size]:
        """The bytes of what rows outside the unit read, or nothing reads."""
        sizes = []
        for row in unit.rows:
            readers = [r for r in self._readers.get(row.id, ()) if r.id not in own]
            if not readers and row is not unit.rows[-1]:
                continue
            sizes.append(product((elements(row.output), self._bytes(row, readers))))
        return sizes

    def _bytes(self, row: Operator, readers: Sequence[Operator]) -> int:
        """The bytes of an element of an output; a compiler also writes it in the shorter type where
        products read it, and in that one alone where nothing else does."""
        width = self._widths.output(row)
        if not self._precision.mixed or self._runtime.casts or width <= self._narrow:
            return width
        products = [category(reader) in PRODUCTS for reader in readers]
        if products and all(products):
            return self._narrow
        return width + (self._narrow if any(products) else 0)

    def _stored(self, row: Operator) -> list[tuple[tuple[Size, ...], int]]:
        """The stored tensors that a row reads, with the bytes of their elements."""
        return [
            (w.shape, ELEMENT_BYTES[w.element] if w.element.startswith(WHOLE) else self._single)
            for w in (*row.weights, *row.buffers)
            if w.key
        ]
