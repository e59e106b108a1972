"""The record of a training run: how well, how much work, how long."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from flopscope.brief import aligned, short
from flopscope.training.recipe import Recipe, Stage
from flopscope.training.work import Work

if TYPE_CHECKING:
    from torch import nn


class Step(NamedTuple):
    """A step as it was done: the number of its stage, from 0, its learning rate and its loss."""

    stage: int
    rate: float
    loss: float


@dataclass(frozen=True)
class StageRun:
    """A stage as it was done: its steps, the work of each, and the time of all, in seconds, on the
    clock and of the processor. The time is that of training alone: images at their size, steps and
    averages. Two runs are compared without it."""

    stage: Stage
    steps: int
    work: Work
    seconds: float = field(compare=False)
    processor_seconds: float = field(compare=False)

    @property
    def macs(self) -> int:
        """Of all steps."""
        return self.steps * self.work.macs


@dataclass(frozen=True, repr=False)
class Run:
    """What a training run gave.

    accuracy: of the weights after the last step, on `held_out` images that training has not seen,
    at the size of the last stage; average_accuracy: that of their moving average, if there is one.
    network: the module that was trained; average: another one with the averaged weights. Two runs
    are equal if everything but time is.
    """

    name: str
    source: str
    recipe: Recipe
    stages: tuple[StageRun, ...]
    steps: tuple[Step, ...]
    accuracy: float
    average_accuracy: float | None
    trained_on: int
    held_out: int
    network: nn.Module = field(compare=False)
    average: nn.Module | None = field(default=None, compare=False)

    @property
    def macs(self) -> int:
        """Of all steps and passes, the teacher's too."""
        return sum(stage.macs for stage in self.stages)

    @property
    def forward(self) -> int:
        """MACs of all forward passes of the network."""
        return sum(stage.steps * stage.work.forward for stage in self.stages)

    @property
    def backward(self) -> int:
        """MACs of all backward passes."""
        return sum(stage.steps * stage.work.backward for stage in self.stages)

    @property
    def teacher(self) -> int:
        """MACs of all forward passes of the teacher."""
        return sum(stage.steps * stage.work.teacher for stage in self.stages)

    @property
    def complete(self) -> bool:
        """Were all operators counted? If not, MACs are lower bounds."""
        return not any(stage.work.missing for stage in self.stages)

    @property
    def seconds(self) -> float:
        """On the clock, of all stages."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def processor_seconds(self) -> float:
        """Of the processor, of all stages."""
        return sum(stage.processor_seconds for stage in self.stages)

    def work_by_step(self) -> list[Work]:
        """The work of each step, in order."""
        return [self.stages[step.stage].work for step in self.steps]

    def __repr__(self) -> str:
        return short(self, f"{self.name}, {self.accuracy:.1%}, {self._bound}{self.macs:,} MACs")

    @property
    def _bound(self) -> str:
        return "" if self.complete else "≥ "

    def __str__(self) -> str:
        heads = ("stage", "size", "epochs", "steps", "dropout", "depth", "magnitude",
                 "forward", "backward", "teacher", "MACs in all", "seconds")  # fmt: skip
        rows = [_row(number, run) for number, run in enumerate(self.stages, start=1)]
        total = ["all", "", str(self.recipe.epochs), f"{len(self.steps):,}", *[""] * 6]
        rows.append([*total, f"{self._bound}{self.macs:,}", f"{self.seconds:.1f}"])
        kept = [at for at in range(len(heads)) if any(row[at] for row in rows)]
        table = aligned([heads[at] for at in kept], [[row[at] for at in kept] for row in rows],
                        len(kept) - 1)  # fmt: skip
        return (
            f"{self.name} on {self.trained_on:,} images of {self.source}, batch "
            f"{self.recipe.batch}; MACs a step\n{table}\n"
            f"{self.accuracy:.1%} of {self.held_out:,} images held out, after the last step"
            f"{self._averaged}"
        )

    @property
    def _averaged(self) -> str:
        if self.average_accuracy is None:
            return ""
        return f"; {self.average_accuracy:.1%} with averaged weights"

    def to_dict(self) -> dict[str, Any]:
        """All of it but the networks, for JSON."""
        return {
            "network": self.name,
            "images": {
                "source": self.source,
                "trained_on": self.trained_on,
                "held_out": self.held_out,
            },
            "recipe": asdict(self.recipe)
            | {"distillation": self.recipe.distillation and self.recipe.distillation._asdict()},
            "stages": [
                {
                    "size": run.stage.size,
                    "epochs": run.stage.epochs,
                    "steps": run.steps,
                    "macs_a_step": run.work._asdict() | {"missing": list(run.work.missing)},
                    "macs": run.macs,
                    "seconds": run.seconds,
                    "processor_seconds": run.processor_seconds,
                }
                for run in self.stages
            ],
            "macs": self.macs,
            "seconds": self.seconds,
            "processor_seconds": self.processor_seconds,
            "accuracy": self.accuracy,
            "average_accuracy": self.average_accuracy,
            "losses": [step.loss for step in self.steps],
        }


def _row(number: int, run: StageRun) -> list[str]:
    stage, work = run.stage, run.work
    rates = (stage.dropout, stage.stochastic_depth, stage.magnitude or None)
    return [
        str(number),
        f"{stage.size}×{stage.size}",
        str(stage.epochs),
        f"{run.steps:,}",
        *("" if rate is None else f"{rate:.3g}" for rate in rates),
        f"{work.forward:,}",
        f"{work.backward:,}",
        f"{work.teacher:,}" if work.teacher else "",
        f"{run.macs:,}",
        f"{run.seconds:.1f}",
    ]
