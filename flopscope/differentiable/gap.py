"""The expected cost beside the cost at the expected sizes: two numbers that are often confused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flopscope.differentiable.probabilities import PerSlot
from flopscope.differentiable.reading import cost_table
from flopscope.differentiable.tables import CostTable
from flopscope.errors import BadInput


@dataclass(frozen=True)
class Gap:
    """expected: the expected cost. at_mean: the cost where every slot whose options are numbers has
    their mean, `means`, which is rounded where the options are integers."""

    expected: float
    at_mean: float
    means: Mapping[str, Any]
    unit: str

    @property
    def share(self) -> float:
        """By how much the expected cost is above that at the means, as a share of the latter."""
        return self.expected / self.at_mean - 1

    def __str__(self) -> str:
        sizes = ", ".join(f"{slot} {mean:g}" for slot, mean in self.means.items())
        return (
            f"expected {self.expected:,.0f} {self.unit}; at {sizes}: {self.at_mean:,.0f}, "
            f"so that the expected cost differs by {self.share:+.1%}"
        )


def gap(table: CostTable, probabilities: PerSlot) -> Gap:
    """Both costs, under probabilities of the options of each slot.

    Slots whose options are no numbers keep their probabilities in both. Raises BadInput as
    `CostTable.mean` does, and where no slot has numbers for options.

    >>> from flopscope.analytic.operators import conv2d
    >>> from flopscope.analytic.tape import record
    >>> def square(choices):
    ...     width = choices["width"]
    ...     return record(lambda x: conv2d(conv2d(x, width, 1), width, 1), (1, 1, 1, 1))
    >>> print(gap(cost_table(square, {"width": [1, 3]}), {"width": [0.5, 0.5]}))
    expected 7 MACs; at width 2: 6, so that the expected cost differs by +16.7%
    """
    expected = float(table.mean(probabilities))
    means = {
        slot: _mean(options, probabilities[slot])
        for slot, options in table.options.items()
        if all(isinstance(each, int | float) for each in options)
    }
    if not means or table.ledger is None:
        raise BadInput(
            f"no slot of {', '.join(table.options)} has numbers for options, or the table was not "
            "read off ledgers; there is no design at the expected sizes"
        )
    fixed = {slot: (means[slot],) if slot in means else o for slot, o in table.options.items()}
    at = cost_table(table.ledger, fixed, table.quantity)
    there = {slot: [1.0] if slot in means else p for slot, p in probabilities.items()}
    return Gap(expected, float(at.mean(there)), means, table.unit)


def _mean(options: tuple[Any, ...], probabilities: Any) -> Any:
    mean = sum(float(p) * each for p, each in zip(probabilities, options, strict=True))
    return round(mean) if all(isinstance(each, int) for each in options) else mean
