"""MobileViT: arXiv 2110.02178, Table 4; the widths of its transformers are those of the authors'
code, apple/ml-cvnets cvnets/models/classification/config/mobilevit.py.

Agrees with timm's `mobilevit_xxs`, `mobilevit_xs` and `mobilevit_s`: state dict, logits,
distribution of initial weights. Attention is written in its products, as timm's is with
`set_fused_attn(False)`.

No code of the family has width and depth coefficients. Here both round as in EfficientNet: all
widths to multiples of 8, transformers' and the stem's too, but the last convolution is min(4·c,
960), as the authors' mobilevit.py says; inverted residuals of the first two stages, and transformer
layers, repeat ⌈n·depth⌉ times. The strided block that opens a later stage does not repeat.

Deviations: dropout, 0 in timm and 0.1 in the authors' code, is left out. Every norm begins at scale
1, as in the authors' code; timm's last one of a residual begins at 0.
"""

import math
from collections import OrderedDict
from functools import partial
from typing import NamedTuple

from torch import Tensor, cat, nn
from torch.nn import functional

from reference_models.layers import checked_classes, checked_depth, checked_width, make_divisible

PATCH, HEADS = 2, 4


class HybridStages(NamedTuple):
    """Expansion, channels of the five stages, widths and layers of the three transformers, channels
    of the last convolution and of the stem, blocks of the stages without transformer."""

    expansion: int
    channels: tuple[int, ...]
    widths: tuple[int, ...]
    layers: tuple[int, ...]
    last: int
    stem: int = 16
    blocks: tuple[int, ...] = (1, 3)


XXS = HybridStages(2, (16, 24, 48, 64, 80), (64, 80, 96), (2, 4, 3), 320)
XS = HybridStages(4, (32, 48, 64, 80, 96), (96, 120, 144), (2, 4, 3), 384)
S = HybridStages(4, (32, 64, 96, 128, 160), (144, 192, 240), (2, 4, 3), 640)


def conv_layer(
    channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1, act: bool = True
) -> nn.Sequential:
    """Convolution without bias, norm, SiLU."""
    pad = (kernel - 1) // 2
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(channels, out, kernel, stride, pad, groups=groups, bias=False)
    layers["bn"] = nn.BatchNorm2d(out)
    if act:
        layers["act"] = nn.SiLU(inplace=True)
    return nn.Sequential(layers)


