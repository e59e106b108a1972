"""What a unit asks for, in the order of a device's constants; without NumPy, so that one network is
predicted quickly."""

from __future__ import annotations

from typing import Any, NamedTuple

from flopscope.timing.categories import PRODUCTS, Category
from flopscope.timing.constants import (
    BYTE,
    COMPUTE,
    CONSTANTS,
    EXPONENTIAL,
    INDEXED_BYTE,
    MACS,
    MEMORY,
    MOVED_BYTE,
    OTHER_LAUNCH,
    PRODUCT_LAUNCH,
    WEIGHT_BYTE,
)
from flopscope.timing.work import Work

ENDS = (len(COMPUTE), len(COMPUTE) + len(MEMORY))
"""Where the constants of arithmetic end, and those of memory."""

_PLACE = {each: CONSTANTS.index(MACS[each]) for each in PRODUCTS}
_BYTE, _WEIGHT = map(CONSTANTS.index, (BYTE, WEIGHT_BYTE))
_MOVED = {
    Category.MOVE: CONSTANTS.index(MOVED_BYTE),
    Category.INDEXED: CONSTANTS.index(INDEXED_BYTE),
}
_EXPONENTIAL = CONSTANTS.index(EXPONENTIAL)
_PRODUCT_LAUNCH, _OTHER_LAUNCH = map(CONSTANTS.index, (PRODUCT_LAUNCH, OTHER_LAUNCH))


class Places(NamedTuple):
    """Which constants of a device a unit of a category asks for, by their places: of a MAC (None
    where the category does none), of a byte of activations, of weights, of an exponential, and of
    a launch."""

    mac: int | None
    moved: int
    weights: int
    exponentials: int
    launches: int


def places(category: Category) -> Places:
    """The places of the constants of a category.

    >>> places(Category.POOL).mac is None
    True
    """
    mac = _PLACE.get(category)
    launch = _OTHER_LAUNCH if mac is None else _PRODUCT_LAUNCH
    return Places(mac, _MOVED.get(category, _BYTE), _WEIGHT, _EXPONENTIAL, launch)


def amounts(work: Work) -> tuple[Any, ...]:
    """What one run of a unit asks for, in the order of the constants."""
    found: list[Any] = [0] * len(CONSTANTS)
    at = places(work.category)
    if at.mac is not None:
        found[at.mac] = work.macs
    found[at.launches], found[at.moved] = work.launches, work.moved
    found[at.weights], found[at.exponentials] = work.weights, work.exponentials
    return tuple(found)
