"""Options of the memory of training steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from flopscope.errors import BadInput
from flopscope.readings.training import OPTIMIZERS

USUAL = "adamw"


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --training and --optimizer, which the command receives as `optimizer`: its name, or None
    where no training is asked for. Raises BadInput for an optimizer without --training, UnknownName
    for one that is not known."""

    @click.option(
        "--training", is_flag=True, help="Memory is that of a training step; needs torch."
    )
    @click.option(
        "--optimizer",
        metavar="NAME",
        help=f"What keeps state for each weight: {', '.join(OPTIMIZERS)}.  [default: {USUAL}]",
    )
    @wraps(command)
    def read(training: bool, optimizer: str | None, **others: Any) -> Any:
        if optimizer is not None and not training:
            raise BadInput(
                f"--optimizer {optimizer} is for the memory of a training step; add --training"
            )
        if optimizer is not None:
            from flopscope.answers.training_memory import check_optimizer

            check_optimizer(optimizer)
        return command(optimizer=(optimizer or USUAL) if training else None, **others)

    return read
