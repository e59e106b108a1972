"""What torch's operators return at plain sizes is remembered, because many of its kernels for
shapes are written in Python, and networks repeat the same calls on the same sizes.

What an operator returns, if it makes its results, depends only on shapes, strides, types and
numbers. So the answer is computed on tensors that are made for it, and kept under these properties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

import torch
from torch import nn

from flopscope.tracing.schemas import is_mutable, is_view, written_arguments
from flopscope.tracing.shapes.plain import plain_result
from flopscope.tracing.values.known import META, flat, mapped

MOST_REMEMBERED = 2**12
"""The most answers that are kept."""

PLAIN = (int, float, complex, str, type(None), torch.dtype, torch.layout, torch.memory_format)
"""The types of arguments other than tensors under which answers are kept."""


@dataclass(frozen=True)
class Strided:
    """All that an operator can see of a tensor without numbers."""

    shape: tuple[int, ...]
    steps: tuple[int, ...]
    dtype: torch.dtype

    def made(self) -> torch.Tensor:
        """A tensor like it."""
        return torch.empty_strided(self.shape, self.steps, dtype=self.dtype, device=META)


class TypedNumber(NamedTuple):
    """A number with its type, since 1, 1.0 and True are not the same argument."""

    kind: type
    value: Any


class _Other(Exception):
    """Raised for a value under which no answer can be kept."""


FIRST = object()
"""The answer of an operator that writes to its first argument and returns it."""


def answer(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What the operator returns at plain sizes. Raises what torch raises."""
    if not _makes_its_results(function):
        return function(*args, **kwargs)
    try:
        question = (_key(tuple(args)), _key(tuple(kwargs.items())))
        found = _worked_out(function, *question, torch.get_default_dtype())
    except _Other:
        return function(*args, **kwargs)
    return args[0] if found is FIRST else mapped(_value, found)


@cache
def _makes_its_results(function: Any) -> bool:
    """Are its results new tensors, or the first argument with unchanged shape?"""
    if function.namespace != "aten" or torch.Tag.inplace_view in function.tags:
        return False
    if is_mutable(function):
        return [place for place, _ in written_arguments(function)] == [0]
    return not is_view(function)


@lru_cache(maxsize=MOST_REMEMBERED)
def _worked_out(function: Any, args: Any, kwargs: Any, default: torch.dtype) -> Any:
    """What the operator returns for these arguments, with Strided in place of tensors. `default` is
    torch's default type."""
    own, named = _value(args), dict(_value(kwargs))
    result = plain_result(function, own, named)
    if result is None:
        result = function(*own, **named)
    elif is_mutable(function):
        return FIRST
    if own and result is own[0]:
        return FIRST
    if any(made is given for made in flat(result) for given in flat(own)):
        raise _Other
    return mapped(_key_of_result, result)


def _key(value: Any) -> Any:
    """A value of a call as a key. Raises _Other for a value that cannot be one."""
    if isinstance(value, torch.Tensor):
        return _tensor_key(value)
    if isinstance(value, tuple | list):
        return tuple([_key(part) for part in value])
    if type(value) in (int, bool, float):
        return TypedNumber(type(value), value)
    if isinstance(value, torch.device) and value == META:
        return value
    if not isinstance(value, PLAIN):
        raise _Other
    return value


def _tensor_key(tensor: torch.Tensor) -> Strided:
    plain = type(tensor) in (torch.Tensor, nn.Parameter) and tensor.device == META
    if not plain or tensor.layout is not torch.strided or tensor.is_quantized:
        raise _Other
    if tensor.dtype.is_complex and (tensor.is_conj() or tensor.is_neg()):
        raise _Other
    return Strided(tuple(tensor.shape), tensor.stride(), tensor.dtype)


def _key_of_result(value: Any) -> Any:
    """A new tensor as a key. Other results stay as they are."""
    if isinstance(value, torch.Tensor):
        if value.storage_offset():
            raise _Other
        return _tensor_key(value)
    return value


def _value(key: Any) -> Any:
    """The value for which a key stands. Collections become lists, which operators accept as
    tuples."""
    if isinstance(key, Strided):
        return key.made()
    if isinstance(key, TypedNumber):
        return key.value
    return [_value(part) for part in key] if isinstance(key, tuple) else key
