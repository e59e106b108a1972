"""Devices and the units of networks as data of the page, which adds and multiplies by itself.

A unit says which rows run as one, and which tensors they read and write. Most units read and write
what rows near them do, so a tensor is named by how many rows before the last of the unit another
row is whose output has as many elements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flopscope.answers.timed import protocol
from flopscope.errors import BadInput
from flopscope.facts import ELEMENT_BYTES, Operator, Weight
from flopscope.present.explorer.pool import Pool, flat, short_row
from flopscope.sizes import Shape, Size, elements
from flopscope.timing.amounts import places
from flopscope.timing.arithmetic import Arithmetic
from flopscope.timing.builtin import is_builtin
from flopscope.timing.categories import Category
from flopscope.timing.constants import BYTE, COMPUTE, NAMES
from flopscope.timing.device import LEVELS, Device
from flopscope.timing.precision import WHOLE, Precision
from flopscope.timing.unlike import check_types
from flopscope.timing.work import Work, works

Way = tuple[str, str]
"""A runtime and a type of numbers: what decides which units there are, and their bytes."""


def _noted(shape: Shape, each: int) -> tuple[Size, ...]:
    return (*shape, each)


NOTED = Arithmetic(list, _noted)
"""The arithmetic that adds and multiplies nothing: a sum is the list of its terms, a product the
tuple of its factors. The page computes them."""

CATEGORIES = list(Category)


def way(device: Device) -> Way:
    """Its runtime and its type of numbers."""
    return device.runtime, device.dtype


def ways(devices: Sequence[Device]) -> dict[Way, Device]:
    """The different ways of these devices, each with a device that has it."""
    return {way(each): each for each in devices}


def devices_data(devices: Sequence[Device]) -> dict[str, Any]:
    """The devices, and which of their constants a unit of each category asks for."""
    order = list(ways(devices))
    return {
        "devices": [_device(each, order) for each in devices],
        "categories": [[each.value, *map(_or_none, places(each))] for each in CATEGORIES],
        "roofs": {"arithmetic": len(COMPUTE), "byte": NAMES.index(BYTE.name)},
    }


def _or_none(place: int | None) -> int:
    return -1 if place is None else place


def _device(device: Device, order: Sequence[Way]) -> dict[str, Any]:
    held, seen = device.held_out, device.seen
    return {
        "name": device.name,
        "builtin": int(is_builtin(device)),
        "words": protocol(device),
        "way": order.index(way(device)),
        "single": device.precision.width if not device.precision.mixed else 4,
        "max": int(device.rule == "max"),
        "constants": device.attoseconds,
        "quantiles": [[held.quantiles[level].low, held.quantiles[level].high] for level in LEVELS],
        "macs": seen.macs,
        "batch": seen.batch,
        "usual_batch": seen.usual_batch,
        "kinds": seen.kinds,
    }


def times_data(
    rows: Sequence[Operator],
    devices: Sequence[Device],
    pool: Pool,
    owners: Mapping[int, Sequence[str]],
) -> list[list[Any] | str]:
    """The units of these rows for each way of the devices, in the order of `ways`; a sentence where
    they cannot run so. `owners` has, by its position, the keys of the stored tensors that the page
    knows to be a row's."""
    found: list[list[Any] | str] = []
    for device in ways(devices).values():
        try:
            check_types(rows, device)
        except BadInput as error:
            found.append(str(error))
        else:
            found.append(_Units(rows, device.precision, pool, owners).of(device))
    return found


def _terms(noted: Any) -> list[Any]:
    """The terms of a sum; a product is the only one of its own."""
    return noted if isinstance(noted, list) else [noted]


class _Units:
    """The units of a network as they are written, one after the other."""

    def __init__(
        self,
        rows: Sequence[Operator],
        precision: Precision,
        pool: Pool,
        owners: Mapping[int, Sequence[str]],
    ) -> None:
        self._rows, self._pool, self._owners = rows, pool, owners
        self._places = {row.id: place for place, row in enumerate(rows)}
        self._shapes: dict[Shape, int] = {}
        self._single = 4 if precision.mixed else precision.width
        self._end = 0  # of the rows of the unit before

    def of(self, device: Device) -> list[Any]:
        """The units, as the device's runtime makes them."""
        found = works(self._rows, device.fuses, device.precision, NOTED)
        return [short_row(self._unit(work)) for work in found]

    def _unit(self, work: Work) -> list[Any]:
        """Its rows, category, tensors that are moved, inputs that are rounded first, the row that
        names it, and its weights where they are not those that the rows have on the page."""
        own = [self._places[row.id] for row in work.unit.rows]
        last = max(own)
        for place in own:
            self._shapes[self._rows[place].output] = place
        moved = flat(
            self._moved(term, last) for term in (*_terms(work.read), *_terms(work.written))
        )
        head = own.index(self._places[work.unit.head.id])
        return [
            self._span(own), CATEGORIES.index(work.category), moved, work.launches - 1, head,
            self._weights(work.unit.rows, own),
        ]  # fmt: skip

    def _span(self, own: Sequence[int]) -> int | list[int]:
        """How many rows from the end of the unit before, or the distance of each from there."""
        end, self._end = self._end, max(own) + 1
        if list(own) == list(range(end, end + len(own))):
            return len(own)
        return [place - end for place in own]

    def _moved(self, term: tuple[Any, ...], last: int) -> tuple[int, int]:
        """Bytes of an element, and which tensor: how many rows before the last one it is written,
        else -1 and less for a place of the pool."""
        *shape, width = term
        known = tuple(shape)
        written = self._shapes.get(known, last + 1)
        if written <= last:
            return width, last - written
        times, place = self._pool.place(elements(known))
        return width * times, -1 - place

    def _weights(self, rows: Sequence[Operator], own: Sequence[int]) -> list[int] | int:
        """Bytes and places of the stored tensors; 0 where these are the rows' own on the page."""
        stored = [w for row in rows for w in (*row.weights, *row.buffers) if w.key]
        expected = [key for place in own for key in self._owners.get(place, ())]
        if sorted(w.key for w in stored) == sorted(expected):
            return 0
        return flat(self._tensor(each) for each in stored)

    def _tensor(self, weight: Weight) -> tuple[int, int]:
        whole = weight.element.startswith(WHOLE)
        width = ELEMENT_BYTES[weight.element] if whole else self._single
        times, place = self._pool.place(elements(weight.shape))
        return width * times, place
