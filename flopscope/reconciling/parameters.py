"""Ways of counting parameters that reported numbers follow, as one literal, ordered table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flopscope.facts import Kind, Operator, Weight
from flopscope.reconciling.amounts import CountedTerm
from flopscope.sizes import elements

NORMS = frozenset(
    {Kind.BATCH_NORM, Kind.BATCH_NORM_TRAINING, Kind.LAYER_NORM, Kind.GROUP_NORM, Kind.RMS_NORM}
)
LAYERS = frozenset({Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION, Kind.LINEAR})
BIAS, NORM, STATISTICS = "bias", "norm: scale and shift", "norm: running mean and variance"
CONSTANTS = "constants"
FROZEN = "frozen weights"
_LEARNT = {STATISTICS: 0, CONSTANTS: 0}


@dataclass(frozen=True)
class ParameterCounting:
    """Which parts count, and how many times each counts. A part that is not named counts once."""

    name: str
    steps: int
    factors: Mapping[str, int]
    halved: frozenset[str] = frozenset()

    def terms(self, parts: Mapping[str, int]) -> tuple[CountedTerm, ...]:
        """The parts that count, in the network's order; zeros are left out."""
        return tuple(
            CountedTerm(name, self._text(name), count)
            for name, whole in parts.items()
            if (count := self._count(name, whole))
        )

    def _count(self, name: str, whole: int) -> int:
        count = whole * self.factors.get(name, 1)
        return count // 2 if name in self.halved else count

    def _text(self, name: str) -> str:
        return "half of them" if name in self.halved else "each"


PARAMETER_COUNTINGS = (
    ParameterCounting("parameters", 0, _LEARNT),
    ParameterCounting("trainable parameters", 1, {**_LEARNT, FROZEN: 0}),
    ParameterCounting("parameters without norm", 1, {**_LEARNT, NORM: 0}),
    ParameterCounting("parameters and running statistics", 1, {CONSTANTS: 0}),
    ParameterCounting("parameters without bias", 1, {**_LEARNT, BIAS: 0}),
    ParameterCounting("weights alone", 2, {**_LEARNT, BIAS: 0, NORM: 0}),
    ParameterCounting("parameters, one a channel of norm", 2, _LEARNT, frozenset({NORM})),
    ParameterCounting(
        "parameters, three a channel of norm", 2, {CONSTANTS: 0}, frozenset({STATISTICS})
    ),
)
"""The table, the simplest first. Three for each channel are shift, mean and variance of a norm
without scale."""


def parts(rows: Sequence[Operator]) -> dict[str, int]:
    """Stored elements by name of their part; a tensor that several rows share counts once.

    Weights of layers are named by the kind of layer. The first row that reads a tensor names it;
    the last one states all of it, if others read a part.
    """
    names: dict[str, str] = {}
    sizes: dict[str, int] = {}

    def add(name: str, row: Operator, weight: Weight) -> None:
        names.setdefault(weight.key, name)
        sizes[weight.key] = int(row.repeat * elements(weight.shape))

    for row in rows:
        for index, weight in enumerate(row.weights):
            if weight.learnt:
                add(FROZEN if weight.frozen else _name(row, index), row, weight)
            elif weight.key:
                add(CONSTANTS, row, weight)
        for buffer in row.buffers:
            add(STATISTICS, row, buffer)
    found: dict[str, int] = {}
    for key, name in names.items():
        found[name] = found.get(name, 0) + sizes[key]
    return found


def _name(row: Operator, index: int) -> str:
    if row.kind in NORMS:
        return NORM
    if row.kind in LAYERS:
        return BIAS if index else f"{row.kind.value} weights"
    return row.kind.value
