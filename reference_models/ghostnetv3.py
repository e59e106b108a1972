"""GhostNetV3: arXiv 2404.11202, with GhostNet's widths.

Agrees with timm's `ghostnetv3_050`, `ghostnetv3_100`, `ghostnetv3_130` and `ghostnetv3_160`, or its
`GhostNet` of version v3 and any width: state dict and logits, in training form, which is that of
the checkpoints, and deployed. The authors' code is huawei-noah/Efficient-AI-Backbones
ghostnetv3_pytorch/ghostnetv3.py, which names its norms otherwise.

GhostNetV2's network. In training, convolutions of Ghost modules and those that halve a map are sums
of branches, each with a norm. Where a 1×1 convolution keeps the width, the authors' code adds a
norm alone, too; this happens at no published width, and timm's code and this one have no such
branch.

Deviation: pooling is a layer, where timm calls functions; branches are not added to zeros.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reference_models.folding import checked_form, identity_kernel, normed
from reference_models.ghostnet import GhostNet, Make, Row, SqueezeExcite, shortcut
from reference_models.ghostnetv2 import dfc_attention
from reference_models.layers import checked_classes, checked_depth, checked_width

BRANCHES = 3  # convolutions of one kernel


class ConvNorm(nn.Module):
    """Convolution without bias, batch norm."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, groups: int) -> None:
        super().__init__()
        pad = kernel // 2
        self.conv = nn.Conv2d(channels, out, kernel, stride, pad, groups=groups, bias=False)
        self.bn1 = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn1(self.conv(x))
        return y

    def folded(self, kernel: int) -> tuple[Tensor, Tensor]:
        """Weight and bias of one convolution with this kernel."""
        pad = (kernel - self.conv.kernel_size[0]) // 2
        return normed(F.pad(self.conv.weight, [pad] * 4), self.bn1)


