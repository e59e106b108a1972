"""What a module stores, by the names that rows of a trace use: parameters and buffers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import nn

from flopscope.facts import COMPLEX, Kind, Operator, Weight
from flopscope.sizes import Shape, elements
from flopscope.tracing.calls import Facts, element_of, shape_of
from flopscope.tracing.values.numbers import memory_of


class Stored:
    """The names of stored tensors and of views of them, and the types of their elements.

    Some parameters are `frozen`, and some are `made` while the network runs.
    """

    def __init__(
        self,
        state: Mapping[str, torch.Tensor],
        parameters: Collection[str],
        frozen: Collection[str] = (),
    ) -> None:
        self.elements = {name: element_of(tensor) for name, tensor in state.items()}
        self.made: dict[str, Shape] = {}
        self._parameters = {name: shape_of(memory_of(state[name])) for name in parameters}
        self._frozen = set(frozen)
        # by the id of a stored tensor, or of a view of it
        self.names = {id(tensor): name for name, tensor in state.items()}
        self.names |= {id(memory_of(tensor)): name for name, tensor in state.items()}
        self._alive: list[torch.Tensor] = []  # ids stay unique while tensors live

    def __contains__(self, tensor: torch.Tensor) -> bool:
        return id(tensor) in self.names

    def name_of(self, tensor: torch.Tensor) -> str:
        """The name of a stored tensor; "" for one that was computed."""
        return self.names.get(id(tensor), "")

    def learns(self, tensor: torch.Tensor) -> bool:
        """Is it a parameter, or a view of one?"""
        return self._is_parameter(self.name_of(tensor))

    def _is_parameter(self, name: str) -> bool:
        return name in self._parameters or name in self.made

    def show(self, first: torch.Tensor, other: torch.Tensor) -> None:
        """Note that the other tensor has the elements of the first one, and so its name."""
        if id(first) in self.names:
            self.names[id(other)] = self.names[id(first)]

    def take_in(self, parameter: nn.Parameter, name: str) -> None:
        """Store a parameter that was made while the network ran."""
        self.names[id(parameter)] = name
        self.made[name] = shape_of(parameter)
        self.elements[name] = element_of(parameter)
        if not parameter.requires_grad:
            self._frozen.add(name)

    def weights(
        self,
        tensors: Sequence[torch.Tensor],
        transposed: bool = False,
        seen_as: Mapping[int, Shape] = MappingProxyType({}),
    ) -> tuple[Weight, ...]:
        """The weights: stored tensors with their names, computed ones without. The matrix of a
        linear layer arrives transposed and is transposed back."""
        weights = []
        for position, tensor in enumerate(tensors):
            shape = seen_as.get(id(tensor), shape_of(tensor))
            if transposed and position == 0 and len(shape) > 1:
                shape = (*shape[:-2], shape[-1], shape[-2])
            weights.append(self._weight(self.name_of(tensor), shape, element_of(tensor)))
        return tuple(weights)

    def _weight(self, name: str, shape: Shape, seen_as: str) -> Weight:
        """The weight has its stored type, unless pairs of numbers are viewed as complex numbers."""
        own = self.elements.get(name, seen_as)
        element = own if (own in COMPLEX) == (seen_as in COMPLEX) else seen_as
        return Weight(name, shape, self._is_parameter(name), name in self._frozen, element)

    def as_linear(self, facts: Facts) -> Facts:
        """A product with a stored operand as a linear layer, whose matrix is (out, in)."""
        if facts.kind is not Kind.MATMUL or facts.follows or facts.groups != 1:
            return facts
        a, b = facts.inputs
        if b in self:
            return facts._replace(kind=Kind.LINEAR, inputs=() if a in self else (a,), weights=(b,))
        if a not in self:
            return facts
        turned = a.mT if a.dim() > 1 else a
        self.show(a, turned)
        self._alive.append(turned)
        seen_as = dict(facts.seen_as or {})
        if id(a) in seen_as:
            *stack, rows, columns = seen_as[id(a)]
            seen_as[id(turned)] = (*stack, columns, rows)
        return facts._replace(kind=Kind.LINEAR, inputs=(b,), weights=(turned,), seen_as=seen_as)

    def rows_of_the_rest(self, rows: Sequence[Operator]) -> Iterator[Operator]:
        """A row for each parameter that none of these rows reads as a whole."""
        seen = {w.key: elements(w.shape) for row in rows for w in row.weights}
        made = {name: shape for name, shape in self.made.items() if name in seen}
        rest = {
            name: shape
            for name, shape in (self._parameters | made).items()
            if seen.get(name) != elements(shape)
        }
        for number, (name, shape) in enumerate(rest.items(), len(rows)):
            weight = self._weight(name, shape, self.elements[name])
            yield Operator(Kind.STORED, name, (), (0,), (weight,), id=number)
