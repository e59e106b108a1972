"""Networks that write as they run: what real code keeps from one call to the next."""

from __future__ import annotations

import functools
import random
import threading
import types
import weakref
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize, prune

WIDTH = 8
SHAPE = (2, 5, WIDTH)

TABLE: dict[Any, Any] = {}
"""A cache of this file's."""
MASK = None


class Writer(nn.Module):
    """Two linear layers; `keep` is what a subclass does between them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def keep(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.keep(self.first(x)))


def positions(x: torch.Tensor) -> torch.Tensor:
    return torch.arange(x.shape[1], dtype=torch.float32)[:, None].cos()


class Attribute(Writer):
    cos: Any = None

    def keep(self, x):
        if self.cos is None or self.cos.shape[0] < x.shape[1]:
            self.cos = positions(x)
        return x * self.cos[: x.shape[1]]


class OnTheClass(Writer):
    cos: Any = None

    def keep(self, x):
        if OnTheClass.cos is None:
            OnTheClass.cos = positions(x)
        return x * OnTheClass.cos


class NewOnTheClass(Writer):
    def keep(self, x):
        type(self).latest = positions(x)
        return x * type(self).latest


class ListOfGrids(Writer):
    def __init__(self):
        super().__init__()
        self.grids = [torch.empty(0)]
        self.seen = deque(maxlen=3)
        self.by_size = OrderedDict(a=1)
        self.sizes = {1}

    def keep(self, x):
        self.grids[0] = positions(x)
        self.grids.append(x)
        self.seen.append(x)
        self.by_size[x.shape[1]] = x
        self.by_size.move_to_end("a")
        self.sizes.add(7)
        return x * self.grids[0]


class LazyBuffer(Writer):
    def __init__(self):
        super().__init__()
        self.register_buffer("mask", None)

    def keep(self, x):
        if self.mask is None:
            self.mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        return (x @ x.mT).masked_fill(self.mask, -9e9).softmax(-1) @ x


class NewBuffer(Writer):
    def keep(self, x):
        self.register_buffer("grid", positions(x), persistent=False)
        self.add_module("extra", nn.ReLU())
        return self.extra(x) * self.grid


class OwnObject(Writer):
    """State in an object of its own, in slots, and in a data class."""

    class Slots:
        __slots__ = ("cos", "deep")

        def __init__(self):
            self.cos, self.deep = None, {"list": []}

    @dataclass
    class Data:
        masks: list[Any] = field(default_factory=list)
        last: Any = None

    def __init__(self):
        super().__init__()
        self.slots, self.data = self.Slots(), self.Data()
        self.space = types.SimpleNamespace(n=0)

    def keep(self, x):
        self.slots.cos = positions(x)
        self.slots.deep["list"].append(x)
        self.data.masks.append(x)
        self.data.last = x
        self.space.n += 1
        return x * self.slots.cos


class Closure(Writer):
    """A function of its own that keeps a tensor, and one that writes to this module."""

    def __init__(self):
        super().__init__()
        kept = None

        def cached(x):
            nonlocal kept
            kept = positions(x) if kept is None else kept
            self.latest = x
            return kept

        self.cached = cached

    def keep(self, x):
        return x * self.cached(x)


class OfThisFile(Writer):
    def keep(self, x):
        global MASK
        if MASK is None:
            MASK = positions(x)
        TABLE[x.shape[1]] = MASK
        TABLE.setdefault("nested", []).append(x)
        return x * MASK


@functools.lru_cache
def table(length: int) -> torch.Tensor:
    return torch.arange(length, dtype=torch.float32)[:, None].sin()


class CachedFunction(Writer):
    def keep(self, x):
        return x * table(x.shape[1])


class CachedMethod(Writer):
    @functools.cache  # noqa: B019
    def table(self, length):
        return torch.arange(length, dtype=torch.float32)[:, None].sin()

    @functools.cached_property
    def ones(self):
        return torch.ones(WIDTH)

    def keep(self, x):
        return x * self.table(x.shape[1]) * self.ones


class Arrays(Writer):
    """Counters in NumPy and Python, and random numbers of both."""

    def __init__(self):
        super().__init__()
        self.counts, self.calls = np.zeros(3), 0

    def keep(self, x):
        self.counts[0] += 1
        self.calls += 1
        random.random()
        np.random.rand()
        return x


class PlainTensor(Writer):
    """Tensors that are registered nowhere, written in place."""

    def __init__(self):
        super().__init__()
        self.scale, self.steps = torch.ones(WIDTH), torch.tensor(0)
        self.views = {"half": self.scale[:4]}

    def keep(self, x):
        self.scale.mul_(2)
        self.views["half"].add_(1)
        self.steps += 1
        self.scale.data[0] = 5.0
        return x * self.scale


class Statistics(Writer):
    """Buffers of running sums, and a parameter that is set."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(WIDTH))
        self.register_buffer("calls", torch.tensor(0))
        self.gain = nn.Parameter(torch.ones(WIDTH))

    def keep(self, x):
        self.mean.lerp_(x.detach().mean((0, 1)), 0.1)
        self.calls += 1
        self.mean = self.mean + 0
        self.gain.data.clamp_(0, 1)
        self.gain.data = self.gain.data * 1
        return x * self.gain + self.mean


class Recorded(Writer):
    """Activations that a hook appends, and one that a hook stores on the layer."""

    def __init__(self):
        super().__init__()
        self.activations = []
        self.first.register_forward_hook(lambda layer, _, y: self.activations.append(y))
        self.second.register_forward_pre_hook(lambda layer, args: setattr(layer, "given", args[0]))


