"""The attention of EfficientFormerV2: arXiv 2212.08059, sections 3.3 to 3.5;
snap-research/EfficientFormer models/efficientformer_v2.py.

Eight heads over a map of fixed size, with a learnt bias for each distance of two positions.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

HEADS = 8


def conv(
    channels: int, out: int, kernel: int = 1, stride: int = 1, *, groups: int = 1, act: bool = False
) -> nn.Sequential:
    """Convolution with bias, norm, and GELU where told."""
    pad = (kernel - 1) // 2
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(channels, out, kernel, stride, pad, groups=groups)
    layers["bn"] = nn.BatchNorm2d(out)
    if act:
        layers["act"] = nn.GELU()
    return nn.Sequential(layers)


def _distances(side: int, step: int) -> Tensor:
    """(queries, keys): the number of the distance (|Δrow|, |Δcolumn|) of two positions; the queries
    stand at every `step`th row and column."""
    keys = torch.arange(side)
    apart = (keys[::step, None] - keys).abs()
    numbers = apart[:, None, :, None] * side + apart[None, :, None, :]
    return numbers.reshape(len(apart) ** 2, side**2)


class HeadedAttention(nn.Module):
    """What both kinds of attention share: eight heads over a map of side × side, with a learnt bias
    for each distance. Queries and keys have `key` channels a head, values four times as many."""

    attention_bias_idxs: Tensor

    def __init__(self, side: int, key: int, step: int = 1) -> None:
        super().__init__()
        self.scale = key**-0.5
        self.attention_biases = nn.Parameter(torch.zeros(HEADS, side**2))
        self.register_buffer("attention_bias_idxs", _distances(side, step), persistent=False)
        self.side = -(-side // step)

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """(B, heads, queries, keys), of maps (B, heads · d, rows, columns)."""
        biases = self.attention_biases[:, self.attention_bias_idxs]
        products = _by_head(query).transpose(2, 3) @ _by_head(key)
        return products * self.scale + biases

    def mixed(self, weights: Tensor, value: Tensor) -> Tensor:
        """(B, heads · d, side, side): the values weighted for each query."""
        y = (weights @ _by_head(value).transpose(2, 3)).transpose(2, 3)
        return y.reshape(value.shape[0], value.shape[1], self.side, self.side)


def _by_head(x: Tensor) -> Tensor:
    """(B, heads · d, rows, columns) → (B, heads, d, positions)."""
    return x.reshape(x.shape[0], HEADS, x.shape[1] // HEADS, x.shape[2] * x.shape[3])


class Attention(HeadedAttention):
    """Attention of a block, with a convolution of the values beside it and linear layers over the
    heads on either side of the softmax. Where strided it works on half the map."""

    def __init__(self, channels: int, side: int, *, strided: bool) -> None:
        super().__init__(-(-side // 2) if strided else side, key=32)
        keys, values = HEADS * 32, HEADS * 128
        self.strided = strided
        down = conv(channels, channels, 3, 2, groups=channels) if strided else nn.Identity()
        self.stride_conv = down
        self.q = conv(channels, keys)
        self.k = conv(channels, keys)
        self.v = conv(channels, values)
        self.v_local = conv(values, values, 3, groups=values)
        self.talking_head1 = nn.Conv2d(HEADS, HEADS, 1)
        self.talking_head2 = nn.Conv2d(HEADS, HEADS, 1)
        self.act = nn.GELU()
        self.proj = conv(values, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stride_conv(x)
        query, key, value = self.q(x), self.k(x), self.v(x)
        local = self.v_local(value)
        weights = self.talking_head1(self.scores(query, key)).softmax(-1)
        y = self.mixed(self.talking_head2(weights), value) + local
        if self.strided:
            y = functional.interpolate(y, scale_factor=2.0, mode="bilinear")
        projected: Tensor = self.proj(self.act(y))
        return projected


class HalvingQuery(nn.Module):
    """Every other position, and a convolution around it, projected."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(1, 2)
        self.local = nn.Conv2d(channels, channels, 3, 2, 1, groups=channels)
        self.proj = conv(channels, out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.proj(self.local(x) + self.pool(x))
        return y


class HalvingAttention(HeadedAttention):
    """Attention from half the map's rows and columns to the whole map."""

    def __init__(self, channels: int, out: int, side: int) -> None:
        super().__init__(side, key=16, step=2)
        keys, values = HEADS * 16, HEADS * 64
        self.q = HalvingQuery(channels, keys)
        self.k = conv(channels, keys)
        self.v = conv(channels, values)
        self.v_local = conv(values, values, 3, 2, groups=values)
        self.act = nn.GELU()
        self.proj = conv(values, out)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.q(x), self.k(x), self.v(x)
        local = self.v_local(value)
        y = self.mixed(self.scores(query, key).softmax(-1), value) + local
        projected: Tensor = self.proj(self.act(y))
        return projected
