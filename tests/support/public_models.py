"""The public implementations that tests compare with, or a skip where they are not installed.

They are loaded as for users, by `flopscope.tracing.loading.libraries.library`, which declares the
operators of torchvision if its compiled extension does not load, and says so on standard error.
"""

import importlib.util
import io
from collections.abc import Callable
from contextlib import AbstractContextManager, redirect_stderr
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from flopscope.tracing.loading.libraries import library


def torchvision() -> ModuleType:
    """torchvision with its models; skips the test where it is not installed."""
    return _public("torchvision")


def timm() -> ModuleType:
    """timm with its models; skips the test where it or torchvision is not installed."""
    return _public("timm")


def _public(name: str) -> ModuleType:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    with redirect_stderr(io.StringIO()):
        return library(name)


# --- building and comparing ----------------------------------------------------------------------


def from_torchvision(name: str, width: float, classes: int = 1000) -> nn.Module:
    """The public network of this name."""
    build = getattr(torchvision().models, name)
    return build(width_mult=width, num_classes=classes)


def from_timm(
    file: str, make: str, variant: str, width: float, classes: int = 1000, **options: object
) -> nn.Module:
    """The public network that the function `make` of timm.models.`file` builds."""
    timm()
    build = getattr(importlib.import_module(f"timm.models.{file}"), make)
    return build(variant, width, num_classes=classes, **options)


def meta(build: Callable[..., nn.Module], *args: object) -> nn.Module:
    """The network without numbers."""
    with torch.device("meta"):
        return build(*args)


def state_shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """Name and shape of every entry; timm's head convolution as the linear layer it is."""
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    return {k: v[:2] if k == "conv_head.weight" else v for k, v in shapes.items()}


def layers(model: nn.Module, kind: type[nn.Module]) -> list[Any]:
    """All layers of this kind."""
    return [layer for layer in model.modules() if isinstance(layer, kind)]


def operations(model: nn.Module) -> list[tuple[object, ...]]:
    """Convolutions, norms, activations and dropouts as they run, with their settings."""
    activations = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Sigmoid, nn.Hardswish, nn.Hardsigmoid)
    kinds = (nn.Conv2d, nn.BatchNorm2d, *activations, nn.Dropout)
    names = ("kernel_size", "stride", "padding", "groups", "eps", "momentum", "inplace", "p")
    seen: list[tuple[object, ...]] = []

    def note(layer: nn.Module, inputs: tuple[Tensor], _: Tensor) -> None:
        kind = next(kind.__name__ for kind in kinds if isinstance(layer, kind))
        values = [getattr(layer, name, None) for name in names]
        seen.append((kind, tuple(inputs[0].shape), *values))

    for kind in kinds:
        for layer in layers(model, kind):
            layer.register_forward_hook(note)
    model(torch.empty(2, 3, 97, 65, device="meta"))
    # timm's norm runs its own activation, and is therefore noted after it.
    return sorted(seen, key=str)


def count(model: nn.Module) -> tuple[int, int]:
    """Parameters, and multiply-adds of convolutions and linear layers at 224×224."""
    return sum(p.numel() for p in model.parameters()), flops(model, 224, 224) // 2


def flops(model: nn.Module, height: int, width: int) -> int:
    """What torch's counter says of one image, on the meta device and in inference."""
    with passed_on(), FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(torch.empty(1, 3, height, width, device="meta"))
    return counter.get_total_flops()


def passed_on() -> AbstractContextManager[object]:
    """While active, batch norms pass their input on: torch's counter counts nothing of them, and
    torch works out in Python, operator by operator, which shapes they have on the meta device."""
    return patch.object(F, "batch_norm", lambda x, *_, **__: x)


def deviation(weights: Tensor) -> float:
    """The standard deviation of drawn weights, but for values far beyond all others.

    timm's truncated normal is −2, a hundred deviations away, where its uniform number is exactly
    −1: once in 2²⁴ weights, which would widen a small layer by several percent.
    """
    sizes = weights.detach().float().flatten().abs()
    return float(weights.flatten()[sizes < 8 * sizes.median()].float().std())


@torch.no_grad()
def settle(model: nn.Module) -> None:
    """Norm statistics near those of the data; every scale and bias random."""
    norms = layers(model, nn.BatchNorm2d)
    for norm in norms:
        norm.momentum = 1.0
    model.train()(torch.randn(4, 3, 64, 64))
    for norm in norms:
        norm.running_mean += 0.2 * norm.running_var.sqrt() * torch.randn_like(norm.running_mean)
        norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.5, 2)
        norm.weight.uniform_(0.5, 1.5)
    for name, value in model.named_parameters():
        if name.endswith("bias"):
            value.normal_(0, 0.3)


def transplant(source: nn.Module, target: nn.Module) -> None:
    """Load the source's weights: strictly by name where the names agree, else strictly in order."""
    weights, slots = source.state_dict(), target.state_dict()
    if list(weights) != list(slots):
        values = zip(slots.items(), weights.values(), strict=True)
        weights = {name: value.reshape(slot.shape) for (name, slot), value in values}
    target.load_state_dict(weights, strict=True)


@torch.no_grad()
def stirred(model: nn.Module) -> nn.Module:
    """Every norm, scale and bias random, so that a wrong one shows; in evaluation mode."""
    torch.manual_seed(1)
    for norm in layers(model, nn.BatchNorm2d):
        norm.running_mean.normal_(0, 0.3)
        norm.running_var.uniform_(0.5, 2)
    for name, value in model.named_parameters():
        if "layer_scale" in name or name.endswith("gamma"):
            value.uniform_(0.5, 1)
        elif value.dim() == 1:
            value.normal_(1 if name.endswith("weight") else 0, 0.3)
        elif value.dim() > 1:
            value.normal_(0, 1.5 / max(1, value[0].numel()) ** 0.5)
    return model.eval()


def assert_near(ours: Tensor, theirs: Tensor) -> None:
    """Within rounding of values that do depend on the input."""
    spread = (theirs[0] - theirs[1]).abs().max()
    assert spread > 0.01
    torch.testing.assert_close(ours / spread, theirs / spread, rtol=0, atol=1e-4)
