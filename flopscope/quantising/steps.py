"""A network as quantisation sees it: steps that read and write tensors, and what each step is to a
runtime that quantises. Rows of a ledger and nodes of a graph both become steps."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from flopscope.brief import short


class Role(Enum):
    """What becomes of a step as a network is quantised."""

    LAYER = "layer"  # has a stored weight: input, weight, bias and output are quantised
    PRODUCT = "product"  # of two computed tensors: inputs and output are quantised
    JOIN = "join"  # sums, concatenations and means: quantised where all their inputs are
    FOLLOW = "follow"  # the same numbers at other places: with the scale of its input
    FOLD = "fold"  # a clamp that the range of the quantised output does already
    OTHER = "other"  # runs in float32


class Stored(NamedTuple):
    """A stored tensor: the key under which others may share it, its elements, its channels, the
    bytes that it takes as it is, and the axis of the channels."""

    key: str
    elements: int
    channels: int
    bytes: int
    axis: int = 0


class Step(NamedTuple):
    """One step. `name` is what patterns are matched with, `node` the name in a graph, `operator`
    what it is called in tables. `stays` are the stored tensors that no quantisation touches. The
    `bias` of a layer may have come from a norm that is folded into it. `settings` names the
    graph's constants that it reads."""

    name: str
    role: Role
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    operator: str = ""
    weight: Stored | None = None
    bias: Stored | None = None
    stays: tuple[Stored, ...] = ()
    settings: tuple[str, ...] = ()
    node: str = ""

    def __repr__(self) -> str:
        return short(self, f"{self.name}, {self.role.value}")


class Steps(NamedTuple):
    """All steps in the order in which they run, and the tensors that are results of the network.

    `constants` are bytes that the graph itself stores, such as shapes and axes, by the tensor's
    name; a ledger has none.
    """

    steps: tuple[Step, ...]
    results: frozenset[str] = frozenset()
    constants: Mapping[str, int] = {}

    @property
    def layers(self) -> list[Step]:
        """The steps with a stored weight that can be quantised."""
        return [step for step in self.steps if step.role is Role.LAYER]
