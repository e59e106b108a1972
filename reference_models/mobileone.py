"""Blocks of parallel branches that fold into one convolution: MobileOne, arXiv 2206.04040, section
3.2; FastViT, arXiv 2303.14189, section 3; RepLKNet, arXiv 2203.06717, section 3.2.

Agrees with apple/ml-mobileclip mobileclip/modules/common/mobileone.py, modules/image/replknet.py
and models/mci.py: state dict and outputs, in training form and deployed. Deviations that change no
output: global means are layers, and branches that are not there are not added as zeros.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

FORMS = ("train", "deploy")
LAYER_SCALE = 1e-5  # initial value

Kernel = int | tuple[int, int]


def checked_form(form: object) -> str:
    """The form's name. Raises ValueError unless it is one of the two."""
    if form in FORMS:
        return str(form)
    raise ValueError(f"form must be 'train' or 'deploy', but {form!r} was given")


class Folding(nn.Module):
    """A module that is one convolution when deployed, under the name `convolution`."""

    convolution = "reparam_conv"

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of that convolution, from a module in its training form."""
        raise NotImplementedError


def fold(trained: nn.Module, deployed: nn.Module) -> None:
    """Load a network's deployed form with what its training form has learnt."""
    slots = deployed.state_dict()
    state = {name: value for name, value in trained.state_dict().items() if name in slots}
    for path, part in trained.named_modules():
        name = f"{path}.{part.convolution}" if isinstance(part, Folding) else ""
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
        return _normed(_centred(self.conv.weight, kernel), self.bn)


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


def _normed(weight: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """The convolution with this weight and the norm behind it, as one."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale


class MobileOneBlock(Folding):
    """The sum of a norm, a 1×1 and a K×K convolution with norms; a gate; GELU.

    The norm alone is there where the shape is kept and the 1×1 where K > 1, unless they are left
    out.
    """

    def __init__(
        self,
        channels: int,
        out: int,
        kernel: Kernel,
        *,
        form: str,
        stride: int = 1,
        groups: int = 1,
        branch: bool = True,
        pointwise: bool = True,
        squeezed: int = 0,
        act: bool = True,
    ) -> None:
        super().__init__()
        self.kernel, self.groups = kernel, groups
        self.se = Gate(out, squeezed, ("reduce", "expand")) if squeezed else nn.Identity()
        self.activation = nn.GELU() if act else nn.Identity()
        if form == "deploy":
            self.reparam_conv = convolution(channels, out, kernel, stride, groups, bias=True)
            return
        keeps = channels == out and stride == 1
        self.rbr_skip = nn.BatchNorm2d(channels) if keeps else None
        self.rbr_conv = (
            nn.ModuleList([ConvNorm(channels, out, kernel, stride, groups)]) if branch else None
        )
        scaled = pointwise and kernel != 1
        self.rbr_scale = ConvNorm(channels, out, 1, stride, groups) if scaled else None

    def branches(self) -> list[nn.Module]:
        convolutions = self.rbr_conv or ()
        found = (self.rbr_skip, self.rbr_scale, *convolutions)
        return [branch for branch in found if branch is not None]

    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "reparam_conv"):
            return self.activation(self.se(self.reparam_conv(x)))
        first, *others = self.branches()
        y = first(x)
        for branch in others:
            y = y + branch(x)
        return self.activation(self.se(y))

    def folded(self) -> tuple[Tensor, Tensor]:
        parts = []
        for branch in self.branches():
            if isinstance(branch, ConvNorm):
                parts.append(branch.folded(self.kernel))
            else:
                assert isinstance(branch, nn.BatchNorm2d)
                own = identity_kernel(branch.num_features, self.groups, self.kernel)
                parts.append(_normed(own, branch))
        weights, biases = zip(*parts, strict=True)
        return torch.stack(weights).sum(0), torch.stack(biases).sum(0)


class Gate(nn.Module):
    """Squeeze-and-excite with sigmoid; the names of its two convolutions are given."""

    def __init__(self, channels: int, squeezed: int, names: tuple[str, str]) -> None:
        super().__init__()
        self.names = names
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.add_module(names[0], nn.Conv2d(channels, squeezed, 1))
        self.act = nn.ReLU()
        self.add_module(names[1], nn.Conv2d(squeezed, channels, 1))
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        first, second = (self.get_submodule(name) for name in self.names)
        return x * self.gate(second(self.act(first(self.pool(x)))))


class LargeKernelConv(Folding):
    """A 7×7 convolution of stride 2 in groups of one input channel, a 3×3 beside it; a gate and
    GELU where there are any."""

    convolution = "lkb_reparam"

    def __init__(
        self, channels: int, out: int, *, form: str, squeezed: int = 0, act: bool = True
    ) -> None:
        super().__init__()
        self.se = Gate(out, squeezed, ("fc1", "fc2")) if squeezed else nn.Identity()
        self.activation = nn.GELU() if act else nn.Identity()
        if form == "deploy":
            self.lkb_reparam = convolution(channels, out, 7, 2, channels, bias=True)
            return
        self.lkb_origin = ConvNorm(channels, out, 7, 2, channels)
        self.small_conv = ConvNorm(channels, out, 3, 2, channels)

    def forward(self, x: Tensor) -> Tensor:
        deployed = hasattr(self, "lkb_reparam")
        y = self.lkb_reparam(x) if deployed else self.lkb_origin(x) + self.small_conv(x)
        return self.activation(self.se(y))

    def folded(self) -> tuple[Tensor, Tensor]:
        large, small = self.lkb_origin.folded(7), self.small_conv.folded(7)
        return large[0] + small[0], large[1] + small[1]


class RepMixer(Folding):
    """x + s·(mixer(x) − norm(x)), positions mixed on each channel alone."""

    def __init__(self, channels: int, kernel: Kernel, *, form: str, pointwise: bool = True) -> None:
        super().__init__()
        if form == "deploy":
            self.reparam_conv = convolution(channels, channels, kernel, 1, channels, bias=True)
            return
        block = {"form": form, "groups": channels, "act": False}
        self.norm = MobileOneBlock(
            channels, channels, kernel, branch=False, pointwise=False, **block
        )
        self.mixer = MobileOneBlock(channels, channels, kernel, pointwise=pointwise, **block)
        self.layer_scale = nn.Parameter(torch.full((channels, 1, 1), LAYER_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "reparam_conv"):
            return self.reparam_conv(x)
        return x + self.layer_scale * (self.mixer(x) - self.norm(x))

    def folded(self) -> tuple[Tensor, Tensor]:
        mixed, normed = self.mixer.folded(), self.norm.folded()
        channels = len(self.layer_scale)
        identity = identity_kernel(channels, channels, self.norm.kernel)
        weight = identity + self.layer_scale[..., None] * (mixed[0] - normed[0])
        return weight, self.layer_scale.flatten() * (mixed[1] - normed[1])


class ConvFFN(nn.Module):
    """Depthwise convolution with norm, 1×1 to the hidden width, GELU, 1×1 back; never folded."""

    def __init__(self, channels: int, hidden: int, kernel: Kernel) -> None:
        super().__init__()
        self.conv = ConvNorm(channels, channels, kernel, 1, channels)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.act = nn.GELU()
        self.fc2 = nn.Conv2d(hidden, channels, 1)
        for layer in (self.conv.conv, self.fc1, self.fc2):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(self.conv(x))))
