"""Tensors without values are not filled with random numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

DRAWS = frozenset({torch.Tensor.normal_, torch.Tensor.uniform_})
"""What the usual initial weights are drawn by, in place."""


class Undrawn(TorchFunctionMode):
    """While active, drawing weights on the meta device does nothing. It would change nothing there,
    and torch works out its shapes in Python, which takes half the time of building a network.

    >>> weight = torch.empty(2, 3, device="meta")
    >>> with Undrawn():
    ...     print(torch.nn.init.kaiming_normal_(weight) is weight, torch.ones(2).normal_().shape)
    True torch.Size([2])
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function in DRAWS and args[0].is_meta:
            return args[0]
        return function(*args, **(kwargs or {}))
