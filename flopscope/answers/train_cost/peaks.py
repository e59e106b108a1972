"""The peak of a training step at each size of a schedule, beside the parts that are held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from flopscope.answers.target import Size
from flopscope.answers.train_cost.passes import Network, Pass
from flopscope.answers.train_cost.recipe import Recipe
from flopscope.answers.training_memory import FLOAT32, inputs_at
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.measured.step_peak import StepPeak


def check_peak(recipe: Recipe) -> None:
    """Raises BadInput for a step in mixed precision."""
    if recipe.precision != FLOAT32:
        raise BadInput(
            f"the peak is that of a step in float32, and --precision is {recipe.precision}; leave "
            "one of them out"
        )


def peaks_of(
    network: Network, recipe: Recipe, passes: Iterable[tuple[Size, Pass]]
) -> dict[Size, StepPeak]:
    """The peak of a step that ends in each of these passes, by its size: the network without
    checkpoints on one device, with the moving average and what the teacher stores. Where a step has
    several passes it is that of the last, which adds to gradients that are there.

    Raises BadInput for a network that does not run so.
    """
    from flopscope.measured.step_peak import StepPeak, step_peak

    module = network.target.build(network.arguments)
    found = {}
    for size, one in passes:
        at = replace(network.given, res=size, batch=one.memory.batch)
        inputs = inputs_at(network.target, at, network.arguments)
        peak = step_peak(module, inputs, recipe.optimizer, again=recipe.accumulate > 1)
        found[size] = StepPeak(*(held + one.average + one.taught for held in peak))
    return found
