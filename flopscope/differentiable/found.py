"""What a search gives: the design, its rows, its network, and how it came to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from flopscope.brief import aligned, short
from flopscope.differentiable.probabilities import Vector
from flopscope.differentiable.tables import CostTable
from flopscope.ledger import Ledger

if TYPE_CHECKING:
    from torch import nn


RATE = 2e-2
"""Adam's step size for weights, at the beginning; it falls to 0 along a cosine."""


class Epoch(NamedTuple):
    """Of a search after an epoch: the expected cost, the accuracy of the supernet on the images for
    choices, and the probabilities of the options of each slot."""

    expected: float
    accuracy: float
    probabilities: Mapping[str, Vector]


@dataclass(frozen=True, repr=False)
class Found:
    """The design that a search has found.

    choices: an option for each slot. cost: in units of the table. ledger: its rows. network: in
    PyTorch, trained. accuracy: of this network on images that neither training nor the search have
    seen; inherited: of the same design with the supernet's weights, where it shares them.
    supernet: the trained network of all designs. history: of each epoch or each design tried.
    """

    choices: Mapping[str, Any]
    cost: int
    table: CostTable
    ledger: Ledger
    network: nn.Module
    accuracy: float
    supernet: nn.Module
    cost_weight: float
    history: tuple[Any, ...] = ()
    inherited: float | None = None

    def __repr__(self) -> str:
        return short(self, f"{self.cost:,} {self.table.unit}, {self._design()}")

    def __str__(self) -> str:
        rows = [
            ("design", self._design()),
            (self.table.unit, f"{self.cost:,}"),
            ("cost weight", f"{self.cost_weight:g} per million {self.table.unit}"),
            ("accuracy", f"{self.accuracy:.1%} on images held out"),
        ]
        if self.inherited is not None:
            rows.append(("", f"{self.inherited:.1%} with the weights of the supernet"))
        return aligned(("found", ""), rows, numbers=0)

    def _design(self) -> str:
        """Operators and widths, layer by layer, where slots are named so."""
        return " ".join(f"{slot}={option}" for slot, option in self.choices.items())
