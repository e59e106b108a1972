"""A real module with fewer channels: its weights are cut, and its layers told of their sizes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from flopscope.errors import check_name

NORMS = {"l1": 1, "l2": 2}
"""The norms by which channels are ranked."""

Cut = tuple[int, int, int]
"""An axis of a weight, the group whose channels it has, and how often each stands in a row."""


def slimmed(
    module: nn.Module,
    cuts: Mapping[str, Sequence[Cut]],
    makers: Mapping[int, Sequence[str]],
    widths: Mapping[int, int],
    kept: Mapping[int, int],
    by: str = "l2",
) -> nn.Module:
    """A copy of the module in which each group keeps so many of its channels: those whose filters
    have the largest norms, summed over the layers that make the group, in their old order.

    `cuts` names each weight and buffer that has channels of a group, `makers` the weights whose
    first axis makes them, `widths` how many there are. Raises UnknownName for another norm.
    """
    check_name("norm", by, NORMS)
    found = copy.deepcopy(module)
    tensors = {**dict(found.named_parameters()), **dict(found.named_buffers())}
    chosen = {
        group: chosen_channels([tensors[key] for key in makers[group]], widths[group], number, by)
        for group, number in kept.items()
    }
    for key, axes in cuts.items():
        tensor = tensors[key].detach()
        for axis, group, each in axes:
            at = axis if axis < tensor.dim() else 0  # a row may see a vector as 1×C×1×1
            tensor = tensor.index_select(at, _places(chosen[group], each))
        _put(found, key, tensor)
    for layer in found.modules():
        _tell(layer)
    return found


def chosen_channels(
    weights: Sequence[torch.Tensor], width: int, kept: int, by: str
) -> torch.Tensor:
    """The channels with the largest norms, ascending; of equal ones the first."""
    norms = torch.zeros(width, dtype=torch.float64)
    for weight in weights:
        rows = weight.detach().double().reshape(width, -1)
        norms += torch.linalg.vector_norm(rows, ord=NORMS[by], dim=1)
    order = torch.argsort(norms, descending=True, stable=True)
    return order[:kept].sort().values


def _places(channels: torch.Tensor, each: int) -> torch.Tensor:
    """The places of channels along an axis that has each of them so often in a row."""
    return (channels[:, None] * each + torch.arange(each)).reshape(-1)


def _put(module: nn.Module, key: str, tensor: torch.Tensor) -> None:
    path, _, name = key.rpartition(".")
    owner = module.get_submodule(path)
    old = getattr(owner, name)
    if isinstance(old, nn.Parameter):
        setattr(owner, name, nn.Parameter(tensor.clone(), requires_grad=old.requires_grad))
    else:
        setattr(owner, name, tensor.clone())


def _tell(layer: nn.Module) -> None:
    """Write the sizes of its weight into a layer of torch."""
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, torch.Tensor):
        return
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        if 1 < layer.groups == layer.in_channels:  # each channel makes as many as before
            each = layer.out_channels // layer.in_channels
            layer.groups = layer.in_channels = weight.shape[0] // each
        else:
            layer.in_channels = weight.shape[1] * layer.groups
        layer.out_channels = weight.shape[0]
    elif isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = weight.shape
    elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
        layer.num_features = weight.shape[0]
    elif isinstance(layer, nn.PReLU):
        layer.num_parameters = weight.shape[0]
