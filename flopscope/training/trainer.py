"""Training by a recipe: steps, stage by stage, and the record of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from flopscope.errors import BadInput
from flopscope.training.averaging import Average
from flopscope.training.descent import descent
from flopscope.training.distilling import answering, distilled
from flopscope.training.images import Images, Parts
from flopscope.training.loop import accuracy, batches, learn, seeded
from flopscope.training.recipe import Recipe, Stage
from flopscope.training.record import Run, StageRun, Step
from flopscope.training.regularising import check_regularised, regularised
from flopscope.training.transforms import augmented, resized
from flopscope.training.work import Work, work_of_step

Tell = Callable[[int, int], None]
"""Is told how many of how many steps are done."""


class Named(NamedTuple):
    """A network with the name that a record has for it."""

    name: str
    module: nn.Module


def train(
    network: Named,
    source: str,
    parts: Parts,
    recipe: Recipe,
    teacher: nn.Module | None = None,
    tell: Tell = lambda done, of: None,
) -> Run:
    """Train a network in place, on all images but those of the test, and score it on these.

    `source` is how the record calls the images. Raises BadInput, before anything is trained, where
    the recipe asks for what the network or the images do not have; and where the loss is no longer
    a number, with the weights of before.
    """
    module, images = network.module, parts.training
    steps = recipe.steps(len(images.y))
    recipe.warmup_steps(len(images.y))
    _check_trainable(module)
    check_regularised(module, recipe)
    channels = channels_of(module, images)
    works = _works(module, teacher, recipe, channels)
    _check_classes(module, teacher, parts, recipe, channels)
    fitted = fit(module, images, recipe, teacher, tell)
    stages = tuple(
        StageRun(stage, stage.epochs * steps, work, *seconds)
        for stage, work, seconds in zip(recipe.stages, works, fitted.seconds, strict=True)
    )
    test = resized(parts.test, recipe.stages[-1].size)
    average = None if fitted.average is None else fitted.average.network
    return Run(
        network.name, source, recipe, stages, fitted.steps,
        accuracy(_seeing(module, channels), test),
        None if average is None else accuracy(_seeing(average, channels), test),
        len(images.y), len(test.y), module, average,
    )  # fmt: skip


class Fitted(NamedTuple):
    """What training without a record gives: each step, the seconds of each stage on the clock and
    of the processor, and the average of the weights, if it is asked for."""

    steps: tuple[Step, ...]
    seconds: tuple[tuple[float, float], ...]
    average: Average | None


def fit(
    network: nn.Module,
    images: Images,
    recipe: Recipe,
    teacher: nn.Module | None = None,
    tell: Tell = lambda done, of: None,
) -> Fitted:
    """Train a network in place; it is left in the mode of evaluation. Raises BadInput where the
    loss is no longer a number, and then the network has its weights of before."""
    before = deepcopy(network.state_dict())
    fitting = _Fitting(network, images, recipe, teacher, tell)
    try:
        with seeded(recipe.seed), answering(teacher):
            seconds = tuple(map(fitting.run, range(len(recipe.stages))))
    except BadInput:
        network.load_state_dict(before)
        raise
    finally:
        network.eval()
    return Fitted(tuple(fitting.steps), seconds, fitting.average)


class _Fitting:
    """A run in progress."""

    def __init__(
        self,
        network: nn.Module,
        images: Images,
        recipe: Recipe,
        teacher: nn.Module | None,
        tell: Tell,
    ) -> None:
        self.network, self.images, self.recipe = network, images, recipe
        self.teacher, self.tell = teacher, tell
        self.channels = channels_of(network, images)
        self.of = recipe.epochs * recipe.steps(len(images.y))
        self.optimizer, self.schedule = descent(
            network.parameters(), recipe.optimizer, recipe.rate, self.of,
            warmup=recipe.warmup_steps(len(images.y)), weight_decay=recipe.weight_decay,
            momentum=recipe.momentum,
        )  # fmt: skip
        self.average = None if recipe.ema is None else Average(network, recipe.ema)
        self.steps: list[Step] = []

    def run(self, number: int) -> tuple[float, float]:
        """All steps of a stage; the seconds that they took."""
        clock, processor = time.perf_counter(), time.process_time()
        stage = self.recipe.stages[number]
        images = resized(self.images, stage.size)
        self.network.train()
        with regularised(self.network, stage, self.recipe.branches):
            for _ in range(stage.epochs):
                for x, y in batches(images, self.recipe.batch):
                    self._step(number, x, y)
        return time.perf_counter() - clock, time.process_time() - processor

    def _step(self, number: int, x: Tensor, y: Tensor) -> None:
        stage = self.recipe.stages[number]
        x = in_channels(augmented(x, stage.magnitude), self.channels)
        rate, loss = self.schedule.get_last_lr()[0], self._loss(x, y)
        step = Step(number, rate, loss.item())
        if not math.isfinite(step.loss):
            raise BadInput(_not_a_number(len(self.steps), self.of, step, stage))
        learn(loss, self.optimizer, self.schedule)
        if self.average is not None:
            self.average.update(self.network)
        self.steps.append(step)
        self.tell(len(self.steps), self.of)

    def _loss(self, x: Tensor, y: Tensor) -> Tensor:
        logits = self.network(x)
        if self.teacher is None or self.recipe.distillation is None:
            return functional.cross_entropy(logits, y)
        with torch.no_grad():
            taught = self.teacher(x)
        return distilled(logits, y, taught, self.recipe.distillation)


def _not_a_number(done: int, of: int, step: Step, stage: Stage) -> str:
    return (
        f"the loss is {step.loss} in step {done + 1} of {of}, on images of "
        f"{stage.size}×{stage.size}, at a learning rate of {step.rate:.3g}; give a lower rate or a "
        "longer warm-up (the network has its weights of before)"
    )


# --- what networks take and give ------------------------------------------------------------------


def _check_trainable(network: nn.Module) -> None:
    """Raises BadInput for a network without anything to learn, or that is not of float32 on the
    processor."""
    learnt = [p for p in network.parameters() if p.requires_grad]
    if not learnt:
        raise BadInput(
            "the network has no parameter that requires a gradient, so there is nothing to train; "
            "set requires_grad of those that should learn"
        )
    for parameter in learnt:
        device, dtype = parameter.device, parameter.dtype
        if device.type != "cpu" or dtype != torch.float32:
            raise BadInput(
                f"the network has a parameter of {dtype} on {device}, and training here is in "
                "torch.float32 on the processor; give it as network.float().cpu()"
            )


def channels_of(network: nn.Module, images: Images) -> int:
    """The channels that images are given in: those of the first convolution, if there is one. Grey
    images are repeated."""
    convolutions = (part for part in network.modules() if isinstance(part, nn.Conv2d))
    first = next(convolutions, None)
    given = int(images.x.shape[1])
    return first.in_channels if first is not None and given == 1 else given


def in_channels(x: Tensor, channels: int) -> Tensor:
    """(n, 1, H, W) → (n, channels, H, W); images of as many channels are returned as they are."""
    return x if x.shape[1] == channels else x.expand(-1, channels, -1, -1)


def _seeing(network: nn.Module, channels: int) -> Callable[[Tensor], Tensor]:
    return lambda x: network(in_channels(x, channels))


def _works(
    network: nn.Module, teacher: nn.Module | None, recipe: Recipe, channels: int
) -> list[Work]:
    """The work of a step of each stage, each size counted once."""
    works: dict[int, Work] = {}
    for stage in recipe.stages:
        if stage.size not in works:
            shape = (recipe.batch, channels, stage.size, stage.size)
            works[stage.size] = work_of_step(network, teacher, shape)
    return [works[stage.size] for stage in recipe.stages]


@torch.no_grad()
def _check_classes(
    network: nn.Module, teacher: nn.Module | None, parts: Parts, recipe: Recipe, channels: int
) -> None:
    """Raises BadInput where the networks do not give a logit for each class of the images."""
    classes = 1 + int(max(parts.training.y.max(), parts.test.y.max()))
    few = resized(parts.test.at(slice(2)), recipe.stages[0].size)
    x = in_channels(torch.from_numpy(few.x), channels)
    for who, given in (("the network", network), ("the teacher", teacher)):
        if given is None:
            continue
        with answering(given):
            found: Any = given(x)
        shape = tuple(found.shape) if isinstance(found, Tensor) else None
        if shape is None or len(shape) != 2 or shape[0] != len(x):
            raise BadInput(
                f"{who} gives {shape or type(found).__name__} for {len(x)} images; it has to give "
                f"a logit for each class, ({len(x)}, {classes})"
            )
        if shape[1] != classes:
            raise BadInput(
                f"{who} tells {shape[1]:,} classes apart and the images have {classes}; give one "
                f"with {classes}, as in 'mobilenetv2:classes={classes}'"
            )
