"""Proxies that sum what each weight does to the loss: grad_norm, snip, grasp, synflow and fisher.

They are defined by Abdelfattah et al., arXiv 2101.08134, section 3.2, with the sums of their
implementation, SamsungLabs/zero-cost-nas foresight/pruners/measures. W are the weights of all
convolutions and linear layers, L the cross-entropy of a batch.
"""

from __future__ import annotations

import types
from typing import Any

import torch
from torch import Tensor, nn

from flopscope.measured.proxies.running import Batches, loss, weighted, weights


def grad_norm(net: nn.Module, batches: Batches) -> float:
    """Σ over layers of ‖∂L/∂W‖₂.

    Source: arXiv 2101.08134, section 3.2; measures/grad_norm.py.
    """
    return sum(float(grad.norm()) for _, grad in _learnt(net, batches))


def snip(net: nn.Module, batches: Batches) -> float:
    """Σ over weights of |∂L/∂W ⊙ W|.

    Source: arXiv 1810.02340, equation 6, without its normalisation; arXiv 2101.08134, equation 1;
    measures/snip.py.
    """
    return sum(_total((weight * grad).abs()) for weight, grad in _learnt(net, batches))


def grasp(net: nn.Module, batches: Batches) -> float:
    """Σ over weights of −(H·g) ⊙ W, with g = ∂L/∂W and H the Hessian of L: how much the norm of the
    gradient falls where a weight is taken away.

    Source: arXiv 2002.07376, equation 8; arXiv 2101.08134, equation 1; measures/grasp.py.
    """
    learnt = weights(net)

    def gradients(*, again: bool) -> tuple[Tensor | None, ...]:
        value = loss(net, batches.images, batches.labels)
        found: tuple[Tensor | None, ...] = torch.autograd.grad(
            value, learnt, create_graph=again, allow_unused=True
        )
        return found

    fixed, moving = gradients(again=False), gradients(again=True)
    pairs = [(a, b) for a, b in zip(fixed, moving, strict=True) if a is not None and b is not None]
    product = torch.stack([(a.detach() * b).sum() for a, b in pairs]).sum()
    turned: tuple[Tensor | None, ...] = torch.autograd.grad(product, learnt, allow_unused=True)
    return sum(_total(-w * h) for w, h in zip(learnt, turned, strict=True) if h is not None)


def synflow(net: nn.Module, batches: Batches) -> float:
    """Σ over weights of |∂R/∂W ⊙ W|, where R is the sum of the outputs for one image of ones, in
    float64, of the network with absolute values in place of all it stores and without batch norm.

    Source: arXiv 2006.05467, equations 2 and 3; arXiv 2101.08134, equation 2; measures/synflow.py.
    """
    for part in net.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.forward = types.MethodType(_unchanged, part)  # type: ignore[method-assign]
    net.double()
    with torch.no_grad():
        for stored in net.state_dict().values():
            if stored.is_floating_point():
                stored.abs_()
    ones = torch.ones_like(batches.images[:1], dtype=torch.float64)
    total = net(ones)
    (total[0] if isinstance(total, tuple | list) else total).sum().backward()
    return sum(_total((w * w.grad).abs()) for w in weights(net) if w.grad is not None)


def fisher(net: nn.Module, batches: Batches) -> float:
    """Σ over layers and their output channels c of n_c · ½ · mean over images of (Σ over positions
    of z ⊙ ∂L/∂z)², where z is the layer's output and n_c the number of weights of one channel.

    The published implementation counts a channel's value once for each of its weights, n_c, which
    the paper's equation has not. Source: arXiv 2101.08134, equation 3, after arXiv 1801.05787;
    measures/fisher.py.
    """
    found: list[Tensor] = []
    for layer in weighted(net):
        layer.register_forward_hook(lambda part, _, output: _noted(part, output, found))
    loss(net, batches.images, batches.labels).backward()
    return sum(map(float, found))


def _noted(layer: Any, output: Tensor, found: list[Tensor]) -> None:
    """Appends the layer's sum when its gradient arrives."""
    value, each = output.detach(), layer.weight[0].numel()

    def arrived(grad: Tensor) -> None:
        product = value * grad.detach()
        summed = product.flatten(2).sum(2) if product.dim() > 2 else product
        found.append(each * summed.double().pow(2).mean(0).mul(0.5).sum())

    if output.requires_grad:
        output.register_hook(arrived)


def _learnt(net: nn.Module, batches: Batches) -> list[tuple[Tensor, Tensor]]:
    """Every weight that the loss depends on, with its gradient."""
    loss(net, batches.images, batches.labels).backward()
    return [(w.detach(), w.grad) for w in weights(net) if w.grad is not None]


def _total(values: Tensor) -> float:
    return float(values.detach().double().sum())


def _unchanged(_: nn.Module, x: Tensor) -> Tensor:
    return x
