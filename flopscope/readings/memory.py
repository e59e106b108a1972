"""Bytes over rows: stored weights, moved data, peak of live activations.

Elements have each tensor's own type. With a `dtype`, floating-point numbers have that type instead,
complex numbers are pairs of it, and integers and booleans stay as they are. Bytes are kept apart by
type and direction until a reading adds them up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple, TypeAlias

from flopscope.errors import check_name
from flopscope.facts import COMPLEX, ELEMENT_BYTES, PER_BYTE, Kind, Movement, Operator, Weight
from flopscope.readings.liveness import live_elements
from flopscope.readings.reading import Reading
from flopscope.sizes import Shape, Size, ceil_div, elements, maximum, product, scaled, total

DTYPES: Mapping[str, int] = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
"""The bytes of one element, for the types that a reading may be asked in."""

PACKED: Mapping[str, int] = {"int4": 2}
"""Types in which stored weights alone may be asked, and how many elements share a byte."""

WHOLE = ("int", "uint", "qint", "quint", "bool", "bits")
"""The beginnings of the names of types that are not floating-point."""

NOT_COUNTED = (
    "Memory is what tensors hold at once. What the allocator rounds up and keeps, workspaces of "
    "convolutions, and the context of CUDA are not counted."
)
"""What a device holds beside the tensors of a network."""

IN_PLACE = (Kind.BATCH_NORM, Kind.ACTIVATION, Kind.ADD)
"""Kinds that inference runtimes fuse into the producer of their first input."""


class Direction(Enum):
    """What an operator does with the elements that it moves."""

    ACTIVATIONS_READ = "activations read"
    ACTIVATIONS_WRITTEN = "activations written"
    WEIGHTS_READ = "weights read"  # buffers too


ShapeAndType: TypeAlias = tuple[Shape, str]
"""A tensor's shape, and the type of its elements."""


class Moved(NamedTuple):
    """A kind of traffic: the direction of the elements and their stored type."""

    direction: Direction
    element: str


def weight_bytes(rows: Sequence[Operator], dtype: str | None = None) -> Reading:
    """Bytes of the learnable parameters. Buffers are not included, since they are folded away in
    deployment.

    A tensor that several rows share counts once. Two elements of int4 share a byte, and each tensor
    begins a new one. Raises UnknownName for a dtype that is in neither `DTYPES` nor `PACKED`.

    >>> from flopscope.facts import Weight
    >>> linear = Operator(Kind.LINEAR, "", ((1, 9),), (1, 3), (Weight("weight", (3, 9)),))
    >>> weight_bytes([linear], "float16").value, weight_bytes([linear], "int4").value
    (54, 14)
    """
    stored = stored_bytes(rows, dtype).values()
    return Reading(total(stored), "bytes", f"weights, {_named(dtype)}")


def buffer_bytes(rows: Sequence[Operator], dtype: str | None = None) -> Reading:
    """Bytes of what is stored with the weights but not learnt, such as batch norm's running mean.

    A tensor that several rows share counts once. Raises UnknownName for a dtype that is not in
    `DTYPES`.
    """
    width = _widths(dtype)
    shared = {
        tensor.key: scaled(_bytes(tensor.shape, tensor.element, width), row.repeat)
        for row in rows
        for tensor in (*(w for w in row.weights if not w.learnt), *row.buffers)
        if tensor.key
    }
    return Reading(total(shared.values()), "bytes", f"buffers, {_named(dtype)}")


def inference_bytes(rows: Sequence[Operator], dtype: str | None = None) -> Reading:
    """Bytes that inference holds at once at its peak: weights, buffers and live activations.

    Every operator writes a new tensor, as in eager mode; a tensor is freed after its last reader.
    What an allocator, a workspace of convolutions or a CUDA context takes is not included. Raises
    UnknownName for a dtype that is not in `DTYPES`.

    >>> from flopscope.facts import Weight
    >>> weights = (Weight("weight", (4, 9)),)
    >>> linear = Operator(Kind.LINEAR, "", ((1, 9),), (1, 4), weights, reads=(-1,))
    >>> inference_bytes([linear], "float32").value == 4 * (36 + 9 + 4)
    True
    """
    return Reading(maximum(0, *inference_steps(rows, dtype)), "bytes", f"held, {_named(dtype)}")


def inference_steps(rows: Sequence[Operator], dtype: str | None = None) -> list[Size]:
    """The bytes of `inference_bytes` while each row runs. Weights and buffers are there always."""
    held = (weight_bytes(rows, dtype).value, buffer_bytes(rows, dtype).value)
    return [total((*held, live)) for live in live_bytes(rows, dtype, fused=False)]


def stored_bytes(rows: Sequence[Operator], dtype: str | None = None) -> dict[str, Size]:
    """The bytes of `weight_bytes`, by the type of the elements.

    >>> from flopscope.facts import Weight
    >>> weights = (Weight("weight", (4, 9), element="int8"), Weight("bias", (4,)))
    >>> stored_bytes([Operator(Kind.LINEAR, "", ((1, 9),), (1, 4), weights)])
    {'int8': 36, 'float32': 16}
    """
    of_weight = _weight_bytes(dtype)
    shared = {
        weight.key: (weight.element, scaled(of_weight(weight), row.repeat))
        for row in rows
        for weight in row.weights
        if weight.learnt
    }
    return _summed(shared.values())


