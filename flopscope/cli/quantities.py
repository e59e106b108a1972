"""Options about quantities: a budget for each that can be bounded, and the names for help texts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from flopscope.quantities import COUNT, QUANTITIES, bounded

if TYPE_CHECKING:
    from flopscope.search.budgets import Budget

Command = Callable[..., Any]

NAMES = tuple(QUANTITIES)
ORDERS = (*(name for name, row in QUANTITIES.items() if row.additive), COUNT)
"""What parts of a network can be sorted by."""


def budget_options(option: str, allowed: str) -> Callable[[Command], Command]:
    """An option for each quantity that can be bounded, and their budgets as the argument `budgets`.

    `option` makes its name of the quantity's, `allowed` its help of what the budget allows.
    """

    def decorated(command: Command) -> Command:
        @wraps(command)
        def run(**given: Any) -> None:
            texts = {row.name: given.pop(_argument(row.name)) for row in bounded()}
            command(budgets=_parsed(texts, option), **given)

        found: Command = run
        for row in reversed(bounded()):
            help_text = allowed.format(row.budget)
            name = option.format(row.name)
            found = click.option(name, _argument(row.name), help=help_text)(found)
        return found

    return decorated


def _argument(name: str) -> str:
    """What click calls the option's value."""
    return f"most_{name}"


def _parsed(texts: dict[str, str | None], option: str) -> list[Budget]:
    from flopscope.search.budgets import parse_budgets

    return parse_budgets(texts, option)
