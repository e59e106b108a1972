"""Tensors with a free size as length, from functions of torch that take only plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch


def _spaced(
    start: Any, end: Any, steps: Any, base: float = 10.0, *, dtype: Any = None, **_: Any
) -> torch.Tensor:
    """torch.linspace and torch.logspace. No count depends on the values."""
    return torch.empty((steps,), dtype=dtype or torch.get_default_dtype(), device="meta")


FACTORIES: Mapping[Any, Callable[..., torch.Tensor]] = {
    torch.linspace: _spaced,
    torch.logspace: _spaced,
}
"""The stand-in for each function of torch if a size is symbolic."""
