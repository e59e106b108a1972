"""Optimizers with the schedule of their learning rate."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import nn

from flopscope.training.rates import share

MATRIX = 2
"""The dimensions from which a tensor has weight decay."""


def descent(
    parameters: Iterable[nn.Parameter],
    optimizer: str,
    rate: float,
    steps: int,
    *,
    warmup: int = 0,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
) -> tuple[torch.optim.Optimizer, Any]:
    """The optimizer of a name in `recipe.OPTIMIZERS` over these parameters, and its schedule over
    so many steps."""
    learnt = [p for p in parameters if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in learnt if p.ndim >= MATRIX], "weight_decay": weight_decay},
        {"params": [p for p in learnt if p.ndim < MATRIX], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    found: torch.optim.Optimizer
    if optimizer == "sgd":
        found = torch.optim.SGD(groups, rate, momentum)
    else:
        found = torch.optim.AdamW(groups, rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        found, partial(share, steps=max(1, steps), warmup=warmup)
    )
    return found, schedule
