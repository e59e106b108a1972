"""EfficientViT of Microsoft: arXiv 2305.07027, section 3 and Table 1. The networks of MIT with the
same name are in `efficientvit.py`.

Agrees with timm's `efficientvit_m0` to `m5`: state dict, logits at any input. The authors' code,
microsoft/Cream EfficientViT/classification/model/efficientvit.py, names its layers otherwise, takes
224×224 alone, and scales products of queries and keys in place of the queries.

Deviations that change no output: global means are layers; a map that is one window is cut into
windows too. The second classifier, which the authors' code has for distillation, is left out, as in
timm.
"""

from collections import OrderedDict
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_models.layers import SqueezeExcite, checked_classes

WINDOWS = (7, 7, 4)
"""The side of the windows of each stage: at most 7, and at most the map's at 224×224."""
KEY = 16
"""Channels of a query or key in each head."""


class Row(NamedTuple):
    """Channels, blocks and heads of the three stages, and the kernel of each head's queries."""

    widths: tuple[int, ...]
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    kernels: tuple[int, ...]


M0 = Row((64, 128, 192), (1, 2, 3), (4, 4, 4), (5, 5, 5, 5))
M1 = Row((128, 144, 192), (1, 2, 3), (2, 3, 3), (7, 5, 3, 3))
M2 = Row((128, 192, 224), (1, 2, 3), (4, 3, 2), (7, 5, 3, 3))
M3 = Row((128, 240, 320), (1, 2, 3), (4, 3, 4), (5, 5, 5, 5))
M4 = Row((128, 256, 384), (1, 2, 3), (4, 4, 4), (7, 5, 3, 3))
M5 = Row((192, 288, 384), (1, 3, 4), (3, 3, 4), (7, 5, 3, 3))


def _conv(
    channels: int,
    out: int,
    kernel: int = 1,
    stride: int = 1,
    *,
    groups: int = 1,
    start: float = 1.0,
) -> nn.Sequential:
    """A convolution without bias and a norm, whose scale begins so."""
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    norm = nn.BatchNorm2d(out)
    nn.init.constant_(norm.weight, start)
    return nn.Sequential(OrderedDict(conv=conv, bn=norm))


class Residual(nn.Module):
    """A branch beside a shortcut."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.m = branch

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.m(x)
        return y


def _local(channels: int, start: float = 1.0) -> Residual:
    """A depthwise 3×3 convolution: the interaction of tokens before each MLP."""
    return Residual(_conv(channels, channels, 3, groups=channels, start=start))


def _mlp(channels: int) -> Residual:
    """1×1 to twice the channels, ReLU, 1×1 back."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["pw1"] = _conv(channels, 2 * channels)
    layers["act"] = nn.ReLU()
    layers["pw2"] = _conv(2 * channels, channels, start=0.0)
    return Residual(nn.Sequential(layers))


def _distances(side: int) -> Tensor:
    """(side², side²): the number of the distance (|Δrow|, |Δcolumn|) of two positions."""
    apart = (torch.arange(side)[:, None] - torch.arange(side)).abs()
    numbers = apart[:, None, :, None] * side + apart[None, :, None, :]
    return numbers.reshape(side**2, side**2)


