"""EfficientViT of MIT: arXiv 2205.14756, section 3 and Table 1; the rows are those of the authors'
code, mit-han-lab/efficientvit efficientvit/models/efficientvit/backbone.py and cls.py.

Agrees with timm's `efficientvit_b0` to `b3` and `l1` to `l3`: state dict, logits. Attention is in
its products, and in float32 as there.

Deviations: dropout before the classifier, 0 in timm, is left out. Weights begin as torch's layers
begin, as in timm; the authors' training code draws them anew.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_models.layers import checked_classes

EPSILON = 1e-5
"""Beside the divisor of the attention, and in the norms of the B networks."""
LARGE_EPSILON = 1e-7
"""In the norms of the L networks, but for the head's first, as in timm."""

Layer = Callable[[], nn.Module]


class Row(NamedTuple):
    """Channels and depths of stem and stages, width of a head, widths of the classifier."""

    widths: tuple[int, int, int, int, int]
    depths: tuple[int, int, int, int, int]
    head: int
    classifier: tuple[int, int]


_B_WIDTHS = (8, 16, 32, 64, 128)
B0 = Row(_B_WIDTHS, (1, 2, 2, 2, 2), 16, (1024, 1280))
B1 = Row((16, 32, 64, 128, 256), (1, 2, 3, 3, 4), 16, (1536, 1600))
B2 = Row((24, 48, 96, 192, 384), (1, 3, 4, 4, 6), 32, (2304, 2560))
B3 = Row((32, 64, 128, 256, 512), (1, 4, 6, 6, 9), 32, (2304, 2560))
L1 = Row((32, 64, 128, 256, 512), (1, 1, 1, 6, 6), 32, (3072, 3200))
L2 = Row((32, 64, 128, 256, 512), (1, 2, 2, 8, 8), 32, (3072, 3200))
L3 = Row((64, 128, 256, 512, 1024), (1, 2, 2, 8, 8), 32, (6144, 6400))


class Style(NamedTuple):
    """What the B and the L networks do differently: activation and epsilon of the norms."""

    act: Layer
    eps: float


SMALL = Style(partial(nn.Hardswish, inplace=True), EPSILON)
LARGE = Style(partial(nn.GELU, "tanh"), LARGE_EPSILON)


