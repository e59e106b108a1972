"""What a search of a design space found, and how it was told to search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flopscope.answers.ownspaces import AnySpace
from flopscope.answers.spacebounds import LATENCY, Bound, budget_names
from flopscope.answers.spacequestions import AnyTable
from flopscope.brief import short
from flopscope.choosing.objective import Objective
from flopscope.choosing.trial import Evolved
from flopscope.designspaces.slots import Design
from flopscope.quantities import Quantity

LISTING = "listing"
"""The method for spaces that are lists."""

METHODS: Mapping[str, str] = {
    "dp": "a dynamic programme",
    "cp-sat": "CP-SAT",
    "nsga2": "NSGA-II",
    LISTING: "counting each of them",
}
SECONDS = 60.0
"""So long CP-SAT searches unless told otherwise."""
EVALUATIONS = 20_000
"""So many designs NSGA-II evaluates unless told otherwise."""


class Candidate(NamedTuple):
    """A design, what it costs in each quantity, its latency in units of the bound where one is
    bounded, its score, and what was measured of it if anything was."""

    design: Design
    costs: tuple[int, ...]
    latency: int | None
    score: float
    measured: float | None


@dataclass(frozen=True)
class How:
    """How to search: the method, or None for that which fits; and what bounds and seeds it."""

    method: str | None = None
    seed: int = 0
    seconds: float = SECONDS
    evaluations: int = EVALUATIONS
    fit_rows: int | None = None


@dataclass(frozen=True)
class Search:
    """What was found. `front` is the frontier of the first cost and the score within the budgets,
    cheapest first; `best` the design of the highest score, None where nothing was found.

    `proven` says that no design of the space is better; `bound` is a score that none exceeds, where
    one is known. `evolved` tells how a search that proves nothing went. `scored` is the number of
    networks that have a score, where only some of a list have one.
    """

    space: AnySpace
    res: int | None
    quantities: tuple[Quantity, ...]
    tables: tuple[AnyTable, ...]
    bounds: tuple[Bound, ...]
    objective: Objective
    how: How
    method: str
    front: tuple[Candidate, ...]
    proven: bool
    bound: float | None = None
    evolved: Evolved | None = field(default=None, compare=False)
    scored: int | None = None

    def __repr__(self) -> str:
        return short(self, f"{self.space.name}, {METHODS[self.method]}")

    @property
    def best(self) -> Candidate | None:
        """The design of the highest score."""
        return self.front[-1] if self.front else None

    @property
    def holds(self) -> bool:
        """Was a design found?"""
        return bool(self.front)

    @property
    def latency(self) -> Bound | None:
        """The bound on time; None where there is none."""
        return next((bound for bound in self.bounds if bound.name == LATENCY), None)

    @property
    def broken(self) -> tuple[Bound, ...]:
        """The budgets that no design keeps."""
        return tuple(bound for bound in self.bounds if bound.least > bound.most)


def title(found: Search) -> str:
    """The space, the input and the budgets in words."""
    side = "" if found.res is None else f", {found.res}×{found.res}"
    words = budget_names(list(found.bounds))
    return f"{found.space.name}{side}{words and ', '}{words}"
