"""The blocks of MobileNetV4: arXiv 2404.10518, sections 4 and 5; in timm's names,
timm/models/_efficientnet_blocks.py and timm/layers/attention2d.py.

Deviations that change no output:

* The heads of one image, which share keys and values, are one sequence of queries: one product
  where timm repeats keys and values for every head.
* The filter of a blur pads with zeros itself, where timm pads the map first.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

LAYER_SCALE = 1e-5  # initial value


class Conv(NamedTuple):
    """Channels, kernel, stride."""

    out: int
    kernel: int
    stride: int = 1


class Fused(NamedTuple):
    """Channels and stride of a fused inverted bottleneck of kernel 3 and expansion 4."""

    out: int
    stride: int = 1


class Uib(NamedTuple):
    """Channels, kernels before and after the expansion (0: none), expansion, stride."""

    out: int
    start: int
    middle: int
    expansion: int = 4
    stride: int = 1


class Mqa(NamedTuple):
    """Channels, heads, width of a head, stride to the map of keys and values."""

    out: int
    heads: int
    width: int
    reduction: int = 1


Row = Conv | Fused | Uib | Mqa


class Blur(nn.Module):
    """Halves a map by the filter [1 2 1]ᵀ·[1 2 1]/16 of every channel, which is not learnt."""

    filt: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        line = torch.tensor([1.0, 2.0, 1.0]) / 4
        filters = torch.outer(line, line).expand(channels, 1, 3, 3).clone()
        self.register_buffer("filt", filters, persistent=False)

    def of(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.filt, stride=2, padding=1, groups=x.shape[1])


class Mean(nn.AvgPool2d):
    """Halves a map by means of 2×2; an odd last row or column is dropped."""

    def __init__(self, channels: int) -> None:
        super().__init__(2)


class Shared(NamedTuple):
    """What all blocks have in common: activation, layer scale, and the layer that halves a map
    after a convolution, None where the convolution has the stride itself."""

    act: type[nn.Module]
    scaled: bool
    halve: Callable[[int], nn.Module] | None


def _layer(
    channels: int,
    out: int,
    kernel: int,
    shared: Shared | None = None,
    *,
    stride: int = 1,
    groups: int = 1,
    names: tuple[str, str] = ("conv", "bn"),
) -> "OrderedDict[str, nn.Module]":
    """Convolution and norm; with what the blocks share an activation, too, then the halving."""
    halve = shared.halve if shared is not None and stride > 1 else None
    at = 1 if halve else stride
    pad = (kernel - 1) // 2
    convolution = nn.Conv2d(channels, out, kernel, at, pad, groups=groups, bias=False)
    layers = OrderedDict[str, nn.Module](
        zip(names, (convolution, nn.BatchNorm2d(out)), strict=True)
    )
    if shared is not None:
        layers[f"{names[1]}_act"] = shared.act()
    if halve is not None:
        layers["aa"] = halve(out)
    return layers


class LayerScale(nn.Module):
    """A factor a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels,), LAYER_SCALE))

    def of(self, x: Tensor) -> Tensor:
        return x * self.gamma.view(1, -1, 1, 1)


class Block(nn.Sequential):
    """Layers one after another; the input is added where there is a shortcut.

    A blur and a layer scale are functions that the block applies, because they are no layers of
    PyTorch's, which counters could know.
    """

    def __init__(self, layers: "OrderedDict[str, nn.Module]", *, shortcut: bool = False) -> None:
        super().__init__(layers)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for layer in self:
            y = layer.of(y) if isinstance(layer, Blur | LayerScale) else layer(y)
        return y + x if self.shortcut else y


def conv(channels: int, row: Conv, shared: Shared) -> Block:
    layers = _layer(channels, row.out, row.kernel, shared, stride=row.stride, names=("conv", "bn1"))
    return Block(layers)


def fused(channels: int, row: Fused, shared: Shared) -> Block:
    """3×3 to four times the channels, 1×1 back."""
    hidden = 4 * channels
    layers = _layer(channels, hidden, 3, shared, stride=row.stride, names=("conv_exp", "bn1"))
    layers.update(_layer(hidden, row.out, 1, names=("conv_pwl", "bn2")))
    return Block(layers, shortcut=row.stride == 1 and channels == row.out)


def uib(channels: int, row: Uib, shared: Shared) -> Block:
    """The universal inverted bottleneck: section 4."""
    hidden = channels * row.expansion
    parts = {
        "dw_start": row.start and _layer(channels, channels, row.start, groups=channels),
        "pw_exp": _layer(channels, hidden, 1, shared),
        "dw_mid": row.middle
        and _layer(hidden, hidden, row.middle, shared, stride=row.stride, groups=hidden),
        "pw_proj": _layer(hidden, row.out, 1),
    }
    layers = OrderedDict[str, nn.Module](
        (name, Block(part)) for name, part in parts.items() if part
    )
    if shared.scaled:
        layers["layer_scale"] = LayerScale(row.out)
    return Block(layers, shortcut=row.stride == 1 and channels == row.out)


class Attention(nn.Module):
    """Multi-query attention over the positions of a map: section 5."""

    def __init__(self, channels: int, heads: int, width: int, reduction: int) -> None:
        super().__init__()
        self.width = width
        self.query = nn.Sequential(_projection(channels, heads * width))
        self.key = nn.Sequential(_reduced(channels, width, reduction))
        self.value = nn.Sequential(_reduced(channels, width, reduction))
        self.output = nn.Sequential(_projection(heads * width, channels))

    def init_weights(self) -> None:
        """Glorot's uniform distribution for every convolution."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.xavier_uniform_(layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        grid = x.shape[2:]
        q = self.query(x).unflatten(1, (-1, self.width)).flatten(3).transpose(2, 3).flatten(1, 2)
        k, v = self.key(x).flatten(2), self.value(x).flatten(2).transpose(1, 2)
        weights = ((q * self.width**-0.5) @ k).softmax(-1)
        heads = (weights @ v).unflatten(1, (-1, grid[0] * grid[1])).transpose(2, 3)
        y: Tensor = self.output(heads.flatten(1, 2).unflatten(2, grid))
        return y


def _projection(channels: int, out: int) -> "OrderedDict[str, nn.Module]":
    return OrderedDict(proj=nn.Conv2d(channels, out, 1, bias=False))


def _reduced(channels: int, width: int, reduction: int) -> "OrderedDict[str, nn.Module]":
    """The layers of keys or values: a projection, of a smaller map where there is a reduction."""
    layers = OrderedDict[str, nn.Module]()
    if reduction > 1:
        names = ("down_conv", "norm")
        layers = _layer(channels, channels, 3, stride=reduction, groups=channels, names=names)
    layers.update(_projection(channels, width))
    return layers


def mobile_mqa(channels: int, row: Mqa, shared: Shared) -> Block:
    """Norm, attention and layer scale, with a shortcut."""
    layers = OrderedDict[str, nn.Module](norm=nn.BatchNorm2d(channels))
    layers["attn"] = Attention(channels, row.heads, row.width, row.reduction)
    layers["layer_scale"] = LayerScale(channels)
    return Block(layers, shortcut=True)