def _conv(
    style: Style,
    channels: int,
    out: int,
    kernel: int,
    stride: int = 1,
    *,
    groups: int = 1,
    norm: bool = True,
    act: bool = True,
) -> nn.Sequential:
    """A convolution with a norm, or with a bias instead, and an activation."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(
        channels, out, kernel, stride, kernel // 2, groups=groups, bias=not norm
    )
    if norm:
        layers["norm"] = nn.BatchNorm2d(out, eps=style.eps)
    if act:
        layers["act"] = style.act()
    return nn.Sequential(layers)


def _separable(style: Style, channels: int) -> nn.Sequential:
    """Depthwise and pointwise, for the stem of the B networks."""
    depth = _conv(style, channels, channels, 3, groups=channels)
    point = _conv(style, channels, channels, 1, act=False)
    return nn.Sequential(OrderedDict(depth_conv=depth, point_conv=point))


def _plain(style: Style, channels: int) -> nn.Sequential:
    """Two 3×3 convolutions, for the stem of the L networks."""
    first = _conv(style, channels, channels, 3)
    second = _conv(style, channels, channels, 3, act=False)
    return nn.Sequential(OrderedDict(conv1=first, conv2=second))


def _inverted(
    style: Style, channels: int, out: int, ratio: int, stride: int, norm: bool
) -> nn.Sequential:
    """The block of MobileNetV2; with norm = False biases stand for the first two norms."""
    hidden = ratio * channels
    return nn.Sequential(
        OrderedDict(
            inverted_conv=_conv(style, channels, hidden, 1, norm=norm),
            depth_conv=_conv(style, hidden, hidden, 3, stride, groups=hidden, norm=norm),
            point_conv=_conv(style, hidden, out, 1, act=False),
        )
    )


def _fused(style: Style, channels: int, out: int, ratio: int, stride: int) -> nn.Sequential:
    """A 3×3 convolution to the hidden width, and back."""
    hidden = ratio * channels
    return nn.Sequential(
        OrderedDict(
            spatial_conv=_conv(style, channels, hidden, 3, stride),
            point_conv=_conv(style, hidden, out, 1, act=False),
        )
    )


class Residual(nn.Module):
    """A branch, with its input added where there is a shortcut."""

    def __init__(self, main: nn.Module, shortcut: bool = True) -> None:
        super().__init__()
        self.main = main
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.main(x)
        return y + x if self.shortcut else y


class LinearAttention(nn.Module):
    """ReLU attention over two scales: figure 2. (B, C, H, W) → (B, C, H, W)."""

    def __init__(self, style: Style, channels: int, head: int) -> None:
        super().__init__()
        self.head = head
        heads, parts = channels // head, 3 * channels
        self.qkv = nn.Sequential(OrderedDict(conv=nn.Conv2d(channels, parts, 1, bias=False)))
        near = nn.Conv2d(parts, parts, 5, padding=2, groups=parts, bias=False)
        mixed = nn.Conv2d(parts, parts, 1, groups=3 * heads, bias=False)
        self.aggreg = nn.ModuleList([nn.Sequential(near, mixed)])
        self.kernel_func = nn.ReLU()
        self.proj = _conv(style, 2 * channels, channels, 1, act=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        parts = self.qkv(x)
        scales = torch.cat([parts, *(gather(parts) for gather in self.aggreg)], dim=1)
        scales = scales.reshape(batch, -1, 3 * self.head, height * width).transpose(-1, -2)
        q, k, v = scales.chunk(3, dim=-1)
        q, k = self.kernel_func(q), self.kernel_func(k)
        v = functional.pad(v, (0, 1), value=1.0)
        products = q.float() @ (k.float().transpose(-1, -2) @ v.float())
        y = products[..., :-1] / (products[..., -1:] + EPSILON)
        y = y.to(x.dtype).transpose(-1, -2).reshape(batch, -1, height, width)
        projected: Tensor = self.proj(y)
        return projected


class ContextBlock(nn.Module):
    """Attention, then an inverted residual."""

    def __init__(self, style: Style, channels: int, head: int, ratio: int) -> None:
        super().__init__()
        self.context_module = Residual(LinearAttention(style, channels, head))
        self.local_module = Residual(_inverted(style, channels, channels, ratio, 1, norm=False))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.local_module(self.context_module(x))
        return y


class Head(nn.Module):
    """A 1×1 convolution, pooling, and two linear layers with a norm between them."""

    def __init__(self, style: Style, channels: int, widths: tuple[int, int], classes: int) -> None:
        super().__init__()
        self.in_conv = _conv(style._replace(eps=EPSILON), channels, widths[0], 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(widths[0], widths[1], bias=False),
            nn.LayerNorm(widths[1], eps=style.eps),
            style.act(),
            nn.Identity(),
            nn.Linear(widths[1], classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.pool(self.in_conv(x)).flatten(1))
        return logits


class Stage(nn.Module):
    """Blocks in a row."""

    def __init__(self, *blocks: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.blocks(x)
        return y


class EfficientViT(nn.Module):
    """(B, 3, H, W) → (B, classes)."""

    def __init__(
        self, style: Style, row: Row, stem: nn.Sequential, stages: list[Stage], classes: int
    ) -> None:
        super().__init__()
        self.stem = stem
        self.stages = nn.Sequential(*stages)
        self.head = Head(style, row.widths[-1], row.classifier, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.stages(self.stem(x)))
        return logits


def _stem(style: Style, row: Row, local: Callable[[Style, int], nn.Sequential]) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(in_conv=_conv(style, 3, row.widths[0], 3, 2))
    for number in range(row.depths[0]):
        layers[f"res{number}"] = Residual(local(style, row.widths[0]))
    return nn.Sequential(layers)


def efficientvit_b(row: Row, classes: int = 1000) -> nn.Module:
    """3,410,008 parameters for B0. Raises ValueError for classes below 1."""
    stages = []
    for place in range(1, 5):
        before, out, depth = row.widths[place - 1], row.widths[place], row.depths[place]
        attends = place > 2
        opening = Residual(_inverted(SMALL, before, out, 4, 2, norm=not attends), shortcut=False)
        if attends:
            others = [ContextBlock(SMALL, out, row.head, 4) for _ in range(depth)]
            stages.append(Stage(opening, *others))
        else:
            again = [
                Residual(_inverted(SMALL, out, out, 4, 1, norm=True)) for _ in range(depth - 1)
            ]
            stages.append(Stage(opening, *again))
    return EfficientViT(SMALL, row, _stem(SMALL, row, _separable), stages, checked_classes(classes))


def efficientvit_l(row: Row, classes: int = 1000) -> nn.Module:
    """52,654,088 parameters for L1. Raises ValueError for classes below 1."""
    w, d = row.widths, row.depths
    stages = [
        Stage(
            Residual(_fused(LARGE, w[n - 1], w[n], 16, 2), shortcut=False),
            *(Residual(_fused(LARGE, w[n], w[n], 4, 1)) for _ in range(d[n])),
        )
        for n in (1, 2)
    ]
    narrowed = partial(_inverted, LARGE, norm=False)
    stages.append(
        Stage(
            Residual(narrowed(w[2], w[3], 16, 2), shortcut=False),
            *(Residual(narrowed(w[3], w[3], 4, 1)) for _ in range(d[3])),
        )
    )
    stages.append(
        Stage(
            Residual(narrowed(w[3], w[4], 24, 2), shortcut=False),
            *(ContextBlock(LARGE, w[4], row.head, 6) for _ in range(d[4])),
        )
    )
    return EfficientViT(LARGE, row, _stem(LARGE, row, _plain), stages, checked_classes(classes))


efficientvit_b0 = partial(efficientvit_b, B0)
efficientvit_b1 = partial(efficientvit_b, B1)
efficientvit_b2 = partial(efficientvit_b, B2)
efficientvit_b3 = partial(efficientvit_b, B3)
efficientvit_l1 = partial(efficientvit_l, L1)
efficientvit_l2 = partial(efficientvit_l, L2)
efficientvit_l3 = partial(efficientvit_l, L3)
