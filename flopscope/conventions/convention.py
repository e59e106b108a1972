"""A convention: how much each kind of operator counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from flopscope.brief import short
from flopscope.conventions.countable import COUNTABLES, Countable
from flopscope.facts import Arithmetic, Kind, Operator
from flopscope.sizes import Size, scaled, total

Weights: TypeAlias = Mapping[Countable, int]
NOTHING: Weights = {}


@dataclass(frozen=True)
class Convention:
    """A named way of counting. `unit` is MACs or FLOPs; `counts` says in words what is counted, and
    a row of a kind or function in `unknown` may count more than is known."""

    name: str
    unit: str
    counts: str
    source: str
    weights: Mapping[Kind | Arithmetic, Weights]
    # what a tool counts for a sparse product depends on how the product is written
    unknown: frozenset[Kind | Arithmetic] = frozenset({Kind.UNKNOWN, Kind.SPARSE_MATMUL})

    def __repr__(self) -> str:
        return short(self, f"{self.name}, {self.unit}")

    def of(self, kind: Kind, function: Arithmetic | None = None) -> Weights:
        """What it counts in a row of that kind and function; an empty table where it counts
        nothing. Tools do not look at the function of a grid sample."""
        weights = self.weights.get(kind, NOTHING)
        if function is None or kind is Kind.GRID_SAMPLE:
            return weights
        return self.weights.get(function, weights)

    def knows(self, row: Operator) -> bool:
        """Is its count for the row exact?"""
        return row.kind not in self.unknown and row.function not in self.unknown

    def count(self, row: Operator) -> Size:
        """The count of one application of the row; 0 for a kind that counts nothing under the
        convention."""
        weights = self.of(row.kind, row.function)
        counts = [scaled(COUNTABLES[of](row), weight) for of, weight in weights.items()]
        return counts[0] if len(counts) == 1 else total(counts)
