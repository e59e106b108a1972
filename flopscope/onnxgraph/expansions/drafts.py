"""Drafts, in which fused and quantised operators are written out as the operators for which they
stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeAlias

from flopscope.onnxgraph.arithmetic import boxed
from flopscope.onnxgraph.rows import GraphRows
from flopscope.onnxgraph.tensors import NodeCall, NodeFacts, Tensor, Undecided
from flopscope.sizes import Shape, Size

Tensors: TypeAlias = Sequence[Tensor | None]
"""What a call gives, in order; None for an output that is not known."""

CURRENT = 21
"""The operator set of the operators in drafts."""


class Performer(Protocol):
    """What writes rows."""

    rows: GraphRows

    def perform(self, call: NodeCall) -> None:
        """Write the rows of the call."""


class Draft:
    """Writes operators of onnx's own set in the place of one call. Each is written when it is
    called.

    If a shape is not known, the draft ends with Undecided, and what it wrote is taken back.
    """

    def __init__(self, call: NodeCall, performer: Performer) -> None:
        self._call = call
        self._performer = performer
        self._parts = 0

    def __call__(self, op: str, *inputs: Tensor | None, **attributes: Any) -> Tensor:
        """Write the operator on these tensors, and return its first output."""
        return self.several(op, 1, *inputs, **attributes)[0]

    def several(
        self, op: str, outputs: int, *inputs: Tensor | None, **attributes: Any
    ) -> list[Tensor]:
        """Write the operator on these tensors, and return several outputs."""
        names = tuple(f"{self._call.path}#{self._parts + n}" for n in range(outputs))
        self._parts += outputs
        part = replace(self._call, op=op, attributes=attributes, inputs=inputs, outputs=names)
        self._performer.perform(part)
        tensors = [self._performer.rows.tensors.pop(name) for name in names]
        if any(tensor.shape is None for tensor in tensors):
            raise Undecided
        return tensors

    def row(self, facts: NodeFacts, shape: Shape, element: int = 0) -> Tensor:
        """Write a row that no single operator of onnx stands for. Its output has this type of
        elements, or that of its first input."""
        name = f"{self._call.path}#{self._parts}"
        self._parts += 1
        call = replace(self._call, outputs=(name,))
        element = element or facts.inputs[0].element
        self._performer.rows.record(call, facts, [shape], element)
        return self._performer.rows.tensors.pop(name)

    def packed(self, tensor: Tensor, shape: Shape, bits: int) -> Tensor:
        """A stored tensor seen as the numbers of a few bits that are packed in it."""
        element = f"uint{bits}" if bits == 8 else f"uint{bits}_packed"
        return self._performer.rows.packed(tensor, shape, element)

    def constant(self, *sizes: Size) -> Tensor:
        """A vector of known numbers."""
        return Tensor("", (len(sizes),), boxed(sizes))

    def scalar(self, number: float) -> Tensor:
        """A known number."""
        return Tensor("", (), boxed(number))

    def reshape(self, tensor: Tensor, *shape: Size) -> Tensor:
        """The same elements in another shape."""
        return self("Reshape", tensor, self.constant(*shape))

    def same(self, a: Size, b: Size) -> None:
        """Demand that both sizes are equal."""
        self._call.premises.same(a, b, self._call.path)

    def give(self, tensors: Tensors | None) -> bool:
        """Make these tensors the call's outputs; None stands for a use that the rule does not
        know."""
        if tensors is None:
            return False
        for name, tensor in zip(self._call.outputs, tensors, strict=False):
            known = Tensor(name, None, source=-1) if tensor is None else tensor
            self._performer.rows.tensors[name] = known._replace(name=name)
        return True


Expansion: TypeAlias = Callable[[NodeCall, Draft], Tensors | None]
