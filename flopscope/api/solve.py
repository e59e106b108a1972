"""Budgets solved backwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flopscope.api.budgets import budgets
from flopscope.api.public import public
from flopscope.errors import BadInput
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from flopscope.search.crossing import Crossing
    from flopscope.search.solve import Solution


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


@public()
def solve(
    target: str,
    *,
    free: str | Sequence[str] = (),
    when: str | None = None,
    res: int | tuple[int, int] | None = None,
    batch: int | None = None,
    step: int | None = None,
    **limits: int | float | str | None,
) -> SolutionReport | CrossingReport:
    """The largest designs of a network that keep every budget; or, with `when`, where one cost
    overtakes another.

    A budget has the name of its quantity: macs="150M", params=5_000_000. `free` names what is
    chosen: "width", "res", "depth", "batch", "classes", or a list of them. `when` is an equation
    such as "attention = conv". Raises BadInput, UnknownName.

    >>> (largest,) = solve("mobilenetv2", macs="300,774,272", free="res").solution.designs
    >>> largest.sizes["res"]
    224
    """
    most = budgets(limits)
    if when is None:
        from flopscope.search.solve import solve as solved

        return SolutionReport(solved(target, most, free, res=res, batch=batch, step=step))
    if most or step is not None or len(free) > 1:
        raise BadInput(
            "when is an equation along one free size; leave budgets, step and further free sizes "
            "out"
        )
    from flopscope.search.crossing import crossing

    return CrossingReport(crossing(target, when, *free, res=res, batch=batch or 1))
