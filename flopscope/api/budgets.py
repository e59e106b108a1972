"""Budgets as arguments: macs="150M", or max_params=5_000_000."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flopscope.api.given import is_number, text
from flopscope.brief import shown
from flopscope.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from flopscope.choosing.budgets import Budget


def budgets(limits: Mapping[str, Any], prefix: str = "") -> list[Budget]:
    """Upper bounds on quantities, each named `prefix` and the quantity's name: integers, or texts
    such as '300M'.

    Raises UnknownName for another name, BadInput for what is no number from 1.

    >>> budgets({"max_macs": "300M"}, "max_")
    [Budget(quantity='macs', limit=300000000)]
    """
    from flopscope.choosing.budgets import parse_budget
    from flopscope.quantities import bounded

    known = {f"{prefix}{quantity.name}": quantity.name for quantity in bounded()}
    for name in limits:
        if name not in known:
            raise UnknownName("budget", name, known)
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return [parse_budget(name, known[name], _limit(name, limit)) for name, limit in given.items()]


def _limit(name: str, limit: Any) -> str:
    if not isinstance(limit, str) and not is_number(limit):
        raise BadInput(
            f"{name} {shown(limit)} is not a number from 1; give one such as 150M, as text, or "
            "150_000_000"
        )
    return text(name, limit) if isinstance(limit, str) else str(limit)
