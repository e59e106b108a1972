"""Tensors whose length is a free size, from functions of torch that take plain numbers alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch


def _spaced(
    start: Any, end: Any, steps: Any, base: float = 10.0, *, dtype: Any = None, **_: Any
) -> torch.Tensor:
    """torch.linspace and torch.logspace, on whose values no count depends."""
    return torch.empty((steps,), dtype=dtype or torch.get_default_dtype(), device="meta")


FACTORIES: Mapping[Any, Callable[..., torch.Tensor]] = {
    torch.linspace: _spaced,
    torch.logspace: _spaced,
}
"""By torch's function, what stands in for it where a size is symbolic."""
