"""Bytes of rows as data of the page, where they do not follow from what the page has already:
stored tensors in int4, and what a row reads and writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flopscope.facts import Kind, Movement, Operator, Weight
from flopscope.present.explorer.pool import Pool, flat
from flopscope.readings import traffic_bytes, weight_bytes
from flopscope.readings.energy import CAUTION, HOROWITZ
from flopscope.readings.memory import DTYPES
from flopscope.sizes import Size, ceil_div, elements, total

Tensor = tuple[Size, str]
"""The number of elements of a tensor, and their type."""


def bytes_of(tensors: Iterable[Weight], dtype: str) -> Size:
    """The bytes of stored tensors, learnt or not, as the readings count them."""
    weights = tuple(each._replace(learnt=True) for each in tensors)
    return weight_bytes((Operator(Kind.STORED, "", (), (), weights),), dtype).value


def packed(tensors: Sequence[Weight], pool: Pool) -> list[int]:
    """The place of their bytes in int4; empty where these are half of their elements, rounded
    up."""
    found = bytes_of(tensors, "int4")
    if found == ceil_div(total(elements(t.shape) for t in tensors), 2):
        return []
    return flat([pool.place(found)])


def tensors_of(rows: Sequence[Operator]) -> dict[int, Tensor]:
    """The tensors of a network by their ids: its inputs, as they are first read, and outputs."""
    found: dict[int, Tensor] = {}
    for row in rows:
        for tensor, shape, element in zip(row.reads, row.inputs, row.input_types, strict=True):
            found.setdefault(tensor, (elements(shape), element))
        found[row.id] = elements(row.output), row.output_type
    return found


def moved(
    row: Operator, tensors: Mapping[int, Tensor], owned: Sequence[str], pool: Pool
) -> list[int]:
    """What one application of the row reads and writes: places of the floating-point numbers and of
    the bytes of the others. Empty where it reads its inputs whole, as they were written, and the
    stored tensors that are its own on the page, whose keys are `owned`."""
    read = [(elements(s), e) for s, e in zip(row.inputs, row.input_types, strict=True)]
    stored = [w.key for w in (*row.weights, *row.buffers) if w.key]
    whole = read == [tensors[each] for each in row.reads] and row.function is not Movement.GATHER
    if whole and sorted(stored) == sorted(owned):
        return []
    once = row._replace(repeat=1)
    one, two = (traffic_bytes((once,), dtype).value for dtype in ("int8", "float16"))
    numbers = two - one
    return flat([pool.place(numbers), pool.place(one - numbers)])


def energies() -> dict[str, object]:
    """The femtojoules of a multiply-accumulate, by the bytes of a number, and of a byte that is
    moved; and what must be said of them."""
    macs = {
        str(DTYPES[name]): each + HOROWITZ.add[name] for name, each in HOROWITZ.multiply.items()
    }
    return {"macs": macs, "byte": HOROWITZ.moved_byte, "caution": CAUTION}
