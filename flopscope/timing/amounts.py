"""What a unit asks for, in the order of a device's constants; without NumPy, so that one network is
predicted quickly."""

from __future__ import annotations

from typing import Any

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


def amounts(work: Work) -> tuple[Any, ...]:
    """What one run of a unit asks for, in the order of the constants."""
    found: list[Any] = [0] * len(CONSTANTS)
    place = _PLACE.get(work.category)
    if place is None:
        found[_OTHER_LAUNCH] = work.launches
    else:
        found[place] = work.macs
        found[_PRODUCT_LAUNCH] = work.launches
    found[_MOVED.get(work.category, _BYTE)] = work.moved
    found[_WEIGHT], found[_EXPONENTIAL] = work.weights, work.exponentials
    return tuple(found)
