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
    from flopscope.choosing.crossing import Crossing
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


@public(target=network_or_maker, free=ranges, arguments=mapping, device=as_given)
def solve(
    target: str | nn.Module | Callable[..., nn.Module],
    *inputs: Shapes,
    free: Free = (),
    when: str | None = None,
    res: int | tuple[int, int] | None = None,
    batch: int | None = None,
    step: int | None = None,
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
    device: str | Device | None = None,
    **limits: int | float | str | None,
) -> SolutionReport | CrossingReport:
    """The largest designs of a network that keep every budget; or, with `when`, where one cost
    overtakes another.

    `target` is a text as the command line takes it, a module, or a class or function that makes
    one. A budget has the name of its quantity: macs="150M", params=5_000_000, or
    latency="12ms" on a `device`. `free` names what is
    chosen: "res", "batch", options of a catalogue model, arguments of a constructor. It may give
    values: "width=16:128:8" or {"width": range(16, 129, 8), "res": None}. `when` is an equation
    such as "attention = conv". Raises BadInput, UnknownName.

    >>> (largest,) = solve("mobilenetv2", macs="300,774,272", free="res").solution.designs
    >>> largest.sizes["res"]
    224
    >>> from torch import nn
    >>> made = solve(nn.Linear, (1, 64), free={"out_features": range(1, 99)}, macs=2_000,
    ...              arguments={"in_features": 64})
    >>> made.solution.designs[0].sizes
    {'out_features': 31}
    """
    most = budgets(limits, device=device_given(device))
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
