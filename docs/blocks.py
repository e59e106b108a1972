"""The blocks of the page on deriving formulas."""

from torch import nn


class Inverted(nn.Module):
    """An inverted residual without norms, as people write it."""

    def __init__(self, inp, oup, kernel_size, expand):
        super().__init__()
        hidden = int(inp * expand)
        layers = [nn.Conv2d(inp, hidden, 1, bias=False), nn.ReLU6()] if expand != 1 else []
        layers.append(
            nn.Conv2d(
                hidden, hidden, kernel_size, padding=kernel_size // 2, groups=hidden, bias=False
            )
        )
        layers += [nn.ReLU6(), nn.Conv2d(hidden, oup, 1, bias=False)]
        self.layers = nn.Sequential(*layers)
        self.shortcut = inp == oup

    def forward(self, x):
        return x + self.layers(x) if self.shortcut else self.layers(x)


class Encoder(nn.Module):
    """A stack of transformer layers, whose number is a range's."""

    def __init__(self, dim, heads, depth):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(dim, heads, 4 * dim, batch_first=True) for _ in range(depth)
        )

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Heads(nn.Module):
    """A layer of its own for every 64 channels."""

    def __init__(self, dim):
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(64, 64, bias=False) for _ in range(dim // 64))
        self.mix = nn.Linear(dim, dim, bias=False)

    def forward(self, x):
        parts = zip(self.heads, x.split(64, -1), strict=False)
        return [head(part) for head, part in parts], self.mix(x)


class Pyramid(nn.Module):
    """Widths double from layer to layer."""

    def __init__(self, levels):
        super().__init__()
        self.layers = nn.Sequential(*(nn.Linear(2**i, 2 ** (i + 1)) for i in range(levels)))

    def forward(self, x):
        return self.layers(x)
