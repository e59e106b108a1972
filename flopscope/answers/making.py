"""Targets of Python: a text, a module, or a class or function that makes modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeGuard

from flopscope.answers.target import Source, Target, parse_target
from flopscope.extras import require_witnesses

if TYPE_CHECKING:
    from torch import nn


def target_of(given: str | nn.Module | Callable[..., nn.Module] | Target) -> Target:
    """A target as it is, or of a text, a module, or a class or function that makes one. Raises as
    `parse_target`.

    >>> from torch import nn
    >>> [target_of(each).name for each in ("mobilenetv2", nn.ReLU(), nn.Linear)]
    ['mobilenetv2', 'ReLU', 'Linear']
    """
    if isinstance(given, Target):
        return given
    if isinstance(given, str) or _is_module(given):
        return parse_target(given)
    return of_maker(given)


def _is_module(given: Any) -> TypeGuard[nn.Module]:
    """Is it a module, or nothing that could make one?"""
    made = not isinstance(given, type) and hasattr(given, "named_modules")
    return made or not callable(given)


def of_maker(maker: Callable[..., nn.Module]) -> Target:
    """The networks that a class or function of Python makes. Needs torch.

    >>> from torch import nn
    >>> of_maker(nn.Linear).name
    'Linear'
    """
    require_witnesses()
    return Target(getattr(maker, "__name__", str(maker)), Source.OWN, maker=maker)
