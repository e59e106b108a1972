"""Does a network keep its budgets, and if not, which layers hold the excess?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flopscope.answers.timed import TimeQuantity
from flopscope.choosing.budgets import Budget
from flopscope.ledger import Ledger, Level
from flopscope.quantities import Quantity


@dataclass(frozen=True)
class BudgetVerdict:
    """A budget, and the network's amount of the quantity that it bounds.

    `unknown` are operators whose cost is not known. If there are any, the value is a lower bound,
    and it is not certain that a budget is kept. `offenders` are the largest layers that together
    have the excess, for a quantity that adds up over layers.
    """

    budget: Budget
    value: int
    unknown: tuple[str, ...]
    offenders: tuple[tuple[str, int], ...]

    @property
    def excess(self) -> int:
        """How far the value is above the limit; 0 if it is not above."""
        return max(0, self.value - self.budget.limit)

    def __bool__(self) -> bool:
        """Is it certain that the budget is kept?"""
        return not self.excess and not self.unknown


def assess(ledger: Ledger, budgets: Sequence[Budget]) -> tuple[BudgetVerdict, ...]:
    """The verdict on each budget for a ledger at numbers.

    >>> from flopscope.catalog.variant import parse
    >>> ledger = parse("mobilenetv2").ledger((224, 224))
    >>> (verdict,) = assess(ledger, [Budget("macs", 299_000_000)])
    >>> bool(verdict), verdict.excess, verdict.offenders
    (False, 1774272, (('head.conv', 20070400),))
    """
    return tuple(_verdict(ledger, budget) for budget in budgets)


def _verdict(ledger: Ledger, budget: Budget) -> BudgetVerdict:
    found = budget.of.read(ledger)
    value = int(found)
    quantity = budget.of
    layers = quantity.by_layer(ledger) if isinstance(quantity, TimeQuantity) else None
    layers = _layers(ledger, quantity) if layers is None else layers
    offenders = _largest(layers.items(), value - budget.limit)
    return BudgetVerdict(budget, value, found.missing, tuple(offenders))


def _layers(ledger: Ledger, quantity: Quantity) -> dict[str, int]:
    """Each layer's amount of the quantity; empty for a quantity that does not add up over
    layers."""
    parts = ledger.group_by(Level.LAYER) if quantity.additive else {}
    return {path: int(quantity.read(part)) for path, part in parts.items()}


def _largest(layers: Iterable[tuple[str, int]], excess: int) -> Iterable[tuple[str, int]]:
    """The fewest layers that together have the excess, the largest first."""
    for path, value in sorted(layers, key=lambda layer: -layer[1]):
        if excess <= 0:
            return
        yield path, value
        excess -= value