class InvertedResidual(nn.Module):
    """MobileNetV2's block with SiLU: the input is added where the block keeps its shape."""

    def __init__(self, channels: int, out: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = expansion * channels
        self.conv1_1x1 = conv_layer(channels, hidden, 1)
        self.conv2_kxk = conv_layer(hidden, hidden, 3, stride, groups=hidden)
        self.conv3_1x1 = conv_layer(hidden, out, 1, act=False)
        self.shortcut = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv3_1x1(self.conv2_kxk(self.conv1_1x1(x)))
        return x + y if self.shortcut else y


class Attention(nn.Module):
    """Four heads; (B, N, d) → (B, N, d)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, n, width = x.shape
        qkv = self.qkv(x).reshape(batch, n, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        scores = (q @ k.transpose(-2, -1)) * (width // HEADS) ** -0.5
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, n, width)
        projected: Tensor = self.proj(y)
        return projected


class Mlp(nn.Module):
    """Linear to twice the width, SiLU, linear back."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 2 * width)
        self.act = nn.SiLU()
        self.fc2 = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(self.act(self.fc1(x)))
        return y


class Layer(nn.Module):
    """A transformer's layer: attention and MLP, each after a norm, with shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        y: Tensor = x + self.mlp(self.norm2(x))
        return y


class MobileViTBlock(nn.Module):
    """Convolutions, a transformer over 2×2 patches pixel by pixel, convolutions: figure 1b."""

    def __init__(self, channels: int, width: int, layers: int) -> None:
        super().__init__()
        self.conv_kxk = conv_layer(channels, channels, 3)
        self.conv_1x1 = nn.Conv2d(channels, width, 1, bias=False)
        self.transformer = nn.Sequential(*(Layer(width) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.conv_proj = conv_layer(width, channels, 1)
        self.conv_fusion = conv_layer(2 * channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv_1x1(self.conv_kxk(x))
        batch, _, height, across = y.shape
        rows, columns = -(-height // PATCH), -(-across // PATCH)
        whole = (PATCH * rows, PATCH * columns)
        uneven = whole[0] != height or whole[1] != across
        if uneven:
            y = functional.interpolate(y, whole, mode="bilinear")
        y = self.norm(self.transformer(_unfolded(y, rows, columns)))
        y = _folded(y, batch, rows, columns)
        if uneven:
            y = functional.interpolate(y, (height, across), mode="bilinear")
        fused: Tensor = self.conv_fusion(cat((x, self.conv_proj(y)), dim=1))
        return fused


def _unfolded(x: Tensor, rows: int, columns: int) -> Tensor:
    """(B, d, 2·rows, 2·columns) → (4·B, rows·columns, d): a sequence for each pixel of a patch."""
    batch, width = x.shape[:2]
    x = x.reshape(batch, width, rows, PATCH, columns, PATCH).permute(0, 3, 5, 2, 4, 1)
    return x.reshape(batch * PATCH**2, rows * columns, width)


def _folded(x: Tensor, batch: int, rows: int, columns: int) -> Tensor:
    """Back to (B, d, 2·rows, 2·columns)."""
    width = x.shape[-1]
    x = x.reshape(batch, PATCH, PATCH, rows, columns, width).permute(0, 5, 3, 1, 4, 2)
    return x.reshape(batch, width, PATCH * rows, PATCH * columns)


class MobileViT(nn.Module):
    """(B, 3, H, W) → (B, classes)."""

    def __init__(self, sizes: HybridStages, classes: int) -> None:
        super().__init__()
        first, second, *others = sizes.channels
        t, before = sizes.expansion, sizes.stem
        self.stem = conv_layer(3, before, 3, 2)
        stages: list[list[nn.Module]] = []
        for out, blocks, stride in zip((first, second), sizes.blocks, (1, 2), strict=True):
            again = [InvertedResidual(out, out, t, 1) for _ in range(blocks - 1)]
            stages.append([InvertedResidual(before, out, t, stride), *again])
            before = out
        for out, width, layers in zip(others, sizes.widths, sizes.layers, strict=True):
            down = InvertedResidual(before, out, t, 2)
            stages.append([down, MobileViTBlock(out, width, layers)])
            before = out
        self.stages = nn.Sequential(*(nn.Sequential(*stage) for stage in stages))
        self.final_conv = conv_layer(before, sizes.last, 1)
        pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Sequential(
            OrderedDict(pool=pool, flatten=nn.Flatten(), fc=nn.Linear(sizes.last, classes))
        )
        init_as_byobnet(self)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.final_conv(self.stages(self.stem(x))))
        return logits


def init_as_byobnet(model: nn.Module) -> None:
    """N(0, 2/fan-out) for convolutions, the fan-out that of a group; N(0, 0.01²) for linear layers,
    no bias. So timm's models/byobnet.py begins, which builds the family there."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            fan_out = math.prod(layer.kernel_size) * layer.out_channels // layer.groups
            nn.init.normal_(layer.weight, 0, math.sqrt(2 / fan_out))
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0, 0.01)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)


def mobilevit(
    sizes: HybridStages, classes: int = 1000, *, width: float = 1.0, depth: float = 1.0
) -> nn.Module:
    """5,578,632 parameters for S at width 1 and depth 1.

    Raises ValueError for a width or depth that is not positive and finite, or classes below 1.
    """
    width, depth = checked_width(width), checked_depth(depth)
    channels = tuple(make_divisible(out * width) for out in sizes.channels)
    scaled = HybridStages(
        sizes.expansion,
        channels,
        widths=tuple(make_divisible(d * width) for d in sizes.widths),
        layers=tuple(math.ceil(layers * depth) for layers in sizes.layers),
        last=min(4 * channels[-1], 960),
        stem=make_divisible(sizes.stem * width),
        blocks=tuple(math.ceil(blocks * depth) for blocks in sizes.blocks),
    )
    return MobileViT(scaled, checked_classes(classes))


mobilevit_xxs = partial(mobilevit, XXS)
mobilevit_xs = partial(mobilevit, XS)
mobilevit_s = partial(mobilevit, S)
