"""What a module is run on: shapes, tensors, and nested collections of them.

A shape is a tuple of sizes, ints or polynomials, and stands for a floating-point tensor. `Input`
says another type: token numbers are `Input(("B", "T"), torch.int64)`. A name stands for a free
size. Other values (None, numbers, booleans, text) are passed on as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from flopscope.arguments import InputSpec
from flopscope.sizes import Size, is_symbolic
from flopscope.symbolic import Polynomial, Symbol, symbol
from flopscope.tracing.node import free_size
from flopscope.tracing.trail import Trail
from flopscope.tracing.values import SPARSE, pattern_of


@dataclass(frozen=True)
class Input:
    """A tensor by its shape and type."""

    shape: tuple[Size | str, ...]
    dtype: torch.dtype = torch.float32


def free_symbols(values: Any) -> frozenset[Symbol]:
    """Every free size in a nested collection of inputs."""
    if isinstance(values, Mapping):
        values = tuple(values.values())
    if isinstance(values, Input):
        values = values.shape
    if isinstance(values, tuple | list):
        return frozenset().union(*map(free_symbols, values))
    if isinstance(values, str):
        values = symbol(values)
    return values.symbols() if isinstance(values, Polynomial) else frozenset()


def tensors_of(trail: Trail, value: Any) -> Any:
    """The same collection with meta tensors for shapes and tensors."""
    if isinstance(value, torch.Tensor):
        sparse = value.layout in SPARSE
        return pattern_of(value) if sparse else torch.empty_like(value, device="meta")
    if isinstance(value, Input):
        return _tensor(trail, value.shape, value.dtype)
    if isinstance(value, Mapping):
        return {key: tensors_of(trail, item) for key, item in value.items()}
    if isinstance(value, tuple) and value and all(map(_is_size, value)):
        return _tensor(trail, value, torch.float32)
    if isinstance(value, tuple | list):
        return type(value)(tensors_of(trail, item) for item in value)
    return value


def _is_size(value: Any) -> bool:
    return isinstance(value, int | str | Polynomial) and not isinstance(value, bool)


def _tensor(trail: Trail, shape: tuple[Any, ...], dtype: torch.dtype) -> torch.Tensor:
    named = [symbol(n) if isinstance(n, str) else n for n in shape]
    sizes: list[Any] = [free_size(trail, n) if is_symbolic(n) else n for n in named]
    return torch.empty(sizes, dtype=dtype, device="meta")


def tensors_for(given: Sequence[InputSpec]) -> tuple[list[Input], dict[str, Any]]:
    """Positional inputs and those under keywords, as `trace` takes them."""
    made = [(i.keyword, Input(i.shape, getattr(torch, i.dtype))) for i in given]
    return [x for keyword, x in made if keyword is None], {k: x for k, x in made if k is not None}
