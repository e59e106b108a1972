"""A search by gradient through mixed operators, after DARTS: arXiv 1806.09055, algorithm 1.

Steps alternate. One changes the weights of all operators on one half of the images; the other
changes the logits of the choices on the other half, by the gradient of cross entropy plus
λ·E[cost]. Of the paper's two forms it is the first-order one. The cost term is the exact
expectation.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from flopscope.differentiable.found import RATE, Epoch
from flopscope.differentiable.tables import CostTable
from flopscope.training import loop
from flopscope.training.descent import descent
from flopscope.training.images import Images, Parts

MILLION = 1_000_000


class Supernet(Protocol):
    """A module that mixes all designs by its logits, a parameter for each slot."""

    logits: nn.ParameterDict

    def __call__(self, x: Tensor) -> Tensor:
        """(B, …) → (B, classes)."""


class Plan(NamedTuple):
    """cost_weight: λ, in cross entropy per million of the cost's unit. epochs: of the search.
    warmup: epochs at the beginning in which only weights change. rate: Adam's step size for
    logits."""

    cost_weight: float = 0.0
    epochs: int = 8
    warmup: int = 1
    rate: float = 0.1
    seed: int = 0


def search(supernet: Any, table: CostTable, parts: Parts, plan: Plan) -> tuple[Epoch, ...]:
    """Train a supernet and its logits; the state after each epoch. The test images are not used."""
    with loop.seeded(plan.seed):
        steps = _Steps(supernet, table, parts, plan)
        return tuple(steps.epoch(number >= plan.warmup) for number in range(plan.epochs))


class _Steps:
    """The two kinds of steps, and what both need."""

    def __init__(self, supernet: Any, table: CostTable, parts: Parts, plan: Plan) -> None:
        self.supernet, self.table, self.parts, self.plan = supernet, table, parts, plan
        self.cost = table.torch()
        logits = set(supernet.logits.values())
        weights = [each for each in supernet.parameters() if each not in logits]
        total = plan.epochs * loop.steps_of(parts.weights)
        self.of_weights, self.schedule = descent(weights, "adamw", RATE, total)
        self.of_logits = torch.optim.Adam(logits, plan.rate, betas=(0.5, 0.999))
        self.others = _endless(parts.choices)

    def epoch(self, choosing: bool) -> Epoch:
        self.supernet.train()
        for x, y in loop.batches(self.parts.weights):
            if choosing:
                self._choose(*next(self.others))
            self._learn(x, y)
        self.supernet.eval()
        logits = {slot: a.detach().numpy() for slot, a in self.supernet.logits.items()}
        told = loop.accuracy(self.supernet, self.parts.choices)
        return Epoch(self.table.expected(logits), told, self.table.probabilities(logits))

    def _learn(self, x: Tensor, y: Tensor) -> None:
        loss = functional.cross_entropy(self.supernet(x), y)
        loop.learn(loss, self.of_weights, self.schedule)

    def _choose(self, x: Tensor, y: Tensor) -> None:
        loss = functional.cross_entropy(self.supernet(x), y)
        cost = self.cost(dict(self.supernet.logits.items())) / MILLION
        loop.learn(loss + self.plan.cost_weight * cost, self.of_logits)


def _endless(images: Images) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches again and again, in another order each time."""
    for _ in cycle([None]):
        yield from loop.batches(images)
