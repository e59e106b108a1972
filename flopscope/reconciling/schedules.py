"""Training schedules as their paper has them and as the released code does, and the time that the
paper says they save beside the work that they save.

The work of both passes is that of closed forms: three times the forward pass, less the gradient of
the images, for which no one asks. Traces of both passes give the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from flopscope.answers.counted import Given, counted
from flopscope.answers.target import parse_target
from flopscope.answers.train_cost.schedule import rising
from flopscope.brief import short
from flopscope.catalog.progressive import CLAIMS, Claim
from flopscope.catalog.training import EFFICIENTNETV2, IMAGES, PAPER
from flopscope.readings import macs

FLOPS_PER_MAC = 2
FIRST, STAGES = 128, 4
"""How progressive learning begins in the paper, for networks whose schedule it does not state."""


@cache
def training_macs(network: str, size: int) -> int:
    """The MACs of both passes of one image of this size through a network of the catalogue.

    >>> training_macs("mobilenetv1", 32) == 3 * 12_610_048 - 2 * 16 * 16 * 27 * 16
    True
    """
    rows = counted(parse_target(network), Given(size, 1)).ledger.rows
    first = [row for row in rows if any(tensor < 0 for tensor in row.reads)]
    return 3 * int(macs(rows).value) - int(macs(first).value)


@dataclass(frozen=True)
class Work:
    """A schedule by the sizes of its stages, which have equally many images each. `flops` are those
    of all images and epochs, and `fixed` those at its last size from the first step on. The
    magnitude of RandAugment and the rate of dropout are those of the first and the last stage."""

    by: str
    sizes: tuple[int, ...]
    flops: int
    fixed: int
    randaugment: tuple[int, int] = (0, 0)
    dropout: tuple[float, float] = (0, 0)

    @property
    def saved(self) -> Fraction:
        """The share of the work that it saves."""
        return 1 - Fraction(self.flops, self.fixed)


@dataclass(frozen=True)
class ScheduleFinding:
    """The schedule of a network in the paper and in the released code, which are not the same."""

    network: str
    paper: Work
    code: Work

    def __repr__(self) -> str:
        return short(self, f"{self.network}, {float(self.code.flops / self.paper.flops):.2f} times")


@dataclass(frozen=True)
class TimeFinding:
    """The time that the paper says is saved, and the least and the most work that is."""

    claim: Claim
    least: Fraction
    most: Fraction

    def __repr__(self) -> str:
        return short(self, f"{self.claim.network} at {self.claim.size}: {self.verdict}")

    @property
    def verdict(self) -> str:
        """Does work explain the time?"""
        time = Fraction(self.claim.saved, 100)
        if time > self.most:
            return "more time than work"
        return "less time than work" if time < self.least else "as much as work"


def work(network: str, sizes: Sequence[int], images: int) -> tuple[int, int]:
    """The FLOPs of so many images over stages of these sizes, and all of them at the last size."""
    each = [training_macs(network, size) for size in sizes]
    flops = FLOPS_PER_MAC * images * Fraction(sum(each), len(each))
    return round(flops), FLOPS_PER_MAC * images * each[-1]


def schedules(networks: Iterable[str]) -> Iterator[ScheduleFinding]:
    """What the paper and the code have of those networks whose schedules are published."""
    for network in networks:
        if network in PAPER:
            yield ScheduleFinding(network, _of_paper(network), _of_code(network))


def _of_paper(network: str) -> Work:
    row = PAPER[network]
    sizes = rising(*row.sizes, row.stages)
    flops, fixed = work(network, sizes, row.epochs * IMAGES)
    return Work("paper", sizes, flops, fixed, row.randaugment, row.dropout)


def _of_code(network: str) -> Work:
    row = EFFICIENTNETV2[network]
    flops, fixed = work(network, row.sizes(), row.epochs * IMAGES)
    rises = row.least_randaugment, row.randaugment
    return Work("code", row.sizes(), flops, fixed, rises, (row.dropout, row.dropout))


def times(networks: Iterable[str]) -> Iterator[TimeFinding]:
    """What the paper claims of these networks, with the work by the least and by the largest size
    that training may have ended at."""
    wanted = set(networks)
    for claim in CLAIMS:
        if claim.network in wanted:
            ends = [
                Work("", sizes, *work(claim.network, sizes, 1)).saved
                for sizes in (rising(FIRST, size, STAGES) for size in claim.sizes)
            ]
            yield TimeFinding(claim, min(ends), max(ends))
