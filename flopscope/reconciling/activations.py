"""Ways of counting activations that reported numbers follow, as one literal, ordered table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flopscope.conventions import COUNTABLES, MULTIPLYING, Countable
from flopscope.facts import Kind, Operator

CONVOLUTIONS = (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION)
LAYERS = (*CONVOLUTIONS, Kind.LINEAR)


@dataclass(frozen=True)
class ActivationCounting:
    """The kinds of rows whose outputs count as activations."""

    name: str
    steps: int
    kinds: tuple[Kind, ...]

    def count(self, rows: Sequence[Operator]) -> int:
        """The output elements of the rows of these kinds."""
        outputs = COUNTABLES[Countable.OUTPUTS]
        return sum(int(row.repeat * outputs(row)) for row in rows if row.kind in self.kinds)


ACTIVATION_COUNTINGS = (
    # fvcore 0.1.5 nn/activation_count.py
    ActivationCounting("outputs of convolutions, linear layers and products", 0, MULTIPLYING),
    # the same where attention is one kernel
    ActivationCounting("outputs of convolutions and linear layers", 1, LAYERS),
    # facebookresearch/pycls pycls/models/blocks.py
    ActivationCounting(
        "outputs of convolutions, linear layers and max pools", 1, (*LAYERS, Kind.MAX_POOL)
    ),
    ActivationCounting("outputs of convolutions", 1, CONVOLUTIONS),
)
"""The table, the simplest first."""
