"""MobileOne, arXiv 2206.04040, Table 2 and section 3.2, and its block in other networks; RepMixer
and its feed-forward part: FastViT, arXiv 2303.14189, section 3; RepLKNet, arXiv 2203.06717,
section 3.2.

The networks agree with timm's `mobileone_s0` to `mobileone_s4`: state dict and logits, in training
form and deployed. apple/ml-mobileone mobileone.py names its layers otherwise and computes the same.
In other networks the blocks have the names of apple/ml-mobileclip
mobileclip/modules/common/mobileone.py, modules/image/replknet.py and models/mci.py.

Neither paper nor code has width and depth coefficients; they are rounded by EfficientNet's rules.
Deviations that change no output: global means are layers, and branches that are not there are not
added as zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reference_models.folding import ConvNorm, normed
from reference_models.folding import Folding as Folding
from reference_models.folding import Kernel as Kernel
from reference_models.folding import checked_form as checked_form
from reference_models.folding import convolution as convolution
from reference_models.folding import fold as fold
from reference_models.folding import identity_kernel as identity_kernel
from reference_models.layers import Stages, checked_classes, init_as_timm

LAYER_SCALE = 1e-5  # initial value
WIDEST_STEM = 64


class Names(NamedTuple):
    """What a block calls its norm alone, its 1×1 and K×K convolutions, its gate and the gate's two
    convolutions."""

    skip: str
    scale: str
    kernels: str
    gate: str
    squeeze: tuple[str, str]


APPLE = Names("rbr_skip", "rbr_scale", "rbr_conv", "se", ("reduce", "expand"))
TIMM = Names("identity", "conv_scale", "conv_kxk", "attn", ("fc1", "fc2"))


class MobileOneBlock(Folding):
    """The sum of a norm, a 1×1 and several K×K convolutions with norms; a gate; an activation.

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
        branches: int = 1,
        pointwise: bool = True,
        squeezed: int = 0,
        act: type[nn.Module] = nn.GELU,
        names: Names = APPLE,
    ) -> None:
        super().__init__()
        self.kernel, self.groups, self.names = kernel, groups, names
        gate = Gate(out, squeezed, names.squeeze) if squeezed else nn.Identity()
        self.add_module(names.gate, gate)
        self.activation = act()
        if form == "deploy":
            self.reparam_conv = convolution(channels, out, kernel, stride, groups, bias=True)
            return
        sizes = {"stride": stride, "groups": groups}
        if channels == out and stride == 1:
            self.add_module(names.skip, nn.BatchNorm2d(channels))
        if pointwise and kernel != 1:
            self.add_module(names.scale, ConvNorm(channels, out, 1, **sizes))
        kernels = (ConvNorm(channels, out, kernel, **sizes) for _ in range(branches))
        self.add_module(names.kernels, nn.ModuleList(kernels))

    def branches(self) -> list[nn.Module]:
        children = dict(self.named_children())
        alone = [children[n] for n in (self.names.skip, self.names.scale) if n in children]
        return [*alone, *children[self.names.kernels].children()]

    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "reparam_conv"):
            y = self.reparam_conv(x)
        else:
            first, *others = self.branches()
            y = first(x)
            for branch in others:
                y = y + branch(x)
        return self.activation(self.get_submodule(self.names.gate)(y))

    def folded(self) -> tuple[Tensor, Tensor]:
        parts = []
        for branch in self.branches():
            if isinstance(branch, ConvNorm):
                parts.append(branch.folded(self.kernel))
            else:
                assert isinstance(branch, nn.BatchNorm2d)
                own = identity_kernel(branch.num_features, self.groups, self.kernel)
                parts.append(normed(own, branch))
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
        block = {"form": form, "groups": channels, "act": nn.Identity}
        self.norm = MobileOneBlock(channels, channels, kernel, branches=0, pointwise=False, **block)
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


# Table 2. The branches are those of table 3, the gates of section 3.3.
S0 = Stages((48, 128, 256, 1024), (2, 8, 10, 1))
S1 = Stages((96, 192, 512, 1280), (2, 8, 10, 1))
S2 = Stages((96, 256, 640, 2048), (2, 8, 10, 1))
S3 = Stages((128, 320, 768, 2048), (2, 8, 10, 1))
S4 = Stages((192, 448, 896, 2048), (2, 8, 10, 1))


class MobileOne(nn.Module):
    """(B, 3, H, W) → (B, classes), for H and W of at least 1."""

    def __init__(
        self, stages: Stages, classes: int, form: str, branches: int = 1, *, gated: bool = False
    ) -> None:
        super().__init__()
        make = partial(MobileOneBlock, form=form, act=nn.ReLU, names=TIMM)
        before = min(WIDEST_STEM, stages.channels[0])
        self.stem = make(3, before, 3, stride=2)
        make = partial(make, branches=branches)
        gates = (0, 0, stages.blocks[2] // 2, stages.blocks[3]) if gated else (0,) * 4
        parts = []
        for channels, blocks, of_them in zip(*stages[:2], gates, strict=True):
            layers: list[nn.Module] = []
            for number in range(blocks):
                gate = number >= blocks - of_them
                layers += _pair(before, channels, 1 if number else 2, make, gate)
                before = channels
            parts.append(nn.Sequential(*layers))
        self.stages = nn.Sequential(*parts)
        self.head = Head(before, classes)
        init_as_timm(self)
        nn.init.normal_(self.head.fc.weight, 0, 0.01)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stages(self.stem(x)))


def _pair(
    channels: int, out: int, stride: int, make: Callable[..., nn.Module], gated: bool
) -> list[nn.Module]:
    """A depthwise 3×3 block and a 1×1 block."""
    squeezed = [_sixteenth(width) if gated else 0 for width in (channels, out)]
    return [
        make(channels, channels, 3, stride=stride, groups=channels, squeezed=squeezed[0]),
        make(channels, out, 1, squeezed=squeezed[1]),
    ]


def _sixteenth(channels: int) -> int:
    """The multiple of 8 nearest to a sixteenth, as timm rounds."""
    return max(8, int(channels / 16 + 4) // 8 * 8)


class Head(nn.Module):
    """Mean over the map, then a linear layer."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.pool(x).flatten(1))


def mobileone(
    stages: Stages,
    classes: int = 1000,
    form: str = "deploy",
    *,
    width: float = 1.0,
    depth: float = 1.0,
    branches: int = 1,
    gated: bool = False,
) -> nn.Module:
    """The network of these stages at any positive coefficients.

    Raises ValueError for a width or depth that is not positive and finite, classes below 1, or an
    unknown form.
    """
    classes, form = checked_classes(classes), checked_form(form)
    return MobileOne(stages.scaled(width, depth), classes, form, branches, gated=gated)


# 2,078,504, 4,764,840, 7,808,168, 10,078,312 and 14,838,352 parameters deployed.
mobileone_s0 = partial(mobileone, S0, branches=4)
mobileone_s1 = partial(mobileone, S1)
mobileone_s2 = partial(mobileone, S2)
mobileone_s3 = partial(mobileone, S3)
mobileone_s4 = partial(mobileone, S4, gated=True)
