"""The numbers that a tensor of a trace carries, as long as nothing unknown is written into it.

Memory with numbers that are not known is open: it has a mark, which all tensors in this memory see.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from operator import mul
from typing import Any

import torch
from torch.utils import _pytree as pytree

META = torch.device("meta")
CPU = torch.device("cpu")

NAME = "_flopscope_known"
"""The attribute under which a tensor of a trace carries its numbers, as a small real tensor."""

MARK = "_flopscope_open"


def known(tensor: torch.Tensor) -> torch.Tensor | None:
    """The numbers in a tensor; None if they are not known."""
    if tensor.device != META:
        return tensor
    real: torch.Tensor | None = getattr(tensor, NAME, None)
    return None if real is None or is_open(real) else real


def knowing(shape_only: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """The tensor of a trace, which from now on carries these numbers."""
    setattr(shape_only, NAME, real)
    return shape_only


def as_shape(real: torch.Tensor) -> torch.Tensor:
    """A tensor of a trace for a real one, which belongs to the trace from now on."""
    return knowing(torch.empty_like(real, device=META, requires_grad=False), real)


def forget(tensor: torch.Tensor) -> None:
    """Note that something unknown was written into a tensor, so that its memory is open."""
    real = getattr(tensor, NAME, None)
    if isinstance(real, torch.Tensor):
        open_memory(real)


def is_open(real: torch.Tensor) -> bool:
    """Is something in the memory of these numbers unknown?"""
    return hasattr(real.untyped_storage(), MARK)


def open_memory(real: torch.Tensor) -> None:
    """Mark the memory of these numbers, because something in it is unknown."""
    setattr(real.untyped_storage(), MARK, True)


def close_memory(real: torch.Tensor) -> None:
    """Remove the mark, because all of the memory has been overwritten."""
    if is_open(real):
        delattr(real.untyped_storage(), MARK)


def mapped(function: Callable[[Any], Any], values: Any) -> Any:
    """The same tuples, lists and dictionaries, with the function applied to what is in them."""
    kind = type(values)
    if kind is tuple:
        return tuple([mapped(function, value) for value in values])
    if kind is list:
        return [mapped(function, value) for value in values]
    if kind is dict:
        return {key: mapped(function, value) for key, value in values.items()}
    nested = kind in pytree.SUPPORTED_NODES or isinstance(values, tuple)
    return pytree.tree_map(function, values) if nested else function(values)


def flat(values: Any) -> list[Any]:
    """The values in the tuples, lists and dictionaries that operators take and return, in order."""
    found, waiting = [], [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, tuple | list):
            waiting.extend(reversed(value))
        elif isinstance(value, dict):
            waiting.extend(reversed(value.values()))
        else:
            found.append(value)
    return found


def is_in_order(tensor: torch.Tensor) -> bool:
    """Do the elements follow each other in memory, the last dimension first?"""
    shape = tensor.shape
    steps = tuple(accumulate(shape[:0:-1], mul, initial=1))[::-1] if shape else ()
    return tensor.stride() == steps


def has_free_size(values: Any) -> bool:
    """Is a free size among them, or among the sizes of their tensors?"""
    for value in flat(values):
        if isinstance(value, torch.SymInt | torch.SymFloat | torch.SymBool):
            return True
        if isinstance(value, torch.Tensor) and any(
            isinstance(n, torch.SymInt) for n in value.shape
        ):
            return True
    return False