class HookInForward(Writer):
    def keep(self, x):
        self.second.register_forward_hook(lambda layer, _, y: y * 2)
        self.first._forward_hooks.clear()
        return x


class Replaced(Writer):
    """A layer that is another one after the first call, and one that is deleted."""

    def __init__(self):
        super().__init__()
        self.norm, self.spare = nn.LayerNorm(WIDTH), nn.ReLU()

    def keep(self, x):
        self.norm = nn.Identity()
        if hasattr(self, "spare"):
            del self.spare
        return x


class Unregistered(Writer):
    """Layers in a plain list, a tuple and a partial function."""

    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(WIDTH, WIDTH, bias=False)]
        self.call = functools.partial(F.linear, weight=nn.Parameter(torch.ones(WIDTH, WIDTH)))

    def keep(self, x):
        return self.call(self.layers[0](x))


class Alias(Writer):
    """One layer under three names, one weight in two layers, one buffer in two modules."""

    def __init__(self):
        super().__init__()
        self.again, self.blocks = self.first, nn.ModuleList([self.first, self.second, self.second])
        self.tied = nn.Linear(WIDTH, WIDTH)
        self.tied.weight = self.first.weight
        self.norms = nn.ModuleList(nn.BatchNorm1d(WIDTH) for _ in range(2))
        self.norms[1].running_mean = self.norms[0].running_mean
        self.me = [self]

    def keep(self, x):
        for block in self.blocks:
            x = block(x)
        x = self.again(self.tied(x))
        return self.norms[1](self.norms[0](x.mT)).mT


class Patched(Writer):
    """A forward of its own on the object, as tools put there."""

    def __init__(self):
        super().__init__()
        self.forward = types.MethodType(lambda me, x: me.second(x + me.first(x)), self)


class Uncopied(Writer):
    """An attribute that refuses to be copied or pickled, and a generator."""

    class Refuses:
        def __init__(self):
            self.kept = []

        def __deepcopy__(self, memo):
            raise TypeError("no copies")

        __reduce_ex__ = __deepcopy__

    def __init__(self):
        super().__init__()
        self.refuses = self.Refuses()
        self.random = torch.Generator().manual_seed(3)

    def keep(self, x):
        self.refuses.kept.append(x)
        return x


class Guarded(Writer):
    """Objects that answer no question, a dictionary that lies, and what belongs to one thread."""

    class Silent:
        __slots__ = ("kept",)

        def __getattr__(self, name):
            raise RuntimeError(f"never ask for {name}")

    class Lying(dict):
        def __len__(self):
            raise RuntimeError("never count")

        items = __iter__ = __len__

    def __init__(self):
        super().__init__()
        self.silent, self.lying = self.Silent(), self.Lying(one=1)
        self.here, self.weak = threading.local(), weakref.WeakKeyDictionary()
        self.lock, self.numbers = threading.Lock(), (n for n in range(3))

    def keep(self, x):
        self.silent.kept = self.lying["x"] = self.here.x = self.weak[self] = x
        return x


def weight_normed():
    net = Writer()
    parametrizations.weight_norm(net.first)
    parametrizations.orthogonal(net.second)
    return net


def spectral_normed():
    net = Writer()
    parametrizations.spectral_norm(net.first)
    return net.train()


class Draws(Writer):
    """From sources of random numbers of its own."""

    def __init__(self):
        super().__init__()
        self.python, self.arrays = random.Random(3), np.random.default_rng(3)
        self.old_arrays, self.bits = np.random.RandomState(3), np.random.PCG64(3)
        self.torch, self.system = torch.Generator().manual_seed(3), random.SystemRandom()

    def keep(self, x):
        self.drawn = self.python.random(), self.arrays.normal(), self.old_arrays.normal()
        self.drawn += (self.bits.random_raw(), self.system.random())
        return x + torch.rand(WIDTH, generator=self.torch)


def old_norms():
    net = Writer()
    nn.utils.spectral_norm(net.second)
    return net


def pruned():
    net = Writer()
    prune.random_unstructured(net.first, "weight", 0.5)
    prune.l1_unstructured(net.second, "bias", 2)
    return net


def parametrized_twice():
    net = Writer()
    for layer in (net.first, net.second):
        parametrize.register_parametrization(layer, "weight", nn.Tanh())
    return net


def recurrent():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.r = nn.LSTM(WIDTH, WIDTH, 2, batch_first=True, bidirectional=True)
            self.l = nn.Linear(2 * WIDTH, WIDTH)

        def forward(self, x):
            self.r.flatten_parameters()
            x, self.state = self.r(x)
            return self.l(x)

    return Net()


WRITERS: dict[str, Any] = {
    make.__name__: make
    for make in (
        *(Attribute, OnTheClass, NewOnTheClass, ListOfGrids, LazyBuffer, NewBuffer, OwnObject),
        *(Closure, OfThisFile, CachedFunction, CachedMethod, Arrays, PlainTensor, Statistics),
        *(
            Recorded,
            HookInForward,
            Replaced,
            Unregistered,
            Alias,
            Patched,
            Uncopied,
            Guarded,
            Draws,
        ),
        *(weight_normed, spectral_normed, old_norms, pruned, parametrized_twice, recurrent),
    )
}


class Registered(nn.Module):
    """Its constructor writes: a table of this file, the class, a cached table."""

    made: list[Any] = []  # noqa: RUF012

    def __init__(self, width=WIDTH):
        super().__init__()
        TABLE[width] = self
        self.made.append(self)
        self.layer = nn.Linear(width, width)
        self.register_buffer("table", table(7).clone())

    def forward(self, x):
        return TABLE[x.shape[-1]].layer(x)
