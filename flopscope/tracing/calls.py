"""One call of an operator, and what it is in a ledger: the terms in which rules are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch
from torch.utils import _pytree as pytree

from flopscope.facts import Function, Interpolation, Kind, Reduction, Window
from flopscope.sizes import Shape, Size
from flopscope.tracing.node import size_value


@dataclass(frozen=True)
class Call:
    """One call of an operator: its name without overload, its arguments and its result."""

    name: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    result: Any

    def argument(self, index: int, default: Any = None, name: str = "") -> Any:
        """The positional argument, else that of the name, else the default."""
        if index < len(self.args):
            return self.args[index]
        return self.kwargs.get(name, default)

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The tensors among the positional arguments."""
        return tuple(a for a in self.args if isinstance(a, torch.Tensor))

    @property
    def output(self) -> Shape:
        """The shape of the result, of the first one where there are several."""
        first = self.result if isinstance(self.result, torch.Tensor) else self.result[0]
        return shape_of(first)


class Facts(NamedTuple):
    """What a row is, in terms of the call's tensors: which are inputs, which are stored.

    A call may be several rows, one after the other: those that `follow` read the output of the row
    before too. `output` is given where it is not that of the call, `element` where its type is not
    that of the call's result, and `seen_as` by id the shape of a tensor that is read in another
    one.
    """

    kind: Kind
    inputs: tuple[torch.Tensor, ...] = ()
    weights: tuple[torch.Tensor | None, ...] = ()
    buffers: tuple[torch.Tensor | None, ...] = ()
    window: Window | None = None
    groups: Size = 1
    function: Function | Reduction | Interpolation | None = None
    output: Shape | None = None
    follows: bool = False
    seen_as: Mapping[int, Shape] | None = None
    element: str | None = None


Rows: TypeAlias = Facts | tuple[Facts, ...] | None  # (): no arithmetic in this use
Rule: TypeAlias = Callable[[Call], Rows]
"""From a call to its rows; None where the rule does not know this use of its operator."""


def shape_of(tensor: torch.Tensor) -> Shape:
    """Sizes of a tensor as ints or polynomials."""
    return tuple(size_value(size) for size in tensor.shape)


def element_of(tensor: torch.Tensor) -> str:
    """The type of a tensor's elements, as rows name it."""
    return str(tensor.dtype).removeprefix("torch.")


def tensors_in(values: Any) -> tuple[torch.Tensor, ...]:
    """The tensors among the values, those in lists too."""
    return tuple(x for x in pytree.tree_leaves(values) if isinstance(x, torch.Tensor))