class Branched(nn.Module):
    """A module some of whose convolutions are sums of branches in training: groups, each with a
    prefix in its training form and the name of one convolution in the deployed one."""

    groups: Mapping[str, str] = MappingProxyType({})

    def add_group(
        self,
        prefix: str,
        name: str,
        channels: int,
        out: int,
        kernel: int,
        *,
        form: str,
        stride: int = 1,
        groups: int = 1,
        skip: bool = False,
    ) -> None:
        """Add a norm alone if asked for, three convolutions and a 1×1 beside a larger kernel, or
        the one convolution that they are when deployed."""
        self.groups = {**self.groups, prefix: name}
        if form == "deploy":
            layer = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups)
            outer, dot, _ = name.partition(".")
            self.add_module(outer, nn.Sequential(layer) if dot else layer)
            return
        if skip:
            self.add_module(f"{prefix}_skip", nn.BatchNorm2d(channels))
        same = (ConvNorm(channels, out, kernel, stride, groups) for _ in range(BRANCHES))
        self.add_module(f"{prefix}_conv", nn.ModuleList(same))
        if kernel > 1:
            self.add_module(f"{prefix}_scale", ConvNorm(channels, out, 1, stride, groups))

    def branches(self, prefix: str) -> list[nn.Module]:
        """Those of a group: the 1×1 convolution, the norm alone, the others. None if deployed."""
        children = dict(self.named_children())
        alone = (f"{prefix}_scale", f"{prefix}_skip")
        same = children.get(f"{prefix}_conv", nn.ModuleList()).children()
        return [*(children[name] for name in alone if name in children), *same]

    def group(self, prefix: str, x: Tensor) -> Tensor:
        """The output of a group."""
        first, *others = self.branches(prefix) or [self.get_submodule(self.groups[prefix])]
        y: Tensor = first(x)
        for branch in others:
            y = y + branch(x)
        return y

    def folded(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """For each group the name, weight and bias of its deployed convolution."""
        for prefix, name in self.groups.items():
            branches = self.branches(prefix)
            kernel = max(b.conv.kernel_size[0] for b in branches if isinstance(b, ConvNorm))
            parts = [
                branch.folded(kernel)
                if isinstance(branch, ConvNorm)
                else normed(identity_kernel(len(branch.weight), len(branch.weight), kernel), branch)
                for branch in branches
                if isinstance(branch, ConvNorm | nn.BatchNorm2d)
            ]
            weights, biases = zip(*parts, strict=True)
            yield name, torch.stack(weights).sum(0), torch.stack(biases).sum(0)


class GhostModule(Branched):
    """Half of the maps by 1×1 convolutions, half by depthwise 3×3 of these; times a gate where the
    module attends to its input."""

    def __init__(
        self, channels: int, out: int, act: type[nn.Module], *, attends: bool, form: str
    ) -> None:
        super().__init__()
        half = out // 2  # widths are multiples of 4
        self.add_group("primary_rpr", "primary_conv.0", channels, half, 1, form=form)
        self.add_group(
            "cheap_rpr", "cheap_operation.0", half, half, 3, groups=half, skip=True, form=form
        )
        self.act1, self.act2 = act(), act()
        self.attends = attends
        if attends:
            self.pool = nn.AvgPool2d(2, 2)
            self.short_conv = dfc_attention(channels, out)
            self.gate_fn = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        primary = self.act1(self.group("primary_rpr", x))
        y = torch.cat((primary, self.act2(self.group("cheap_rpr", primary))), 1)
        if not self.attends:
            return y
        gate = self.gate_fn(self.short_conv(self.pool(x)))
        return y * F.interpolate(gate, size=y.shape[-2:], mode="nearest")


class Bottleneck(Branched):
    """GhostNet's bottleneck of such modules, with branches where it halves the map."""

    def __init__(
        self, channels: int, hidden: int, out: int, row: Row, *, attends: bool, form: str
    ) -> None:
        super().__init__()
        self.ghost1 = GhostModule(channels, hidden, nn.ReLU, attends=attends, form=form)
        self.halves = row.stride == 2
        if self.halves:
            self.add_group(
                "dw_rpr", "conv_dw", hidden, hidden, row.kernel, stride=2, groups=hidden, form=form
            )
        self.se = SqueezeExcite(hidden) if row.se else nn.Identity()
        self.ghost2 = GhostModule(hidden, out, nn.Identity, attends=False, form=form)
        self.shortcut = shortcut(channels, out, row)

    def forward(self, x: Tensor) -> Tensor:
        y = self.ghost1(x)
        if self.halves:
            y = self.group("dw_rpr", y)
        y = self.ghost2(self.se(y))
        z: Tensor = self.shortcut(x) + y
        return z


def fold(trained: nn.Module, deployed: nn.Module) -> None:
    """Load a network's deployed form with what its training form has learnt."""
    slots = deployed.state_dict()
    state = {name: value for name, value in trained.state_dict().items() if name in slots}
    for path, part in trained.named_modules():
        for name, weight, bias in part.folded() if isinstance(part, Branched) else ():
            state[f"{path}.{name}.weight"], state[f"{path}.{name}.bias"] = weight, bias
    deployed.load_state_dict(state, strict=True)


def ghostnetv3(
    width: float = 1.0, classes: int = 1000, form: str = "deploy", *, depth: float = 1.0
) -> nn.Module:
    """GhostNetV3 of any positive width and depth; at width 1 and depth 1 8,129,028 parameters in
    training form and 6,147,588 deployed.

    Inputs from 33×33. Raises ValueError for a width or depth that is not positive and finite,
    classes below 1, or an unknown form.
    """
    form = checked_form(form)

    def make(large: bool) -> Make:
        return partial(Bottleneck, attends=not large, form=form)

    width, depth, classes = checked_width(width), checked_depth(depth), checked_classes(classes)
    return GhostNet(width, depth, classes, make)


ghostnetv3_050 = partial(ghostnetv3, width=0.5)
ghostnetv3_100 = partial(ghostnetv3, width=1.0)
ghostnetv3_130 = partial(ghostnetv3, width=1.3)
ghostnetv3_160 = partial(ghostnetv3, width=1.6)
