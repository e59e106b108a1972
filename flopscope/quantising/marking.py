"""Which tensors of a network are quantised, under which scale: the rules of onnxruntime's static
quantisation, over steps.

Source: onnxruntime 1.32, `quantization/qdq_quantizer.py` and `quantization/operators/`, for the
operators that `ROLES` of `flopscope.onnxgraph.steps` names. What is kept out of it by its name is
this project's choice: an operator that only passes numbers on runs in int8 where its inputs are
int8 already, so that no tensor is rounded for its sake.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from flopscope.brief import short
from flopscope.quantising.steps import Role, Step, Steps


@dataclass
class Marked:
    """What is quantised: the `layers` in order, the `activations` that have a scale and a zero
    point of their own, and the steps that are `folded` away or left in float32."""

    layers: list[Step] = field(default_factory=list)
    activations: set[str] = field(default_factory=set)
    following: set[str] = field(default_factory=set)
    folded: list[Step] = field(default_factory=list)
    left: list[Step] = field(default_factory=list)

    def __repr__(self) -> str:
        return short(self, f"{len(self.layers)} layers, {len(self.activations)} activations")

    def knows(self, tensor: str) -> bool:
        """Is the tensor quantised?"""
        return tensor in self.activations or tensor in self.following

    def forget(self, tensor: str) -> None:
        """The tensor is gone: what wrote it writes another one in its place."""
        self.activations.discard(tensor)
        self.following.discard(tensor)


def marked(network: Steps, skipped: Collection[str] = ()) -> Marked:
    """The tensors that are quantised where the layers of these names are left in float32.

    >>> from flopscope.quantising.steps import Stored
    >>> weight = Stored("w", 6, 2, 24)
    >>> conv = Step("conv", Role.LAYER, ("x",), ("y",), weight=weight)
    >>> relu = Step("relu", Role.FOLD, ("y",), ("z",))
    >>> sorted(marked(Steps((conv, relu))).activations)
    ['x', 'z']
    """
    found = Marked()
    readers = Counter(tensor for step in network.steps for tensor in step.reads)
    for step in network.steps:
        if step.role is Role.LAYER and step.name in skipped:
            found.left.append(step)
        else:
            _mark(found, step, network.results, readers)
    return found


def _mark(found: Marked, step: Step, results: Collection[str], readers: Counter[str]) -> None:
    first = step.reads[0] if step.reads else ""
    if step.role is Role.LAYER:
        found.layers.append(step)
        _own(found, (*step.reads, *step.writes))
    elif step.role is Role.PRODUCT:
        _own(found, (*step.reads, *step.writes))
    elif step.role is Role.JOIN and all(map(found.knows, step.reads)):
        _own(found, step.writes)
    elif step.role is Role.FOLLOW and found.knows(first):
        found.following.update(step.writes)
    elif step.role is Role.FOLD and found.knows(first):
        if readers[first] == 1 and first not in results and not _is_input(first):
            found.forget(first)
            found.folded.append(step)
        _own(found, step.writes)
    else:
        found.left.append(step)


def _own(found: Marked, tensors: Collection[str]) -> None:
    found.activations.update(t for t in tensors if not found.knows(t))


INPUT = "input "
"""How the names of the network's inputs begin."""


def _is_input(tensor: str) -> bool:
    return tensor.startswith(INPUT)
