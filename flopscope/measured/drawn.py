"""A module whose vectors are drawn, so that none of them is special, and whose layers are settled,
so that its results depend on its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd


def drawn(
    module: nn.Module, inputs: Sequence[NDArray[Any]], named: Mapping[str, NDArray[Any]]
) -> nn.Module:
    """The module with all vectors of its norms, biases and scales drawn from a fixed seed, and its
    layers settled on these inputs.

    As they are initialised, vectors are often alike, and an exporter leaves out what is zero or one
    and stores alike tensors once. Trained ones are all different. Untrained weights make the signal
    smaller layer by layer, until the last layers see biases alone. So each layer is scaled to
    results of variance 1, one after the other (arXiv 1511.06422), and each batch norm has the
    statistics of what it sees.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            if not tensor.is_floating_point() or tensor.numel() < 2:
                continue
            if tensor.ndim == 1 or bool((tensor == tensor.flatten()[0]).all()):
                noise = torch.rand(tensor.shape, generator=generator) * 0.2
                tensor.add_(noise if name.endswith("var") else noise - 0.1)
        _settle(module, inputs, named)
    return module


def _settle(
    module: nn.Module, inputs: Sequence[NDArray[Any]], named: Mapping[str, NDArray[Any]]
) -> None:
    """Scale layers and set the statistics of norms, in the order in which one pass reaches them."""
    hooks = []
    for layer in module.modules():
        if isinstance(layer, _BatchNorm):
            hooks.append(layer.register_forward_pre_hook(_see))
        elif isinstance(layer, _ConvNd | nn.Linear):
            hooks.append(layer.register_forward_hook(_scale))
    try:
        try:
            _run(module, inputs, named, _several)
        except Exception:  # a network may take no other batch
            _run(module, inputs, named, torch.from_numpy)
    finally:
        for hook in hooks:
            hook.remove()


def _run(
    module: nn.Module,
    inputs: Sequence[NDArray[Any]],
    named: Mapping[str, NDArray[Any]],
    made: Callable[[NDArray[Any]], Tensor],
) -> None:
    module(*map(made, inputs), **{name: made(value) for name, value in named.items()})


def _several(value: NDArray[Any]) -> Tensor:
    """An input and three more: its numbers in another order, on another level in each channel. Deep
    layers see the averages of an image, which are alike in all images of noise. Whole numbers stay.
    """
    given, generator = torch.from_numpy(value), torch.Generator().manual_seed(1)
    if not given.is_floating_point():
        return torch.cat([given] * 4)
    found = [given]
    for _ in range(3):
        order = torch.randperm(given.numel(), generator=generator)
        levels = torch.randn(given.shape[:2], generator=generator)
        level = levels.reshape(*levels.shape, *(1,) * (given.ndim - levels.ndim))
        found.append(given.flatten()[order].view_as(given) + level.to(given.dtype))
    return torch.cat(found)


def _scale(layer: _ConvNd | nn.Linear, _: tuple[Tensor, ...], result: Tensor) -> Tensor:
    spread = result.std()
    if not spread > 0:  # nothing is known of a single value, or of none
        return result
    # What is left where all else cancels is not made large: it is mostly errors of rounding.
    spread = spread.clamp_min(0.5)
    layer.weight.div_(spread)
    if layer.bias is not None:
        layer.bias.div_(spread)
    return result / spread


def _see(norm: _BatchNorm, seen: tuple[Tensor, ...]) -> None:
    (x,) = seen
    values = x.transpose(0, 1).flatten(1)  # the values of each channel
    if values.shape[1] < 2 or norm.running_mean is None or norm.running_var is None:
        return  # one value has no spread: the drawn statistics stay
    variance, mean = torch.var_mean(values, dim=1)
    norm.running_mean.copy_(mean)
    # A channel that is nearly constant here would make much of errors of rounding.
    least = (values * values).mean()
    norm.running_var.copy_(torch.maximum(variance, least))