class CascadedAttention(nn.Module):
    """(B, C, side, side) → the same: each head attends to a part of the channels, to which the
    output of the head before it is added."""

    attention_bias_idxs: Tensor

    def __init__(self, channels: int, heads: int, side: int, kernels: tuple[int, ...]) -> None:
        super().__init__()
        self.side = side
        width = channels // heads
        self.qkvs = nn.ModuleList(_conv(width, 2 * KEY + width) for _ in range(heads))
        self.dws = nn.ModuleList(_conv(KEY, KEY, kernel, groups=KEY) for kernel in kernels[:heads])
        self.proj = nn.Sequential(nn.ReLU(), _conv(channels, channels, start=0.0))
        self.attention_biases = nn.Parameter(torch.zeros(heads, side**2))
        self.register_buffer("attention_bias_idxs", _distances(side), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        biases = self.attention_biases[:, self.attention_bias_idxs]
        parts = x.chunk(len(self.qkvs), dim=1)
        y, outputs = parts[0], []
        for head, (qkv, local) in enumerate(zip(self.qkvs, self.dws, strict=True)):
            y = qkv(y + parts[head] if head else y)
            q, k, v = y.split([KEY, KEY, y.shape[1] - 2 * KEY], dim=1)
            q, k, v = local(q).flatten(2), k.flatten(2), v.flatten(2)
            scores = (q * KEY**-0.5).transpose(1, 2) @ k + biases[head]
            y = (v @ scores.softmax(dim=-1).transpose(1, 2)).unflatten(2, (self.side, self.side))
            outputs.append(y)
        projected: Tensor = self.proj(torch.cat(outputs, dim=1))
        return projected


class WindowAttention(nn.Module):
    """(B, C, H, W) → the same: attention in windows, to which the map is filled up with zeros."""

    def __init__(self, channels: int, heads: int, side: int, kernels: tuple[int, ...]) -> None:
        super().__init__()
        self.attn = CascadedAttention(channels, heads, side, kernels)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        side = self.attn.side
        down, across = -(-height // side), -(-width // side)
        x = functional.pad(x, (0, across * side - width, 0, down * side - height))
        x = x.reshape(batch, channels, down, side, across, side).permute(0, 2, 4, 1, 3, 5)
        y = self.attn(x.reshape(batch * down * across, channels, side, side))
        y = y.reshape(batch, down, across, channels, side, side).permute(0, 3, 1, 4, 2, 5)
        y = y.reshape(batch, channels, down * side, across * side)
        return y.narrow(2, 0, height).narrow(3, 0, width)


class Block(nn.Module):
    """Attention between two MLPs, the sandwich of figure 6b."""

    def __init__(self, channels: int, attention: WindowAttention) -> None:
        super().__init__()
        self.dw0 = _local(channels, start=0.0)
        self.ffn0 = _mlp(channels)
        self.mixer = Residual(attention)
        self.dw1 = _local(channels, start=0.0)
        self.ffn1 = _mlp(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mixer(self.ffn0(self.dw0(x)))
        y: Tensor = self.ffn1(self.dw1(x))
        return y


class Halving(nn.Module):
    """An inverted residual of stride 2 with a gate, without shortcut."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        hidden = 4 * channels
        squeezed = max(8, (channels + 4) // 8 * 8)
        self.conv1 = _conv(channels, hidden)
        self.act = nn.ReLU()
        self.conv2 = _conv(hidden, hidden, 3, 2, groups=hidden)
        self.se = SqueezeExcite(hidden, squeezed, nn.ReLU(), nn.Sigmoid())
        self.conv3 = _conv(hidden, out)

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.conv2(self.act(self.conv1(x))))
        halved: Tensor = self.conv3(self.se(y))
        return halved


def _downsampling(channels: int, out: int) -> nn.Sequential:
    """Half the map, between two pairs of a depthwise convolution and an MLP."""
    return nn.Sequential(
        OrderedDict(
            res1=nn.Sequential(_local(channels), _mlp(channels)),
            patchmerge=Halving(channels, out),
            res2=nn.Sequential(_local(out), _mlp(out)),
        )
    )


class Stage(nn.Module):
    """A downsampling, but in the first stage, and blocks."""

    def __init__(self, downsample: nn.Module, blocks: list[Block]) -> None:
        super().__init__()
        self.downsample = downsample
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.blocks(self.downsample(x))
        return y


def _stem(channels: int) -> nn.Sequential:
    """Four 3×3 convolutions of stride 2: overlapping patches of 16×16."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    before = 3
    for number, part in enumerate((8, 4, 2, 1), start=1):
        if number > 1:
            layers[f"relu{number - 1}"] = nn.ReLU()
        layers[f"conv{number}"] = _conv(before, channels // part, 3, 2)
        before = channels // part
    return nn.Sequential(layers)


def _head(channels: int, classes: int) -> nn.Sequential:
    linear = nn.Linear(channels, classes)
    nn.init.trunc_normal_(linear.weight, std=0.02)
    nn.init.zeros_(linear.bias)
    return nn.Sequential(OrderedDict(bn=nn.BatchNorm1d(channels), linear=linear))


class EfficientViT(nn.Module):
    """(B, 3, H, W) → (B, classes), for H and W of at least 1; in training B is at least 2."""

    def __init__(self, row: Row, classes: int) -> None:
        super().__init__()
        self.patch_embed = _stem(row.widths[0])
        stages, before = [], None
        for width, depth, heads, side in zip(*row[:3], WINDOWS, strict=True):
            down = nn.Identity() if before is None else _downsampling(before, width)
            attend = partial(WindowAttention, width, heads, side, row.kernels)
            stages.append(Stage(down, [Block(width, attend()) for _ in range(depth)]))
            before = width
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = _head(row.widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.pool(self.stages(self.patch_embed(x))).flatten(1))
        return logits


def efficientvit_m(row: Row, classes: int = 1000) -> nn.Module:
    """2,349,436 parameters for M0. Raises ValueError for classes below 1."""
    return EfficientViT(row, checked_classes(classes))


efficientvit_m0 = partial(efficientvit_m, M0)
efficientvit_m1 = partial(efficientvit_m, M1)
efficientvit_m2 = partial(efficientvit_m, M2)
efficientvit_m3 = partial(efficientvit_m, M3)
efficientvit_m4 = partial(efficientvit_m, M4)
efficientvit_m5 = partial(efficientvit_m, M5)
