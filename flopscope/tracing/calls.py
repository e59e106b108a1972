"""One call of an operator, and the facts of its rows, in terms of which rules are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch
from torch.utils import _pytree as pytree

from flopscope.costs.complex_numbers import has_complex, is_stated
from flopscope.facts import FLOAT32, Arithmetic, Interpolation, Kind, Operator, Window
from flopscope.sizes import Shape, Size
from flopscope.tracing.node import size_value


@dataclass(frozen=True)
class OperatorCall:
    """One call of an operator: its name without overload, its arguments and its result."""

    name: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    result: Any

    def argument(self, index: int, default: Any = None, name: str = "") -> Any:
        """The positional argument, else the one with this name, else the default."""
        if index < len(self.args):
            return self.args[index]
        return self.kwargs.get(name, default)

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The tensors among the positional arguments."""
        return tuple(a for a in self.args if isinstance(a, torch.Tensor))

    @property
    def output(self) -> Shape:
        """The shape of the result, or of the first one if there are several."""
        first = self.result if isinstance(self.result, torch.Tensor) else self.result[0]
        return shape_of(first)


class Facts(NamedTuple):
    """What a row is, in terms of the call's tensors: which are inputs, which are stored.

    A call may become several rows, one after the other. A row that `follows` also reads the output
    of the row before it. `output` is given if it differs from the call's output, and `element` if
    its type differs from that of the call's result. `seen_as` has, by id, the shapes of tensors
    that are read in another shape than their own.
    """

    kind: Kind
    inputs: tuple[torch.Tensor, ...] = ()
    weights: tuple[torch.Tensor | None, ...] = ()
    buffers: tuple[torch.Tensor | None, ...] = ()
    window: Window | None = None
    groups: Size = 1
    function: Arithmetic | None = None
    output: Shape | None = None
    follows: bool = False
    seen_as: Mapping[int, Shape] | None = None
    element: str | None = None


Rows: TypeAlias = Facts | tuple[Facts, ...] | None  # (): no arithmetic in this use
Rule: TypeAlias = Callable[[OperatorCall], Rows]
"""A function from a call to its rows; it returns None for a use of its operator that it does not
know."""


def shape_of(tensor: torch.Tensor) -> Shape:
    """Sizes of a tensor as ints or polynomials."""
    return tuple(size_value(size) for size in tensor.shape)


def element_of(tensor: torch.Tensor) -> str:
    """The type of a tensor's elements, as rows name it."""
    return str(tensor.dtype).removeprefix("torch.")


def tensors_in(values: Any) -> tuple[torch.Tensor, ...]:
    """The tensors among the values, including those in lists."""
    return tuple(x for x in pytree.tree_leaves(values) if isinstance(x, torch.Tensor))


def plain_name(function: Any) -> str:
    """The name of an operator without the underscore of operators in place."""
    name: str = function.overloadpacket.__name__
    return name if name.endswith("__") else name.rstrip("_")


def full_name(function: Any, plain: str) -> str:
    """An aten operator's plain name; `namespace::name` for any other."""
    return plain if function.namespace in ("aten", "prims") else f"{function.namespace}::{plain}"


def laid_out(row: Operator, positions: Shape) -> Operator:
    """The row of a linear layer, with the axes on which the layer was called."""
    inputs = tuple((*positions, shape[-1]) for shape in row.inputs)
    return row._replace(inputs=inputs, output=(*positions, row.output[-1]))


def plain_types(row: Operator) -> Operator:
    """The row, without types if all its tensors are float32. Complex acts without a stated cost
    become unknown work."""
    if has_complex(row) and not is_stated(row.kind, row.function) and row.kind is not Kind.UNKNOWN:
        row = row._replace(kind=Kind.OTHER)
    stored = (weight.element for weight in (*row.weights, *row.buffers))
    return row._replace(types=()) if {*row.types, *stored} == {FLOAT32} else row


def named(row: Operator, name: str) -> Operator:
    """The row with the operator's name after its path, if its kind does not tell what it is."""
    nameless = row.kind in (Kind.UNKNOWN, Kind.OTHER) or row.function is Interpolation.VARYING
    return row._replace(path=f"{row.path}:{name}") if nameless else row
