"""The constants of a device: what a multiply-accumulate, a byte, an exponential and a launch take.

This is the whole model of time. A unit takes

    bound(macs · mac[category], moved · byte + weights · weight_byte)
        + exponentials · exponential + launches · launch

seconds, where the bound is the larger of both (rule `max`, arithmetic and memory overlap) or their
sum (rule `sum`); a network takes the sum of its units' times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flopscope.timing.categories import PRODUCTS, Category

RULES = ("sum", "max")
"""How the time of arithmetic and the time of memory become one."""


class Constant(NamedTuple):
    """A constant of a device: its name in files, its unit, and what it is in words."""

    name: str
    unit: str
    words: str


MACS: Mapping[Category, Constant] = {
    each: Constant(f"mac_{each.value}", "s/MAC", f"a multiply-accumulate, {each.value}")
    for each in PRODUCTS
}
BYTE = Constant("activation_byte", "s/byte", "a byte of activations read or written")
MOVED_BYTE = Constant("moved_byte", "s/byte", "a byte that is copied to another place")
INDEXED_BYTE = Constant("indexed_byte", "s/byte", "a byte that is copied by computed indices")
WEIGHT_BYTE = Constant("weight_byte", "s/byte", "a byte of weights read")
EXPONENTIAL = Constant("exponential", "s/element", "an exponential or a function like it")
PRODUCT_LAUNCH = Constant("launch_product", "s", "the launch of a product of matrices")
OTHER_LAUNCH = Constant("launch_other", "s", "the launch of any other unit")

COMPUTE: Sequence[Constant] = tuple(MACS.values())
MEMORY: Sequence[Constant] = (BYTE, MOVED_BYTE, INDEXED_BYTE, WEIGHT_BYTE)
BESIDE: Sequence[Constant] = (EXPONENTIAL, PRODUCT_LAUNCH, OTHER_LAUNCH)
"""What is added to the bound, whichever it is."""

CONSTANTS: Sequence[Constant] = (*COMPUTE, *MEMORY, *BESIDE)
"""All constants of a device, in the order in which files and designs have them."""

NAMES: Sequence[str] = tuple(constant.name for constant in CONSTANTS)


ATTOSECONDS = 10**18
"""Attoseconds in a second. Times are counted in whole attoseconds: a constant of the fastest device
has four digits then, and an integer of 64 bits holds nine seconds."""


def whole(seconds: float) -> int:
    """A constant in whole attoseconds.

    >>> whole(1.23456e-14)
    12346
    """
    return round(seconds * ATTOSECONDS)


def rate(constant: Constant, value: float) -> str:
    """A constant as a data sheet has it: a rate of MACs or bytes, or the time of a launch.

    >>> rate(BYTE, 1e-12), rate(PRODUCT_LAUNCH, 4.5e-6), rate(BYTE, 0.0)
    ('1,000 GB/s', '4.5 µs', 'too little to see')
    """
    if not value:
        return "too little to see"
    if constant.unit == "s":
        return f"{value * 1e6:.3g} µs"
    short = {"s/MAC": "GMAC/s", "s/byte": "GB/s", "s/element": "G/s"}[constant.unit]
    amount = 1e-9 / value
    return f"{amount:,.0f} {short}" if amount >= 100 else f"{amount:.3g} {short}"
