"""Budgets, which are upper bounds on quantities, and how their text is read."""

from __future__ import annotations

from typing import NamedTuple

from flopscope.catalog.figures import stated
from flopscope.errors import BadInput
from flopscope.quantities import QUANTITIES, Quantity


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
    """Read '150M' as a budget of 150,000,000. `option` names it in messages.

    Raises BadInput for text that is not a positive number.

    >>> parse_budget("--macs", "macs", "1.5G").limit
    1500000000
    """
    try:
        limit = int(stated(text)[0])
    except ValueError:
        limit = 0
    if limit < 1:
        raise BadInput(
            f"{option} {text} is not a positive number; give digits with at most one decimal point "
            "and one of K, M, G, T, such as 150M or 150000000"
        )
    return Budget(quantity, limit)
