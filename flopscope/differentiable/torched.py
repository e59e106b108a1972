"""The expected cost as torch operators, for the loss of a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from flopscope.differentiable.tables import CostTable
from flopscope.errors import BadInput, check_name


class ExpectedCost(nn.Module):
    """The expected cost of logits, as `CostTable.expected` gives it, with a gradient.

    The tables are buffers of float64, where they are exact. The answer has no dimensions and the
    type of float64, whatever that of the logits.

    >>> import numpy as np
    >>> from flopscope.differentiable.tables import Term
    >>> table = CostTable({"op": ("big", "small")}, (Term(("op",), np.array([3, 1])),))
    >>> logits = torch.zeros(2, requires_grad=True)
    >>> cost = table.torch()({"op": logits})
    >>> cost.backward()
    >>> cost.item(), logits.grad.tolist()
    (2.0, [0.5, -0.5])
    """

    def __init__(self, table: CostTable) -> None:
        super().__init__()
        self.table = table
        for number, term in enumerate(table.terms):
            values = torch.tensor(term.table.astype(float), dtype=torch.float64)
            self.register_buffer(f"term{number}", values, persistent=False)

    def forward(self, logits: Mapping[str, Tensor]) -> Tensor:
        """The expected cost of numbers for the options of each slot."""
        p = {slot: self._softmax(logits, slot) for slot in self.table.options}
        return self.of_probabilities(p)

    def of_probabilities(self, probabilities: Mapping[str, Tensor]) -> Tensor:
        """The expected cost of probabilities that were made in another way, as by Gumbel's
        softmax."""
        found: Any = 0.0
        for number, term in enumerate(self.table.terms):
            value = getattr(self, f"term{number}")
            for slot in reversed(term.slots):
                value = value @ probabilities[slot].to(value)
            found = found + value
        answer: Tensor = found
        return answer

    def _softmax(self, logits: Mapping[str, Tensor], slot: str) -> Tensor:
        for given in logits:
            check_name("slot", given, self.table.options)
        if slot not in logits:
            raise BadInput(f"logits have nothing for {slot}; give numbers for each slot")
        options = len(self.table.options[slot])
        if tuple(logits[slot].shape) != (options,):
            raise BadInput(
                f"{slot} has {options} options and logits of shape {tuple(logits[slot].shape)}; "
                "give one number for each option"
            )
        return logits[slot].double().softmax(0)
