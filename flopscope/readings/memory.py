"""Bytes over rows: stored weights, moved data, peak of live activations.

Elements are those of each tensor's own type, as it is stored. With a `dtype`, floating-point
numbers are of that type instead, complex ones pairs of it, and integers and truths as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flopscope.errors import UnknownName
from flopscope.facts import COMPLEX, ELEMENT_BYTES, PER_BYTE, Kind, Operator, Weight
from flopscope.readings.liveness import live_elements
from flopscope.readings.reading import Reading
from flopscope.sizes import Shape, Size, ceil_div, elements, maximum, product, total

DTYPES: Mapping[str, int] = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
"""Bytes of one element, of the types that a reading may put in the place of another."""

WHOLE = ("int", "uint", "qint", "quint", "bool", "bits")
"""How types begin whose elements are no floating-point numbers."""

IN_PLACE = (Kind.BATCH_NORM, Kind.ACTIVATION, Kind.ADD)
"""Kinds that inference runtimes fuse into the producer of their first input."""


def weight_bytes(rows: Sequence[Operator], dtype: str | None = None) -> Reading:
    """Bytes of the learnable parameters; buffers are folded away and not in it.

    A tensor that several rows share counts once. Raises UnknownName for a dtype that is not in
    `DTYPES`.

    >>> from flopscope.facts import Weight
    >>> linear = Operator(Kind.LINEAR, "", ((1, 9),), (1, 4), (Weight("weight", (4, 9)),))
    >>> weight_bytes([linear], "float16").value
    72
    """
    width = _widths(dtype)
    stored = {
        weight.key: product((_stored_bytes(weight, width), row.repeat))
        for row in rows
        for weight in row.weights
        if weight.learnt
    }
    return Reading(total(stored.values()), "bytes", f"weights, {_named(dtype)}")


def traffic_bytes(rows: Sequence[Operator], dtype: str | None = None) -> Reading:
    """Bytes read and written if every operator reads its inputs and weights and writes its output.

    The memory access cost of arXiv 1807.11164 (ShuffleNet V2), section 2, G1, over all operators:
    no cache, nothing fused. Raises UnknownName for a dtype that is not in `DTYPES`.

    >>> from flopscope.facts import Weight
    >>> linear = Operator(Kind.LINEAR, "", ((1, 9),), (1, 4), (Weight("weight", (4, 9)),))
    >>> traffic_bytes([linear], "int8").value == 9 + 36 + 4
    True
    """
    width = _widths(dtype)
    moved = total(product((_moved(row, width), row.repeat)) for row in rows)
    return Reading(moved, "bytes", f"traffic, {_named(dtype)}")


def peak_activation_bytes(
    rows: Sequence[Operator], dtype: str | None = None, *, fused: bool = True
) -> Reading:
    """Largest sum of live activations over the steps, in execution order.

    A tensor lives from the operator that writes it to the last one that reads it; the network's
    inputs live from the start, and what no operator reads lives to the end. With `fused`, batch
    norm, activation and addition overwrite their first input where no later operator reads it, as
    inference runtimes do; otherwise every operator writes a new tensor. A block of multiplicity n
    counts once: its copies do not live together. Raises UnknownName for a dtype that is not in
    `DTYPES`.

    >>> norm = Operator(Kind.BATCH_NORM, "", ((1, 8, 4, 4),), (1, 8, 4, 4), reads=(-1,))
    >>> peak_activation_bytes([norm], "int8", fused=False).value == 2 * 8 * 4 * 4
    True
    """
    steps = live_elements(rows, IN_PLACE if fused else (), _widths(dtype))
    return Reading(maximum(0, *steps), "bytes", f"peak activations, {_named(dtype)}")


def _moved(row: Operator, width: Callable[[str], int]) -> Size:
    read = [_bytes(*tensor, width) for tensor in zip(row.inputs, row.input_types, strict=True)]
    stored = [_stored_bytes(weight, width) for weight in (*row.weights, *row.buffers) if weight.key]
    return total([*read, *stored, _bytes(row.output, row.output_type, width)])


def _stored_bytes(weight: Weight, width: Callable[[str], int]) -> Size:
    return _bytes(weight.shape, weight.element, width)


def _bytes(shape: Shape, element: str, width: Callable[[str], int]) -> Size:
    together = PER_BYTE.get(element)
    if together is not None:
        return ceil_div(elements(shape), together)
    return product((elements(shape), width(element)))


def _named(dtype: str | None) -> str:
    return dtype or "as stored"


def _widths(dtype: str | None) -> Callable[[str], int]:
    """Bytes of an element of each type."""
    if dtype is None:
        return ELEMENT_BYTES.__getitem__
    if dtype not in DTYPES:
        raise UnknownName("dtype", dtype, DTYPES)
    width = DTYPES[dtype]

    def of(element: str) -> int:
        if element.startswith(WHOLE):
            return ELEMENT_BYTES[element]
        return 2 * width if element in COMPLEX else width

    return of
