"""Budgets, which are upper bounds on quantities, and how their text is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flopscope.errors import BadInput
from flopscope.numerals import SUFFIXES, number
from flopscope.quantities import QUANTITIES, Quantity

SUCH: Mapping[str, str] = {
    "bytes": "20MB, 1.2 GB, 5e6 or 5,000,000",
    "fJ": "20mJ, 1.5 mJ or 3e13, which is in femtojoules",
}
"""Examples of budgets in each unit that may stand behind the number."""


class Budget(NamedTuple):
    """At most `limit` of a quantity."""

    quantity: str
    limit: int

    @property
    def of(self) -> Quantity:
        """The quantity that it bounds."""
        return QUANTITIES[self.quantity]

    def __str__(self) -> str:
        return f"{self.limit:,} {self.of.noun}"


def parse_budget(option: str, quantity: str, text: str) -> Budget:
    """'150M' as a budget of 150,000,000; bytes may be '1.2GB', and energy '20mJ'. `option` names it
    in messages.

    Raises BadInput for text that is no number from 1.

    >>> parse_budget("--macs", "macs", "1.5G").limit
    1500000000
    """
    unit = QUANTITIES[quantity].unit
    limit = int(number(text, unit if unit in SUFFIXES else "") or 0)
    if limit < 1:
        such = SUCH.get(unit, "150M, 1.5 G, 3e8 or 300,000,000")
        raise BadInput(f"{option} {text} is not a number from 1; give one such as {such}")
    return Budget(quantity, limit)
