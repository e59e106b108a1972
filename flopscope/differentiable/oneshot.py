"""A search in one network with shared weights: train once, then choose.

Each step of training draws a design uniformly and changes the weights that it uses: single path
one-shot, arXiv 1904.00420, section 3.1. Designs are then scored with the shared weights, by their
accuracy less λ·cost, and bred: section 3.4's evolution, with the cost in the score in the place of
a constraint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple, Protocol

from torch import Tensor
from torch.nn import functional

from flopscope.differentiable.found import RATE
from flopscope.differentiable.tables import CostTable
from flopscope.training import loop
from flopscope.training.descent import descent
from flopscope.training.images import Images

MILLION = 1_000_000
POPULATION, PARENTS, CHANGED = 24, 6, 2
"""Designs in a generation, those of them that are kept and bred, and slots that a child changes."""


class Shared(Protocol):
    """A module that runs any design with weights that all designs share."""

    def __call__(self, x: Tensor, choices: Mapping[str, Any]) -> Tensor:
        """(B, …) → (B, classes)."""


class Tried(NamedTuple):
    """A design that was scored with the shared weights on the images for choices."""

    choices: dict[str, Any]
    cost: int
    accuracy: float

    def score(self, cost_weight: float) -> float:
        """Accuracy less the cost weight per million."""
        return self.accuracy - cost_weight * self.cost / MILLION


def train(supernet: Any, table: CostTable, images: Images, epochs: int, seed: int) -> None:
    """Train by uniform paths."""
    random = Random(seed)
    steps = epochs * loop.steps_of(images)
    optimizer, schedule = descent(supernet.parameters(), "adamw", RATE, steps)
    with loop.seeded(seed):
        for _ in range(epochs):
            for x, y in loop.batches(images):
                loss = functional.cross_entropy(supernet(x, drawn(table, random)), y)
                loop.learn(loss, optimizer, schedule)


def drawn(table: CostTable, random: Random) -> dict[str, Any]:
    """A design, uniformly from all."""
    return {slot: random.choice(options) for slot, options in table.options.items()}


def evolve(
    supernet: Any,
    table: CostTable,
    images: Images,
    cost_weight: float,
    *,
    generations: int,
    seed: int,
) -> tuple[Tried, ...]:
    """The designs that were tried, the best first."""
    random = Random(seed)
    tried: dict[tuple[Any, ...], Tried] = {}
    score: Callable[[Tried], float] = lambda each: each.score(cost_weight)  # noqa: E731
    for _ in range(generations):
        best = sorted(tried.values(), key=score, reverse=True)[:PARENTS]
        for number in range(POPULATION):
            fresh = not best or number >= POPULATION // 2
            choices = drawn(table, random) if fresh else _child(random.choice(best), table, random)
            key = tuple(choices.values())
            if key not in tried:
                tried[key] = _tried(supernet, table, images, choices)
    return tuple(sorted(tried.values(), key=score, reverse=True))


def _child(parent: Tried, table: CostTable, random: Random) -> dict[str, Any]:
    slots = random.sample(list(table.options), min(CHANGED, len(table.options)))
    return parent.choices | {slot: random.choice(table.options[slot]) for slot in slots}


def _tried(supernet: Any, table: CostTable, images: Images, choices: dict[str, Any]) -> Tried:
    told = loop.accuracy(lambda x: supernet(x, choices), images)
    return Tried(choices, table.of(choices), told)
