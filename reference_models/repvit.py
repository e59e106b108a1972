"""RepViT: arXiv 2307.09283, section 3 and supplementary material.

Agrees with timm's `repvit_m0_9` to `repvit_m2_3`, and `repvit_m1` to `repvit_m3` of the paper's
first version: state dict and logits, in training form and as timm folds it. THU-MIG/RepViT
model/repvit.py names its layers otherwise and computes the same; only it has M0.6. The logits are
the mean of the labels' and the distillation's classifier, which the deployed form has as one.

Neither paper nor code has width and depth coefficients; they are rounded by EfficientNet's rules.

Deviations that change no output: global means are layers. Distillation, which compares the
classifiers apart, is left out.
"""

from functools import partial

from torch import Tensor, nn

from reference_models.folding import Folding, checked_form, identity_kernel, normed
from reference_models.layers import Stages, checked_classes

# Supplementary material; the authors' code has a row a block. The first block of each stage but
# the first is part of its downsampling.
M0_6 = Stages((40, 80, 160, 320), (1, 1, 8, 1))
M0_9 = Stages((48, 96, 192, 384), (2, 2, 14, 2))
M1_0 = Stages((56, 112, 224, 448), (2, 2, 14, 2))
M1_1 = Stages((64, 128, 256, 512), (2, 2, 12, 2))
M1_5 = Stages((64, 128, 256, 512), (4, 4, 24, 4))
M2_3 = Stages((80, 160, 320, 640), (6, 6, 34, 2))
M3 = Stages((64, 128, 256, 512), (4, 4, 18, 2))


class ConvNorm(Folding):
    """Convolution without bias, batch norm. The names are LeViT's."""

    convolution = ""

    def __init__(
        self, channels: int, out: int, kernel: int, stride: int, groups: int, start: float
    ) -> None:
        super().__init__()
        self.c = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out)
        nn.init.constant_(self.bn.weight, start)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.c(x))

    def folded(self) -> tuple[Tensor, Tensor]:
        return normed(self.c.weight, self.bn)


def conv_norm(
    channels: int,
    out: int,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    *,
    form: str,
    start: float = 1.0,
) -> nn.Module:
    """A convolution with norm, whose scale starts so; deployed with bias."""
    if form == "train":
        return ConvNorm(channels, out, kernel, stride, groups, start)
    return nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups)


class TokenMixer(Folding):
    """norm(norm(3×3 of x) + 1×1 of x + x), on each channel alone."""

    convolution = ""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = ConvNorm(channels, channels, 3, 1, channels, 1.0)
        self.conv1 = nn.Conv2d(channels, channels, 1, groups=channels)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x) + self.conv1(x) + x)

    def folded(self) -> tuple[Tensor, Tensor]:
        weight, bias = _summed(self.conv.folded(), self.conv1.weight)
        weight, shift = normed(weight, self.bn)
        scale = self.bn.weight / (self.bn.running_var + self.bn.eps).sqrt()
        return weight, shift + scale * (bias + self.conv1.bias)


