"""Blocks that the project does not contain, written as people write them."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Separable(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1):
        super().__init__()
        self.depthwise = nn.Conv2d(
            in_channels,
            in_channels,
            kernel_size,
            stride,
            kernel_size // 2,
            groups=in_channels,
            bias=False,
        )
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x):
        return F.relu(self.norm(self.pointwise(self.depthwise(x))))


class Squeeze(nn.Module):
    """The squeezed width has a minimum: a piecewise law."""

    def __init__(self, channels, ratio=4):
        super().__init__()
        squeezed = max(8, channels // ratio)
        self.down = nn.Conv2d(channels, squeezed, 1)
        self.up = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.up(F.relu(self.down(F.adaptive_avg_pool2d(x, 1)))))


class Inverted(nn.Module):
    """No expansion layer at ratio 1; weights are given their values in the constructor."""

    def __init__(self, inp, oup, stride, expand_ratio):
        super().__init__()
        hidden = int(round(inp * expand_ratio))  # noqa: RUF046  # as it is found in the wild
        self.shortcut = stride == 1 and inp == oup
        layers = []
        if expand_ratio != 1:
            layers += [nn.Conv2d(inp, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6()]
        layers += [
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
            nn.Conv2d(hidden, oup, 1, bias=False),
            nn.BatchNorm2d(oup),
        ]
        self.conv = nn.Sequential(*layers)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
                m.weight.data.normal_(0, math.sqrt(2.0 / n))

    def forward(self, x):
        return x + self.conv(x) if self.shortcut else self.conv(x)


class Ghost(nn.Module):
    def __init__(self, inp, oup, ratio=2, size=3):
        super().__init__()
        self.oup = oup
        primary = math.ceil(oup / ratio)
        self.primary = nn.Conv2d(inp, primary, 1, bias=False)
        self.cheap = nn.Conv2d(
            primary, primary * (ratio - 1), size, 1, size // 2, groups=primary, bias=False
        )

    def forward(self, x):
        x = self.primary(x)
        return torch.cat([x, self.cheap(x)], 1)[:, : self.oup]


class Attention(nn.Module):
    def __init__(self, dim, num_heads=8):
        super().__init__()
        assert dim % num_heads == 0
        self.heads = num_heads
        self.scale = (dim // num_heads) ** -0.5
        self.qkv = nn.Linear(dim, dim * 3)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        b, n, c = x.shape
        qkv = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        weights = ((q * self.scale) @ k.transpose(-2, -1)).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(b, n, c))


class Stack(nn.Module):
    """Depth must be a number: `range` says so."""

    def __init__(self, channels, depth, norm="batch"):
        super().__init__()
        self.layers = nn.Sequential(
            *[nn.Conv2d(channels, channels, 3, padding=1) for _ in range(depth)]
        )
        self.norm = nn.BatchNorm2d(channels) if norm == "batch" else nn.Identity()

    def forward(self, x):
        return self.norm(self.layers(x))


class Shrinking(nn.Module):
    """Each layer takes something of the input's edge."""

    def __init__(self, channels, depth):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Conv2d(channels, channels, 3) for _ in range(depth)])

    def forward(self, x):
        return self.layers(x).mean((2, 3))


class Grid(nn.Module):
    """Two numbers of layers."""

    def __init__(self, channels, rows, columns):
        super().__init__()
        layers = [nn.Conv2d(channels, channels, 3) for _ in range(rows) for _ in range(columns)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class ChannelKernel(nn.Module):
    """Efficient channel attention: a kernel that grows with the logarithm of the channels."""

    def __init__(self, channels):
        super().__init__()
        size = int(abs((math.log2(channels) + 1) / 2))
        size = size if size % 2 else size + 1
        self.mix = nn.Conv2d(channels, channels, 1, bias=False)
        self.attend = nn.Conv1d(1, 1, size, padding=size // 2, bias=False)

    def forward(self, x):
        x = self.mix(x)
        weights = self.attend(x.mean((2, 3))[:, None])
        return x * weights.transpose(1, 2)[..., None].sigmoid()


class Heads(nn.Module):
    """A small layer for every 64 channels."""

    def __init__(self, dim):
        super().__init__()
        self.mix = nn.Linear(dim, dim, bias=False)
        self.heads = nn.ModuleList(nn.Linear(64, 64, bias=False) for _ in range(dim // 64))

    def forward(self, x):
        x = self.mix(x)
        if not len(self.heads):
            return x
        parts = zip(self.heads, x.split(64, -1), strict=False)
        return torch.cat([head(part) for head, part in parts], -1)


class Sparse(nn.Module):
    """One layer in `every` attends, the first at `every` - 1."""

    def __init__(self, dim=16, depth=8, every=8):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(dim, dim, bias=False) for _ in range(depth))
        self.every = every

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i % self.every == self.every - 1:
                x = (x @ x.mT).softmax(-1) @ x
        return x


class Groups(nn.Module):
    """Half the width, and a small layer for every 16 of it."""

    def __init__(self, dim):
        super().__init__()
        self.narrow = nn.Linear(dim, dim // 2 + 1, bias=False)
        self.small = nn.ModuleList(nn.Linear(6, 6, bias=False) for _ in range(dim // 16))

    def forward(self, x):
        return self.narrow(x), [layer(x[..., :1].expand(*x.shape[:-1], 6)) for layer in self.small]


class OneLayer(nn.Module):
    """A layer whose width is a rule of one number."""

    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(1, width, bias=False)

    def forward(self, x):
        return self.layer(x)


class Folded(nn.Module):
    """A width that doubles with every element of a kernel."""

    def __init__(self, kernel_size):
        super().__init__()
        self.layer = nn.Linear(1, 2 ** len(range(kernel_size)), bias=False)

    def forward(self, x):
        return self.layer(x)


class Halving(nn.Module):
    """The grid is halved after each layer, so each depth wants a larger one."""

    def __init__(self, depth):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(1, 1, 3, padding=1) for _ in range(depth))

    def forward(self, x):
        for layer in self.layers:
            x = F.max_pool2d(layer(x), 2)
        return x


class Doubling(nn.Module):
    """Parameters are no polynomial in the depth."""

    def __init__(self, depth):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Linear(2**i, 2 ** (i + 1)) for i in range(depth)])

    def forward(self, x):
        return self.layers(x)


def divisible(value, divisor=8):
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


class Wide(nn.Module):
    def __init__(self, width=1.0, classes=10):
        super().__init__()
        first, second = divisible(32 * width), divisible(64 * width)
        self.stem = nn.Conv2d(3, first, 3, 2, 1, bias=False)
        self.conv = nn.Conv2d(first, second, 1)
        self.head = nn.Linear(second, classes)

    def forward(self, x):
        return self.head(self.conv(self.stem(x)).mean((2, 3)))


def not_a_module(size):
    return size


class Nothing(nn.Module):
    def forward(self, x):
        return x
