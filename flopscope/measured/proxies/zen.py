"""The Zen-score: how far Gaussian weights carry a small change of the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from flopscope.measured.proxies.running import WEIGHTED, Batches, Undefined

aten = torch.ops.aten

STEP = 0.01
"""The share γ of the second image."""


def zen(net: nn.Module, batches: Batches) -> float:
    """ln mean over images of ‖f(x) − f(x + γε)‖₁ + Σ over batch norms of ln √(mean variance), where
    f is the network up to its last global average pooling, every weight is drawn from N(0, 1), x
    and ε are normal images, and γ = 0.01.

    The variance is the running one after both images, as published. This is one draw of the
    weights; the published programme averages over 32, between which its running variances drift.
    Source: arXiv 2102.01063, equation 3 and algorithm 1; idstcv/ZenNAS
    ZeroShotProxy/compute_zen_score.py.
    """
    _draw_weights(net)
    with torch.no_grad():
        first = before_pooling(net, batches.images)
        second = before_pooling(net, batches.images + STEP * batches.more_images)
        score = float((first - second).abs().sum(dim=[1, 2, 3]).mean().log())
        for part in net.modules():
            if isinstance(part, nn.BatchNorm2d):
                if part.running_var is None:
                    raise Undefined("its batch norm keeps no running variance")
                score += float(part.running_var.mean().sqrt().log())
    return score


def _draw_weights(net: nn.Module) -> None:
    for part in net.modules():
        if isinstance(part, WEIGHTED):
            nn.init.normal_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d | nn.GroupNorm) and part.affine:
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)
        if isinstance(part, nn.BatchNorm2d):
            part.reset_running_stats()


def before_pooling(net: nn.Module, images: Tensor) -> Tensor:
    """(B, C, h, w): the input of the last average over all positions. Raises Undefined where there
    is none."""
    with _Pooled() as pooled:
        net(images)
    last: Tensor | None = pooled.last
    if last is None:
        raise Undefined("it has no global average pooling at its end")
    return last


class _Pooled(TorchDispatchMode):
    """Keeps the input of the last operator that averages a map over all of its positions."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.last: Tensor | None = None

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        packet = getattr(func, "overloadpacket", func)
        if packet in AVERAGES and isinstance(output, Tensor):
            given = args[0]
            pools = packet is not aten.mean or _over_positions(given, args[1:2])
            if pools and given.dim() == 4 and output.numel() == given.shape[0] * given.shape[1]:
                self.last = given
        return output


AVERAGES = frozenset({aten.mean, aten.avg_pool2d, aten._adaptive_avg_pool2d})


def _over_positions(given: Tensor, axes: Sequence[Any]) -> bool:
    return bool(axes) and sorted(axis % given.dim() for axis in axes[0] or ()) == [2, 3]
