"""What all training here does with a network and images: draw batches, take a step, score, and put
the seed back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from flopscope.training.images import Images

BATCH = 64
"""Images in a step of training, where nothing else is asked for."""
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


def steps_of(images: Images, size: int = BATCH) -> int:
    """Steps of an epoch."""
    return max(1, len(images.y) // size)


def learn(loss: Tensor, optimizer: torch.optim.Optimizer, schedule: Any = None) -> None:
    """One step of an optimizer down a loss, and of the schedule of its step size, if it has one."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if schedule is not None:
        schedule.step()


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
    """The share of images that are told right, in batches of at most 512.

    `answer` may be anything that turns images (n, C, H, W) into logits (n, classes): a network, or
    a quantised one that another runtime runs. A network should be in the mode of evaluation.
    """
    x, y = torch.from_numpy(images.x), torch.from_numpy(images.y)
    pairs = zip(x.split(SCORED), y.split(SCORED), strict=True)
    right = sum(int((answer(some).argmax(1) == digits).sum()) for some, digits in pairs)
    return right / len(y)
