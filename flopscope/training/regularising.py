"""Dropout and stochastic depth at rates that stages set, in networks of anybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from flopscope.errors import BadInput
from flopscope.training.recipe import Recipe, Stage

DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
DEPTHS = {"StochasticDepth": "p", "DropPath": "drop_prob"}
"""torchvision's and timm's layers of stochastic depth, and where they keep their rate."""


@contextmanager
def regularised(network: nn.Module, stage: Stage, branches: Sequence[str]) -> Iterator[None]:
    """While active, the network has the rates of a stage; afterwards, those of before.

    Dropout is that of all its layers of dropout or, where it has none, of a new one before its last
    linear layer. Stochastic depth is that of its layers, or of what the `branches` give; the rate
    rises linearly with depth, as in arXiv 1603.09382, section 3.
    """
    with ExitStack() as until:
        if stage.dropout is not None:
            for layer in _dropouts(network):
                until.enter_context(_holding(layer, "p", stage.dropout))
            if not _dropouts(network):
                last = _last_linear(network)
                hook = last.register_forward_pre_hook(_dropping_inputs(stage.dropout))
                until.callback(hook.remove)
        if stage.stochastic_depth is not None:
            layers = _depths(network) if not branches else _matching(network, branches)
            for number, layer in enumerate(layers, start=1):
                rate = stage.stochastic_depth * number / len(layers)
                if branches:
                    until.callback(layer.register_forward_hook(_dropping_branch(rate)).remove)
                else:
                    until.enter_context(_holding(layer, DEPTHS[type(layer).__name__], rate))
        yield


def check_regularised(network: nn.Module, recipe: Recipe) -> None:
    """Raises BadInput where the network has no place for what a recipe asks."""
    dropout = any(stage.dropout is not None for stage in recipe.stages)
    if dropout and not _dropouts(network) and _last_linear(network) is None:
        raise BadInput(
            "the network has neither a layer of dropout nor a linear one that dropout could stand "
            "before; leave dropout out"
        )
    for pattern in recipe.branches:
        if not _matching(network, [pattern]):
            raise BadInput(
                f"no module of the network matches the branch '{pattern}'; give a pattern of "
                "names such as 'layer*.bn2', whose outputs are added to a shortcut"
            )
    depth = any(stage.stochastic_depth is not None for stage in recipe.stages)
    if depth and not recipe.branches and not _depths(network):
        raise BadInput(
            "the network has no layer of stochastic depth; name the modules whose outputs are "
            "added to a shortcut, as in branches='layer*.bn2'"
        )
    if recipe.branches and not depth:
        raise BadInput(
            "branches are those that stochastic_depth drops; give that too, such as 0.1, or leave "
            "them out"
        )


def _dropouts(network: nn.Module) -> list[nn.Module]:
    return [layer for layer in network.modules() if isinstance(layer, DROPOUTS)]


def _depths(network: nn.Module) -> list[nn.Module]:
    return [layer for layer in network.modules() if type(layer).__name__ in DEPTHS]


def _last_linear(network: nn.Module) -> Any:
    return next((x for x in reversed(list(network.modules())) if isinstance(x, nn.Linear)), None)


def _matching(network: nn.Module, patterns: Sequence[str]) -> list[nn.Module]:
    named = network.named_modules()
    return [part for name, part in named if any(fnmatchcase(name, p) for p in patterns)]


@contextmanager
def _holding(layer: Any, name: str, value: float) -> Iterator[None]:
    before = getattr(layer, name)
    setattr(layer, name, value)
    try:
        yield
    finally:
        setattr(layer, name, before)


def _dropping_inputs(rate: float) -> Any:
    def hook(layer: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        first, *others = given
        return (functional.dropout(first, rate, layer.training), *others)

    return hook


def _dropping_branch(rate: float) -> Any:
    def hook(layer: nn.Module, given: Any, output: Tensor) -> Tensor:
        return dropped(output, rate) if layer.training else output

    return hook


def dropped(x: Tensor, rate: float) -> Tensor:
    """Zero for each image with this probability, and else over 1 − rate. (n, …) → (n, …)."""
    if rate == 0:
        return x
    kept = torch.rand(len(x), *[1] * (x.ndim - 1)) >= rate
    return x * kept / (1 - rate)
