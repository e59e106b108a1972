"""Running a user's module without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from flopscope.snapshot import Snapshot, name_spaces


@contextmanager
def untouched(module: nn.Module) -> Iterator[None]:
    """While active, the module is in evaluation mode, without gradients. Afterwards everything is
    as it was, also after an error.

    Everything reachable from the module is put back, with the values of buffers and of unregistered
    tensors. Parameters are not copied: if a forward pass writes into its weights, they keep what it
    wrote.
    """
    snapshot = Snapshot(module)
    snapshot.name_spaces(name_spaces(type(part) for part in module.modules()))
    learnt = {id(parameter) for parameter in module.parameters()}
    tensors = [t for t in snapshot.held() if issubclass(type(t), Tensor) and id(t) not in learnt]
    values = [(t, t._version, t.detach().clone()) for t in tensors if _is_plain(t)]
    try:
        module.eval()
        with torch.no_grad(), torch.random.fork_rng(devices=()):
            yield
    finally:
        for tensor, version, value in values:
            if tensor._version != version:  # unchanged ones are not written to
                with torch.no_grad():
                    tensor.copy_(value)
        snapshot.restore()


def _is_plain(tensor: Tensor) -> bool:
    return not tensor.is_meta and not tensor.is_inference() and tensor.layout is torch.strided


def fill_meta(module: nn.Module) -> None:
    """Replace tensors on the meta device by zeros on the CPU, which have the right shapes and one
    element of memory.

    It must be called inside `untouched`, which puts the originals back.
    """
    for part in module.modules():
        stores: tuple[dict[str, Any], ...] = (part._parameters, part._buffers)
        for stored in stores:
            for name, tensor in stored.items():
                if tensor is not None and tensor.is_meta:
                    stored[name] = _zeros(tensor)


def _zeros(like: Tensor) -> Tensor:
    zeros = torch.zeros((), dtype=like.dtype, device="cpu").expand(like.shape)
    return nn.Parameter(zeros, requires_grad=False) if isinstance(like, nn.Parameter) else zeros
