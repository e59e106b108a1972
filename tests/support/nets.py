"""Small networks of a reader's own, which the tests of `flopscope profile` trace."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm


class Net(nn.Module):
    """A stem, a separable convolution and a classifier; one ReLU is called twice."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.Conv2d(8, 16, 1))
        self.act = nn.ReLU()
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = self.act(self.body(self.act(self.stem(x)))).mean((2, 3))
        return self.fc(x) + 1


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x))


class Bessel(nn.Module):
    """An operator that no convention has a price for."""

    def forward(self, x):
        return torch.linalg.pinv(x)


class Odd(nn.Module):
    """Two of them, one in a module and one in the network itself."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, 2, 1)
        self.inner = Bessel()

    def forward(self, x):
        return torch.linalg.qr(self.inner(self.conv(x)))[1]


class Deep(nn.Module):
    """A convolution below many modules with long names."""

    def __init__(self, depth=9):
        super().__init__()
        self.a_name_that_says_much = Deep(depth - 1) if depth else nn.Conv2d(3, 3, 3, 1, 1)

    def forward(self, x):
        return self.a_name_that_says_much(x)


class Grids(nn.Module):
    """One stage on many grids."""

    def __init__(self):
        super().__init__()
        strides = (1, 2, 3, 5, 7, 11, 13)
        self.stage = nn.ModuleList(nn.Conv2d(3, 3, 1, stride) for stride in strides)

    def forward(self, x):
        return [layer(x) for layer in self.stage]


class Many(nn.Sequential):
    """The operator in five modules."""

    def __init__(self):
        super().__init__(*(Bessel() for _ in range(5)))


class Normed(nn.Module):
    """Two layers whose weights are computed, and a recurrent one."""

    def __init__(self):
        super().__init__()
        self.first, self.second = (weight_norm(nn.Linear(8, 8)) for _ in range(2))
        self.cells = nn.LSTM(8, 4)

    def forward(self, x):
        return self.cells(self.second(self.first(x)))[0]


class Fixed(nn.Module):
    """Asks for the width as a number."""

    def forward(self, x):
        width = len(range(x.shape[-1]))
        return x * width


class Halves(nn.Module):
    """Insists on even sides."""

    def forward(self, x):
        height, width = x.shape[-2:]
        if height % 2 or width % 2:
            raise ValueError("the sides must be even")
        return x.reshape(x.shape[0], 3, height // 2, 2, width // 2, 2)


class ByKeyword(nn.Module):
    """A layer that is given its input under its name."""

    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.head(input=x)
