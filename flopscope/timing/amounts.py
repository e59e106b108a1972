"""What a unit asks for, in the order of a device's constants; without NumPy, so that one network is
predicted quickly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flopscope.sizes import Size, product, total
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


def parts(work: Work, constants: Sequence[Any]) -> tuple[Any, Any, Any, Any]:
    """The times that one run of a unit takes: for products, for memory, for exponentials and for
    launches. They are the amounts of `amounts` times these constants, multiplied and added as the
    sizes of the work are."""
    unit, macs, read, written, weights, exponentials, launches, _ = work
    category = unit.category
    place = _PLACE.get(category)
    moved = (read + written) * constants[_MOVED.get(category, _BYTE)]
    if place is None:
        arithmetic, launch = 0, constants[_OTHER_LAUNCH]
    else:
        arithmetic, launch = macs * constants[place], constants[_PRODUCT_LAUNCH]
    return (
        arithmetic,
        moved + weights * constants[_WEIGHT],
        exponentials * constants[_EXPONENTIAL],
        launch * launches,
    )


class Exact:
    """A size whose sums and products are those of `flopscope.sizes`: exact, whatever its type."""

    __slots__ = ("size",)

    def __init__(self, size: Size) -> None:
        self.size = size

    def __add__(self, other: Exact) -> Exact:
        return Exact(total((self.size, other.size)))

    def __mul__(self, by: int) -> Exact:
        return Exact(product((self.size, by)))


def exact_parts(work: Work, constants: Sequence[int]) -> tuple[Size, Size, Size, Size]:
    """The same in whole numbers, for sizes of any type."""
    exact: Any = Exact
    found = parts(
        work._replace(
            macs=exact(work.macs), read=exact(work.read), written=exact(work.written),
            weights=exact(work.weights), exponentials=exact(work.exponentials),
        ),
        constants,
    )  # fmt: skip
    arithmetic, memory, functions, launch = (
        each.size if isinstance(each, Exact) else each for each in found
    )
    return arithmetic, memory, functions, launch
