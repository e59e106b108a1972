"""What every search does with a network and images: train, score, and put the seed back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from flopscope.differentiable.images import Images

BATCH = 64
"""Images in a step of training."""
RATE = 2e-2
"""Adam's step size for weights, at the beginning; it falls to 0 along a cosine."""
SCORED = 512
"""The most images in a step of scoring."""


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """While active, torch draws from this seed; after it, as if nothing had been drawn."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def batches(images: Images, size: int = BATCH) -> Iterator[tuple[Tensor, Tensor]]:
    """All images once, in a random order; the last batch, if smaller, is left out."""
    order = torch.randperm(len(images.y))
    x, y = torch.from_numpy(images.x), torch.from_numpy(images.y)
    for places in order.split(size):
        if len(places) == min(size, len(order)):
            yield x[places], y[places]


def adam(weights: Any, steps: int) -> tuple[torch.optim.Optimizer, Any]:
    """Adam with its schedule over so many steps."""
    optimizer = torch.optim.Adam(weights, RATE)
    return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, steps))


def steps_of(images: Images) -> int:
    """Steps of an epoch."""
    return max(1, len(images.y) // BATCH)


def train(network: nn.Module, images: Images, epochs: int, seed: int) -> None:
    """Train a network with cross entropy; it is left in the mode of evaluation."""
    optimizer, schedule = adam(network.parameters(), epochs * steps_of(images))
    network.train()
    with seeded(seed):
        for _ in range(epochs):
            for x, y in batches(images):
                optimizer.zero_grad()
                functional.cross_entropy(network(x), y).backward()
                optimizer.step()
                schedule.step()
    network.eval()


@torch.no_grad()
def calibrate(network: nn.Module, images: Images, seed: int) -> None:
    """Let batch norms take the mean statistics of images; the weights stay."""
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.reset_running_stats()
            norm.momentum = None
    network.train()
    with seeded(seed):
        for x, _ in batches(images):
            network(x)
    network.eval()


@torch.no_grad()
def accuracy(answer: Callable[[Tensor], Tensor], images: Images) -> float:
    """The share of images that are told right, in batches of at most 512."""
    x, y = torch.from_numpy(images.x), torch.from_numpy(images.y)
    pairs = zip(x.split(SCORED), y.split(SCORED), strict=True)
    right = sum(int((answer(some).argmax(1) == digits).sum()) for some, digits in pairs)
    return right / len(y)
