"""A module whose vectors are drawn, so that none of them is special."""

from __future__ import annotations

import torch
from torch import nn


def drawn(module: nn.Module) -> nn.Module:
    """The module with all vectors of its norms, biases and scales drawn from a fixed seed.

    As they are initialised, many are alike, and an exporter leaves out what is zero or one and
    stores alike tensors once. Trained ones are all different.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            if not tensor.is_floating_point() or tensor.numel() < 2:
                continue
            if tensor.ndim == 1 or bool((tensor == tensor.flatten()[0]).all()):
                noise = torch.rand(tensor.shape, generator=generator) * 0.2
                tensor.add_(noise if name.endswith("var") else noise - 0.1)
    return module
