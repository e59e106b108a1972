"""A network of one's own, for the pages: inverted residuals between a stem and a head."""

from torch import nn


class Block(nn.Module):
    """An inverted residual with a depthwise 5×5 convolution."""

    def __init__(self, inp, out, stride):
        super().__init__()
        hidden = 4 * inp
        self.layers = nn.Sequential(
            nn.Conv2d(inp, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.Hardswish(),
            nn.Conv2d(hidden, hidden, 5, stride, padding=2, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.Hardswish(),
            nn.Conv2d(hidden, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.shortcut = inp == out and stride == 1

    def forward(self, x):
        return x + self.layers(x) if self.shortcut else self.layers(x)


class Net(nn.Module):
    """Four stages of blocks, whose channels are multiples of the width."""

    def __init__(self, width=24, depths=(2, 3, 6, 3), classes=1000):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, 2, padding=1, bias=False)
        self.stages = nn.Sequential()
        channels = width
        for n, depth in enumerate(depths):
            blocks = nn.Sequential()
            for index in range(depth):
                out = width * 2**n
                blocks.append(Block(channels, out, 2 if index == 0 else 1))
                channels = out
            self.stages.append(blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(channels, classes)

    def forward(self, x):
        return self.head(self.pool(self.stages(self.stem(x))).flatten(1))
