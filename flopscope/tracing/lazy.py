"""Lazy modules: layers whose widths their first input tells. A copy takes that input, in shapes; the
module itself stays uninitialised."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

from flopscope.tracing.shapes import META


def is_uninitialised(module: nn.Module) -> bool:
    """Does any of its layers wait for its first input?"""
    return any(is_lazy(stored) for stored in (*module.parameters(), *module.buffers()))


def copy_of_shapes(module: nn.Module) -> nn.Module:
    """Another module like this one, no tensor of which has values."""
    kept = [value for part in module.modules() for value in vars(part).values()]
    tensors = [*module.parameters(), *module.buffers(), *kept]
    copies = {id(t): _shape_of(t) for t in tensors if isinstance(t, torch.Tensor)}
    return deepcopy(module, copies)


def _shape_of(tensor: Any) -> torch.Tensor:
    if isinstance(tensor, UninitializedParameter):
        return UninitializedParameter(tensor.requires_grad, device=META, dtype=tensor.dtype)
    if isinstance(tensor, UninitializedBuffer):
        return UninitializedBuffer(tensor.requires_grad, device=META, dtype=tensor.dtype)
    shape = torch.empty_like(tensor, device=META, requires_grad=False)
    return nn.Parameter(shape, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else shape
