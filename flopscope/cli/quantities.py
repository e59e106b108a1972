"""Options about quantities: a budget for each that can be bounded, and the names for help texts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import click

from flopscope.cli.options import read_by
from flopscope.quantities import QUANTITIES, bounded

if TYPE_CHECKING:
    from flopscope.choosing.budgets import Budget

Command = Callable[..., Any]

NAMES = tuple(QUANTITIES)
ADDITIVE = tuple(name for name, row in QUANTITIES.items() if row.additive)
"""The quantities that have formulas, by which parts of a network can be sorted too."""


def budget_options(option: str, allowed: str) -> Callable[[Command], Command]:
    """An option for each quantity that can be bounded, and their budgets as the argument `budgets`.

    `option` makes its name of the quantity's, `allowed` its help of what the budget allows.
    """

    def decorated(command: Command) -> Command:
        @wraps(command)
        def run(**given: Any) -> None:
            budgets = [given.pop(_argument(row.name)) for row in bounded()]
            command(budgets=[budget for budget in budgets if budget is not None], **given)

        found: Command = run
        for row in reversed(bounded()):
            name = option.format(row.name)
            found = click.option(
                name,
                _argument(row.name),
                callback=read_by(partial(_budget, name, row.name)),
                help=allowed.format(row.budget),
            )(found)
        return found

    return decorated


def _argument(name: str) -> str:
    """The name of the argument in which click passes the option's value."""
    return f"most_{name}"


def _budget(option: str, name: str, text: str) -> Budget:
    from flopscope.choosing.budgets import parse_budget

    return parse_budget(option, name, text)
