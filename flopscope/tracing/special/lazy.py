"""Lazy modules: layers that learn their widths from their first input.

A copy takes this input as shapes; the module itself stays uninitialised.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

from flopscope.tracing.lending import parameter_of
from flopscope.tracing.values.known import META
from flopscope.tracing.values.numbers import Copies


def is_uninitialised(module: nn.Module) -> bool:
    """Does one of its layers wait for its first input?"""
    return any(is_lazy(stored) for stored in (*module.parameters(), *module.buffers()))


def copy_of_shapes(module: nn.Module) -> nn.Module:
    """A copy of this module in which every tensor is one of a trace."""
    copies = Copies()
    kept = [value for part in module.modules() for value in vars(part).values()]
    tensors = [t for t in (*module.parameters(), *module.buffers(), *kept) if _is_tensor(t)]
    return deepcopy(module, {id(t): _shape_of(t, copies) for t in tensors})


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _shape_of(tensor: Any, copies: Copies) -> torch.Tensor:
    if isinstance(tensor, UninitializedParameter):
        return _waiting(UninitializedParameter, tensor)
    if isinstance(tensor, UninitializedBuffer):
        return _waiting(UninitializedBuffer, tensor)
    shape = copies.shape_of(tensor)
    is_parameter = isinstance(tensor, nn.Parameter)
    return parameter_of(tensor, shape, tensor.requires_grad) if is_parameter else shape


def _waiting(kind: Any, tensor: Any) -> torch.Tensor:
    made: torch.Tensor = kind(tensor.requires_grad, device=META, dtype=tensor.dtype)
    return made
