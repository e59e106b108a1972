"""Both searches on the space of `analytic.digitnet`, from images to a trained network."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import nn

from flopscope.analytic.digitnet import OPTIONS, digitnet_ledger
from flopscope.brief import short
from flopscope.differentiable import darts, oneshot
from flopscope.differentiable.found import RATE, Found
from flopscope.differentiable.reading import cost_table
from flopscope.differentiable.tables import CostTable
from flopscope.training import loop
from flopscope.training.asked import number, whole
from flopscope.training.images import Parts, divided, images
from flopscope.training.recipe import Recipe, Stage
from flopscope.training.trainer import fit

SCORED = 600
"""Images by which designs of a supernet are scored; with more, a search takes as many times
longer."""


def parts_of(source: str, seed: int) -> Parts:
    """The images of a source, divided."""
    return divided(images(source), seed)


def digits_table(side: int, quantity: str = "macs", *, shared: bool = False) -> CostTable:
    """The costs of the space for images of this side. `shared` says which supernet stores it."""
    return cost_table(lambda c: digitnet_ledger(c, side, shared=shared), OPTIONS, quantity)


def by_gradient(source: str, quantity: str, plan: darts.Plan, trained: int) -> Found:
    """Mixed operators; the design of the largest logits is trained anew for `trained` epochs."""
    parts = parts_of(source, plan.seed)
    table = digits_table(parts.test.side, quantity)
    with loop.seeded(plan.seed):
        supernet: Any = _reference("digitsupernets").MixedDigitNet()
    supernet.to(memory_format=torch.channels_last)  # depthwise convolutions are slow in the other
    history = darts.search(supernet, table, parts, plan)
    choices = table.most_likely(history[-1].probabilities)
    network, told = alone(choices, parts, trained, plan.seed)
    ledger = digitnet_ledger(choices, parts.test.side)
    cost = table.of(choices)
    return Found(choices, cost, table, ledger, network, told, supernet, plan.cost_weight, history)


def shared_supernet(source: str, quantity: str, epochs: int, seed: int) -> OneShot:
    """A supernet trained by uniform paths, ready to choose from."""
    parts = parts_of(source, seed)
    table = digits_table(parts.test.side, quantity, shared=True)
    with loop.seeded(seed):
        supernet: Any = _reference("digitsupernets").SharedDigitNet()
    oneshot.train(supernet, table, parts.weights, epochs, seed)
    return OneShot(supernet, table, parts, seed)


class OneShot:
    """A supernet that was trained once, from which designs are chosen at any weight of the cost.

    supernet: the module. table: the costs of all designs, and what the supernet stores.
    """

    def __init__(self, supernet: Any, table: CostTable, parts: Parts, seed: int) -> None:
        self.supernet, self.table, self.parts, self.seed = supernet, table, parts, seed

    def __repr__(self) -> str:
        return short(self, f"{self.table.designs:,} designs in {self.table.stored:,} parameters")

    def choose(self, cost_weight: float = 0.0, *, generations: int = 5, trained: int = 5) -> Found:
        """The best design that evolution finds, by accuracy less `cost_weight` per million of the
        cost. It is then trained anew for `trained` epochs.

        Raises BadInput for a weight below 0, no generation, or fewer than 0 epochs.
        """
        number("cost_weight", cost_weight)
        whole("generations", generations, 1)
        whole("trained", trained, 0)
        tried = oneshot.evolve(
            self.supernet,
            self.table,
            self.parts.choices.at(slice(SCORED)),
            cost_weight,
            generations=generations,
            seed=self.seed,
        )
        choices = tried[0].choices
        inherited: nn.Module = self.supernet.network(choices)
        loop.calibrate(inherited, self.parts.weights, self.seed)
        network, told = alone(choices, self.parts, trained, self.seed)
        return Found(
            choices,
            tried[0].cost,
            self.table,
            digitnet_ledger(choices, self.parts.test.side),
            network,
            told,
            self.supernet,
            cost_weight,
            tried,
            loop.accuracy(inherited, self.parts.test),
        )


def alone(choices: Any, parts: Parts, epochs: int, seed: int) -> tuple[nn.Module, float]:
    """The network of a design, trained from random weights on all images but those of the test,
    with its accuracy on these."""
    with loop.seeded(seed):
        network: nn.Module = _reference("digitnet").network(choices)
    stages = (Stage(parts.training.side, epochs),)
    recipe = Recipe(stages, optimizer="adamw", rate=RATE, weight_decay=0, warmup=0, seed=seed)
    fit(network, parts.training, recipe)
    return network, loop.accuracy(network, parts.test)


def _reference(name: str) -> Any:
    return import_module(f"reference_models.{name}")
