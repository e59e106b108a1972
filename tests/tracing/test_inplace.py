"""Operators that write to their tensor, or change its shape, on free sizes as at numbers."""

import pytest
import torch
from torch import nn

from flopscope import trace
from flopscope.tracing import trace as traced


class Net(nn.Module):
    """A convolution to eight channels, what is done with its map, and a linear layer of eight."""

    def __init__(self, middle):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 1)
        self.last = nn.Linear(8, 4)
        self.middle = middle

    def forward(self, x):
        return self.last(self.middle(self.first(x)))


def macs(net, *shape):
    return trace(net, shape).macs().value


def tokens(y):
    return y.flatten(2).transpose(1, 2)


def transposed(y):
    z = y.flatten(2)
    z.transpose_(1, 2)
    return z


def unsqueezed(y):
    z = tokens(y).mean(1)
    z.unsqueeze_(1)
    return z.expand(-1, 3, -1)


def squeezed(y):
    z = y.mean((2, 3), keepdim=True)
    z.squeeze_(3)
    z.squeeze_(2)
    return z


def turned(y):
    z = y.mean((2, 3)).t().contiguous()
    z.t_()
    return z


def swapped(y):
    z = y.flatten(2)
    z.swapdims_(-1, -2)
    return z.swapaxes_(1, 2).swapaxes_(1, 2)


def resized(y):
    z = torch.empty(0)
    z.resize_(y.shape[0], 5, 8)
    return z


def as_another(y):
    z, other = torch.empty(2), torch.empty(3)
    z.resize_as_(y.permute(0, 2, 3, 1))
    other.set_(z)
    return other


def strided(y):
    z = tokens(y).contiguous()
    return z.as_strided_((z.shape[0], z.shape[1] - 1, 8), (z.shape[1] * 8, 8, 1))


def assigned(y):
    z = torch.empty(1)
    z.data = tokens(y)
    return z


def written_out(y):
    z = tokens(y)
    total, larger = z.new_empty(0), z.new_empty(0)
    torch.add(z, z, out=total)
    torch.cat([total, z], dim=1, out=larger)
    return larger


def held_twice(y):
    z = y.flatten(2)
    holders = [z, {"again": z}]
    z.transpose_(1, 2)
    return holders[1]["again"]


def filled(y):
    z = torch.zeros(y.shape[0], 8, *y.shape[2:])
    z.copy_(y[:, :1])
    z[:, 1:3] += y[:, :2]
    z.masked_fill_(y > 0, 1.0).clamp_(0, 1).mul_(y.mean((2, 3), keepdim=True))
    return z.permute(0, 2, 3, 1)


@pytest.mark.parametrize(
    "middle",
    [
        *(transposed, unsqueezed, squeezed, turned, swapped, resized, as_another, strided),
        *(assigned, written_out, held_twice, filled),
    ],
)
def test_a_formula_follows_what_is_done_in_place(middle):
    net = Net(middle)
    formula = trace(net, ("B", 3, "H", "W")).macs().formula
    for batch, height, width in ((1, 6, 5), (2, 6, 5), (3, 9, 4)):
        here = formula.at(B=batch, H=height, W=width)
        assert here == macs(net, batch, 3, height, width)


def test_the_layer_after_an_axis_was_put_in_by_hand():
    # 3 to 8 channels on 30 positions of 3 samples; 8 to 4 on 3 positions of each
    assert macs(Net(unsqueezed), 3, 3, 6, 5) == 3 * 30 * 3 * 8 + 3 * 3 * 8 * 4 == 2448


class Halves(nn.Module):
    """A map halved and rounded down, to which one that is rounded up is added."""

    def __init__(self, add):
        super().__init__()
        self.down = nn.AvgPool2d(2, 2)
        self.up = nn.AvgPool2d(2, 2, ceil_mode=True)
        self.last = nn.Conv2d(3, 4, 1)
        self.add = add

    def forward(self, x):
        return self.last(self.add(self.down(x), self.up(x)))


def iadd(a, b):
    a += b
    return a


@pytest.mark.parametrize(
    "add",
    [
        iadd,
        lambda a, b: a + b,
        lambda a, b: a.mul_(b),
        lambda a, b: a.lerp_(b, 0.5),
        lambda a, b: a.addcmul_(b, b),
        lambda a, b: a.copy_(b),
        lambda a, b: a.masked_fill_(b > 0, 0.0),
        lambda a, b: torch.add(a, b, out=a),
        lambda a, b: torch.stack([a, b]).sum(0),
        lambda a, b: a.scatter_(1, b.long() * 0, b),
        lambda a, b: a.index_add_(0, torch.zeros(a.shape[0], dtype=torch.long), b),
    ],
)
def test_what_is_written_must_fit(add):
    """12 MACs a position where both halves agree; elsewhere torch refuses, and so does the
    domain."""
    net = Halves(add)
    conditions = trace(net, ("B", 3, "H", "W")).conditions
    assert [str(condition) for condition in conditions] == ["H multiple of 2", "W multiple of 2"]
    assert macs(net, 2, 3, 6, 8) == 2 * 12 * 3 * 4
    with pytest.raises(RuntimeError):
        net(torch.ones(1, 3, 7, 8))


def test_a_sum_that_grows_is_not_written_back():
    net = Net(lambda y: y.mean((2, 3), keepdim=True).add_(y))
    with pytest.raises(
        RuntimeError,
        match=r"^output with shape \[B, 8, 1, 1\] doesn't match the broadcast shape "
        r"\[B, 8, H, W\]\ntried B=3, H=6, W=5; --example B=… gives another size$",
    ):
        traced(net, ("B", 3, "H", "W"), example={"H": 6, "W": 5})


def test_a_fraction_is_not_written_to_whole_numbers():
    net = Net(lambda y: torch.zeros(y.shape[0], dtype=torch.long).add_(y.mean((1, 2, 3))))
    with pytest.raises(
        RuntimeError,
        match=r"^result type float32 can't be cast to the desired output type int64$",
    ):
        traced(net, ("B", 3, "H", "W"), example={"B": 2, "H": 6, "W": 5})
