"""The three proxies that AZ-NAS adds to the work of a network: expressivity, progressivity and
trainability.

Lee and Ham, arXiv 2403.19232, section 3; cvlab-yonsei/AZ-NAS ZeroShotProxy/compute_az_nas_score.py.
Weights are drawn as He et al. draw them (fan-in), and the maps are those after each block.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flopscope.measured.proxies.blocks import maps_after_blocks
from flopscope.measured.proxies.running import WEIGHTED, Batches, Undefined

STEADY = 1e-8
SAME = 1e-6


def expressivity(net: nn.Module, batches: Batches) -> float:
    """Σ over blocks of the entropy −Σ p ln(p + 1e-8), where p are the eigenvalues of the covariance
    of a map's channels over images and positions, divided by their sum.

    Source: arXiv 2403.19232, section 3.
    """
    return sum(_entropies(net, batches))


def progressivity(net: nn.Module, batches: Batches) -> float:
    """The least rise of that entropy from one block to the next.

    Source: arXiv 2403.19232, section 3.
    """
    found = _entropies(net, batches)
    return min(after - before for before, after in pairwise(found))


def trainability(net: nn.Module, batches: Batches) -> float:
    """The mean over blocks of 2 − σ − 1/(σ + 1e-6), where σ is the largest singular value of the
    matrix between random signs behind a block and the gradient that they give before it; −∞ where
    a block changes nothing.

    Source: arXiv 2403.19232, section 3.
    """
    _draw_weights(net)
    maps = maps_after_blocks(net, batches.images)
    found = [_of_block(before, after) for before, after in reversed([*pairwise(maps)])]
    return sum(found) / len(found)


def _entropies(net: nn.Module, batches: Batches) -> list[float]:
    _draw_weights(net)
    return [_entropy(each.detach()) for each in maps_after_blocks(net, batches.images)]


def _entropy(seen: Tensor) -> float:
    rows = _rows(seen).double()
    rows = rows - rows.mean(dim=0, keepdim=True)
    values = torch.linalg.eigvalsh(rows.T @ rows / len(rows)).clamp(min=0)
    if not values.sum() > 0:
        raise Undefined("a map is constant")
    share = values / values.sum()
    return float(-(share * torch.log(share + STEADY)).sum())


def _of_block(before: Tensor, after: Tensor) -> float:
    behind = (torch.bernoulli(torch.full_like(after, 0.5)) - 0.5) * 2
    (given,) = torch.autograd.grad(after, before, behind, retain_graph=True, allow_unused=True)
    if given is None:
        raise Undefined("its blocks do not follow each other")
    if given.shape == behind.shape and torch.equal(given, behind):
        return float("-inf")
    rows, behind = _rows(_folded(given, behind)), _rows(behind)
    sigma = float(torch.linalg.svdvals(rows.T @ behind / len(behind)).max())
    return 2 - sigma - 1 / (sigma + SAME)


def _folded(given: Tensor, like: Tensor) -> Tensor:
    """The gradient with the positions that a stride skips among its channels."""
    (height, width), (rows, columns) = given.shape[2:], like.shape[2:]
    if (height, width) == (rows, columns):
        return given
    stride = height // rows
    if (height, width) != (stride * rows, stride * columns):
        raise Undefined(
            f"a block takes maps of {height}×{width} to {rows}×{columns}, which does not divide; "
            "another --res may"
        )
    return F.pixel_unshuffle(given, stride)


def _rows(seen: Tensor) -> Tensor:
    """(B, C, h, w) → (B·h·w, C)."""
    return seen.permute(0, 2, 3, 1).reshape(-1, seen.shape[1])


def _draw_weights(net: nn.Module) -> None:
    for part in net.modules():
        if isinstance(part, WEIGHTED):
            nn.init.kaiming_normal_(part.weight, mode="fan_in", nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d | nn.GroupNorm) and part.affine:
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)
