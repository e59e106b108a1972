"""What a training run costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from flopscope.api.budgets import device_given
from flopscope.api.given import amount, as_given, flag, images, is_number, positive, text
from flopscope.api.own import network_or_maker
from flopscope.api.public import public
from flopscope.api.subject import Shapes, specs
from flopscope.brief import shown
from flopscope.errors import BadInput
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from torch import nn

    from flopscope.answers.train_cost.bill import Assumed
    from flopscope.answers.train_cost.cost import TrainCost
    from flopscope.answers.train_cost.hours import Predicted
    from flopscope.timing.device import Device

Range: TypeAlias = str | float | tuple[float, float] | None
"""An assumption: a number, a low and a high one, or a text such as '0.2:0.4'."""


@dataclass(frozen=True, repr=False)
class TrainCostReport(Report):
    """The report that `train_cost` returns; `cost` has the runs, `predicted` their hours on a
    device. It is false where the memory is too small for a pass even with checkpoints."""

    cost: TrainCost
    assumed: Assumed
    predicted: Predicted | None = None

    def document(self) -> Document:
        """Work, memory, time and energy, and learning rates."""
        from flopscope.present.train_cost import train_cost_document

        return train_cost_document(self.cost, self.assumed, self.predicted)

    @property
    def holds(self) -> bool:
        return self.cost.fits


def _schedules(name: str, value: Any) -> tuple[str, ...]:
    """One schedule as text, or a list of several."""
    given = value if isinstance(value, list | tuple) else [value]
    for one in given:
        if not isinstance(one, str):
            raise BadInput(f"{name} {shown(one)} is not text; give one such as '128:300:4'")
    return tuple(text(name, one) for one in given)


def _span(name: str, value: Any) -> str:
    """An assumption as the command line takes it."""
    parts = value if isinstance(value, tuple | list) else (value,)
    several = 2
    if isinstance(value, str):
        return text(name, value)
    if not 0 < len(parts) <= several or not all(map(is_number, parts)):
        raise BadInput(
            f"{name} {shown(value)} is not a range; give a low and a high number such as "
            "(0.2, 0.4), one number, or a text such as '0.2:0.4'"
        )
    return ":".join(f"{float(part):.12g}" for part in parts)


@public(
    target=network_or_maker, teacher=network_or_maker, epochs=positive, images=images,
    optimizer=text, schedule=_schedules, accumulate=positive, replicas=positive, ema=flag,
    drop_last=flag, precision=text, memory=amount, checkpoints=flag, peak=flag, accelerator=text,
    utilisation=_span, pue=_span, grid=_span, device=as_given,
)  # fmt: skip
def train_cost(
    target: str | nn.Module,
    *inputs: Shapes,
    epochs: int,
    images: int | str,
    batch: int,
    schedule: str | Sequence[str] = (),
    teacher: str | nn.Module | None = None,
    optimizer: str = "momentum",
    accumulate: int = 1,
    replicas: int = 1,
    ema: bool = False,
    drop_last: bool = False,
    precision: str = "float32",
    memory: int | str | None = None,
    checkpoints: bool = False,
    peak: bool = False,
    res: int | tuple[int, int] | None = None,
    arguments: Mapping[str, Any] | None = None,
    accelerator: str = "a100",
    utilisation: Range = None,
    pue: Range = None,
    grid: Range = None,
    device: str | Device | None = None,
) -> TrainCostReport:
    """What it costs to train a network: work of both passes of every step, memory of a pass, and
    hours, energy and carbon as ranges under assumptions that it names.

    `target` is a text as the command line takes it, or a module. A step sees `batch` images, in
    `accumulate` passes one after another on `replicas` devices; an epoch sees all `images`, the
    last step the rest unless `drop_last`. With `precision` "bf16" or "fp16" a pass keeps what
    torch's autocast has it keep. `schedule` are the sizes of images over the stages, such as
    "128:300:4". With a `teacher` each step has its forward pass too. `memory` is that of a
    device: stages that do not fit run stretches of the network again, at the least work. With
    `peak` the report's `cost.peaks` has the most that a step holds at once, by the size of its
    images. An assumption is a number or two. `device` was fitted to training steps and adds
    predicted hours. Needs torch. Raises BadInput, UnknownName.

    >>> from torch import nn
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    >>> run = train_cost(net, res=8, epochs=2, images=100, batch=20).cost.runs[0]
    >>> run.steps, run.macs == 2 * 100 * (2 * 8 * 36 * 27 + 3 * 10 * 8 * 36)
    (10, True)
    """
    from flopscope.answers.counted import Given
    from flopscope.answers.making import target_of
    from flopscope.answers.train_cost.bill import Assumed, parse_span
    from flopscope.answers.train_cost.cost import train_cost as cost
    from flopscope.answers.train_cost.hours import check_timed, predicted_hours
    from flopscope.answers.train_cost.passes import Network
    from flopscope.answers.train_cost.recipe import Recipe
    from flopscope.catalog.accelerators import accelerator as named
    from flopscope.choosing.budgets import parse_budget

    recipe = Recipe(
        epochs, int(images), batch, optimizer, accumulate, replicas, drop_last, ema, precision
    )
    spans: dict[str, Any] = {"utilisation": utilisation, "pue": pue, "grid": grid}
    known = {name: parse_span(name, span) for name, span in spans.items() if span is not None}
    assumed = Assumed(named(accelerator), **known)
    limit = None if memory is None else parse_budget("--memory", "memory", str(memory)).limit
    taught = None if teacher is None else target_of(teacher)
    network = Network(target_of(target), Given(res, 1, specs(inputs)), arguments, taught)
    known_device = device_given(device)
    if known_device is not None:
        check_timed(network, known_device)
    found = cost(network, recipe, tuple(schedule), limit, checkpoints=checkpoints, peak=peak)
    timed = None if known_device is None else predicted_hours(found, known_device)
    return TrainCostReport(found, assumed, timed)
