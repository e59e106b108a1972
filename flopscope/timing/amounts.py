"""What a unit asks for, in the order of a device's constants; without NumPy, so that one network is
predicted quickly."""

from __future__ import annotations

from typing import Any

from flopscope.timing.categories import PRODUCTS, Category
from flopscope.timing.constants import COMPUTE, MEMORY
from flopscope.timing.work import Work

ENDS = (len(COMPUTE), len(COMPUTE) + len(MEMORY))
"""Where the constants of arithmetic end, and those of memory."""

_PLACE = {each: place for place, each in enumerate(PRODUCTS)}


def amounts(work: Work) -> tuple[Any, ...]:
    """What one run of a unit asks for, in the order of the constants."""
    place = _PLACE.get(work.category)
    is_moved = work.category is Category.MOVE
    compute = [0] * len(PRODUCTS)
    if place is not None:
        compute[place] = work.macs
    return (
        *compute,
        0 if is_moved else work.moved,
        work.moved if is_moved else 0,
        work.weights,
        work.exponentials,
        work.launches if place is not None else 0,
        work.launches if place is None else 0,
    )