class FirstTokenMixer(Folding):
    """norm(3×3 of x) + norm(1×1 of x) + x, on each channel alone: the paper's first version."""

    convolution = ""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = ConvNorm(channels, channels, 3, 1, channels, 1.0)
        self.conv1 = ConvNorm(channels, channels, 1, 1, channels, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + self.conv1(x) + x

    def folded(self) -> tuple[Tensor, Tensor]:
        weight, bias = self.conv1.folded()
        summed = _summed(self.conv.folded(), weight)
        return summed[0], summed[1] + bias


def _summed(large: tuple[Tensor, Tensor], small: Tensor) -> tuple[Tensor, Tensor]:
    """A depthwise 3×3 convolution with a 1×1 one and the input added to it."""
    weight, bias = large
    channels = len(weight)
    middle = nn.functional.pad(small, (1, 1, 1, 1))
    return weight + middle + identity_kernel(channels, channels, 3), bias


class Gate(nn.Module):
    """Squeeze-and-excite: to a quarter of the channels, in multiples of 8, and back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = max(8, int(channels / 4 + 4) // 8 * 8)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.act = nn.ReLU()
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.fc2(self.act(self.fc1(self.pool(x)))))


class ChannelMixer(nn.Module):
    """1×1 to twice the channels, GELU, 1×1 back; the second norm starts at 0."""

    def __init__(self, channels: int, form: str) -> None:
        super().__init__()
        self.conv1 = conv_norm(channels, 2 * channels, form=form)
        self.act = nn.GELU()
        self.conv2 = conv_norm(2 * channels, channels, form=form, start=0.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.act(self.conv1(x)))


class Block(nn.Module):
    """Positions mixed, a gate where there is one, channels mixed with a shortcut."""

    def __init__(self, channels: int, form: str, mixer: type[nn.Module], *, gated: bool) -> None:
        super().__init__()
        deployed = partial(nn.Conv2d, channels, channels, 3, padding=1, groups=channels)
        self.token_mixer = mixer(channels) if form == "train" else deployed()
        self.se = Gate(channels) if gated else nn.Identity()
        self.channel_mixer = ChannelMixer(channels, form)

    def forward(self, x: Tensor) -> Tensor:
        x = self.se(self.token_mixer(x))
        return x + self.channel_mixer(x)


class Downsampling(nn.Module):
    """A block without gate, a depthwise 3×3 of stride 2, a 1×1, channels mixed with a shortcut."""

    def __init__(self, channels: int, out: int, form: str, mixer: type[nn.Module]) -> None:
        super().__init__()
        self.pre_block = Block(channels, form, mixer, gated=False)
        self.spatial_downsample = conv_norm(channels, channels, 3, 2, channels, form=form)
        self.channel_downsample = conv_norm(channels, out, form=form)
        self.ffn = ChannelMixer(out, form)

    def forward(self, x: Tensor) -> Tensor:
        x = self.channel_downsample(self.spatial_downsample(self.pre_block(x)))
        return x + self.ffn(x)


class Stage(nn.Module):
    """A downsampling where the channels change, then blocks, every second one without gate."""

    def __init__(
        self, channels: int | None, out: int, blocks: int, form: str, mixer: type[nn.Module]
    ) -> None:
        super().__init__()
        halving = Downsampling(channels, out, form, mixer) if channels else nn.Identity()
        self.downsample = halving
        self.blocks = nn.Sequential(
            *(Block(out, form, mixer, gated=number % 2 == 0) for number in range(blocks))
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.downsample(x))


class Stem(nn.Module):
    """Two 3×3 convolutions of stride 2, GELU between them."""

    def __init__(self, channels: int, form: str) -> None:
        super().__init__()
        self.conv1 = conv_norm(3, channels // 2, 3, 2, form=form)
        self.act1 = nn.GELU()
        self.conv2 = conv_norm(channels // 2, channels, 3, 2, form=form)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.act1(self.conv1(x)))


class NormLinear(Folding):
    """Batch norm, then a linear layer."""

    convolution = ""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(channels)
        self.l = nn.Linear(channels, classes)
        nn.init.trunc_normal_(self.l.weight, std=0.02)
        nn.init.zeros_(self.l.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.l(self.bn(x))

    def folded(self) -> tuple[Tensor, Tensor]:
        scale = self.bn.weight / (self.bn.running_var + self.bn.eps).sqrt()
        shift = self.bn.bias - self.bn.running_mean * scale
        return self.l.weight * scale, self.l.weight @ shift + self.l.bias


class Classifiers(Folding):
    """The mean of the labels' and the distillation's classifier."""

    convolution = ""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.head = NormLinear(channels, classes)
        self.head_dist = NormLinear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return (self.head(x) + self.head_dist(x)) / 2

    def folded(self) -> tuple[Tensor, Tensor]:
        pairs = zip(self.head.folded(), self.head_dist.folded(), strict=True)
        weight, bias = ((a + b) / 2 for a, b in pairs)
        return weight, bias


class RepViT(nn.Module):
    """(B, 3, H, W) → (B, classes), for H and W of at least 1; in training B is at least 2."""

    def __init__(
        self, stages: Stages, classes: int, form: str, mixer: type[nn.Module] = TokenMixer
    ) -> None:
        super().__init__()
        self.stem = Stem(stages.channels[0], form)
        before = (None, *stages.channels)
        rows = zip(before, stages.channels, stages.blocks, strict=False)
        self.stages = nn.Sequential(*(Stage(*row, form, mixer) for row in rows))
        self.pool = nn.AdaptiveAvgPool2d(1)
        make = Classifiers if form == "train" else nn.Linear
        self.head = make(stages.channels[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.pool(self.stages(self.stem(x))).flatten(1))


def repvit(
    stages: Stages,
    classes: int = 1000,
    form: str = "deploy",
    *,
    width: float = 1.0,
    depth: float = 1.0,
    mixer: type[nn.Module] = TokenMixer,
) -> nn.Module:
    """The network of these stages at any positive coefficients.

    Raises ValueError for a width or depth that is not positive and finite, classes below 1, or an
    unknown form.
    """
    return RepViT(stages.scaled(width, depth), checked_classes(classes), checked_form(form), mixer)


repvit_m0_6 = partial(repvit, M0_6)
repvit_m0_9 = partial(repvit, M0_9)
repvit_m1_0 = partial(repvit, M1_0)
repvit_m1_1 = partial(repvit, M1_1)
repvit_m1_5 = partial(repvit, M1_5)
repvit_m2_3 = partial(repvit, M2_3)
repvit_m1 = partial(repvit, M0_9, mixer=FirstTokenMixer)
repvit_m2 = partial(repvit, M1_1, mixer=FirstTokenMixer)
repvit_m3 = partial(repvit, M3, mixer=FirstTokenMixer)
