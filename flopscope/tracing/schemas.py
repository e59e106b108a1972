"""What the schema of an operator says. It is read once, because torch makes the answer anew each
time."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch


@cache
def is_mutable(function: Any) -> bool:
    """Does it write into an argument?"""
    return bool(function._schema.is_mutable)


@cache
def written_arguments(function: Any) -> tuple[tuple[int, str], ...]:
    """The place and name of each argument into which it writes."""
    return tuple(
        (place, argument.name)
        for place, argument in enumerate(function._schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )


@cache
def outputs(function: Any) -> tuple[str, ...]:
    """The names of arguments, such as `out=`, to which it writes its results."""
    return tuple(argument.name for argument in function._schema.arguments if argument.is_out)


@cache
def is_view(function: Any) -> bool:
    """Does it return a view of its argument's memory?"""
    returned = [r.alias_info for r in function._schema.returns]
    return any(alias is not None and not alias.is_write for alias in returned)


@cache
def is_random(function: Any) -> bool:
    """Does it draw random numbers?"""
    return torch.Tag.nondeterministic_seeded in function.tags


@cache
def is_pointwise(function: Any) -> bool:
    """Does it compute each element only from the elements at the same place?"""
    return torch.Tag.pointwise in function.tags
