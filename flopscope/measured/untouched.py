"""Running someone's module without leaving a trace in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def untouched(module: nn.Module) -> Iterator[None]:
    """Inside: evaluation mode, no gradients. Afterwards, also after an error: everything as it was.

    Attributes, hooks, training flags, the identity of parameters and buffers and the values of
    buffers are restored. Parameters are not copied: a forward that writes into its weights keeps
    what it wrote.
    """
    parts = list(module.modules())
    saved = [_attributes(part) for part in parts]
    values = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    try:
        module.eval()
        with torch.no_grad():
            yield
    finally:
        for part, attributes in zip(parts, saved, strict=True):
            _restore(part, *attributes)
        for buffer, value in values:
            _restore_values(buffer, value)


def fill_meta(module: nn.Module) -> None:
    """Zeros on the CPU in place of tensors on the meta device: right shapes, one element of memory.

    To be called inside `untouched`, which puts the originals back.
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


_Saved = tuple[dict[str, Any], dict[str, dict[Any, Any]]]


def _attributes(part: nn.Module) -> _Saved:
    """The attributes, and the contents of the dictionaries among them: hooks, tensors."""
    contents = {name: dict(value) for name, value in vars(part).items() if isinstance(value, dict)}
    return dict(vars(part)), contents


def _restore(
    part: nn.Module, attributes: dict[str, Any], contents: dict[str, dict[Any, Any]]
) -> None:
    vars(part).clear()
    vars(part).update(attributes)
    for name, content in contents.items():
        attributes[name].clear()
        attributes[name].update(content)


def _restore_values(buffer: Tensor, value: Tensor) -> None:
    # An unchanged buffer is not written to, so that its version counter stays as it was.
    if not buffer.is_meta and not torch.equal(buffer, value):
        with torch.no_grad():
            buffer.copy_(value)
