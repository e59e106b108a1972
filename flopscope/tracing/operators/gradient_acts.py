"""The rows in which gradients are written: acts on elements, chains of acts, and sums."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from flopscope.facts import Function, Kind, Reduction
from flopscope.sizes import Shape, elements
from flopscope.tracing.calls import Facts


def act(step: Kind | Function, output: Shape, *inputs: torch.Tensor) -> Facts:
    """One act for each element of the output. Without inputs of its own it reads the row before."""
    kind = step if isinstance(step, Kind) else Kind.ELEMENTWISE
    function = step if isinstance(step, Function) else None
    return Facts(kind, inputs, function=function, output=output, follows=not inputs)


def chain(
    output: Shape, steps: Sequence[Kind | Function], *inputs: torch.Tensor
) -> tuple[Facts, ...]:
    """One act after the other; the first one is on the inputs."""
    first, *others = steps
    return act(first, output, *inputs), *(act(step, output) for step in others)


def summed(inputs: tuple[torch.Tensor, ...], output: Shape) -> Facts:
    """A sum for each element of the output."""
    return Facts(
        Kind.REDUCTION,
        inputs,
        groups=elements(output),
        function=Reduction.SUM,
        output=output,
        follows=not inputs,
    )


def added(grad: torch.Tensor, spread: Shape, output: Shape) -> Facts:
    """Each element of the gradient that is spread is added once to what is there, including the
    first of a group."""
    row = Facts(Kind.REDUCTION, (grad,), groups=0, function=Reduction.SUM, output=output)
    return row._replace(seen_as={id(grad): spread})