def traffic_bytes(rows: Sequence[Operator], dtype: str | None = None) -> Reading:
    """Bytes read and written if every operator reads its inputs and weights and writes its output.

    The memory access cost of arXiv 1807.11164 (ShuffleNet V2), section 2, G1, over all operators:
    no cache, nothing fused. Raises UnknownName for a dtype that is not in `DTYPES`.

    >>> from flopscope.facts import Weight
    >>> linear = Operator(Kind.LINEAR, "", ((1, 9),), (1, 4), (Weight("weight", (4, 9)),))
    >>> traffic_bytes([linear], "int8").value == 9 + 36 + 4
    True
    """
    moved = moved_bytes(rows, dtype).values()
    return Reading(total(moved), "bytes", f"traffic, {_named(dtype)}")


def directed_bytes(
    direction: Direction, rows: Sequence[Operator], dtype: str | None = None
) -> Reading:
    """The bytes of `traffic_bytes` in one direction."""
    moved = moved_bytes(rows, dtype).items()
    found = (size for kind, size in moved if kind.direction is direction)
    return Reading(total(found), "bytes", f"{direction.value}, {_named(dtype)}")


def moved_bytes(rows: Sequence[Operator], dtype: str | None = None) -> dict[Moved, Size]:
    """The bytes of `traffic_bytes`, by direction and type of the elements.

    >>> from flopscope.facts import Weight
    >>> weights = (Weight("weight", (4, 9), element="int8"),)
    >>> linear = Operator(Kind.LINEAR, "", ((1, 9),), (1, 4), weights)
    >>> [(moved.direction.value, size) for moved, size in moved_bytes([linear]).items()]
    [('activations read', 36), ('weights read', 36), ('activations written', 16)]
    """
    width = _widths(dtype)
    found: dict[Moved, Size] = {}
    for direction, tensors in _TENSORS.items():
        sizes = (
            (element, scaled(_bytes(shape, element, width), row.repeat))
            for row in rows
            for shape, element in tensors(row)
        )
        found |= {Moved(direction, element): size for element, size in _summed(sizes).items()}
    return found


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
    steps = live_bytes(rows, dtype, fused=fused)
    return Reading(maximum(0, *steps), "bytes", f"peak activations, {_named(dtype)}")


def live_bytes(
    rows: Sequence[Operator], dtype: str | None = None, *, fused: bool = True
) -> list[Size]:
    """The bytes of all live activations while each row runs, of which `peak_activation_bytes` is
    the largest. Raises UnknownName for a dtype that is not in `DTYPES`.

    >>> norm = Operator(Kind.BATCH_NORM, "", ((1, 8, 4, 4),), (1, 8, 4, 4), reads=(-1,))
    >>> live_bytes([norm], "float16")
    [256]
    """
    return live_elements(rows, IN_PLACE if fused else (), _widths(dtype))


def _inputs(row: Operator) -> Iterator[ShapeAndType]:
    """The inputs as far as they are read: a gather reads no more of its first than it writes."""
    if row.function is Movement.GATHER:
        return zip((row.output, *row.inputs[1:]), row.input_types, strict=True)
    return zip(row.inputs, row.input_types, strict=True)


def _stored(row: Operator) -> Iterator[ShapeAndType]:
    """The weights that are stored. A computed weight has no name, and is among the inputs
    already."""
    return ((w.shape, w.element) for w in (*row.weights, *row.buffers) if w.key)


def _output(row: Operator) -> Iterator[ShapeAndType]:
    yield row.output, row.output_type


_TENSORS: Mapping[Direction, Callable[[Operator], Iterator[ShapeAndType]]] = {
    Direction.ACTIVATIONS_READ: _inputs,
    Direction.WEIGHTS_READ: _stored,
    Direction.ACTIVATIONS_WRITTEN: _output,
}
"""The tensors that one application of a row moves in each direction."""


def _summed(sizes: Iterable[tuple[str, Size]]) -> dict[str, Size]:
    """The sum of the sizes of each type of elements."""
    found: dict[str, list[Size]] = {}
    for element, size in sizes:
        found.setdefault(element, []).append(size)
    return {element: total(of_type) for element, of_type in found.items()}


def _weight_bytes(dtype: str | None) -> Callable[[Weight], Size]:
    """The bytes of a stored tensor whose floating-point numbers have this type."""
    together = PACKED.get(dtype) if isinstance(dtype, str) else None
    width = _widths(None if together else dtype)

    def of(weight: Weight) -> Size:
        if together is None or weight.element.startswith(WHOLE):
            return _bytes(weight.shape, weight.element, width)
        numbers = 2 if weight.element in COMPLEX else 1
        return ceil_div(product((elements(weight.shape), numbers)), together)

    return of


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
    check_name("dtype", dtype, DTYPES)
    width = DTYPES[dtype]

    def of(element: str) -> int:
        if element.startswith(WHOLE):
            return ELEMENT_BYTES[element]
        return 2 * width if element in COMPLEX else width

    return of
