"""Proxies leave a network as they find it, and say why they have no value."""

import copy
import random
import threading

import numpy as np
import pytest
import torch
from torch import nn

from flopscope.errors import BadInput
from flopscope.measured.proxies import MEASURED, classes_of, measured_proxies
from flopscope.measured.proxies.blocks import blocks
from flopscope.measured.proxies.zen import before_pooling

SHAPE = (2, 3, 8, 8)


class Net(nn.Module):
    """Two blocks, dropout, a counter of calls, and a batch norm that was trained a little."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(True))
        self.second = nn.Sequential(nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(True))
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(6, 5)
        self.calls = []

    def forward(self, x):
        self.calls.append(random.random() + np.random.rand())
        return self.head(self.drop(self.second(self.first(x)).mean((2, 3))))


def trained():
    torch.manual_seed(0)
    net = Net()
    net(torch.randn(4, 3, 8, 8)).sum().backward()
    net.first.eval()
    net.head.weight.requires_grad_(False)
    return net


def facts(net):
    """Everything that may change: values, gradients, switches, and where random numbers are."""
    return (
        {name: value.clone() for name, value in net.state_dict().items()},
        [None if p.grad is None else p.grad.clone() for p in net.parameters()],
        [part.training for part in net.modules()],
        [p.requires_grad for p in net.parameters()],
        [part.inplace for part in net.modules() if hasattr(part, "inplace")],
        [len(part._forward_hooks) for part in net.modules()],
        list(net.calls),
        torch.get_rng_state(),
        random.getstate(),
        np.random.get_state()[1],
        torch.is_grad_enabled(),
    )


def same(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@pytest.mark.parametrize("name", MEASURED)
def test_a_proxy_leaves_everything_as_it_was(name):
    net = trained()
    gradients = [p.grad for p in net.parameters()]
    before = facts(net)
    with torch.no_grad():
        found = measured_proxies(net, SHAPE, 5, [name])
    assert isinstance(found[name], float)
    assert same(before, facts(net))
    assert all(p.grad is grad for p, grad in zip(net.parameters(), gradients, strict=True))


def test_code_that_reaches_the_original_leaves_it_as_it_was_too():
    net = trained()
    norm = net.second[1]
    net.head.register_forward_pre_hook(lambda *_: norm(torch.randn(2, 6, 4, 4)).sum().backward())
    before = facts(net)
    measured_proxies(net, SHAPE, 5, ["grad_norm"])
    assert same(before, facts(net))


def test_values_depend_on_the_seed_alone():
    net = trained()
    every = measured_proxies(net, SHAPE, 5, MEASURED, seed=7)
    torch.manual_seed(99)
    assert {n: measured_proxies(net, SHAPE, 5, [n], seed=7)[n] for n in MEASURED} == every
    other = measured_proxies(net, SHAPE, 5, MEASURED, seed=8)
    assert [name for name in MEASURED if other[name] == every[name]] == []


class Attention(nn.Module):
    def __init__(self, to=4):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, 4)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, to)

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2)
        return self.head(self.attention(x, x, x)[0].mean(1))


def test_a_network_with_fused_attention_has_a_second_derivative():
    found = measured_proxies(Attention(), SHAPE, 4, ["grasp", "snip"])
    assert all(isinstance(value, float) for value in found.values())


@pytest.mark.parametrize(
    ("net", "name", "reason"),
    [
        (Attention(), "naswot", "it has no ReLU that is a module"),
        (Attention(), "zen", "it has no global average pooling at its end"),
        (
            Attention(),
            "expressivity",
            "it has fewer than two blocks with maps of more than one position",
        ),
        (
            nn.Sequential(nn.Conv2d(3, 4, 8), nn.BatchNorm2d(4, track_running_stats=False),
                          nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            "zen",
            "its batch norm keeps no running variance",
        ),
        (
            nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 2, 3), nn.ReLU(),
                          nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            "trainability",
            "a block takes maps of 8×8 to 3×3, which does not divide; another --res may",
        ),
    ],
)  # fmt: skip
def test_a_proxy_says_why_it_has_no_value(net, name, reason):
    assert measured_proxies(net, SHAPE, 4, [name]) == {name: reason}


def test_an_error_of_the_network_s_code_is_told():
    class Single(nn.Sequential):
        def forward(self, x):
            return super().forward(x.float() if x.dtype is torch.float32 else x.int())

    net = Single(nn.Conv2d(3, 4, 8), nn.Flatten())
    (value,) = measured_proxies(net, SHAPE, 4, ["synflow"]).values()
    assert value.startswith("its code raises RuntimeError: ")


def test_what_cannot_have_proxies_gets_a_sentence():
    with pytest.raises(BadInput) as error:
        classes_of(nn.Conv2d(3, 4, 3), SHAPE)
    assert str(error.value) == (
        "Conv2d has no proxies: proxies read one row of logits for each image, and it gives "
        "(2, 4, 6, 6); give a classifier"
    )
    with pytest.raises(BadInput) as error:
        classes_of(nn.Linear(3, 4, device="meta"), SHAPE)
    assert str(error.value) == (
        "Linear has weights without values, and proxies compute with them; give a network that is "
        "initialised"
    )
    net = nn.Flatten()
    net.lock = threading.Lock()
    with pytest.raises(BadInput) as error:
        classes_of(net, SHAPE)
    assert str(error.value) == (
        "Flatten cannot be copied (TypeError: cannot pickle '_thread.lock' object), and proxies "
        "run on a copy; give a network that copy.deepcopy copies"
    )


def test_blocks_are_modules_of_the_author_and_convolutions_with_what_follows():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 1)

    stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    stage = nn.Sequential(Block(), Block())
    tail = nn.Sequential(nn.Conv2d(4, 8, 1), nn.GELU(), nn.AdaptiveAvgPool2d(1))
    net = nn.Sequential(stem, stage, tail, nn.Flatten(), nn.Linear(8, 2))
    assert blocks(net) == [stem[2], *stage, tail[1]]
    wrapped = nn.Module()
    wrapped.body = nn.Module()
    wrapped.body.stages = copy.deepcopy(net)
    assert [type(block).__name__ for block in blocks(wrapped)] == "ReLU Block Block GELU".split()


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: x.mean((2, 3)),
        lambda x: nn.functional.adaptive_avg_pool2d(x, 1).flatten(1),
        lambda x: nn.functional.avg_pool2d(x, x.shape[-2:]).flatten(1),
        lambda x: x.mean([-1, -2], keepdim=True).flatten(1),
    ],
)
def test_the_map_before_global_pooling_is_found_however_it_is_written(pool):
    class Pooled(nn.Module):
        def forward(self, x):
            gate = x.mean((2, 3), keepdim=True)
            self_gated = x * gate
            return pool(self_gated)

    x = torch.randn(2, 3, 4, 5)
    assert torch.equal(before_pooling(Pooled(), x), x * x.mean((2, 3), keepdim=True))
