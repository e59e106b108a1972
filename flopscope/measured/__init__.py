"""Measured witnesses: a real module is run once, and fvcore and torch's counter say what it
costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from flopscope.errors import BadInput
from flopscope.facts import InputSpec
from flopscope.measured.counts import Counts, Skipped
from flopscope.measured.functional import functional_calls
from flopscope.measured.fvcore_counts import fvcore_counts
from flopscope.measured.modules import STEP_COUNTER, ModuleRow, recording
from flopscope.measured.numbers import numbers_kept, seeded
from flopscope.measured.torch_counts import torch_counts
from flopscope.measured.undrawn import Undrawn
from flopscope.measured.untouched import untouched

__all__ = [
    "Counts",
    "Measurement",
    "ModuleRow",
    "Skipped",
    "measure",
    "with_weights",
    "without_memory",
]


@dataclass(frozen=True)
class Measurement:
    """What was measured in one run of a module on inputs of these shapes.

    `rows` are its leaf modules in execution order, and the layers that other modules call as
    functions. `params` counts its learnable elements, shared ones once. `buffers` counts the
    elements stored beside them, without batch norm's count of training steps.
    """

    shapes: tuple[tuple[int, ...], ...]
    rows: tuple[ModuleRow, ...]
    fvcore: Counts
    torch: Counts
    params: int
    buffers: int

    @property
    def activations(self) -> int:
        """Output elements of convolution, linear, matmul, by fvcore's ActivationCountAnalysis."""
        return self.fvcore.activations


def measure(module: nn.Module, *inputs: tuple[int, ...] | InputSpec) -> Measurement:
    """Run `module` in evaluation mode on zeros and read every witness.

    An input is a shape, which gets the module's own type, or an `InputSpec`, whose type is kept
    unless it is a floating-point one.

    The run is on the module's own device. On the meta device no arithmetic is done, except in an
    extra run on the CPU that fvcore needs. The module is left exactly as it was, also after an
    error.

    Raises BadInput for a shape that is not made of positive integers and for lazy layers that have
    not seen an input yet. What the module's forward raises is passed on.

    >>> measured = measure(nn.Conv2d(3, 8, 3, bias=False, device="meta"), (1, 3, 10, 10))
    >>> measured.params, measured.fvcore.macs, measured.torch.macs
    (216, 13824, 13824)
    """
    shapes = [given.shape if isinstance(given, InputSpec) else given for given in inputs]
    _check(module, shapes)
    tensors = [*module.parameters(), *module.buffers()]
    device = str(tensors[0].device) if tensors else "meta"
    dtype = next((t.dtype for t in tensors if t.dtype.is_floating_point), torch.get_default_dtype())
    types = [_own_type(given, dtype) for given in inputs]

    def zeros(device: str) -> tuple[torch.Tensor, ...]:
        pairs = zip(shapes, types, strict=True)
        return tuple(torch.zeros(shape, dtype=of, device=device) for shape, of in pairs)

    with untouched(module), recording(module) as rows, functional_calls(module, rows):
        given = zeros(device)
        counted = torch_counts(module, lambda: module(*given))
    return Measurement(
        shapes=tuple(map(tuple, shapes)),
        rows=tuple(rows),
        fvcore=fvcore_counts(module, zeros, device),
        torch=counted,
        params=sum(parameter.numel() for parameter in module.parameters()),
        buffers=sum(
            buffer.numel()
            for name, buffer in module.named_buffers()
            if name.rpartition(".")[2] != STEP_COUNTER
        ),
    )


def without_memory(build: Callable[[], nn.Module]) -> nn.Module:
    """The module that `build` makes, on the meta device, where tensors have shapes and no values.

    >>> next(without_memory(lambda: nn.Linear(4, 2)).parameters()).device.type
    'meta'
    """
    with torch.device("meta"), Undrawn():
        return build()


def with_weights(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The module that `build` makes with weights that are drawn from the seed. All sources of
    random numbers are left as they were.

    >>> first, second = (with_weights(lambda: nn.Linear(4, 2), 0) for _ in range(2))
    >>> torch.equal(first.weight, second.weight)
    True
    """
    with numbers_kept():
        seeded(seed)
        return build()


def _own_type(given: tuple[int, ...] | InputSpec, floating: torch.dtype) -> torch.dtype:
    """The type of an input, which is the module's own if the input is of floating-point numbers."""
    if not isinstance(given, InputSpec):
        return floating
    dtype: torch.dtype = getattr(torch, given.dtype)
    return floating if dtype.is_floating_point else dtype


def _check(module: nn.Module, shapes: Sequence[Any]) -> None:
    for shape in shapes:
        if not shape or not all(isinstance(size, int) and size > 0 for size in shape):
            raise BadInput(
                f"an input's shape is of positive integers such as (1, 3, 224, 224), not {shape}"
            )
    lazy = (UninitializedParameter, UninitializedBuffer)
    if any(isinstance(tensor, lazy) for tensor in (*module.parameters(), *module.buffers())):
        raise BadInput("the module has lazy layers without shapes; run it once, then measure it")
