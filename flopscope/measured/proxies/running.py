"""What every proxy runs on: a copy of the network, and batches that are drawn from a seed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from flopscope.errors import BadInput
from flopscope.measured.numbers import numbers_kept
from flopscope.measured.untouched import untouched

WEIGHTED = (nn.Conv2d, nn.Linear)
"""The layers whose weights the proxies read, as in all published implementations."""


class Undefined(Exception):
    """A proxy is not defined for a network. The message is the end of a sentence about it."""


class Batches(NamedTuple):
    """Two batches of images, (B, 3, H, W) of the standard normal distribution, and of labels, (B),
    uniform over the classes."""

    images: Tensor
    labels: Tensor
    more_images: Tensor
    more_labels: Tensor


def drawn(shape: tuple[int, ...], classes: int, seed: int, device: torch.device) -> Batches:
    """The batches of a seed, the same on every device.

    >>> drawn((2, 3, 4, 4), 10, 0, torch.device("cpu")).images.shape
    torch.Size([2, 3, 4, 4])
    """
    source = torch.Generator().manual_seed(seed)
    images = [torch.randn(shape, generator=source) for _ in range(2)]
    labels = [torch.randint(classes, shape[:1], generator=source) for _ in range(2)]
    tensors = (images[0], labels[0], images[1], labels[1])
    return Batches(*(tensor.to(device) for tensor in tensors))


def private(module: nn.Module) -> nn.Module:
    """A copy of the network in training mode and float32, whose weights learn, which has no
    gradients yet, and whose activations do not write into their inputs. Raises BadInput for a
    network that cannot be copied."""
    try:
        net = copy.deepcopy(module)
    except Exception as error:  # any code of a network may run
        raise BadInput(
            f"{type(module).__name__} cannot be copied ({type(error).__name__}: {error}), and "
            "proxies run on a copy; give a network that copy.deepcopy copies"
        ) from error
    net.float().train()
    net.zero_grad(set_to_none=True)
    for parameter in net.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    for part in net.modules():
        if getattr(part, "inplace", None) is True:
            part.inplace = False  # type: ignore[assignment]  # a switch of torch's activations
    return net


def weighted(net: nn.Module) -> list[nn.Module]:
    """The convolutions and linear layers, in the order of the network."""
    return [part for part in net.modules() if isinstance(part, WEIGHTED)]


def weights(net: nn.Module) -> list[Tensor]:
    """Their weights."""
    return [part.weight for part in net.modules() if isinstance(part, WEIGHTED)]


def logits(net: nn.Module, images: Tensor) -> Tensor:
    """What the network says of images: its output, or the first of several. Raises Undefined unless
    it is (B, classes)."""
    output: Any = net(images)
    while isinstance(output, tuple | list) and output:
        output = output[0]
    if isinstance(output, dict) and output:
        output = next(iter(output.values()))
    if not isinstance(output, Tensor) or output.dim() != 2 or len(output) != len(images):
        kind = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise Undefined(f"proxies read one row of logits for each image, and it gives {kind}")
    return output


def loss(net: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy."""
    return F.cross_entropy(logits(net, images), labels)


def device_of(module: nn.Module) -> torch.device:
    """Where its tensors lie. Raises BadInput where they have no values."""
    tensors = [*module.parameters(), *module.buffers()]
    lazy = (UninitializedParameter, UninitializedBuffer)
    if any(tensor.is_meta or isinstance(tensor, lazy) for tensor in tensors):
        raise BadInput(
            f"{type(module).__name__} has weights without values, and proxies compute with them; "
            "give a network that is initialised"
        )
    return tensors[0].device if tensors else torch.device("cpu")


@contextmanager
def left_as_found(module: nn.Module) -> Iterator[None]:
    """While active, gradients are on, and attention is computed in steps that can be differentiated
    twice. Afterwards the network, its gradients and all sources of random numbers are as before,
    even where its code reaches from the copy back to the original."""
    kept = [(p, p.detach().clone(), p.grad, _cloned(p.grad)) for p in module.parameters()]
    cuda = sorted({p.device.index for p in module.parameters() if p.device.type == "cuda"})
    try:
        with (
            untouched(module),
            numbers_kept(cuda),
            torch.enable_grad(),
            sdpa_kernel(SDPBackend.MATH),
        ):
            yield
    finally:
        for parameter, value, grad, its_value in kept:
            _put_back(parameter, value)
            parameter.grad = grad
            if grad is not None and its_value is not None:
                _put_back(grad, its_value)


def _cloned(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.detach().clone()


def _put_back(tensor: Tensor, value: Tensor) -> None:
    if not torch.equal(tensor, value):
        with torch.no_grad():
            tensor.copy_(value)
