"""Budgets: an upper bound on a reading, and how its text is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flopscope.catalog.figures import stated
from flopscope.errors import BadInput
from flopscope.ledger import Ledger
from flopscope.readings import Reading

UNITS: Mapping[str, str] = {"macs": "MACs", "params": "params", "activations": "activations"}
"""The readings that a budget can bound, by their methods' names, with their units."""


class Budget(NamedTuple):
    """At most `limit` of a reading."""

    quantity: str
    limit: int

    def __str__(self) -> str:
        return f"{self.limit:,} {UNITS[self.quantity]}"


def parse_budget(option: str, quantity: str, text: str) -> Budget:
    """'150M' as a budget of 150,000,000. `option` names it in messages.

    Raises BadInput for text that is no positive number.

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


def reading(ledger: Ledger, quantity: str) -> Reading:
    """What a ledger has of a quantity that can be bounded.

    >>> from flopscope.analytic.named_blocks import FORMS
    >>> reading(FORMS["pointwise_conv"].ledger(), "macs").unit
    'MACs'
    """
    found: Reading = getattr(ledger, quantity)()
    return found
