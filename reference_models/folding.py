"""Parallel branches with norms that fold into one convolution: RepVGG, arXiv 2101.03697, section
3.3.

Both forms of a network compute the same. `fold` loads the deployed form with what the form for
training has learnt.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

FORMS = ("train", "deploy")

Kernel = int | tuple[int, int]


def checked_form(form: object) -> str:
    """The form's name. Raises ValueError unless it is one of the two."""
    if form in FORMS:
        return str(form)
    raise ValueError(f"form must be 'train' or 'deploy', but {form!r} was given")


class Folding(nn.Module):
    """A module that is one convolution or linear layer when deployed, which has the name
    `convolution` in it, or stands in its place where that is empty."""

    convolution = "reparam_conv"

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of that layer, from a module in its training form."""
        raise NotImplementedError


def fold(trained: nn.Module, deployed: nn.Module) -> None:
    """Load a network's deployed form with what its training form has learnt."""
    slots = deployed.state_dict()
    state = {name: value for name, value in trained.state_dict().items() if name in slots}
    for path, part in trained.named_modules():
        name = f"{path}.{part.convolution}".rstrip(".") if isinstance(part, Folding) else ""
        if f"{name}.weight" in slots and isinstance(part, Folding):
            state[f"{name}.weight"], state[f"{name}.bias"] = part.folded()
    deployed.load_state_dict(state, strict=True)


class ConvNorm(nn.Module):
    """Convolution without bias, batch norm."""

    def __init__(self, channels: int, out: int, kernel: Kernel, stride: int, groups: int) -> None:
        super().__init__()
        self.conv = convolution(channels, out, kernel, stride, groups, bias=False)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))

    def folded(self, kernel: Kernel) -> tuple[Tensor, Tensor]:
        """Weight and bias of one convolution, whose kernel holds this one in its middle."""
        return normed(_centred(self.conv.weight, kernel), self.bn)


def convolution(
    channels: int, out: int, kernel: Kernel, stride: int = 1, groups: int = 1, *, bias: bool
) -> nn.Conv2d:
    """A convolution with a centred window."""
    height, width = _pair(kernel)
    pads = height // 2, width // 2
    return nn.Conv2d(channels, out, (height, width), stride, pads, groups=groups, bias=bias)


def _pair(kernel: Kernel) -> tuple[int, int]:
    return kernel if isinstance(kernel, tuple) else (kernel, kernel)


def _centred(weight: Tensor, kernel: Kernel) -> Tensor:
    """A kernel in the middle of a larger one."""
    height, width = ((a - b) // 2 for a, b in zip(_pair(kernel), weight.shape[2:], strict=True))
    return nn.functional.pad(weight, (width, width, height, height))


def identity_kernel(channels: int, groups: int, kernel: Kernel) -> Tensor:
    """The kernel of a convolution that gives back its input."""
    own = torch.eye(channels // groups).repeat(groups, 1)
    return _centred(own[:, :, None, None], kernel)


def normed(weight: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """The convolution with this weight and the norm behind it, as one."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale
