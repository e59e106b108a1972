"""Budgets solved backwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.api.budgets import budgets, device_given
from flopscope.api.given import as_given, mapping
from flopscope.api.own import network_or_maker, ranges
from flopscope.api.public import public
from flopscope.api.subject import Shapes, specs
from flopscope.errors import BadInput
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from torch import nn

    from flopscope.answers.ranges import Free
    from flopscope.choosing.budgets import Budget
    from flopscope.choosing.crossing import Crossing
    from flopscope.choosing.fitting import Fit
    from flopscope.choosing.solve import Solution
    from flopscope.timing.device import Device


@dataclass(frozen=True, repr=False)
class SolutionReport(Report):
    """The report that `solve` returns. It is false where no network keeps the budgets."""

    solution: Solution

    def document(self) -> Document:
        """The designs that keep the budgets."""
        from flopscope.present.solve import solution_document

        return solution_document(self.solution)

    @property
    def holds(self) -> bool:
        return bool(self.solution.designs)


@dataclass(frozen=True, repr=False)
class CrossingReport(Report):
    """The report that `solve` with `when` returns. It is false where one cost never overtakes the
    other."""

    crossing: Crossing

    def document(self) -> Document:
        """Where the two costs meet."""
        from flopscope.present.solve import crossing_document

        return crossing_document(self.crossing)

    @property
    def holds(self) -> bool:
        return self.crossing.settled is not None


@dataclass(frozen=True, repr=False)
class FitReport(Report):
    """The report that `solve` returns for training. It is false where no batch fits."""

    fit: Fit

    def document(self) -> Document:
        """The largest batch that fits, part by part."""
        from flopscope.present.fitting import fit_document

        return fit_document(self.fit)

    @property
    def holds(self) -> bool:
        return self.fit.fits is not None


@public(target=network_or_maker, free=ranges, arguments=mapping, device=as_given)
def solve(
    target: str | nn.Module | Callable[..., nn.Module],
    *inputs: Shapes,
    free: Free = (),
    when: str | None = None,
    res: int | tuple[int, int] | None = None,
    batch: int | None = None,
    step: int | None = None,
    training: bool = False,
    optimizer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
    device: str | Device | None = None,
    **limits: int | float | str | None,
) -> SolutionReport | CrossingReport | FitReport:
    """The largest designs of a network that keep every budget; or, with `when`, where one cost
    overtakes another.

    `target` is a text as the command line takes it, a module, or a class or function that makes
    one. A budget has the name of its quantity: macs="150M", params=5_000_000, or
    latency="12ms" on a `device`. `free` names what is
    chosen: "res", "batch", options of a catalogue model, arguments of a constructor. It may give
    values: "width=16:128:8" or {"width": range(16, 129, 8), "res": None}. `when` is an equation
    such as "attention = conv". With `training` the memory is the peak of a training step with an
    `optimizer`, "sgd", "momentum", "adam", "rmsprop", or "adamw" unless it is named, and the batch
    is free.
    Raises BadInput, UnknownName.

    >>> (largest,) = solve("mobilenetv2", macs="300,774,272", free="res").solution.designs
    >>> largest.sizes["res"]
    224
    >>> from torch import nn
    >>> made = solve(nn.Linear, (1, 64), free={"out_features": range(1, 99)}, macs=2_000,
    ...              arguments={"in_features": 64})
    >>> made.solution.designs[0].sizes
    {'out_features': 31}
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 10))
    >>> solve(net, memory="1M", free="batch", res=8, training=True).fit.fits.batch
    1208
    """
    most = budgets(limits, device=device_given(device))
    if optimizer is not None and not training:
        raise BadInput("optimizer is for the memory of a training step; add training=True")
    if training:
        if when is not None:
            raise BadInput("training is for a budget of memory, and when has none; give one")
        sizes, more = (res, batch, step), (arguments, example)
        return _fitted(target, most, free, optimizer or "adamw", sizes, inputs, more)
    if when is None:
        from flopscope.choosing.solve import solve as solved

        found = solved(
            target, most, free, res=res, batch=batch, step=step, inputs=specs(inputs),
            arguments=arguments, examples=example,
        )  # fmt: skip
        return SolutionReport(found)
    if most or step is not None or len(free) > 1:
        raise BadInput(
            "when is an equation along one free size; leave budgets, step and further free sizes "
            "out"
        )
    from flopscope.choosing.crossing import crossing

    if not isinstance(target, str) or inputs or arguments or example:
        raise BadInput(
            "when is for models of the catalogue; give the name of one, such as 'mobilenetv2', and "
            "neither inputs nor arguments"
        )
    names = [str(each) for each in free]
    return CrossingReport(crossing(target, when, *names, res=res, batch=batch or 1))


def _fitted(
    network: Any,
    most: list[Budget],
    free: Free,
    optimizer: str,
    sizes: tuple[Any, int | None, int | None],
    inputs: tuple[Shapes, ...],
    more: tuple[Mapping[str, Any] | None, Mapping[str, int] | None],
) -> FitReport:
    """The largest batch of a training step within a memory."""
    from flopscope.answers.counted import Given
    from flopscope.answers.making import target_of
    from flopscope.choosing.fitting import check_fit, largest_batch

    res, batch, step = sizes
    budget = check_fit(most, free, step)
    if batch is not None:
        raise BadInput("batch is given and free at once; leave one of them out")
    arguments, example = more
    given = Given(res, 1, specs(inputs), (), example or {})
    return FitReport(largest_batch(target_of(network), budget, given, optimizer, arguments))
