"""Fake tensors of a CPU, for a run of a module that takes neither memory nor arithmetic, and the
module put back as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from flopscope.facts import InputSpec
from flopscope.snapshot import Snapshot, name_spaces


@contextmanager
def put_back(module: nn.Module) -> Iterator[None]:
    """What the module holds, and all random numbers, are afterwards as they were."""
    snapshot = Snapshot(module)
    snapshot.name_spaces(name_spaces(type(part) for part in module.modules()))
    try:
        with torch.random.fork_rng(devices=()):
            yield
    finally:
        snapshot.restore()


def faked(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of a CPU with this shape and type and no numbers."""
    made = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(made, requires_grad=tensor.requires_grad)
    return made


def fake_input(given: InputSpec) -> torch.Tensor:
    """An input of a network on a CPU, with a shape and a type and no numbers."""
    sizes = [int(str(size)) for size in given.shape]
    return torch.empty(sizes, dtype=getattr(torch, given.dtype), device="cpu")
