"""Proxies that compare the images of a batch: jacob_cov, naswot and zico."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from flopscope.measured.proxies.running import Batches, Undefined, logits, loss, weights

STEADY = 1e-5
"""What keeps the logarithm of jacob_cov finite."""


def jacob_cov(net: nn.Module, batches: Batches) -> float:
    """−Σ over i of (ln(λᵢ + k) + 1/(λᵢ + k)), where λ are the eigenvalues of the correlations
    between images of the gradient of the summed logits with respect to the image, and k = 1e-5.

    Source: arXiv 2006.04647v1, equation 3; SamsungLabs/zero-cost-nas measures/jacob_cov.py.
    """
    images = batches.images.clone().requires_grad_(True)
    output = logits(net, images)
    (jacobian,) = torch.autograd.grad(output, images, torch.ones_like(output))
    with np.errstate(all="ignore"):
        related = np.corrcoef(jacobian.flatten(1).cpu().numpy())
    if not np.isfinite(related).all():
        raise Undefined("its logits do not depend on every image")
    values = np.linalg.eigvalsh(related) + STEADY
    return float(-np.sum(np.log(values) + 1 / values))


def naswot(net: nn.Module, batches: Batches) -> float:
    """ln|det K|, where K_ij is the number of ReLUs that are on for both images i and j or off for
    both: N − d_H(c_i, c_j) with the Hamming distance of their binary codes.

    Modules whose type has ReLU in its name are read, as published. Source: arXiv 2006.04647v3,
    equation 2; BayesWatch/nas-without-training score_networks.py.
    """
    found = torch.zeros(len(batches.images), len(batches.images), dtype=torch.float64)

    def count(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        code = (given[0].detach().flatten(1) > 0).double()
        agreeing = code @ code.T + (1 - code) @ (1 - code).T
        found.add_(agreeing.cpu())

    rectifiers = [part for part in net.modules() if "ReLU" in type(part).__name__]
    for part in rectifiers:
        part.register_forward_pre_hook(count)
    with torch.no_grad():
        net(batches.images)
    if not found.any():
        raise Undefined("it has no ReLU that is a module")
    value = float(np.linalg.slogdet(found.numpy())[1])
    if not np.isfinite(value):
        raise Undefined("two images have the same code")
    return value


def zico(net: nn.Module, batches: Batches) -> float:
    """Σ over layers of ln Σ over weights of mean|g| / std(g), where g = ∂L/∂W and mean and
    deviation are over two batches; weights whose deviation is 0 are left out.

    Source: arXiv 2301.11300, equation 14; SLDGroup/ZiCo ZeroShotProxy/compute_zico.py.
    """
    pairs = ((batches.images, batches.labels), (batches.more_images, batches.more_labels))
    seen: list[list[Tensor | None]] = []
    for images, labels in pairs:
        net.zero_grad(set_to_none=True)
        loss(net, images, labels).backward()
        seen.append([weight.grad for weight in weights(net)])
    total = 0.0
    for layer in zip(*seen, strict=True):
        grads = [grad.flatten().cpu().numpy() for grad in layer if grad is not None]
        if len(grads) == len(layer):
            total += _signal(np.stack(grads))
    return total


def _signal(grads: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    deviation = grads.std(axis=0)
    known = deviation != 0
    ratio = (np.abs(grads).mean(axis=0)[known] / deviation[known]).sum()
    return float(np.log(ratio)) if ratio else 0.0
