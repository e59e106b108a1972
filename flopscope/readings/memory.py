"""Bytes over rows: stored weights, moved data, peak of live activations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flopscope.errors import UnknownName
from flopscope.facts import Kind, Operator
from flopscope.readings.counts import params
from flopscope.readings.liveness import live_elements
from flopscope.readings.reading import Reading
from flopscope.sizes import Size, elements, maximum, product, total

DTYPES: Mapping[str, int] = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
"""Bytes of one element."""

IN_PLACE = (Kind.BATCH_NORM, Kind.ACTIVATION, Kind.ADD)
"""Kinds that inference runtimes fuse into the producer of their first input."""


def weight_bytes(rows: Sequence[Operator], dtype: str = "float32") -> Reading:
    """Bytes of the learnable parameters stored in `dtype`; buffers are folded away and not in it.

    Raises UnknownName for a dtype that is not in `DTYPES`.

    >>> from flopscope.facts import Weight
    >>> linear = Operator(Kind.LINEAR, "", ((1, 9),), (1, 4), (Weight("weight", (4, 9)),))
    >>> weight_bytes([linear], "float16").value
    72
    """
    stored = product((params(rows).value, _width(dtype)))
    return Reading(stored, "bytes", f"weights, {dtype}")


def traffic_bytes(rows: Sequence[Operator], dtype: str = "float32") -> Reading:
    """Bytes read and written if every operator reads its inputs and weights and writes its output.

    The memory access cost of arXiv 1807.11164 (ShuffleNet V2), section 2, G1, over all operators:
    no cache, nothing fused. Raises UnknownName for a dtype that is not in `DTYPES`.

    >>> from flopscope.facts import Weight
    >>> linear = Operator(Kind.LINEAR, "", ((1, 9),), (1, 4), (Weight("weight", (4, 9)),))
    >>> traffic_bytes([linear], "int8").value == 9 + 36 + 4
    True
    """
    moved = total(product((_moved(row), row.repeat)) for row in rows)
    return Reading(product((moved, _width(dtype))), "bytes", f"traffic, {dtype}")


def peak_activation_bytes(
    rows: Sequence[Operator], dtype: str = "float32", *, fused: bool = True
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
    steps = live_elements(rows, IN_PLACE if fused else ())
    peak = product((maximum(0, *steps), _width(dtype)))
    return Reading(peak, "bytes", f"peak activations, {dtype}")


def _moved(row: Operator) -> Size:
    read = [elements(shape) for shape in row.inputs]
    stored = [elements(weight.shape) for weight in (*row.weights, *row.buffers) if weight.key]
    return total([*read, *stored, elements(row.output)])


def _width(dtype: str) -> int:
    if dtype not in DTYPES:
        raise UnknownName("dtype", dtype, DTYPES)
    return DTYPES[dtype]
